"""Numbered pictures of a patient that are rather frames of a cine than examinations of their own."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from echodiff.ingest.folder.places import patients_of, stills_of_cines


def cine_options(images: Sequence[Path], labelled: Collection[Path], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Options of the dataset entry and a remark, where most images are such and some have no label map.

    Where each has one, somebody took each for an end-diastolic frame, or drew all of a cine: only the user knows.
    """
    numbered = stills_of_cines(images, patients_of(images, folder))
    if 2 * len(numbered) <= len(images) or all(path in labelled for path in numbered):
        return {}, []
    folders = {path.parent for path in numbered}
    first = min(numbered).relative_to(folder).as_posix()
    remark = (
        f"found numbered pictures in {len(folders)} {'folder' if len(folders) == 1 else 'folders'}, such as {first}, "
        "which are taken for the frames of one cine a folder (cine: folder); leave the option out if each is an "
        "examination of its own"
    )
    return {"cine": "folder"}, [remark]
