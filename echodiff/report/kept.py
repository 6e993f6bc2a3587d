"""Contact sheets of the kept cases, the oddest first, with the outlines of their label maps."""

import textwrap
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from echodiff.labels import LA, LV, MYO
from echodiff.report.canvas import new_figure
from echodiff.report.oddness import ODD, oddness
from echodiff.report.sheet import INK, MUTED, short, short_words
from echodiff.store.atomic import atomic_path
from echodiff.store.image_set import ImageSet

CASE_COLUMNS = ("case_id", "dataset", "frame_hash", "ed_confidence", "plane_confidence")

COLUMNS = 8
TILE, GAP, TEXT, HEAD, LINE = 1.5, 0.08, 0.34, 0.48, 0.14  # inches
# Apart from each other and from gray for the colour-blind too (Okabe and Ito 2008).
OUTLINES = {"LV": "#56b4e9", "MYO": "#f0e442", "LA": "#e6733c"}
ALARM = "#b3261e"
# Characters that fit: over a tile of a case id and of an id that is named there, over the sheet of a title and a line.
LONGEST_ID, LONGEST_NAMED, LONGEST_TITLE, LONGEST_LINE = 20, 16, 64, 205


def draw_kept(path: Path, images: ImageSet, cases: pd.DataFrame, *, title: str, most: int, dpi: int) -> None:
    """Write the sheet of one dataset as PNG.

    Args:
        images: the dataset's kept frames.
        cases: its case table (`CASE_COLUMNS`).
        title: the dataset's title.
        most: largest number of tiles.
        dpi: resolution; a tile is 1.5 inches wide.

    Raises:
        OutputError: the file cannot be written.
    """
    order = oddness(images, cases)
    shown = order.head(most)
    chosen = images.select(list(shown["case_id"]))
    side = round(TILE * dpi)
    planes = zip(chosen.images, chosen.masks, chosen.spacing_mm, strict=True)
    tiles = [draw_tile(image, mask, spacing, side) for image, mask, spacing in planes]
    rows = [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]
    heights = [TEXT + GAP + max(len(tile) for tile in row) / dpi for row in rows]
    lines = textwrap.wrap(_explanation(images), LONGEST_LINE)
    head = HEAD + LINE * len(lines)
    width, height = COLUMNS * (TILE + GAP) + GAP, head + sum(heights) + GAP
    placed = []
    texts = [(GAP, 0.18, f"{short(title, LONGEST_TITLE)}: {_heading(order, len(shown))}", 11, INK, "left")]
    texts += [(GAP, 0.42 + LINE * place, line, 8, MUTED, "left") for place, line in enumerate(lines)]
    texts += _legend(width)
    for place, (tile, case) in enumerate(zip(tiles, shown.itertuples(), strict=True)):
        centre = GAP + (place % COLUMNS) * (TILE + GAP) + TILE / 2
        top = head + sum(heights[: place // COLUMNS])
        row, column = round((top + TEXT) * dpi), round(centre * dpi) - tile.shape[1] // 2
        placed.append((row, column, tile))
        texts.append((centre, top + 0.1, short(case.case_id, LONGEST_ID), 7.5, INK, "center"))
        what = short_words(case.what, LONGEST_NAMED)
        texts.append((centre, top + 0.24, what, 7.5, ALARM if case.score > ODD else MUTED, "center"))
    canvas = _texts(texts, (width, height), dpi)
    for row, column, tile in placed:
        canvas[row : row + tile.shape[0], column : column + tile.shape[1]] = tile
    with atomic_path(path) as temporary:
        Image.fromarray(canvas).save(temporary, format="PNG", dpi=(dpi, dpi), compress_level=3)


def _texts(texts: list[tuple], size: tuple[float, float], dpi: int) -> NDArray[np.uint8]:
    """A white canvas (rows, columns, 3) of width and height `size` in inches with texts.

    A text has x and y in inches from the upper left, its words, its size in points, its colour and its side.
    """
    width, height = size
    figure = new_figure(size, dpi=dpi)
    for x, y, text, points, colour, align in texts:
        figure.text(x / width, 1 - y / height, text, fontsize=points, color=colour, ha=align, va="center")
    figure.canvas.draw()
    return np.array(figure.canvas.buffer_rgba())[..., :3].copy()


def _legend(width: float) -> list[tuple]:
    """The structures at the right, a square in its colour before each: yellow text cannot be read on white."""
    places = np.cumsum([0.38, 0.75, 0.57])  # inches from the right edge
    names = ("LA", "MYO", "LV")
    texts = [(width - place, 0.18, name, 10, INK, "left") for place, name in zip(places, names, strict=True)]
    squares = [(x - 0.05, y, "■", points, OUTLINES[name], "right") for x, y, name, points, *_ in texts]
    return texts + squares


def draw_tile(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], spacing_mm: NDArray[np.floating], side: int
) -> NDArray[np.uint8]:
    """A frame (H, W) with the outlines of its labels as RGB, at most `side` pixels high and wide.

    Its proportions are physical; where the size of a pixel is unknown, those of the frame as stored.
    """
    size_mm = np.array(image.shape) * (spacing_mm if np.isfinite(spacing_mm).all() else 1.0)
    rows, columns = (int(length) for length in np.maximum(np.rint(size_mm / size_mm.max() * side), 1))
    tile = cv2.cvtColor(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2RGB)
    # The wall's outline is the outer one: the inner one is the ventricle's.
    regions = {"MYO": np.isin(mask, (LV, MYO)) & (mask == MYO).any(), "LA": mask == LA, "LV": mask == LV}
    for name, region in regions.items():
        drawn = cv2.resize(region.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_LINEAR)
        outline, _ = cv2.findContours(drawn, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        colour = tuple(int(OUTLINES[name][place : place + 2], 16) for place in (1, 3, 5))
        cv2.drawContours(tile, outline, -1, colour, max(1, round(side / 300)), cv2.LINE_AA)
    return tile


def _heading(order: pd.DataFrame, shown: int) -> str:
    odd = int((order["score"] > ODD).sum())
    number = f"all {len(order)} kept cases" if shown == len(order) else f"{shown} of {len(order)} kept cases"
    return f"{number}, the oddest first; {odd} odd"


def _explanation(images: ImageSet) -> str:
    known = np.isfinite(images.spacing_mm).all()
    size = (
        "proportions as in the body" if known else "pixels of unknown size: drawn as stored, areas in % of the sector"
    )
    return (
        f"Odd, in red: more than {ODD} robust standard deviations from the dataset's median, or doubtful "
        f"labels or frame. Mean and sd are of gray values (0 to 255) in the sector; {size}."
    )
