"""Mask fidelity: overlap against MONAI, clinical measures of drawn shapes."""

import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance
from skimage.draw import disk

from echodiff.evaluate.clinical import clinical_measures
from echodiff.evaluate.overlap import dice, hausdorff95_mm, overlap_of, surface_distances

SPACING = np.array([0.5, 0.8])


def _blob(centre, radius, size=128):
    region = np.zeros((size, size), bool)
    region[disk(centre, radius)] = True
    return region


def test_hausdorff_distance_agrees_with_monai_in_mm():
    first, second = _blob((60, 60), 25), _blob((64, 70), 22)
    tensors = [torch.from_numpy(region)[None, None].float() for region in (first, second)]
    expected = compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=SPACING.tolist())
    assert hausdorff95_mm(first, second, SPACING) == pytest.approx(float(expected), rel=1e-5)


def test_dice_and_mean_border_distance_agree_with_monai():
    first, second = _blob((60, 60), 25), _blob((64, 70), 22)
    tensors = [torch.from_numpy(region)[None, None].float() for region in (first, second)]
    row = overlap_of(*(region.astype(np.uint8) for region in (first, second)), SPACING)
    assert row["dice_lv"] == pytest.approx(float(compute_dice(*tensors)), rel=1e-5)
    options = {"include_background": True, "symmetric": True, "spacing": SPACING.tolist()}
    assert row["assd_lv_mm"] == pytest.approx(float(compute_average_surface_distance(*tensors, **options)), rel=1e-5)


def test_overlap_of_a_shifted_region_in_mm():
    first = np.zeros((64, 64), bool)
    first[20:40, 20:40] = True
    second = np.roll(first, 4, axis=1)
    assert dice(first, second) == pytest.approx(16 / 20)
    assert surface_distances(first, second, SPACING).max() == pytest.approx(4 * 0.8)
    mask = first.astype(np.uint8)
    same = overlap_of(mask, mask, SPACING)
    assert same["dice_lv"] == 1 and same["hd95_lv_mm"] == 0 and same["assd_lv_mm"] == 0


def test_absent_structures_are_missing_and_lost_ones_are_zero():
    mask = _blob((60, 60), 20).astype(np.uint8)
    row = overlap_of(np.zeros_like(mask), mask, SPACING)
    assert row["dice_lv"] == 0 and np.isnan(row["hd95_lv_mm"])
    assert np.isnan(row["dice_la"]) and np.isnan(row["hd95_la_mm"])


def test_clinical_measures_of_a_drawn_heart():
    """A rectangle of 60 x 20 mm in a wall of 8 mm, on an atrium of 30 x 20 mm."""
    mask = np.zeros((256, 256), np.uint8)
    mask[24:160, 70:115] = 2  # 8 mm more than the cavity at the top and at each side
    mask[40:160, 80:105] = 1
    mask[160:220, 80:105] = 3
    measures = clinical_measures(mask, SPACING)
    assert measures["lv_area_cm2"] == pytest.approx(60 * 20 / 100)
    assert measures["la_area_cm2"] == pytest.approx(30 * 20 / 100)
    assert measures["lv_long_axis_mm"] == pytest.approx(np.hypot(59.5, 9.6))  # between middles of pixels
    assert clinical_measures(mask * (mask != 3), SPACING)["lv_long_axis_mm"] == measures["lv_long_axis_mm"]
    assert measures["wall_thickness_mm"] == pytest.approx(8, abs=0.8)
    for few in (1, 2, 5):  # pixels of a ventricle that has no border to be smoothed
        hardly_any = mask * (mask != 1) + (np.arange(256**2).reshape(256, 256) < few)
        assert clinical_measures(hardly_any, SPACING)["wall_thickness_mm"] > 0
    empty = clinical_measures(mask * 0, SPACING)
    assert all(np.isnan(value) for value in empty.values())


def test_the_long_axis_begins_at_the_mitral_plane_wherever_that_is():
    """An atrium beside the cavity: from the middle of the 22 pixels along it to the corner far above."""
    mask = np.zeros((256, 256), np.uint8)
    mask[40:160, 80:105], mask[100:120, 105:150] = 1, 3
    expected = np.hypot((109.5 - 40) * 0.5, (104 - 80) * 0.8)
    assert clinical_measures(mask, SPACING)["lv_long_axis_mm"] == pytest.approx(expected)


@pytest.mark.parametrize("spacing", [(0.3, 0.3), (0.6, 0.6), (0.6, 0.9), (0.5, 1.0), (1.2, 1.2)])
@pytest.mark.parametrize("open_below", [False, True], ids=["ring", "horseshoe"])
def test_the_wall_is_as_thick_as_it_was_drawn(spacing, open_below):
    """8 mm around a cavity of 40 mm, wherever its middle lies between the pixels."""
    found = []
    for middle in np.linspace(59, 60, 5):
        rows, columns = (np.arange(int(120 / step)) * step + step / 2 - middle for step in spacing)
        y, x = np.meshgrid(rows, columns, indexing="ij")
        radius = np.where(open_below & (y > 0), abs(x), np.hypot(x, y))
        mask = np.select([radius < 20, radius < 28], [1, 2]) * ~(open_below & (y > 45))
        found.append(clinical_measures(mask.astype(np.uint8), np.array(spacing))["wall_thickness_mm"])
    assert np.mean(found) == pytest.approx(8, rel=0.03)


def test_without_a_spacing_there_are_no_millimetres():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:40, 20:40], mask[40:55, 20:40], mask[10:40, 40:44] = 1, 3, 2
    unknown = np.full(2, np.nan)
    row = overlap_of(mask, mask, unknown)
    assert row["dice_lv"] == 1 and np.isnan(row["hd95_lv_mm"]) and np.isnan(row["assd_la_mm"])
    assert all(np.isnan(value) for value in clinical_measures(mask, unknown).values())
