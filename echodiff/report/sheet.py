"""A sheet of images in rows and columns: the one way in which all figures are drawn."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.report.canvas import new_figure, write_figure

TILE = 1.75  # inches
GAP = 0.06
LEFT, TOP, GROUP, CAPTION = 1.25, 0.34, 0.26, 0.24
INK, MUTED = "#1a1a1a", "#555555"


@dataclass(frozen=True)
class Row:
    """One row: its title at the left, uint8 (H, W) images (None leaves a gap), a line under each image."""

    title: str
    images: Sequence[NDArray[np.uint8] | None]
    captions: Sequence[str] = ()


def draw_sheet(
    path: Path,
    rows: Sequence[Row],
    *,
    columns: Sequence[str],
    groups: Sequence[tuple[str, int]] = (),
    dpi: int,
) -> None:
    """Write a sheet as PNG.

    Args:
        columns: a heading for each column.
        groups: (heading, number of columns it spans) over the headings, from the left; the groups are set
            apart by a wider gap.
        dpi: resolution; a tile is 1.75 inches wide.

    Raises:
        OutputError: the file cannot be written.
    """
    lefts = _lefts(len(columns), groups)
    caption = CAPTION if any(row.captions for row in rows) else 0.0
    top = TOP + (GROUP if groups else 0.0)
    width = lefts[-1] + TILE + GAP * 2
    height = top + len(rows) * (TILE + caption + GAP) + GAP
    figure = new_figure((width, height))
    start = 0
    for heading, span in groups:
        centre = (lefts[start] + lefts[start + span - 1] + TILE) / 2
        _write(figure, centre, height - 0.16, heading, width, height, size=11, weight="bold")
        start += span
    for left, heading in zip(lefts, columns, strict=True):
        _write(figure, left + TILE / 2, height - top + 0.14, heading, width, height, size=10)
    for index, row in enumerate(rows):
        bottom = height - top - (index + 1) * (TILE + caption + GAP) + caption + GAP
        _write(figure, 0.08, bottom + TILE / 2, _broken(row.title), width, height, size=10, align="left")
        for column, image in enumerate(row.images):
            if image is None:
                continue
            box = (lefts[column] / width, bottom / height, TILE / width, TILE / height)
            axes = figure.add_axes(box)
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set_axis_off()
            if row.captions and row.captions[column]:
                middle = lefts[column] + TILE / 2
                _write(figure, middle, bottom - 0.12, row.captions[column], width, height, size=8, color=MUTED)
    write_figure(path, figure, dpi)


def _lefts(columns: int, groups: Sequence[tuple[str, int]]) -> list[float]:
    """Left edges of the columns in inches; between groups the gap is wider."""
    starts = set(np.cumsum([span for _, span in groups])) if groups else set()
    lefts, left = [], LEFT
    for column in range(columns):
        left += 3 * GAP if column in starts else 0.0
        lefts.append(left)
        left += TILE + GAP
    return lefts


def _broken(title: str) -> str:
    """Long titles broken at spaces into lines that fit beside the images."""
    return textwrap.fill(title, 13)


def _write(figure, x, y, text, width, height, *, size, weight="normal", color=INK, align="center") -> None:
    figure.text(x / width, y / height, text, fontsize=size, fontweight=weight, color=color, ha=align, va="center")
