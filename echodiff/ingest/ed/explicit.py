"""ED as somebody said it: a user's table, or the scanner's Cardiac Cycle Position."""

from collections.abc import Iterator

from pydicom import Dataset

from echodiff.ingest.case import Reject
from echodiff.ingest.ed.choice import Choice

END_DIASTOLE, END_SYSTOLE = "END_DIASTOLE", "END_SYSTOLE"  # Cardiac Cycle Position (0018,9236), PS3.3 C.7.6.16.2.7


def by_table(frame: int | None, frames: int) -> Choice | None:
    """The frame of the user's table, from 0; None without one.

    Raises:
        Reject: a frame that the cine does not have.
    """
    if frame is None:
        return None
    if not 0 <= frame < frames:
        raise Reject(f"expected one of the frames 0 to {frames - 1} in the table of ED frames, found {frame}")
    return Choice(frame, 1.0)


def by_cycle_position(header: Dataset, frames: int) -> Choice | None:
    """The first frame whose Cardiac Cycle Position is end-diastole; None where the tag does not say.

    Raises:
        Reject: a still that is said to be end-systolic.
    """
    positions = list(_positions(header))
    if frames == 1 and positions == [END_SYSTOLE]:
        raise Reject("expected an end-diastolic frame, found a still that its tags call end-systolic")
    if len(positions) not in (1, frames):
        return None
    found = [index for index, position in enumerate(positions) if position == END_DIASTOLE]
    return Choice(found[0], 1.0) if found and len(positions) == frames else None


def _positions(header: Dataset) -> Iterator[str]:
    """The position of each frame, from the functional groups of enhanced images or from the image itself."""
    for group in header.get("PerFrameFunctionalGroupsSequence") or [header]:
        sequence = group.get("CardiacSynchronizationSequence") or [group]
        yield str(sequence[0].get("CardiacCyclePosition") or "").strip().upper()
