"""EchoNet-Dynamic's VolumeTracings.csv: the LV as a long axis and chords across it.

A row is a chord with its two ends (X1, Y1), (X2, Y2) in pixels. The first row of a frame is the long axis, the rest
are chords from the apex to the mitral valve; their one ends, followed by the other ends reversed, are the contour.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.folder.table import MISSING

COLUMNS = ("FileName", "X1", "Y1", "X2", "Y2", "Frame")
FEWEST_CHORDS = 3
SUBPIXEL_BITS = 6


def read_tracings(path: Path) -> dict[str, dict[int, NDArray[np.float64]]]:
    """Video's name without ending -> frame (from 0) -> rows (K, 4) of x1, y1, x2, y2, in the file's order.

    Raises:
        InputError: missing, of another form, with a frame that is no whole number, or EchoNet-Pediatric's.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the tracings of EchoNet-Dynamic, found no such file; check the folder")
    try:
        table = pd.read_csv(path, dtype={"FileName": str}, keep_default_na=False)  # `NA` and `001` are names
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: expected a table in CSV, could not read it ({error})") from error
    if {"X", "Y"} <= set(table.columns):
        raise InputError(
            f"{path}: expected chords (X1, Y1, X2, Y2) as in EchoNet-Dynamic, found polygons (X, Y) as in "
            "EchoNet-Pediatric; children's hearts cannot be ingested as adults'"
        )
    if not set(table.columns) >= set(COLUMNS):
        raise InputError(
            f"{path}: expected the columns {', '.join(COLUMNS)}, found {', '.join(map(str, table.columns[:12]))}"
        )
    _check_frames(path, table["Frame"])
    return _grouped(table)


def _check_frames(path: Path, frames: pd.Series) -> None:
    """Refuse frames of words or fractions, which would otherwise be lost or cut off to another frame.

    Rows without a frame are left out.
    """
    odd = frames[~(pd.to_numeric(frames, errors="coerce") % 1 == 0)].astype(str).str.strip()
    wrong = odd[~odd.str.lower().isin(MISSING)]
    if len(wrong):
        row = wrong.index[0] + 2
        raise InputError(
            f"{path}: expected a whole number as Frame, found '{wrong.iloc[0]}' in row {row}; mend the cell"
        )


def video_name(text: str) -> str:
    """A video's name without its ending, which tables give, leave out, or write in capitals."""
    name = text.strip()
    return name[:-4] if name.lower().endswith(".avi") else name


def _grouped(table: pd.DataFrame) -> dict[str, dict[int, NDArray[np.float64]]]:
    """Rows with a number missing are kept as NaN: the case is then rejected, not silently traced otherwise.

    One stable sort by video and frame: a group of the table for each of 20,000 frames would take a quarter of a minute.
    """
    for column in COLUMNS[1:]:
        table[column] = pd.to_numeric(table[column], errors="coerce")
    table = table[np.isfinite(table["Frame"])]
    written, spellings = pd.factorize(table["FileName"].astype(str))
    spelt, names = pd.factorize(np.array([video_name(name) for name in spellings], object))
    videos = spelt[written]
    frames, chords = table["Frame"].to_numpy(int), table[list(COLUMNS[1:5])].to_numpy(float)
    order = np.lexsort((frames, videos))
    new = (np.diff(videos[order]) != 0) | (np.diff(frames[order]) != 0)
    tracings: dict[str, dict[int, NDArray[np.float64]]] = {name: {} for name in names}
    for rows in np.split(order, np.flatnonzero(new) + 1) if len(order) else ():
        tracings[names[videos[rows[0]]]][int(frames[rows[0]])] = chords[rows]
    return tracings


def largest_tracing(tracings: Mapping[int, NDArray[np.float64]]) -> tuple[int, NDArray[np.float64]]:
    """Frame and polygon (P, 2) of the larger traced LV: end-diastole. The earlier frame where two are alike.

    Raises:
        Reject: no frame has a usable tracing.
    """
    polygons = {frame: polygon(rows) for frame, rows in sorted(tracings.items()) if _usable(rows)}
    areas = {frame: polygon_area(points) for frame, points in polygons.items()}
    if not areas or max(areas.values()) <= 0:
        raise Reject(
            f"expected a traced frame with a long axis and at least {FEWEST_CHORDS} chords, found "
            + ", ".join(f"{len(rows)} rows at frame {frame}" for frame, rows in sorted(tracings.items())[:4])
        )
    frame = max(areas, key=areas.__getitem__)
    if frame < 0:
        raise Reject(f"expected frames counted from 0 in the tracing, found frame {frame}")
    return frame, polygons[frame]


def _usable(rows: NDArray[np.float64]) -> bool:
    return len(rows) > FEWEST_CHORDS and bool(np.isfinite(rows).all()) and bool(np.abs(rows).max() < 1e5)


def polygon(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (K, 4) of one frame, the long axis first -> closed contour (2K - 2, 2) of x, y."""
    chords = rows[1:]
    return np.concatenate([chords[:, :2], chords[::-1, 2:]])


def polygon_area(points: NDArray[np.float64]) -> float:
    """Area by the shoelace formula."""
    x, y = points.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def polygon_mask(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Pixels (H, W) inside a contour given in pixels, 1 inside.

    Raises:
        Reject: the contour lies outside the frame.
    """
    mask = np.zeros(shape, np.uint8)
    fixed = np.rint(points * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 1, lineType=cv2.LINE_8, shift=SUBPIXEL_BITS)
    if not mask.any():
        raise Reject("expected the traced left ventricle inside the frame, found it outside")
    return mask
