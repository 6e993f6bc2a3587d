"""Geometry of the sector: contours and echoes of one place in the tissue lie in one pixel, and contours are filled."""

import numpy as np
import pytest

from echodiff.phantom.sector import BLANK_MM, PolarGrid, Sector, cover, fill, scan_maps

SECTORS = [Sector(150, np.radians(38), 0, 0.5), Sector(160, np.radians(35), 20, 0.45)]


def pixel_centres(sector: Sector) -> tuple[np.ndarray, np.ndarray]:
    """Places (H, W, 2) of (x, y) in mm, and the numbers (H, W, 2) of (column, row).

    The frame's middle lies below the probe's middle, and its first row begins at the face's rim: of a convex face, so
    far above the middle of the face as the arc is high.
    """
    rows, columns = sector.shape
    row, column = np.mgrid[:rows, :columns]
    rim = -sector.virtual_apex * (1 - np.cos(sector.half_angle))
    places = np.stack([(column + 0.5 - columns / 2) * sector.pixel, rim + (row + 0.5) * sector.pixel], -1)
    return places, np.stack([column, row], -1)


@pytest.mark.parametrize("sector", SECTORS, ids=["phased", "convex"])
def test_contours_and_echoes_of_a_place_lie_in_its_pixel(sector):
    grid = PolarGrid(sector, 600, 190)
    places, numbers = pixel_centres(sector)
    np.testing.assert_allclose(sector.to_pixels(places), numbers, atol=1e-9)
    line, sample, inside = scan_maps(grid)
    x, y = places[..., 0], places[..., 1] + sector.virtual_apex
    angle, depth = np.arctan2(x, y), np.hypot(x, y) - sector.virtual_apex
    expected = (angle / sector.half_angle + 1) / 2 * 189, depth / sector.depth * 600 - 0.5
    shown = inside == 1
    computed = np.moveaxis(grid.to_samples(places), -1, 0)
    for found, samples, wanted in zip((line, sample), computed, expected, strict=True):
        np.testing.assert_allclose(samples[shown], wanted[shown], atol=1e-9)
        np.testing.assert_allclose(found[shown], wanted[shown], atol=0.03)
    inner = [sector.half_angle - np.abs(angle), (depth - BLANK_MM) / 100, (sector.depth - depth) / 100]
    edge = np.minimum.reduce(inner)
    clear = np.abs(edge) > 5e-4
    assert (shown == (edge > 0))[clear].all() and 0.4 < shown.mean() < 0.8
    assert shown[:, 0].any() and shown[:, -1].any() and shown[-1].any()  # the frame just holds the sector


@pytest.mark.parametrize("sector", SECTORS, ids=["phased", "convex"])
def test_places_of_samples_are_where_the_samples_are(sector):
    grid = PolarGrid(sector, 60, 30)
    lines, ranges = np.meshgrid(np.arange(30), np.arange(60))
    np.testing.assert_allclose(grid.to_samples(grid.centres()), np.stack([lines, ranges], -1), atol=1e-9)
    blocks = np.stack([lines, ranges], -1).reshape(20, 3, 10, 3, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(grid.to_samples(grid.centres(every=3)), blocks, atol=1e-9)


def test_a_polygon_covers_the_pixels_whose_centres_lie_inside():
    angle = np.linspace(0, 2 * np.pi, 9)[:-1]
    corners = np.stack([14.3 + 11.7 * np.cos(angle), 9.6 + 12.2 * np.sin(angle)], 1)  # reaches over the upper edge
    canvas = np.full((24, 30), 5, np.uint8)
    cover(canvas, corners, 2)
    row, column = np.mgrid[:24, :30]
    inside = np.ones(canvas.shape, bool)
    for (x, y), (x_next, y_next) in zip(corners, np.roll(corners, -1, axis=0), strict=True):  # left of every side
        inside &= (x_next - x) * (row - y) - (y_next - y) * (column - x) > 0
    np.testing.assert_array_equal(canvas, np.where(inside, 2, 5))


def test_a_painted_polygon_has_the_pixels_of_its_outline_too():
    canvas = np.zeros((9, 10), np.float32)
    fill(canvas, np.array([[2.0, 3.0], [6.0, 3.0], [6.0, 5.0], [2.0, 5.0]]), -4.5)
    expected = np.zeros((9, 10), np.float32)
    expected[3:6, 2:7] = -4.5
    np.testing.assert_array_equal(canvas, expected)
