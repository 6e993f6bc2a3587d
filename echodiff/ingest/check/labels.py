"""Label maps beside images: how they are named, and which values are in them."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from echodiff.ingest.case import Reject
from echodiff.ingest.identity import is_writable
from echodiff.ingest.labels_beside import is_map, stem_of_image
from echodiff.ingest.listings import Listings
from echodiff.ingest.picture import PICTURES, read_picture
from echodiff.ingest.readers.itk import is_itk, read_itk

LOOKED_INTO = 5  # label maps whose values are read
KNOWN = {0, 1, 2, 3}
NO_LABELS = (
    "expected label maps beside the files, found none that is named after a file; with `labels: predicted` a segmenter "
    "that learns from the training dataset draws them"
)


def label_options(images: Sequence[Path], usual: str) -> tuple[dict[str, Any], list[str]]:
    """Options of the dataset entry for the label maps of `images`, and remarks on them.

    `usual` is the pattern that the format takes without an option. The count of label maps among the images
    themselves is given as `dicom_labels`.
    """
    pattern, found = most_frequent_pattern(images)
    if pattern is None:
        return {"labels": "predicted"}, [NO_LABELS]
    options: dict[str, Any] = {"dicom_labels": sum(1 for path in found if path in set(images))}
    remarks = []
    if not Path("stem" + usual.removeprefix("{stem}").replace("*", "x")).match("stem" + pattern.removeprefix("{stem}")):
        options["label_pattern"] = pattern
    values = sorted({value for path in found[:LOOKED_INTO] for value in _values(path)})
    if not set(values) <= KNOWN:
        options["label_values"] = {value: 0 for value in values}
        remarks.append(
            f"expected the label values 0 to 3, found {', '.join(map(str, values))}: "
            "write behind each in label_values 0 for background, 1 for LV, 2 for MYO or 3 for LA"
        )
    return options, remarks


def most_frequent_pattern(images: Sequence[Path]) -> tuple[str | None, list[Path]]:
    """The pattern with `{stem}` by which most images have a label map, and these maps."""
    found: dict[str, list[Path]] = defaultdict(list)
    listings = Listings()
    for path in images:
        stem = stem_of_image(path)
        for name in listings.beginning(path.parent, stem):
            other, rest = path.with_name(name), name.removeprefix(stem)
            # What follows the stem is a word of its own: image_1 is no label map of image.
            if other != path and re.match(r"[._-]?[A-Za-z]", rest) and is_map(other):
                ending = rest if rest.startswith(".") else re.split(r"\.", rest, maxsplit=1)[0] + ".*"
                found["{stem}" + ending].append(other)
    counts = Counter({pattern: len(paths) for pattern, paths in found.items()})
    if not counts:
        return None, []
    pattern = counts.most_common(1)[0][0]
    return pattern, found[pattern]


def _values(path: Path) -> set[int]:
    """Whole numbers in a label map; none where it cannot be read, which reading the case reports."""
    if not is_writable(str(path)):
        return set()
    try:
        if is_itk(path):
            return {int(value) for value in np.unique(sitk.GetArrayFromImage(read_itk(path, "the label map")))}
        if path.suffix.lower() in PICTURES:
            return {int(value) for value in np.unique(read_picture(path))}
    except Reject:
        pass
    return set()
