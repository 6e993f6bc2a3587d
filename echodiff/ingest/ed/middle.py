"""The middle of the sector, where the left ventricle lies in an apical view."""

import numpy as np
from numpy.typing import NDArray

TOP, LEFT, RIGHT = 1 / 8, 1 / 4, 3 / 4  # shares of the sector's bounding box


def middle(sector: NDArray[np.bool_], bottom: float) -> tuple[slice, slice]:
    """Rows and columns of the middle of a sector (H, W), down to the share `bottom` of its bounding box."""
    rows, columns = np.flatnonzero(sector.any(axis=1)), np.flatnonzero(sector.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    return (
        slice(rows[0] + int(TOP * height), rows[0] + int(bottom * height)),
        slice(columns[0] + int(LEFT * width), columns[0] + int(RIGHT * width)),
    )
