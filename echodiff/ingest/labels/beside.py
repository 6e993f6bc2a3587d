"""A label map in a file beside an image: a picture, NIfTI, MetaImage, NRRD or DICOM SEG, one plane or a stack."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.listings import Listings
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.dicom_seg import read_segmentation
from echodiff.ingest.labels.segments import is_segments, read_segments
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.labels.structure_masks import masks_of, region_of
from echodiff.ingest.labels.structure_names import label_map_of, structure_of
from echodiff.ingest.readers.arrays import LABELS, is_array, read_array
from echodiff.ingest.readers.dicom_file import is_dicom
from echodiff.ingest.readers.itk import is_itk, read_planes, to_labels
from echodiff.ingest.readers.picture import PAGED, PICTURES, read_pages, read_picture

STEM, FOLDERS, STRUCTURE = "{stem}", "{folders}", "{structure}"
NNUNET, CHANNEL = re.compile("images(Tr|Ts|Va|Val)"), "_0000"  # nnU-Net's folders, and what ends its images' names
WILDCARD = re.compile(r"[*?]")
WHAT = "the label map"
KINDS = "PNG, TIFF, BMP, NIfTI, MetaImage, NRRD, NumPy or DICOM SEG"


def is_map(path: Path) -> bool:
    """Whether a file may be a label map."""
    return is_itk(path) or path.suffix.lower() in PICTURES or is_array(path) or is_dicom(path)


class LabelFiles:
    """Finds label maps beside images by a pattern of names, listing each folder once however many images it has.

    In the pattern `{stem}` stands for the image's name without its ending, `*` and `?` for any characters, a `/` parts
    folders (`../labels/{stem}.png`) and `**` stands for all folders below. `{folders}` stands for an image's folders as
    they are repeated below another one: of `images/p1/x.png` the pattern `../../masks/{folders}/{stem}.png` names
    `masks/p1/x.png`. `{structure}` stands for a name that `structure_of` knows, where each structure has a mask of its
    own. Brackets are no pattern, and neither is anything in an image's name. `fits` tells label maps from other files
    of such names.
    """

    def __init__(self, pattern: str, fits: Callable[[Path], bool] = is_map):
        self._templates, self._fits = pattern.split("/"), fits
        self._parts = [part.replace(STRUCTURE, "*") for part in self._templates]
        self._listings = Listings()
        self._below: dict[Path, list[Path]] = {}
        self._reached: dict[tuple[Path, str], list[Path]] = {}

    def beside(self, path: Path) -> list[Path]:
        """The label maps of an image, in the order of their names."""
        return [other for other in self.named(path) if self._fits(other)]

    def unfit(self, path: Path) -> list[Path]:
        """Files that are named like the label maps of an image and are none, but for notes that macOS leaves."""
        others = (other for other in self.named(path) if other.is_file() and not other.name.startswith("._"))
        return [other for other in others if not self._fits(other)]

    def named(self, path: Path) -> list[Path]:
        """All that the pattern names beside an image, whatever it is, in the order of their names."""
        stem = stem_of_labels(path)
        found = set(self._matching(self._folders(path.parent, stem), self._parts[-1], stem))
        return sorted(other for other in found - {path} if not self.in_parts or self.structure(other, path) is not None)

    @property
    def in_parts(self) -> bool:
        """Whether each structure has a mask of its own."""
        return any(STRUCTURE in part for part in self._templates)

    def structure(self, label: Path, path: Path) -> str | None:
        """Of which structure `label`, named beside the image `path`, is the mask, as `structure_of` tells it."""
        place = next(place for place, part in enumerate(self._templates) if STRUCTURE in part)
        stem = stem_of_labels(path)
        before, after = (_as_regex(text, stem) for text in self._templates[place].split(STRUCTURE, maxsplit=1))
        name = label.parts[place - len(self._templates)]
        found = re.fullmatch(f"{before}(.+?){after}", name, re.DOTALL)
        return structure_of(found[1]) if found else None

    def _folders(self, folder: Path, stem: str) -> list[Path]:
        """The folders that the pattern leads to from an image's own, found once for all images that share them."""
        parts = list(self._parts[:-1])
        if FOLDERS in parts:
            parts[parts.index(FOLDERS)] = repeated(folder, parts.count(".."))
        key = folder, stem if any(STEM in part for part in parts) else ""
        if key not in self._reached:
            folders = [folder]
            for part in parts:
                folders = [inner for outer in folders for inner in self._inner(outer, part, stem)]
            self._reached[key] = folders
        return self._reached[key]

    def _inner(self, folder: Path, part: str, stem: str) -> list[Path]:
        """The folders that a part of the pattern leads to."""
        if part == "**":
            if folder not in self._below:
                self._below[folder] = [folder, *(inner for inner in folder.rglob("*") if inner.is_dir())]
            return self._below[folder]
        if WILDCARD.search(part):
            return [inner for inner in self._matching([folder], part, stem) if inner.is_dir()]
        return [Path(os.path.normpath(folder / part.replace(STEM, stem)))]

    def _matching(self, folders: list[Path], part: str, stem: str) -> Iterator[Path]:
        """What in the folders has a name that a part of the pattern matches."""
        texts = [text.replace(STEM, stem) for text in WILDCARD.split(part)]
        wildcards = [".*" if sign == "*" else "." for sign in WILDCARD.findall(part)]
        rest = "".join(wild + re.escape(text) for wild, text in zip(wildcards, texts[1:], strict=True))
        # Without the beginning, which every image has its own of: Python keeps patterns that come again.
        named, start = re.compile(rest, re.DOTALL), len(texts[0])
        for folder in folders:
            for name in self._listings.beginning(folder, texts[0]):
                if named.fullmatch(name, start):
                    yield folder / name


