"""Section `datasets`: where the images come from and how they are read."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from echodiff.config.base import Section, UserPath
from echodiff.config.phantom import FORMATS, PhantomSource
from echodiff.labels import LABELS

PLACEHOLDER = re.compile(r"\{[^{}]*\}?|\}")
IN_LABELS, IN_IMAGES = ("{stem}", "{id}", "{folders}", "{structure}"), ("{id}",)
OUTLINES = (".json", ".xml", ".csv")  # of annotation programs


def _known_placeholders(pattern: str, known: tuple[str, ...]) -> None:
    wrong = [found for found in PLACEHOLDER.findall(pattern) if found not in known]
    if wrong:
        raise ValueError(f"expected {' or '.join(known)} as placeholders, found {wrong[0]}")


def _label_pattern(pattern: str) -> str:
    _known_placeholders(pattern, IN_LABELS)
    _, _, after = pattern.partition("{structure}")
    wrong = [part for part in ("{structure}", "..", "**", "{folders}") if part in after]
    if wrong:
        raise ValueError(f"expected {{structure}} once and nothing but names after it, found {wrong[0]} after it")
    if "{structure}" in pattern and pattern.lower().endswith(OUTLINES):
        raise ValueError("expected {structure} in the names of masks, found it in that of outlines, which have names")
    return pattern


def _image_pattern(pattern: str) -> str:
    _known_placeholders(pattern, IN_IMAGES)
    if pattern.count("{id}") > 1:
        raise ValueError("expected {id} once in image_pattern, found it twice")
    return pattern


LabelPattern = Annotated[str, Field(min_length=1), AfterValidator(_label_pattern)]
ImagePattern = Annotated[str, AfterValidator(_image_pattern)]
# A value of the source's label maps -> the structure that it stands for.
LabelValues = dict[int, Literal[LABELS]]


class DatasetBase(Section):
    """What all formats share; each of them has a `format`, its name."""

    title: str = ""
    """Name in tables and figures; empty: the entry's key. `(phantom)` is appended if the images are simulated."""

    scanner: str = ""
    """Scanner printed in Table 1 if the files do not name one."""

    folder: UserPath | None = None
    """Folder of the files: an absolute path, or relative to where the workflow is started."""

    phantom: PhantomSource | None = None
    """Write this phantom and ingest it, instead of a folder."""

    ed: Literal["auto", "explicit"] = "auto"
    """The end-diastolic frame is the one that the files name. `auto`: if they name none and `labels: predicted` is set,
    it is found in the images."""

    labels: Literal["file", "predicted"] = "file"
    """`file`: a case needs labels in its files. `predicted`: a segmenter trained on the training dataset labels the
    cases that have none; cases with labels keep them."""

    case_ids: Literal["source", "hashed"] = "hashed"
    """Names of cases and patients in all outputs: `source`, as in the files; `hashed`, keyed hashes, which only someone
    with the key and the files can trace back."""

    case_seconds: float = Field(default=120.0, gt=0)
    """Longest time in seconds for reading one case; a case that takes longer is rejected."""

    completion: Literal["none", "shape", "dilation"] = "none"
    """What happens to label maps that contain only the left ventricle. `none`: they are kept as they are. Else wall and
    atrium are estimated from the ventricle, with `shape` by the shape model of the training dataset, with `dilation` by
    a wall of even thickness and an ellipse. Other label maps are never changed."""

    @property
    def completes(self) -> bool:
        """Whether label maps that have the left ventricle alone get a wall and an atrium."""
        return self.completion != "none"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.folder is None and self.phantom is None:
            raise ValueError("expected a folder or a phantom, found neither; write `folder: PATH`")
        if self.folder is not None and self.phantom is not None:
            raise ValueError(
                "expected either a folder or a phantom, found both, as in an entry on top of another one of its name; "
                "write `phantom: null` beside the folder, or give the entry a name of its own"
            )
        return self

    @model_validator(mode="after")
    def _phantom_of_this_format(self) -> Self:
        written = FORMATS[self.phantom.machine] if self.phantom else self.format
        if written != self.format:
            machines = " or ".join(name for name, format in FORMATS.items() if format == self.format) or "none"
            raise ValueError(
                f"expected a phantom whose files are of this format (phantom.machine: {machines}), found "
                f"{self.phantom.machine}; set format: {written}, or another machine"
            )
        return self


class CamusDataset(DatasetBase):
    """CAMUS, NIfTI or MetaImage."""

    format: Literal["camus"]

    case_ids: Literal["source", "hashed"] = "source"
    """Names in all outputs: `source`, as in the files (a public archive without identities); `hashed`, keyed hashes."""


class EchonetDataset(DatasetBase):
    """EchoNet-Dynamic."""

    format: Literal["echonet"]

    case_ids: Literal["source", "hashed"] = "source"
    """Names in all outputs: `source`, as in the files (an archive without identities); `hashed`, keyed hashes."""

    completion: Literal["shape", "dilation"] = "shape"
    """How wall and atrium are estimated from the left ventricle, the only structure that is traced. `shape`: by the
    shape model of the training dataset; `dilation`: by a wall of even thickness and an ellipse."""


