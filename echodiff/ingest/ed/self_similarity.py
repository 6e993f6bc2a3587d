"""ED by the picture alone: the heart's motion over the cycle, read as a volume curve."""

from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.volume_curve import fit_volume_curve, nearest_frame


def by_self_similarity(cine: Cine) -> Choice | None:
    """The frame at that end of the heart's motion where its base is farthest from the probe.

    Frames of a cycle lie on a loop; its main direction leads from end-diastole to end-systole or back, and the descent
    of the base tells which. Beats of the volume curve, averaged by the scanner's persistence, are fitted to both; in
    very short cines the extreme decides. The confidence is the squared correlation of that fit times the correlation of
    both measures. None for a still, a cine that does not move, or one whose fit leaves the place unsure.
    """
    moved = cine.motion
    if moved is None:
        return None
    fit = fit_volume_curve(moved.measures, cine.pace, cine.persistence)
    if fit is None:
        return Choice(int(moved.course.argmax()), moved.agreement / 2)
    if not fit.sure:
        return None
    return Choice(nearest_frame(fit.place, len(cine.seen)), fit.correlation**2 * moved.agreement)