def _as_regex(text: str, stem: str) -> str:
    """A part of a pattern without `{structure}` as a regular expression."""
    signs = {"*": ".*", "?": "."}
    return "".join(signs.get(part, re.escape(part.replace(STEM, stem))) for part in re.split(r"([*?])", text))


def stem_of_labels(path: Path) -> str:
    """What `{stem}` stands for: the name without its ending, and in nnU-Net's folders without its channel."""
    stem = stem_of_image(path)
    return stem.removesuffix(CHANNEL) if NNUNET.fullmatch(path.parent.name) else stem


def repeated(folder: Path, up: int) -> str:
    """The folders of an image's `folder` below the one in whose place, `up` levels higher, another stands."""
    parts = Path(os.path.abspath(folder)).parts
    return "/".join(parts[max(len(parts) - up + 1, 1) :])


def read_labels(
    files: Mapping[str, Path], frames: int, shape: tuple[int, int], values: Mapping[int, int]
) -> NDArray[np.uint8] | None:
    """The labels of a case's files by role, as `read_label_stack` has them; None where it has none.

    Raises:
        Reject: as `read_label_stack`, or masks of single structures that are none or do not fit each other.
    """
    if "label" in files:
        return read_label_stack(files["label"], frames, shape, values)
    masks = masks_of(files)
    if not masks:
        return None
    regions = {}
    for structure, path in masks.items():
        what = f"the mask of {structure}"
        stack = read_map(path, frames, shape, what)
        _check_stack(stack, frames, shape, what)
        regions[structure] = region_of(stack, what)
    return label_map_of(dict(zip(regions, np.broadcast_arrays(*regions.values()), strict=True)), "the masks")


def read_label_stack(path: Path, frames: int, shape: tuple[int, int], values: Mapping[int, int]) -> NDArray[np.uint8]:
    """The labels 0..3 of a cine, (1, H, W) for a map of one frame, (F, H, W) for a map of all.

    Raises:
        Reject: unreadable, of another size than the image, of another number of frames, or with other values.
    """
    stack = read_map(path, frames, shape, by_name=not values)
    _check_stack(stack, frames, shape, WHAT)
    return to_labels(stack, WHAT, dict(values))


def _check_stack(stack: NDArray, frames: int, shape: tuple[int, int], what: str) -> None:
    if len(stack) not in (1, frames):
        raise Reject(f"{what}: expected one plane or the image's {frames} frames, found {len(stack)}")
    check_size(stack.shape[1:], shape, what)


def read_map(path: Path, frames: int, shape: tuple[int, int], what: str = WHAT, *, by_name: bool = False) -> NDArray:
    """Values as in the file, (1 or F, H, W), or labels 0..3 `by_name` where the file has names of structures.

    `what` says in the reject which file it is.
    """
    if is_segments(path):
        return read_segments(path, shape, what, by_name=by_name)
    if is_itk(path):
        return read_planes(path, what)[0]
    if is_array(path):
        return read_array(path, what, LABELS)
    if path.suffix.lower() in PICTURES:
        pages = read_pages(path, what, shape) if path.suffix.lower() in PAGED else None
        return read_picture(path, shape, what)[None] if pages is None else pages
    return read_segmentation(path, what, frames, shape)


def label_plane(labels: NDArray[np.uint8] | None, index: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The labels (H, W) of a frame out of those of a cine; an empty map where there are none.

    Raises:
        Reject: nothing is labelled on this frame.
    """
    if labels is None:
        return np.zeros(shape, np.uint8)
    plane = labels[0] if len(labels) == 1 else labels[index]
    if not plane.any():
        raise Reject(f"expected labels on the end-diastolic frame {index}, found none there")
    return plane
