"""The polar frame: tissue stays, the outline of the sector goes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from echodiff.evaluate.polar import polar_frame, polar_frames, tissue_hull

SIZE = 128


def fan(half_angle: float, *, apex: float = 2.0, near: float = 0.0, far: float = 120.0, stretch: float = 1.0):
    """A sector and a scene in it that depends on depth share and angle share alone: (image, sector)."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    y, x = y - apex, (x - (SIZE - 1) / 2) / stretch
    radius, tangent = np.hypot(x, y), x / np.maximum(y, 1e-9) / np.tan(half_angle)
    depth = (radius - near) / (far - near)
    sector = (np.abs(tangent) <= 1) & (depth >= 0) & (depth <= 1) & (y > 0)
    image = 60 + 90 * depth + 70 * tangent * depth
    return np.where(sector, np.clip(image, 10, 255), 0).astype(np.uint8), sector


EXPECTED = np.clip(60 + 90 * np.linspace(0, 1, SIZE)[:, None] * np.ones(SIZE)
                   + 70 * np.linspace(0, 1, SIZE)[:, None] * np.linspace(-1, 1, SIZE), 10, 255)  # fmt: skip


@pytest.mark.parametrize(
    "shape",
    [
        {"half_angle": 0.45},
        {"half_angle": 0.35, "near": 15.0},
        {"half_angle": 0.4, "apex": -30.0, "near": 32.0, "far": 150.0},
        {"half_angle": 0.4, "stretch": 1.2},
    ],
)
def test_one_scene_in_sectors_of_any_shape_becomes_one_picture(shape):
    image, sector = fan(**shape)
    found = polar_frame(image, sector).astype(float)
    inner = slice(8, -8)  # beams of one pixel at the tip and half pixels at the border
    assert np.abs(found - EXPECTED)[inner, inner].mean() < 4
    assert (found[inner, inner] > 0).all()


def test_a_rectangle_keeps_its_picture_and_an_empty_sector_is_black():
    image = np.tile(np.linspace(20, 220, SIZE).astype(np.uint8), (SIZE, 1))
    found = polar_frame(image, np.ones((SIZE, SIZE), bool))
    assert np.abs(found.astype(int) - image).max() <= 3
    assert not polar_frame(image, np.zeros((SIZE, SIZE), bool)).any()


def test_the_outline_is_the_hull_of_what_is_seen_without_specks():
    image, sector = fan(0.45)
    image[3, 100] = 255  # a speck outside
    hull = tissue_hull(image)
    assert (hull & sector).sum() / (hull | sector).sum() > 0.97 and not hull[3, 100]
    assert not tissue_hull(np.zeros_like(image)).any()


def test_the_drawn_sector_counts_not_that_of_the_guide_and_real_images_are_treated_alike(small_image_set):
    image, sector = fan(0.3)
    image, drawn = (cv2.resize(plane.astype(np.uint8), (64, 64)) for plane in (image, sector))
    one = small_image_set.select(small_image_set.case_id[:1])
    real = replace(one, images=image[None], sectors=drawn[None], attributes={"kind": "dataset"})
    wrong = replace(real, sectors=np.ones_like(drawn)[None], attributes={"kind": "translation"})
    np.testing.assert_array_equal(polar_frames(wrong), polar_frames(real))
    difference = np.abs(polar_frame(image, drawn > 0).astype(int) - polar_frames(real)[0])[4:-4, 4:-4]
    assert difference.mean() < 4
