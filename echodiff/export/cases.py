"""The cases of one or several image sets that are exported: which ones, under which names, and on which side."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.split.files import read_split
from echodiff.store.image_set import ImageSet
from echodiff.translate.sample_ids import guide_of

Plane = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """A frame with its label map, its sector (each uint8 (H, W)) and what is known of it.

    name: unique in the export, with slashes where it lies in folders. case_id: in its image set. spacing_mm: (row,
    column), NaN where unknown. origin: `dataset`, `kind`, of translations `model`. held_out: on the validation side of
    the split. group: of patients who share a frame, by the split; None where no split says it.
    """

    name: str
    case_id: str
    image: Plane
    mask: Plane
    sector: Plane
    spacing_mm: NDArray[np.float32]
    origin: Mapping[str, str]
    seed: int | None
    held_out: bool = False
    group: str | None = None

    @property
    def is_synthetic(self) -> bool:
        return self.origin.get("kind") == "translation"


def cases_of(sets: Sequence[ImageSet], split: Path | None) -> list[Case]:
    """All cases of `sets`, with their side where `split` has them.

    Of a single set names are the cases' ids; of several they lie in a folder for each set, `<dataset>` or, of
    translations, `<model>_<dataset>`. A split counts for those sets all of whose cases it has (samples and
    translations by the case that guided them), and not for those of which it has none.

    Raises:
        InputError: a set without cases, two sets of one dataset and model, or a split that has some cases of a set
            alone, or none of any.
    """
    for images in sets:
        if not len(images):
            raise InputError(f"{_name(images)}: expected cases to export, found none")
    folders = [""] if len(sets) == 1 else _folders(sets)
    table = None if split is None else read_split(split).set_index("case_id")
    known = [None if table is None else _of_split(images, table, split) for images in sets]
    if split is not None and all(rows is None for rows in known):
        raise InputError(f"{split}: expected cases of the image sets, found none; name the split of their dataset")
    return [case for own in zip(sets, folders, known, strict=True) for case in _cases(*own)]


def side_of(cases: Sequence[Case], side: Literal["train", "validation"] | None) -> list[Case]:
    """The cases of one side of the split; cases that no split has count as training.

    With None both sides, where the validation side is to test what was learned from the other one: it has real cases
    alone then.

    Raises:
        InputError: there are none.
    """
    if side is None:
        chosen = [case for case in cases if not (case.held_out and case.is_synthetic)]
    else:
        chosen = [case for case in cases if case.held_out == (side == "validation")]
    if not chosen:
        raise InputError(f"{side or 'training and validation'}: expected cases of this side of the split, found none")
    return chosen


def flat_name(name: str) -> str:
    """A name as part of a file's name: letters, digits, `_` and `-` alone."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name.replace("/", "_"))


def _name(images: ImageSet) -> str:
    """What a set says of itself."""
    parts = (images.attributes.get(key) for key in ("model", "dataset"))
    return "_".join(part for part in parts if part) or "the image set"


def _folders(sets: Sequence[ImageSet]) -> list[str]:
    """The folder of each set."""
    names = [_name(images) for images in sets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{twice[0]}: expected image sets of different datasets or models, found {names.count(twice[0])} of this "
            "one; export them to folders of their own"
        )
    return [f"{name}/" for name in names]


def _of_split(images: ImageSet, table: pd.DataFrame, split: Path) -> pd.DataFrame | None:
    """The split's row of each case, or of the case that guided it; None where it has none of them."""
    guides = [case if case in table.index else guide_of(case) for case in images.case_id]
    missing = [case for case, guide in zip(images.case_id, guides, strict=True) if guide not in table.index]
    if 0 < len(missing) < len(images):
        raise InputError(
            f"{split}: expected all cases of {_name(images)} or none, found {len(images) - len(missing)} of "
            f"{len(images)}, not {missing[0]}; run the split again, or export the sets one by one"
        )
    return None if missing else table.loc[guides]


def _cases(images: ImageSet, folder: str, known: pd.DataFrame | None) -> Iterator[Case]:
    """`known`: the split's rows of the cases."""
    origin = {key: images.attributes[key] for key in ("dataset", "kind", "model") if key in images.attributes}
    held_out = [False] * len(images) if known is None else (known["subset"] == "validation").tolist()
    groups = [None] * len(images) if known is None else known["group"].tolist()
    for row, case_id in enumerate(images.case_id):
        planes = images.images[row], images.masks[row], images.sectors[row]
        seed = None if images.seed is None else int(images.seed[row])
        name = folder + case_id
        yield Case(name, case_id, *planes, images.spacing_mm[row], origin, seed, held_out[row], groups[row])
