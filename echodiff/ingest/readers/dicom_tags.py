"""What the tags of an ultrasound image say, all read at one place: any of them may be damaged."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from echodiff.ingest.case import Reject
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.explicit import by_cycle_position
from echodiff.ingest.readers.dicom_header import details
from echodiff.ingest.readers.dicom_regions import Region, tissue_regions
from echodiff.ingest.readers.dicom_timing import frame_times_ms, heart_rate_bpm, r_wave_times_ms


@dataclass(frozen=True)
class Tags:
    """Tags in the units of the field, None or empty where they do not say."""

    regions: list[Region]
    times_ms: NDArray[np.float64] | None
    r_waves_ms: NDArray[np.float64]
    heart_rate_bpm: float | None
    position: Choice | None
    """ED by Cardiac Cycle Position."""
    details: dict[str, Any] = field(default_factory=dict)
    """Columns of the case table."""

    @property
    def frame_ms(self) -> float | None:
        """Usual time between two frames."""
        if self.times_ms is None or len(self.times_ms) < 2:
            return None
        return float(np.median(np.diff(self.times_ms)))


def read_tags(header: Dataset, frames: int, shape: tuple[int, int]) -> Tags:
    """The tags of an image of `frames` frames of `shape`.

    Raises:
        Reject: a tag that cannot be read, or a still that is said to be end-systolic.
    """
    try:
        rate = heart_rate_bpm(header)
        return Tags(
            regions=tissue_regions(header, shape),
            times_ms=frame_times_ms(header, frames),
            r_waves_ms=r_wave_times_ms(header),
            heart_rate_bpm=rate if np.isfinite(rate) else None,
            position=by_cycle_position(header, frames),
            details=details(header, frames),
        )
    except Reject:
        raise
    except Exception as error:  # pydicom converts a tag's bytes when asked for, and each type fails in its own way
        raise Reject("expected readable tags, found some of them damaged; export the file again") from error
