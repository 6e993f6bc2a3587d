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
    """Which machine's files are written, for how many patients."""

    machine: Literal["camus", "vscan", "vscan_air", "echonet", "2d_t", "3d_spatial"]
    """The machine whose files and looks are imitated; its files have to be of the dataset's `format`, which is `dicom`
    for `vscan`, `vscan_air` and `2d_t`, `volume` for `3d_spatial`."""

    patients: int = Field(default=24, ge=1)
    """Number of patients, one case each."""

    frames: int = Field(default=12, ge=6)
    """Frames of a cine, one heartbeat up to 40 of them; a third of it for CAMUS's half sequence; volumes have one."""

    seed: int = Field(default=2024, ge=0)
    """Seed of anatomy and speckle; two datasets never share a patient, not even with one seed."""
