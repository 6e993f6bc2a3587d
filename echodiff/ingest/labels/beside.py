"""A label map in a file beside an image: a picture, NIfTI, MetaImage, NRRD or DICOM SEG, one plane or a stack, or the
outlines of an annotation program.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.image_pattern import ID, ImagePattern
from echodiff.ingest.folder.listings import Listings, NamesOf
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.dicom_seg import read_segmentation
from echodiff.ingest.labels.segments import is_segments, read_segments
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.labels.structure_masks import masks_of, region_of
from echodiff.ingest.labels.structure_names import label_map_of, structure_of
from echodiff.ingest.outlines.file import is_outlines
from echodiff.ingest.outlines.listed import read_outlines
from echodiff.ingest.readers.arrays import LABELS, is_array, read_array
from echodiff.ingest.readers.dicom_file import is_dicom
from echodiff.ingest.readers.itk import is_itk, read_planes, to_labels
from echodiff.ingest.readers.picture import PAGED, PICTURES, read_pages, read_picture

STEM, FOLDERS, STRUCTURE = "{stem}", "{folders}", "{structure}"
NNUNET, CHANNEL = re.compile("images(Tr|Ts|Va|Val)"), "_0000"  # nnU-Net's folders, and what ends its images' names
WILDCARD = re.compile(r"[*?]")
WHAT = "the label map"
KINDS = "PNG, TIFF, BMP, NIfTI, MetaImage, NRRD, NumPy or DICOM SEG"
ANY_IMAGE = ImagePattern("")


def is_map(path: Path) -> bool:
    """Whether a file may be a label map."""
    return is_itk(path) or path.suffix.lower() in PICTURES or is_array(path) or is_dicom(path)


class _Given(NamedTuple):
    """What an image gives to the placeholders of a pattern."""

    stem: str
    id: str
    folders: str

    def fill(self, text: str) -> str:
        """The text with what stands for `{stem}` and `{id}`."""
        return text.replace(STEM, self.stem).replace(ID, self.id)


class LabelFiles:
    """Finds label maps beside images by a pattern of names, listing each folder once however many images it has.

    In the pattern `{stem}` stands for the image's name without its ending, `{id}` for what it stands for in the pattern
    of `images`, `*` and `?` for any characters, a `/` parts folders (`../labels/{stem}.png`) and `**` stands for all
    folders below. `{folders}` stands for an image's folders as they are repeated below another one: the pattern
    `../../masks/{folders}/{stem}.png` names `masks/p1/x.png` for `images/p1/x.png`. `{structure}` stands for a name
    that `structure_of` knows, where each structure has a mask of its own. Brackets are no pattern, and neither is
    anything in an image's name. `fits` tells label maps from other files of such names; without it they are files of
    outlines where the pattern ends as these do, and label maps otherwise.
    """

    def __init__(self, pattern: str, fits: Callable[[Path], bool] | None = None, images: ImagePattern = ANY_IMAGE):
        self._templates, self._images = pattern.split("/"), images
        self._fits = fits or (is_outlines if is_outlines(Path(self._templates[-1])) else is_map)
        self._parts = [part.replace(STRUCTURE, "*") for part in self._templates]
        self._listings = Listings()
        self._below: dict[Path, list[Path]] = {}
        self._reached: dict[tuple[Path, int, _Given], NamesOf] = {}

    @property
    def in_parts(self) -> bool:
        """Whether each structure has a mask of its own."""
        return any(STRUCTURE in part for part in self._templates)

    @property
    def of_many(self) -> bool:
        """Whether one file of outlines may list many images, as nothing of an image's name is in the pattern."""
        own = any(sign in part for part in self._templates for sign in (STEM, ID))
        return self._fits is is_outlines and not own

    def beside(self, path: Path) -> list[Path]:
        """The label maps of an image, in the order of their names."""
        return [other for other in self.named(path) if self._fits(other)]

    def unfit(self, path: Path) -> list[Path]:
        """Files that are named like the label maps of an image and are none, but for notes that macOS leaves."""
        others = (other for other in self.named(path) if other.is_file() and not other.name.startswith("._"))
        return [other for other in others if not self._fits(other)]

    def named(self, path: Path) -> list[Path]:
        """All that the pattern names beside an image, whatever it is, in the order of their names."""
        if not self._images.names(path):
            return []
        given = self._given(path)
        found = set(self._matching(self._names(path.parent, 0, given), self._parts[-1], given))
        return sorted(other for other in found - {path} if not self.in_parts or self.structure(other, path) is not None)

    def structure(self, label: Path, path: Path) -> str | None:
        """Of which structure `label`, named beside the image `path`, is the mask, as `structure_of` tells it."""
        place = next(place for place, part in enumerate(self._templates) if STRUCTURE in part)
        given = self._given(path)
        before, after = (_as_regex(text, given) for text in self._templates[place].split(STRUCTURE, maxsplit=1))
        name = label.parts[place - len(self._templates)]
        found = re.fullmatch(f"{before}(.+?){after}", name, re.DOTALL)
        return structure_of(found[1]) if found else None

    def _given(self, path: Path) -> _Given:
        folders = repeated(path.parent, self._parts.count("..")) if FOLDERS in self._parts else ""
        return _Given(stem_of_labels(path), self._images.id_of(path), folders)

    def _names(self, folder: Path, place: int, given: _Given) -> NamesOf:
        """Names where the pattern leads to from its part `place` on, found once for all images that share them."""
        rest = self._parts[place:-1]
        if not rest:
            given = _Given("", "", "")
        else:
            asked = (any(STEM in part for part in rest), any(ID in part for part in rest), FOLDERS in rest)
            given = _Given(*(text if needed else "" for text, needed in zip(given, asked, strict=True)))
        key = folder, place, given
        if key not in self._reached:
            if rest:
                led_to = [self._names(inner, place + 1, given) for inner in self._inner(folder, rest[0], given)]
                # Images that share a way have one list of names, however many folders it leads to.
                self._reached[key] = led_to[0] if len(led_to) == 1 else NamesOf.all_of(led_to, self._listings)
            else:
                self._reached[key] = NamesOf([folder], self._listings)
        return self._reached[key]

    def _inner(self, folder: Path, part: str, given: _Given) -> list[Path]:
        """The folders that a part of the pattern leads to."""
        if part == FOLDERS:
            part = given.folders
        elif part == "**":
            if folder not in self._below:
                inner = [Path(top, name) for top, names, _ in os.walk(folder) for name in names]
                self._below[folder] = [folder, *inner]
            return self._below[folder]
        elif WILDCARD.search(part):
            names = NamesOf([folder], self._listings)
            return [inner for inner in self._matching(names, part, given) if inner.is_dir()]
        return [Path(os.path.normpath(folder / given.fill(part)))]

    def _matching(self, names: NamesOf, part: str, given: _Given) -> Iterator[Path]:
        """What of the names a part of the pattern matches."""
        texts = [given.fill(text) for text in WILDCARD.split(part)]
        wildcards = [".*" if sign == "*" else "." for sign in WILDCARD.findall(part)]
        rest = "".join(wild + re.escape(text) for wild, text in zip(wildcards, texts[1:], strict=True))
        # Without the beginning, which every image has its own of: Python keeps patterns that come again.
        pattern, start = re.compile(rest, re.DOTALL), len(texts[0])
        for folder, name in names.beginning(texts[0]):
            if pattern.fullmatch(name, start):
                yield folder / name


def _as_regex(text: str, given: _Given) -> str:
    """A part of a pattern without `{structure}` as a regular expression."""
    signs = {"*": ".*", "?": "."}
    return "".join(signs.get(part, re.escape(given.fill(part))) for part in re.split(r"([*?])", text))


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
        Reject: as `read_label_stack` or `read_outlines`, or masks of single structures that are none or do not fit each
            other.
    """
    if "label" in files and is_outlines(files["label"]):
        return read_outlines(files["label"], files["image"], shape)[None]
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
