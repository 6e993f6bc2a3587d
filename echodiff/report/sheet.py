"""A sheet of images in rows and columns: the one way in which all figures are drawn."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from echodiff.report.canvas import new_figure, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TILE = 1.75  # inches
GAP = 0.06
LEFT, TOP, GROUP, TITLE = 1.25, 0.34, 0.26, 0.32
CAPTION_LINE, NOTE_LINE = 0.19, 0.16
CAPTION_SIZE, NOTE_SIZE = 10.5, 8.5  # points
# Characters that fit: a caption's under a tile, a row's title beside it; of others an inch.
CAPTION_WIDTH, TITLE_WIDTH = 19, 13
HEADING_INCH, NOTE_INCH = 9, 14
LONGEST_NAME = 19  # of a case, as archives name them by 64 digits
INK, MUTED = "#1a1a1a", "#555555"


@dataclass(frozen=True)
class Row:
    """One row: its title at the left, uint8 (H, W) images (None leaves a gap), lines under each image."""

    title: str
    images: Sequence[NDArray[np.uint8] | None]
    captions: Sequence[str] = ()


def draw_sheet(
    path: Path,
    rows: Sequence[Row],
    *,
    columns: Sequence[str],
    groups: Sequence[tuple[str, int]] = (),
    title: str = "",
    notes: Sequence[str] = (),
    dpi: int,
) -> None:
    """Write a sheet as PNG; the options are those of `sheet_figure`, a tile is 1.75 inches wide.

    Raises:
        OutputError: the file cannot be written.
    """
    write_figure(path, sheet_figure(rows, columns=columns, groups=groups, title=title, notes=notes), dpi)


def sheet_figure(
    rows: Sequence[Row],
    *,
    columns: Sequence[str],
    groups: Sequence[tuple[str, int]] = (),
    title: str = "",
    notes: Sequence[str] = (),
) -> "Figure":
    """The rows of images under their headings. What is too long for its place is broken or shortened.

    Args:
        columns: a heading for each column.
        groups: (heading, number of columns it spans) over the headings, from the left; the groups are set
            apart by a wider gap.
        title: stands over all of it.
        notes: stand below all of it.
    """
    lefts = _lefts(len(columns), groups)
    width = lefts[-1] + TILE + GAP * 2
    titles = textwrap.wrap(title, int(HEADING_INCH * width))
    words = [line for note in notes for line in textwrap.wrap(note, int(NOTE_INCH * width))]
    captions = [[_caption(text) for text in row.captions] for row in rows]
    caption = CAPTION_LINE * max((len(lines) for row in captions for lines in row), default=0)
    caption += GAP if caption else 0.0
    top = TOP + (GROUP if groups else 0.0) + TITLE * len(titles)
    foot = NOTE_LINE * len(words) + (GAP if words else 0.0)
    height = top + len(rows) * (TILE + caption + GAP) + GAP + foot
    figure = new_figure((width, height))
    for place, line in enumerate(titles):
        _write(figure, 0.08, height - TITLE * (place + 0.5), line, width, height, size=12, weight="bold", align="left")
    start = 0
    for heading, span in groups:
        right = lefts[start + span - 1] + TILE
        fitting = short(heading, int(HEADING_INCH * (right - lefts[start])))
        y = height - TITLE * len(titles) - 0.16
        _write(figure, (lefts[start] + right) / 2, y, fitting, width, height, size=12, weight="bold")
        start += span
    for left, heading in zip(lefts, columns, strict=True):
        _write(figure, left + TILE / 2, height - top + 0.14, heading, width, height, size=11)
    for index, (row, lines) in enumerate(zip(rows, captions, strict=True)):
        bottom = height - top - (index + 1) * (TILE + caption + GAP) + caption + GAP
        _write(figure, 0.08, bottom + TILE / 2, _broken(row.title), width, height, size=10, align="left")
        for column, image in enumerate(row.images):
            if image is None:
                continue
            box = (lefts[column] / width, bottom / height, TILE / width, TILE / height)
            axes = figure.add_axes(box)
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set_axis_off()
            for place, line in enumerate(lines[column] if lines else ()):
                y = bottom - CAPTION_LINE * (place + 0.65)
                _write(figure, lefts[column] + TILE / 2, y, line, width, height, size=CAPTION_SIZE, color=MUTED)
    for place, line in enumerate(words):
        y = foot - NOTE_LINE * (place + 0.5)
        _write(figure, 0.08, y, line, width, height, size=NOTE_SIZE, color=MUTED, align="left")
    return figure


def _lefts(columns: int, groups: Sequence[tuple[str, int]]) -> list[float]:
    """Left edges of the columns in inches; between groups the gap is wider."""
    starts = set(np.cumsum([span for _, span in groups])) if groups else set()
    lefts, left = [], LEFT
    for column in range(columns):
        left += 3 * GAP if column in starts else 0.0
        lefts.append(left)
        left += TILE + GAP
    return lefts


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """A name of at most so many characters; where it has more, its end is left out and an ellipsis says so."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def short_words(text: str, longest: int = LONGEST_NAME) -> str:
    """A text whose words are `short`, with single spaces between them."""
    return " ".join(short(word, longest) for word in text.split())


def _caption(text: str) -> list[str]:
    """The lines of a caption that fit under a tile, its long names shortened."""
    return [part for line in text.splitlines() for part in textwrap.wrap(short_words(line), CAPTION_WIDTH)]


def _broken(title: str) -> str:
    """Long titles broken at spaces into lines that fit beside the images, their long names shortened."""
    return textwrap.fill(short_words(title, 2 * TITLE_WIDTH), TITLE_WIDTH)


def _write(figure, x, y, text, width, height, *, size, weight="normal", color=INK, align="center") -> None:
    figure.text(x / width, y / height, text, fontsize=size, fontweight=weight, color=color, ha=align, va="center")
