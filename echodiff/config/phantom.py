"""Phantom sources: datasets that are written by the program itself, as files of a scanner, with known truth."""

from typing import Literal, Self

from pydantic import Field, model_validator

from echodiff.config.base import Section

# Machine -> the format of its files.
FORMATS = {
    "camus": "camus",
    "vscan": "dicom",
    "vscan_air": "dicom",
    "echonet": "echonet",
    "2d_t": "dicom",
    "3d_spatial": "volume",
    "epiq": "frames",
}


class PhantomSource(Section):
    """Which machine's files to write, and for how many patients."""

    machine: Literal["camus", "vscan", "vscan_air", "echonet", "2d_t", "3d_spatial", "epiq"]
    """The machine whose files and images are imitated. The dataset's `format` must match: `dicom` for `vscan`,
    `vscan_air` and `2d_t`, `volume` for `3d_spatial`, `frames` for `epiq`, else the machine's name."""

    patients: int = Field(default=24, ge=1)
    """Number of patients, one case each."""

    frames: int = Field(default=12, ge=6)
    """Frames of a cine, one heartbeat up to 40 frames; CAMUS's half sequence has a third of them, a volume one."""

    seed: int = Field(default=2024, ge=0)
    """Seed of anatomy and speckle; two machines never share a patient, even with the same seed."""

    layout: Literal["screens", "nnunet", "labelme"] = "screens"
    """How the files of `epiq` lie (docs/formats.md). `screens`: pictures and videos of the whole screen with label maps
    in a tree like theirs and `cases.csv`; `nnunet`: NIfTI in `imagesTr` and `labelsTr`; `labelme`: pictures of the
    sector with outlines beside them. The latter two need the dataset's `label_pattern`."""

    @model_validator(mode="after")
    def _layout_of_frames(self) -> Self:
        if self.layout != "screens" and FORMATS[self.machine] != "frames":
            machines = " or ".join(name for name, format in FORMATS.items() if format == "frames")
            raise ValueError(
                f"expected `layout` with machine: {machines} alone, found it with {self.machine}; remove it"
            )
        return self
