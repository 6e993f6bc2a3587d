"""The size of a pixel as files state it: many state one that no picture of a heart has."""

import numpy as np
from numpy.typing import NDArray

BODY_MM = (5.0, 400.0)  # side of a picture of tissue; others come of a size in metres or millimetres, named centimetres


def plausible_mm(spacing_mm: tuple[float, float], tissue: NDArray[np.bool_]) -> tuple[float, float]:
    """A pixel size (row, column), NaN where `tissue` (H, W) would have a height or width that no picture of it has."""
    rows, columns = (int(tissue.any(axis=axis).sum()) for axis in (1, 0))
    return of_tissue(spacing_mm[0], rows), of_tissue(spacing_mm[1], columns)


def of_tissue(size_mm: float, pixels: int) -> float:
    """The size of one of `pixels` in a row or column of tissue, NaN where all of them would have an impossible one."""
    return size_mm if BODY_MM[0] <= size_mm * pixels <= BODY_MM[1] else float(np.nan)
