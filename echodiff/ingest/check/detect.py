"""Which format a folder has, told from names and first bytes, and the options that its files suggest."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from echodiff.config.datasets import OUTLINES, DicomDataset, FramesDataset, VolumeDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.check.archive_names import echonet_options
from echodiff.ingest.check.cines import cine_options
from echodiff.ingest.check.label_content import holds_labels
from echodiff.ingest.check.labels import NO_LABELS, label_options
from echodiff.ingest.check.outlines import unused_outlines
from echodiff.ingest.folder.image_pattern import ImagePattern
from echodiff.ingest.folder.walk import files_below, is_lost
from echodiff.ingest.identity.names import is_writable
from echodiff.ingest.labels.beside import STRUCTURE, LabelFiles
from echodiff.ingest.labels.pairs import JPEG, label_files
from echodiff.ingest.planes.cine_or_volume import sectors_of
from echodiff.ingest.readers.arrays import holds_both
from echodiff.ingest.readers.camus import PATIENT
from echodiff.ingest.readers.dicom_file import is_dicom
from echodiff.ingest.readers.dicom_header import is_volume
from echodiff.ingest.readers.frames_file import is_frames
from echodiff.ingest.readers.frames_table import read_frames_table
from echodiff.ingest.readers.itk import is_itk, read_planes
from echodiff.ingest.readers.picture import STILLS
from echodiff.ingest.readers.video import VIDEOS

LABEL_NAMES = {  # patterns that need no option
    "dicom": DicomDataset.model_fields["label_pattern"].default,
    "volume": VolumeDataset.model_fields["label_pattern"].default,
    "frames": FramesDataset.model_fields["label_pattern"].default,
}
FRAMES_TABLE = FramesDataset.model_fields["table"].default
LOOKED_AT = 8  # volumes that may be planes
LABEL_WORD = re.compile(r"(?<![a-z])(masks?|labels?|seg(mentation)?s?|gt|annotations?)(?![a-z])", re.I)
LOOKED_AT_PICTURES = 40  # images that may be label maps
TABLES = ("FileList.csv", "VolumeTracings.csv")
PLANES = (
    "expected volumes, found images of one plane or cines (2D + t) among them, such as {}; give them a folder and a "
    "dataset of `format: frames` of their own"
)
NO_PLANES = (
    "expected label volumes beside the volumes, or planes.csv, found neither; write a planes.csv (docs/formats.md), "
    "with which `labels: predicted` has a segmenter draw the label maps, or name label volumes that lie elsewhere by "
    "`label_pattern`"
)

IN_PARTS = (
    "expected label volumes with the values of LV, MYO and LA, found one mask a structure; join each volume's masks "
    "into one label volume"
)


class Unread(NamedTuple):
    """Files that the format of the others does not read."""

    name: str
    endings: tuple[str, ...]
    remedy: str


UNREAD = (
    Unread(
        "picture",
        STILLS,
        "frames that are no copies of these images need a folder and a dataset of `format: frames` of their own",
    ),
    Unread(
        "video",
        VIDEOS,
        "cines that are no copies of these images need a folder and a dataset of `format: frames` of their own",
    ),
    Unread("file of MATLAB", (".mat",), "save image and label map as .npy (scipy.io.loadmat, numpy.save) or as NIfTI"),
    Unread("archive", (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"), "unpack the archive first"),
)


@dataclass(frozen=True)
class Guess:
    """A format that the folder may have."""

    format: str
    evidence: str
    """What speaks for it, to be read by a person."""
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the dataset entry besides format and folder."""
    remarks: tuple[str, ...] = ()
    """What the user has to see to."""


