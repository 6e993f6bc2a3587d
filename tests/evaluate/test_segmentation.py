"""Mask fidelity: overlap against MONAI, clinical measures of drawn shapes, a segmenter that learns and repeats."""

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance
from skimage.draw import disk

from echodiff.errors import InputError
from echodiff.evaluate.clinical import clinical_measures
from echodiff.evaluate.fidelity_table import fidelity_table
from echodiff.evaluate.overlap import dice, hausdorff95_mm, overlap_of, surface_distances
from echodiff.evaluate.segmenter import Training, augment, load_segmenter, save_segmenter, segment, train_segmenter
from echodiff.store.image_set import ImageSet

SPACING = np.array([0.5, 0.8])
QUICK = Training(size=32, epochs=12, batch_size=4, learning_rate=5e-3, seed=1)


def _blob(centre, radius, size=128):
    region = np.zeros((size, size), bool)
    region[disk(centre, radius)] = True
    return region


def test_hausdorff_distance_agrees_with_monai_in_mm():
    first, second = _blob((60, 60), 25), _blob((64, 70), 22)
    tensors = [torch.from_numpy(region)[None, None].float() for region in (first, second)]
    expected = compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=SPACING.tolist())
    assert hausdorff95_mm(first, second, SPACING) == pytest.approx(float(expected), rel=1e-5)


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
    assert measures["lv_long_axis_mm"] == pytest.approx(np.hypot(60, 10), abs=1.0)
    assert measures["wall_thickness_mm"] == pytest.approx(8, abs=0.8)
    empty = clinical_measures(mask * 0, SPACING)
    assert all(np.isnan(value) for value in empty.values())


def test_without_a_spacing_there_are_no_millimetres():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:40, 20:40], mask[40:55, 20:40], mask[10:40, 40:44] = 1, 3, 2
    unknown = np.full(2, np.nan)
    row = overlap_of(mask, mask, unknown)
    assert row["dice_lv"] == 1 and np.isnan(row["hd95_lv_mm"]) and np.isnan(row["assd_la_mm"])
    assert all(np.isnan(value) for value in clinical_measures(mask, unknown).values())


def _hearts(n, seed):
    """Dark discs (LV) in bright rings (MYO) over gray atria, at random places."""
    rng = np.random.default_rng(seed)
    masks, images = np.zeros((2, n, 64, 64), np.uint8)
    for i in range(n):
        row, column = rng.integers(20, 30), rng.integers(24, 40)
        for label, centre, radius in ((3, (row + 18, column), 8), (2, (row, column), 14), (1, (row, column), 9)):
            masks[i][disk(centre, radius, shape=(64, 64))] = label
        grays = np.array([90, 20, 220, 150])[masks[i]]
        images[i] = np.clip(grays + rng.normal(0, 10, grays.shape), 0, 255)
    spacing = np.ones((n, 2), np.float32)
    ids = [f"h{i}" for i in range(n)]
    return ImageSet(images, masks, np.ones_like(masks), spacing, ids, {"dataset": "camus", "kind": "dataset"})


@pytest.fixture(scope="module")
def trained():
    return train_segmenter(_hearts(24, 0), QUICK, device="cpu")


def test_segmenter_finds_the_structures_of_unseen_hearts(trained):
    unseen = _hearts(6, 1)
    table = fidelity_table(unseen, segment(trained, unseen.images, size=32, device="cpu"))
    assert table["dice_lv"].mean() > 0.7 and table["dice_lv_myo"].mean() > 0.75
    assert table["lv_area_cm2_guide"].iloc[0] == pytest.approx((unseen.masks[0] == 1).sum() / 100)
    shuffled = fidelity_table(unseen, segment(trained, unseen.images[::-1], size=32, device="cpu"))
    assert shuffled["dice_lv"].mean() < table["dice_lv"].mean()


def test_segmenter_repeats_with_its_seed_and_does_not_depend_on_batches(trained, tmp_path):
    again = train_segmenter(_hearts(24, 0), QUICK, device="cpu")
    images = _hearts(5, 2).images
    masks = segment(trained, images, size=32, device="cpu", batch_size=5)
    np.testing.assert_array_equal(segment(again, images, size=32, device="cpu", batch_size=2), masks)
    save_segmenter(trained, QUICK, tmp_path / "s.pt")
    loaded, training = load_segmenter(tmp_path / "s.pt", "cpu")
    assert training == QUICK
    np.testing.assert_array_equal(segment(loaded, images, size=32, device="cpu"), masks)


def test_a_damaged_segmenter_is_named(tmp_path):
    (tmp_path / "s.pt").write_bytes(b"nothing")
    for name in ("s.pt", "absent.pt"):
        with pytest.raises(InputError, match=f"{name}.*evaluate segmenter"):
            load_segmenter(tmp_path / name, "cpu")


def test_augmentation_moves_frame_and_label_map_alike():
    hearts = _hearts(8, 3)
    frames = torch.from_numpy(np.array([0.0, 1.0, 0.5, -0.5], np.float32)[hearts.masks])[:, None]
    masks = torch.from_numpy(hearts.masks)[:, None].float()
    moved, labels = augment(frames, masks, torch.Generator().manual_seed(0))
    assert not torch.equal(labels, masks)
    inside = torch.nn.functional.avg_pool2d((labels == 1).float(), 5, 1, 2) == 1  # far from borders
    for i in range(8):  # gamma is one a frame, so that the inside of a structure has one gray
        assert moved[i][inside[i]].std() < 0.02
    assert set(labels.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}
