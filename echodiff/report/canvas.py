"""Figures without a screen: an empty one, and the file of a finished one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from echodiff.store.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BESIDE_BLACK = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
"""Colours that colour-blind readers tell apart (Okabe and Ito 2008), gray for their yellow, as it shows on white; black
has a meaning of its own in figures."""

MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">")
"""A marker for each of them, so that colour is not all that tells them apart; the dot is left for what is black."""


def new_figure(size: tuple[float, float], **options: Any) -> "Figure":
    """A white figure of (width, height) inches with a canvas; `options` as of Matplotlib's Figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, facecolor="white", **options)
    FigureCanvasAgg(figure)
    return figure


def write_figure(path: Path, figure: "Figure", dpi: int) -> None:
    """Write a figure as PNG, without the name of the program, so that equal figures are equal files.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})