def guesses(folder: Path) -> Iterator[Guess]:
    """The formats that the folder may have, the likeliest first."""
    patients = [path for path in folder.glob("*") if path.is_dir() and PATIENT.match(path.name)]
    for inner in ("database_nifti", "training"):
        patients = patients or [path for path in folder.glob(f"{inner}/*") if PATIENT.match(path.name)]
    if patients:
        yield Guess("camus", f"{len(patients)} folders named patientXXXX", folder)
        return
    tables = [name for name in TABLES if (folder / name).is_file()]
    if tables:
        videos = [path for path in files_below(folder) if path.suffix.lower() == ".avi"]
        options = echonet_options(folder / TABLES[0], videos)
        evidence = f"{' and '.join(tables)}, {len(videos)} videos"
        yield Guess("echonet", evidence, folder, options, _echonet_remarks(tables))
        return
    files = files_below(folder)
    archives = _archives(folder)
    if archives and not any(is_itk(path) or is_dicom(path) for path in _outside_of(archives, files)):
        first, *others = archives  # the folder that an archive was unpacked into
        remarks = tuple(_own_dataset(folder, inner, archives[inner]) for inner in others)
        yield from (replace(guess, remarks=(*guess.remarks, *remarks)) for guess in guesses(first))
        return
    dicom = [path for path in files if is_dicom(path) and not is_itk(path)]
    lost = _lost_remarks(folder, set(files) - set(dicom))
    enhanced = {path for path in dicom if is_volume(path)}
    volumes = [path for path in files if is_itk(path) or path in enhanced]
    dicom = [path for path in dicom if path not in enhanced]
    if dicom:
        options = label_options(dicom, LABEL_NAMES["dicom"], files)
        labels = _labels(dicom, options, "dicom")
        remarks = [NO_LABELS] if "labels" in options else _outside(folder, labels)
        others = set(files) - set(dicom) - set(volumes) - labels
        remarks += _elsewhere(folder, [path for path in volumes if path not in labels], others)
        guess = Guess("dicom", _counted(len(set(dicom) - labels), "DICOM file"), folder, options, tuple(remarks))
        yield replace(guess, remarks=(*guess.remarks, *_unused_outlines(guess, others), *lost))
        return
    frames = _outside_of(archives, (path for path in files if is_frames(path)))
    own = _outside_of(archives, volumes)
    if frames and not enhanced and _are_frames(own, others=len(frames) > len(own)):
        others = set(files) - set(frames)
        guess = _frames(folder, frames, files)
        outlines = _unused_outlines(guess, others)
        yield replace(guess, remarks=(*guess.remarks, *_elsewhere(folder, [], others), *outlines, *lost))
        return
    if volumes:
        options = label_options(volumes, LABEL_NAMES["volume"])
        in_parts = STRUCTURE in options.get("label_pattern", "")
        if in_parts:
            options = {"labels": "predicted"}
        labels = _labels(volumes, options, "volume")
        images = [path for path in volumes if path not in labels]
        evidence = (
            f"{_counted(len(images), 'volume')} in NIfTI, MetaImage, NRRD or Enhanced US Volume, "
            f"{len(labels)} of labels"
        )
        remarks = _outside(folder, labels) + _volume_remarks(folder, images, labelled="labels" not in options)
        remarks += [IN_PARTS] if in_parts else []
        remarks += _elsewhere(folder, [], set(files) - set(volumes) - labels) + lost
        yield Guess("volume", evidence, folder, options, tuple(remarks))


