"""What is known of a case because it was made: the row of truth.parquet."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from echodiff.labels import STRUCTURES
from echodiff.phantom.anatomy import Anatomy, label_areas

COLUMNS = (
    "case",
    "patient",
    "machine",
    "seed",
    "file",
    "label_file",
    "frames",
    "ed_frame",
    "ed_frames",
    "es_frame",
    "frame_time_ms",
    "r_wave_times_ms",
    "height",
    "width",
    "spacing_row_mm",
    "spacing_column_mm",
    "sector_row",
    "sector_column",
    "lv_mm2",
    "myo_mm2",
    "la_mm2",
    "lv_contour_mm2",
    "myo_contour_mm2",
    "la_contour_mm2",
    "plane",
    "identity",
    "ef",
    "quality",
    "sex",
    "age",
)


def areas(labels: np.ndarray, spacing_mm: tuple[float, float], heart: Anatomy) -> dict[str, float]:
    """Areas in mm2: of the label map as it is shown, and of the contours before the sector clipped them."""
    pixel = spacing_mm[0] * spacing_mm[1]
    shown = {f"{name.lower()}_mm2": float((labels == value).sum() * pixel) for name, value in STRUCTURES.items()}
    return shown | {f"{name.lower()}_contour_mm2": area for name, area in label_areas(heart).items()}


def truth_row(**values: Any) -> dict[str, Any]:
    """A row with every column of COLUMNS, None where a case has no such thing; lists become JSON.

    Raises:
        KeyError: a value for a column that does not exist.
    """
    unknown = set(values) - set(COLUMNS)
    if unknown:
        raise KeyError(f"truth has no column {sorted(unknown)}")
    return {name: _plain(values.get(name)) for name in COLUMNS}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps({key: np.asarray(item).tolist() for key, item in value.items()})
    if isinstance(value, Iterable) and not isinstance(value, str):
        return json.dumps([item.item() if isinstance(item, np.generic) else item for item in value])
    return value.item() if isinstance(value, np.generic) else value


def quality_name(quality: float) -> str:
    """Image quality as CAMUS grades it, from the share of a poor image, 0..1."""
    return "Good" if quality < 0.38 else "Medium" if quality < 0.66 else "Poor"
