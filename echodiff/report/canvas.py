"""Figures without a screen: an empty one, and the file of a finished one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from echodiff.store.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