def _frames(folder: Path, frames: list[Path], files: list[Path]) -> Guess:
    """Stills and cines; where a table names their label maps it needs no pattern."""
    listed = read_frames_table(folder / FRAMES_TABLE)
    tabled = {folder / path for row in listed.values() for path in row.files.values()}
    labels = {folder / row.label for row in listed.values() if row.label}
    labelled = tabled | {folder / path for path, row in listed.items() if row.label}
    labels |= {path for path in frames if holds_both(path)}
    others = [path for path in frames if path not in labelled | labels]
    options = label_options(others, LABEL_NAMES["frames"], files) if others else {}
    if labels and "labels" in options:  # the table or the files themselves have all that there are
        options = {}
    labels |= _labels(others, options, "frames")
    named = ImagePattern(options.get("image_pattern", ""))
    images = [path for path in frames if named.names(path) and (path not in labels | tabled or holds_both(path))]
    own = label_files(images, _maps(options, "frames"), needed=False)
    cine, of_cines = cine_options(images, labelled | {path for path, roles in own.items() if roles}, folder)
    evidence = (
        f"{_counted(len(images), 'picture, plane or cine', 'pictures, planes or cines')}, {len(labels)} of labels"
    )
    remarks = [*_stray_labels(folder, images), NO_LABELS] if "labels" in options else _outside(folder, labels)
    return Guess("frames", evidence, folder, {**options, **cine}, (*remarks, *of_cines))


