"""Phantom sources: datasets that are written by the program itself, as files of a scanner, with known truth."""

from typing import Literal

from pydantic import Field

from echodiff.config.base import Section

# Machine -> the format of its files.
FORMATS = {
    "camus": "camus",
    "vscan": "dicom",
    "vscan_air": "dicom",
    "echonet": "echonet",
    "2d_t": "dicom",
    "3d_spatial": "volume",
}


class PhantomSource(Section):
    """Which machine's files to write, and for how many patients."""

    machine: Literal["camus", "vscan", "vscan_air", "echonet", "2d_t", "3d_spatial"]
    """The machine whose files and images are imitated. The dataset's `format` must match: `dicom` for `vscan`,
    `vscan_air` and `2d_t`, `volume` for `3d_spatial`, else the machine's name."""

    patients: int = Field(default=24, ge=1)
    """Number of patients, one case each."""

    frames: int = Field(default=12, ge=6)
    """Frames of a cine, one heartbeat up to 40 frames; CAMUS's half sequence has a third of them, a volume one."""

    seed: int = Field(default=2024, ge=0)
    """Seed of anatomy and speckle; two datasets never share a patient, even with the same seed."""
