"""Section `datasets`: where the images come from and how they are read."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from echodiff.config.base import Section
from echodiff.config.phantom import PhantomSource


class DatasetBase(Section):
    """What all formats share."""

    title: str = ""
    """Name in tables and figures; the entry's key where it is empty."""

    scanner: str = ""
    """Scanner as printed in Table 1, where the files do not say."""

    folder: Path | None = None
    """Folder of the files, absolute or relative to where the workflow is started."""

    phantom: PhantomSource | None = None
    """Write this phantom and ingest it, in place of a folder."""

    ed: str = "auto"
    """Rule that finds the end-diastolic frame; `auto` tries them in turn."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.folder is None) == (self.phantom is None):
            raise ValueError("expected either a folder or a phantom, found both or neither")
        return self


class CamusDataset(DatasetBase):
    """CAMUS, NIfTI or MetaImage."""

    format: Literal["camus"]


class EchonetDataset(DatasetBase):
    """EchoNet-Dynamic."""

    format: Literal["echonet"]


class DicomDataset(DatasetBase):
    """Ultrasound DICOM with label maps beside it."""

    format: Literal["dicom"]


class VolumeDataset(DatasetBase):
    """Cartesian volumes with label volumes."""

    format: Literal["volume"]


Dataset = Annotated[
    CamusDataset | EchonetDataset | DicomDataset | VolumeDataset, Field(discriminator="format")
]