def _stray_labels(folder: Path, images: Sequence[Path]) -> list[str]:
    """A remark where files that would be read as images look like label maps; some are looked at."""
    some = images[:: -(-len(images) // LOOKED_AT_PICTURES)] if images else images
    stray = [path for path in some if holds_labels(path) or _is_jpeg_of_labels(path)]
    if not stray:
        return []
    first = stray[0].relative_to(folder).as_posix()
    return [
        f"found label maps that belong to no image by their names, or are JPEG, such as {first}; name each after its "
        "image or in a table cases.csv (docs/formats.md), and save label maps as PNG, as JPEG changes their values"
    ]


def _is_jpeg_of_labels(path: Path) -> bool:
    """By its name or folder, as its values have changed."""
    named = LABEL_WORD.search(path.stem) or LABEL_WORD.search(path.parent.name)
    return path.suffix.lower() in JPEG and named is not None


def _are_frames(volumes: Sequence[Path], others: bool) -> bool:
    """Whether files in NIfTI, MetaImage or NRRD are planes or cines, or label maps of the `others`, pictures or videos.

    A few are looked at.
    """
    some = volumes[:: max(len(volumes) // LOOKED_AT, 1)]
    images = [path for path in some if not holds_labels(path)]
    if others and not images:
        return True
    return sum(_is_planar(path) for path in images or some) * 2 >= len(images or some)


def _labels(images: list[Path], options: Mapping[str, Any], format: str) -> set[Path]:
    """All label maps beside the images."""
    maps = _maps(options, format)
    return {label for path in images for label in maps.beside(path)}


def _maps(options: Mapping[str, Any], format: str) -> LabelFiles:
    images = ImagePattern(options.get("image_pattern", ""))
    return LabelFiles(options.get("label_pattern", LABEL_NAMES[format]), images=images)


def _outside(folder: Path, labels: set[Path]) -> list[str]:
    """Label maps that were found outside the folder: only the user knows whether they are those of its images."""
    root = os.path.abspath(folder)
    outside = sorted(path for path in labels if not Path(os.path.abspath(path)).is_relative_to(root))
    if not outside:
        return []
    first = os.path.relpath(outside[0], folder)
    return [
        f"found {_counted(len(outside), 'label map')} outside the folder, such as {first}; see that they were drawn on "
        "these images"
    ]


def _volume_remarks(folder: Path, images: list[Path], *, labelled: bool) -> list[str]:
    """What volumes need for their four-chamber planes."""
    if images and _is_planar(images[0]):
        return [PLANES.format(images[0].relative_to(folder).as_posix())]
    table = (folder / "planes.csv").is_file()
    if labelled:
        return [] if table else ["found no planes.csv; the four-chamber planes will be looked for beside the labels"]
    return [NO_LABELS if table else NO_PLANES]


def _is_planar(path: Path) -> bool:
    """Whether an image is one plane or a cine; not where it cannot be read, which reading the case reports."""
    try:
        if not is_itk(path) or not is_writable(str(path)):
            return False
        planes, _ = read_planes(path, "")
        return min(planes.shape[1:]) > 1 and (len(planes) == 1 or sectors_of(planes, "").of_cine)
    except Reject:
        return False


def _elsewhere(folder: Path, volumes: list[Path], others: set[Path]) -> list[str]:
    """What of other formats lies in the folder and would not be read with it; `others` may be any files."""
    remarks = []
    archives = _archives(folder)
    volumes, others = _outside_of(archives, volumes), set(_outside_of(archives, others))
    if volumes:
        remarks.append(
            f"found {_counted(len(volumes), 'file')} in NIfTI, MetaImage, NRRD or Enhanced US Volume besides, such as "
            f"{volumes[0].relative_to(folder).as_posix()}; volumes need a folder and a dataset of `format: volume` of "
            "their own"
        )
    remarks += [_own_dataset(folder, inner, kind) for inner, kind in archives.items()]
    return remarks + [text for kind in UNREAD if (text := _unread(folder, kind, others))]


def _unused_outlines(guess: Guess, others: Iterable[Path]) -> list[str]:
    """A remark on files of outlines, but where the entry names such by a pattern."""
    if guess.options.get("label_pattern", "").lower().endswith(OUTLINES):
        return []
    return unused_outlines(guess.folder, sorted(_outside_of(_archives(guess.folder), others)))


def _unread(folder: Path, kind: Unread, files: set[Path]) -> str:
    """How many files of a kind that no format reads lie in the folder; empty where there are none."""
    found = sorted(path for path in files if path.suffix.lower() in kind.endings and not path.name.startswith("."))
    if not found:
        return ""
    number = _counted(len(found), kind.name)
    return f"found {number} besides, such as {found[0].relative_to(folder).as_posix()}; {kind.remedy}"


def _lost_remarks(folder: Path, files: set[Path]) -> list[str]:
    lost = sorted(path for path in files if is_lost(path))
    if not lost:
        return []
    return [
        f"found {_counted(len(lost), 'file or folder', 'files or folders')} that cannot be opened, such as "
        f"{lost[0].relative_to(folder).as_posix()}; each is a rejected case"
    ]


def _own_dataset(folder: Path, inner: Path, kind: str) -> str:
    return f"found {kind} in {inner.relative_to(folder).as_posix()}; give that folder a dataset"


def _outside_of(archives: Iterable[Path], files: Iterable[Path]) -> list[Path]:
    return [path for path in files if not any(path.is_relative_to(inner) for inner in archives)]


def _archives(folder: Path) -> dict[Path, str]:
    """The public archives in a folder, or one below, and which each is."""
    inner = [path for depth in ("*", "*/*") for path in sorted(folder.glob(depth)) if path.is_dir()]
    return {path: kind for path in inner if (kind := _archive(path))}


def _archive(folder: Path) -> str:
    """The public archive that a folder holds, empty where it is none or cannot be listed."""
    try:
        if any(PATIENT.match(name) for name in os.listdir(folder)):
            return "CAMUS"
    except OSError:
        return ""
    return "EchoNet-Dynamic" if any((folder / name).is_file() for name in TABLES) else ""


def _counted(number: int, thing: str, things: str = "") -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {things or thing + 's'}"


def remedy(folder: Path) -> str:
    """What to do with a folder that has none of the formats."""
    endings = {path.suffix.lower() for path in files_below(folder)}
    for kind in UNREAD:
        if endings & set(kind.endings):
            return kind.remedy
    return "give the folder that holds the images"


def contents(folder: Path) -> str:
    """How many files of each ending lie in a folder, the most frequent first."""
    counts = Counter(path.suffix.lower() or "no ending" for path in files_below(folder))
    return ", ".join(f"{count} x {ending}" for ending, count in counts.most_common(8)) or "no file at all"


def _echonet_remarks(tables: list[str]) -> tuple[str, ...]:
    return tuple(f"expected {name} beside the other table, found none" for name in TABLES if name not in tables)