class LabelMapsBeside(DatasetBase):
    """What formats in 2D with label maps beside the images share."""

    labels: Literal["file", "predicted", "none"] = "file"
    """`file`: a case needs a label map beside it. `predicted`: a segmenter trained on the training dataset labels the
    cases that have none; cases with labels keep them. `none`: the frames are read and shown in the report, but not
    translated, as there is no label map to draw from."""

    image_pattern: ImagePattern = ""
    """Name of the images, such as `image_{id}.png`: `{id}` stands for what an image has in common with its label map,
    `*` for anything; other files are no images then. Empty: all files that can be images are (docs/formats.md)."""

    label_pattern: LabelPattern = "{stem}_gt.*"
    """Name of the label map beside a file, relative to its folder; `{stem}` stands for the file's name without its
    extension, `{id}` for what it stands for in `image_pattern`, `{structure}` for the name of a structure where each
    has a mask of its own. A pattern that ends in `.json`, `.xml` or `.csv` names outlines of LabelMe, COCO, CVAT or VGG
    Image Annotator (docs/formats.md)."""

    label_values: LabelValues = Field(default_factory=dict)
    """Value in the label map -> 0 background, 1 LV, 2 MYO, 3 LA; empty: the label maps use these values."""

    @model_validator(mode="after")
    def _id_in_both(self) -> Self:
        if "{id}" in self.label_pattern and "{id}" not in self.image_pattern:
            raise ValueError(
                "expected {id} in image_pattern as in label_pattern, found it in label_pattern alone; write, for "
                "example, image_pattern: image_{id}.png"
            )
        return self

    @model_validator(mode="after")
    def _segmented_frames(self) -> Self:
        if self.ed == "segmented_area" and self.labels != "predicted":
            raise ValueError(f"expected `labels: predicted` with `ed: segmented_area`, found labels: {self.labels}")
        return self


class DicomDataset(LabelMapsBeside):
    """Ultrasound DICOM with label maps beside it."""

    format: Literal["dicom"]

    ed: Literal[
        "auto",
        "table",
        "explicit",
        "still",
        "labelled",
        "r_wave",
        "ecg",
        "largest_lv",
        "label",
        "self_similarity",
        "segmented_area",
    ] = "auto"
    """Rule that finds the end-diastolic frame (docs/formats.md); `auto` tries them in turn."""

    ed_table: str = "ed_frames.csv"
    """Table in the folder with end-diastolic frames chosen by hand: columns `file` and `frame` (from 0)."""

    patient: Literal["patient_id", "study"] = "patient_id"
    """Which patient a file belongs to. `patient_id`: by Patient ID, or by study if that is empty; `study`: always by
    study (Study Instance UID), for files that all have the same Patient ID."""


class FramesDataset(LabelMapsBeside):
    """Frames and cines (2D + t) as pictures, NIfTI, MetaImage, NRRD or videos, with label maps beside them."""

    format: Literal["frames"]

    ed: Literal[
        "auto", "table", "still", "labelled", "ecg", "largest_lv", "label", "self_similarity", "segmented_area"
    ] = "auto"
    """Rule that finds the end-diastolic frame of a cine (docs/formats.md); `auto` tries them in turn. A still is taken
    for end-diastole."""

    cine: Literal["file", "folder"] = "file"
    """What a cine is. `file`: each file is a case, a still or a cine; `folder`: numbered pictures of a folder, such as
    `frame_000.png`, are the frames of one cine, whose label maps may lie beside any of them."""

    table: str = "cases.csv"
    """Optional table in the folder of what the files do not say: patients, pixel sizes, label maps (docs/formats.md);
    `echodiff export` writes such a table."""

    pixel_mm: float | None = Field(default=None, gt=0, le=5)
    """Pixel size in mm for files whose size neither the table nor the file says; without it the size is unknown."""


class VolumeDataset(DatasetBase):
    """Cartesian volumes with label volumes."""

    format: Literal["volume"]

    ed: Literal["auto", "explicit", "lv_volume"] = "auto"
    """`explicit`: the frame in the table of planes; `lv_volume`: the frame with the largest labelled LV; `auto` tries
    them in turn."""

    label_pattern: LabelPattern = "{stem}_label.*"
    """Name of the label volume beside a volume; `{stem}` stands for the file's name without its extension."""

    label_values: LabelValues = Field(default_factory=dict)
    """Value in the label volume -> 0 background, 1 LV, 2 MYO, 3 LA; empty: the label volumes use these values."""

    @field_validator("label_pattern")
    @classmethod
    def _whole_label_volumes(cls, pattern: str) -> str:
        if "{structure}" in pattern:
            raise ValueError(
                "expected the name of one label volume, found {structure}, which only formats in 2D have; join the "
                "structures' masks into one label volume"
            )
        if "{id}" in pattern or pattern.lower().endswith(OUTLINES):
            raise ValueError(
                "expected the name of label volumes, found {id} or outlines, which only formats in 2D have"
            )
        return pattern

    planes: str = "planes.csv"
    """Table in the folder with three landmarks of each volume's 4CH plane; planes that it lacks are found."""

    pixel_mm: float = Field(default=0.5, gt=0, le=1)
    """Largest pixel of the cut plane in mm; a volume with smaller voxels is cut at their size."""


Dataset = Annotated[
    CamusDataset | EchonetDataset | DicomDataset | VolumeDataset | FramesDataset, Field(discriminator="format")
]
