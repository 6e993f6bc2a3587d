"""The tissue sector: complete, and free of what is drawn around it."""

import time

import cv2
import numpy as np
import pytest

from echodiff.ingest.case import Reject
from echodiff.ingest.sector.colour import coloured, refuse_doppler, without_drawings
from echodiff.ingest.sector.find import find_sector, sector_from_pixels
from echodiff.ingest.sector.fit import fit_shape
from echodiff.ingest.sector.shape import Fan, Rectangle

SHAPES = {
    "phased array": Fan(200, 20, -0.65, 0.65, 0, 260),
    "curved array": Fan(200, -60, -0.7, 0.7, 95, 350),
    "tilted": Fan(190, 20, -0.5, 0.75, 0, 260),
    "cut by the frame": Fan(200, 30, -0.78, 0.78, 0, 330),
}
SIZE = (300, 400)


def speckle(shape, frames: int = 1, seed: int = 0, margin: float = 0.0) -> np.ndarray:
    """Frames (F, H, W) with speckle in a shape."""
    rng = np.random.default_rng(seed)
    sector = shape.draw(SIZE, margin)
    return np.where(sector, np.clip(rng.rayleigh(40, (frames, *SIZE)) + 6, 0, 255), 0).astype(np.uint8)


def with_screen(frames: np.ndarray) -> np.ndarray:
    """Text, a colour bar, ticks and an ECG around a sector."""
    frames = frames.copy()
    for frame in frames:
        for row, text in enumerate(("DOE, JANE", "PID-1234", "19610223 F")):
            cv2.putText(frame, text, (2, 14 + 14 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 235, 1, cv2.LINE_AA)
        cv2.putText(frame, "MI 1.1", (350, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 235, 1, cv2.LINE_AA)
        frame[120:220, 390:397] = np.linspace(255, 0, 100)[:, None]
        frame[20:290:20, 380:385] = 200
        x = np.arange(10, 390)
        ecg = 292 - 9 * np.exp(-0.5 * ((x - 150) / 3) ** 2)
        cv2.polylines(frame, [np.stack([x, ecg], 1).astype(np.int32)], False, 200, 1)
    return frames


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


@pytest.mark.parametrize("frames", [1, 10])
@pytest.mark.parametrize("name", SHAPES)
def test_fans_are_found_among_what_is_drawn_around_them(name, frames):
    shape = SHAPES[name]
    found = sector_from_pixels(with_screen(speckle(shape, frames)))
    assert iou(found, shape.draw(SIZE)) > 0.96
    around = shape.draw(SIZE, 6.0)
    assert not (found & ~around).any()


def test_a_linear_probe_has_a_rectangle():
    shape = Rectangle(60, 330, 40, 270)
    found = sector_from_pixels(with_screen(speckle(shape)))
    assert iou(found, shape.draw(SIZE)) > 0.97


def test_dark_corners_belong_to_the_sector():
    shape = SHAPES["phased array"]
    frames = speckle(shape, 10)
    dark = shape.draw(SIZE) & (np.abs(np.arange(400) - 200) > 95) & (np.arange(300)[:, None] > 150)
    frames[:, dark] = 0
    found = sector_from_pixels(frames)
    assert (found & dark).sum() > 0.85 * dark.sum()


def test_arcs_are_round_in_mm_where_pixels_are_oblong():
    shape = SHAPES["curved array"]
    tall = np.repeat(speckle(shape), 2, axis=1)
    truth = np.repeat(shape.draw(SIZE), 2, axis=0)
    assert iou(sector_from_pixels(tall, (0.15, 0.3)), truth) > 0.97


def test_drawings_over_tissue_are_told_apart_in_a_cine():
    frames = speckle(SHAPES["phased array"], 12)
    frames[:, 150, 160:240] = 255
    found = find_sector(frames)
    assert found.drawn[150, 165:235].mean() > 0.9 and found.drawn.sum() < 400


def test_only_the_region_is_looked_at():
    shape = SHAPES["phased array"]
    frames = speckle(shape)
    frames[0, 10:60, 10:90] = speckle(shape, seed=3)[0, 150:200, 150:230]
    found = find_sector(frames, None, (slice(15, 290), slice(100, 380))).mask
    assert not found[:, :100].any() and iou(found, shape.draw(SIZE) & found.any(axis=0)) > 0.9


def test_colour_is_what_stands_out_of_the_tint_of_its_gray_level():
    """Bright pixels are tinted more; two of five of the brightest are drawn in blue."""
    gray = np.tile(np.arange(60, 220, dtype=np.uint8), (40, 1))
    sepia = np.stack([gray, gray * 0.85, gray * 0.6], axis=-1).astype(np.uint8)
    drawn = np.zeros(gray.shape, bool)
    drawn[::5, 100:] = drawn[2::5, 100:] = True
    assert not coloured(sepia).any()
    np.testing.assert_array_equal(coloured(np.where(drawn[..., None], sepia[..., ::-1], sepia)), drawn)


def test_one_in_fifty_pixels_of_the_sector_may_be_in_colour():
    sector, colours = np.zeros((30, 100), bool), np.zeros((30, 100), bool)
    sector[:10] = colours[20:] = True
    colours[0, :20] = True
    refuse_doppler(colours, sector)
    colours[0, 20] = True
    with pytest.raises(Reject, match="found 2% of the sector in colour"):
        refuse_doppler(colours, sector)


def test_drawings_in_the_sector_are_painted_over_with_their_rim():
    image = np.full((60, 80), 50, np.uint8)
    drawn, sector = np.zeros(image.shape, bool), np.zeros(image.shape, bool)
    sector[:, :40] = drawn[30, 10:70] = True
    image[29:32, 9:71] = 90  # the rim of what is drawn
    image[drawn] = 255
    painted = without_drawings(image, drawn, sector)
    assert np.abs(painted[:, :36].astype(int) - 50).max() <= 5 and (painted[:, 42:] == image[:, 42:]).all()
    np.testing.assert_array_equal(without_drawings(image, drawn & ~sector, sector), image)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (np.zeros(SIZE, np.uint8), "no region of echoes"),
        (np.full(SIZE, 255, np.uint8), "one gray level"),
        (with_screen(np.zeros((1, *SIZE), np.uint8))[0], "no region of echoes"),
    ],
)
def test_pictures_without_echoes_are_rejects(frame, reason):
    with pytest.raises(Reject, match=reason):
        sector_from_pixels(frame)


def test_the_fit_ends_whatever_it_is_given():
    rng = np.random.default_rng(0)
    start = time.process_time()
    for share in (0.001, 0.02, 0.3, 0.7, 0.999):
        fit_shape(rng.random(SIZE) < share)
        fit_shape(cv2.GaussianBlur(rng.random(SIZE), (0, 0), 9) > np.quantile(rng.random(100), share))
    assert time.process_time() - start < 20
    assert fit_shape(np.zeros(SIZE, bool)) is None


def test_fans_scale():
    fan = SHAPES["curved array"]
    twice = fan.scaled(2.0).draw((600, 800))
    assert iou(cv2.resize(twice.astype(np.uint8), (400, 300), interpolation=cv2.INTER_AREA) > 0, fan.draw(SIZE)) > 0.98
