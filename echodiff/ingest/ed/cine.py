"""A cine as the rules of the picture see it: what several of them need is worked out once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.motion import Motion, motion
from echodiff.ingest.ed.persistence import persistence
from echodiff.ingest.ed.volume_curve import MOST_FRAMES, UNKNOWN, Pace


@dataclass(frozen=True, eq=False)
class Cine:
    """Frames in the tissue sector."""

    frames: NDArray[np.uint8]
    """(F, H, W), all of the file."""

    sector: NDArray[np.bool_]
    """(H, W)."""

    pace: Pace = UNKNOWN
    """As far as known."""

    @property
    def seen(self) -> NDArray[np.uint8]:
        """The frames that are looked at: the first 256."""
        return self.frames[:MOST_FRAMES]

    @cached_property
    def motion(self) -> Motion | None:
        """Of the frames that are looked at; None for a still and where nothing moves."""
        return motion(self.seen, self.sector) if len(self.frames) > 1 else None

    @cached_property
    def persistence(self) -> float:
        """Share of the frame before that each frame shows; 0 where it is small or cannot be told."""
        return persistence(self.seen, self.sector)
