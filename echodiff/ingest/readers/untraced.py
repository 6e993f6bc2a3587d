"""A video that nobody traced: its end-diastolic frame by the pixels, for labels that are predicted."""

from pathlib import Path

import numpy as np

from echodiff.ingest.case import UNKNOWN_SPACING, SourceFrame
from echodiff.ingest.ed.by_picture import picture_rules
from echodiff.ingest.ed.cascade import find_ed
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.volume_curve import MOST_FRAMES, UNKNOWN, Pace
from echodiff.ingest.labels.predicted import Predictor
from echodiff.ingest.readers.video import read_cine
from echodiff.ingest.sector.find import sector_from_pixels


def untraced(video: Path, frame_rate_hz: float, predictor: Predictor | None) -> SourceFrame:
    """The ED frame of a video without its labels; of long videos the first 256 frames are looked at.

    Raises:
        Reject: no readable video, no sector or no rule that finds a frame.
    """
    frames, count = read_cine(video, MOST_FRAMES)
    sector = sector_from_pixels(frames)
    pace = Pace(1000 / frame_rate_hz, None) if np.isfinite(frame_rate_hz) and frame_rate_hz > 0 else UNKNOWN
    rule, (index, confidence) = find_ed(picture_rules(Cine(frames, sector, pace), predictor), "auto")
    return SourceFrame(
        image=frames[index],
        mask=np.zeros(sector.shape, np.uint8),
        sector=sector,
        spacing_mm=UNKNOWN_SPACING,
        ed_frame=index,
        ed_rule=rule,
        ed_confidence=confidence,
        frames=count,
        label_source="none",
    )
