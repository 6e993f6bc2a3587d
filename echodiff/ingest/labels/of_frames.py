"""Label maps of single frames of a cine whose frames are files of their own, put together as those of one cine."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.labels.beside import read_labels
from echodiff.ingest.labels.structure_masks import refuse_lacking
from echodiff.ingest.outlines.file import is_outlines

FAULTS = ("other_label", "other_image")
FrameLabels = Mapping[int, Mapping[str, Path]]  # frame, from 0 -> the files of its labels by role


def labels_of_frames(
    frames: Sequence[Path], labels: Mapping[Path, Mapping[str, Path]]
) -> tuple[dict[str, Path], FrameLabels]:
    """Files by role of a cine, or of a still with its one frame, and those of the labels of single frames.

    There are none of the latter where all frames share one label map, which is the whole cine's, or have none. Where
    there are some, the first is among the cine's files too, and all others under roles of their own.
    """
    files = {"image": frames[0], **{f"frame {index}": path for index, path in enumerate(frames) if index}}
    own = [labels.get(path, {}) for path in frames]
    faulty = next((index for index, roles in enumerate(own) if any(role in roles for role in FAULTS)), None)
    if faulty is not None:
        return {**files, **own[faulty], "image": frames[faulty]}, {}
    found = {index: roles for index, roles in enumerate(own) if set(roles) - {"unfit_label"}}
    first = next(iter(found.values()), own[0])
    shared = len(found) == len(frames) and all(roles == first for roles in found.values())
    whole = shared and not is_outlines(first.get("label", Path()))
    if not found or whole or len(frames) == 1:
        return {**files, **first}, {}
    others = {f"frame {index} {role}": path for index, roles in found.items() for role, path in roles.items()}
    return {**files, **first, **others}, found


def read_frame_labels(
    frames: Sequence[Path],
    labels: FrameLabels,
    shape: tuple[int, int],
    values: Mapping[int, int],
    structures: Sequence[str],
) -> NDArray[np.uint8]:
    """Labels 0..3 (F, H, W), empty on frames that nobody labelled.

    Raises:
        Reject: as `read_labels`, or masks of single structures of which a frame lacks some of `structures`.
    """
    stack = np.zeros((len(frames), *shape), np.uint8)
    for index, own in labels.items():
        refuse_lacking(own, structures)
        stack[index] = read_labels({"image": frames[index], **own}, 1, shape, values)[0]
    return stack
