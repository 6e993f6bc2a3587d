"""The label maps' values, the structures' names, and the grays in which the paper draws a label map as a guide."""

from typing import Final

BACKGROUND: Final = 0
LV: Final = 1  # left ventricle, cavity
MYO: Final = 2  # myocardium of the left ventricle
LA: Final = 3  # left atrium

STRUCTURES: Final[dict[str, int]] = {"LV": LV, "MYO": MYO, "LA": LA}
LABELS: Final[tuple[int, ...]] = (BACKGROUND, *STRUCTURES.values())  # 0, 1, 2, ...: they index tables and channels

# By label, the guide of the paper (Section 2.2): background black, LV white, MYO light gray, LA dark gray.
GUIDE_GRAYS: Final[tuple[int, ...]] = (0, 255, 170, 85)
