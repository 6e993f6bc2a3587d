"""Predicted label maps: tidied whatever the segmenter gives, and refused where they are no heart."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, binary_fill_holes, gaussian_filter, label
from skimage.draw import disk

from echodiff.labels import LA, LV, MYO
from echodiff.segment.plausible import anatomical_fault, misplaced
from echodiff.segment.tidy import largest_region, second_share, tidy

SIZE = 128


def heart() -> np.ndarray:
    """An LV in its wall, open at the base, on an atrium."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    rows, columns = np.indices(mask.shape)
    for value, width, height in ((MYO, 26, 46), (LV, 17, 38)):
        mask[(((columns - 64) / width) ** 2 + ((rows - 72) / height) ** 2 < 1) & (rows < 72)] = value
    mask[(((columns - 64) / 15) ** 2 + ((rows - 72) / 26) ** 2 < 1) & (rows >= 72)] = LA
    return mask


SECTOR = np.ones((SIZE, SIZE), np.uint8)


def patches(seed: int) -> np.ndarray:
    """Labels as a bad segmenter may scatter them."""
    rng = np.random.default_rng(seed)
    fields = np.stack([gaussian_filter(rng.normal(size=(64, 64)), rng.uniform(1, 6)) for _ in range(4)])
    fields /= fields.std(axis=(1, 2), keepdims=True)
    return fields.argmax(axis=0).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_tidied_structures_hang_together_without_holes_inside_the_sector(seed):
    raw, sector = patches(seed), np.zeros((64, 64), np.uint8)
    sector[disk((30, 32), 28)] = 1
    mask = tidy(raw, sector)
    assert not mask[sector == 0].any()
    for values in ((LV,), (LV, MYO), (LA,)):
        region = np.isin(mask, values)
        assert label(region)[1] <= 1
        holes = binary_fill_holes(region) & ~region
        assert not (holes & (mask == 0)).any()
    np.testing.assert_array_equal(mask[(mask == LV) & (raw == LV)], LV)
    assert (mask == LV).sum() >= largest_region((raw == LV) & (sector > 0)).sum()
    np.testing.assert_array_equal(tidy(mask, sector), mask)


def test_a_clean_label_map_stays_as_it_is():
    np.testing.assert_array_equal(tidy(heart(), SECTOR), heart())


def test_specks_go_and_holes_are_filled():
    raw = heart()
    raw[5:9, 5:9], raw[60, 64], raw[40, 42] = LV, 0, 0
    np.testing.assert_array_equal(tidy(raw, SECTOR), heart())


def test_a_wall_that_the_sector_cuts_at_the_apex_keeps_both_sides():
    sector = SECTOR.copy()
    sector[:38] = 0
    mask = tidy(heart(), sector)
    np.testing.assert_array_equal(mask, heart() * sector)
    assert label(mask == MYO)[1] == 2


def test_the_second_region_is_measured_against_the_first():
    region = np.zeros((20, 20), bool)
    assert second_share(region) == 0
    region[:4, :5] = True
    assert second_share(region) == 0
    region[10:12, :5] = True
    assert second_share(region) == 0.5


def faulty(change) -> str | None:
    raw, sector, confidence = heart(), SECTOR.copy(), 0.9
    confidence = change(raw, sector) or confidence
    return anatomical_fault(raw, tidy(raw, sector), sector, confidence)


def test_a_heart_has_no_fault():
    assert faulty(lambda raw, sector: None) is None


def nothing(raw, sector):
    raw[:] = 0


def no_wall(raw, sector):
    raw[raw == MYO] = 0


def no_atrium(raw, sector):
    raw[raw == LA] = 0


def two_ventricles(raw, sector):
    raw[20:50, 100:126] = LV


def wall_on_one_side(raw, sector):
    raw[:, 66:][raw[:, 66:] == MYO] = 0
    raw[40:72, 30:44] = MYO


def cut_in_half(raw, sector):
    sector[:, :66] = 0


def upside_down(raw, sector):
    raw[:] = raw[::-1].copy()


def atrium_apart(raw, sector):
    raw[raw == LA] = 0
    raw[110:120, 100:120] = LA


def unsure(raw, sector):
    return 0.5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (nothing, "left ventricle of 0.0% of the sector"),
        (no_wall, "myocardium of 0.0% of the sector"),
        (no_atrium, "left atrium of 0.0% of the sector"),
        (two_ventricles, "left ventricle in several places"),
        (wall_on_one_side, "myocardium along"),
        (cut_in_half, "of the left ventricle's border at the sector's edge"),
        (upside_down, "does not lie below the ventricle"),
        (atrium_apart, "apart from the ventricle"),
        (unsure, "mean probability of 0.50"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_no_heart_is_named(change, sentence):
    assert re.search(sentence, faulty(change))


def limited(mask: np.ndarray, region: np.ndarray, number: int) -> np.ndarray:
    """The label map with the first `number` pixels of `region` alone."""
    mask = mask.copy()
    mask[tuple(np.argwhere(region)[number:].T)] = 0
    return mask


@pytest.mark.parametrize(
    ("value", "least", "name"), [(LV, 656, "left ventricle"), (MYO, 492, "myocardium"), (LA, 82, "left atrium")]
)
def test_structures_are_too_small_below_their_share_of_the_sector(value, least, name):
    """4, 3 and 0.5 % of 16,384 pixels."""
    for number in (least - 1, least):
        mask = limited(heart(), heart() == value, number)
        fault = anatomical_fault(mask, mask, SECTOR, 1.0) or ""
        assert fault.startswith(f"a {name} of ") == (number < least)


def test_the_limits_of_scatter_and_of_confidence():
    most = int(0.3 * (heart() == LV).sum())
    for number in (most, most + 1):
        raw = heart()
        raw[:, :20] = limited(np.full((SIZE, 20), LV, np.uint8), SECTOR[:, :20] > 0, number)
        fault = anatomical_fault(raw, heart(), SECTOR, 0.7)
        assert (fault is None) == (number == most)
    assert anatomical_fault(heart(), heart(), SECTOR, 0.699) is not None


def test_the_wall_is_along_half_of_the_ventricle_s_border_at_least():
    border = binary_dilation(heart() == LV) & (heart() != LV)
    beside = heart()
    beside[border] = MYO
    half = -(-int(border.sum()) // 2)
    for number in (half - 1, half):
        faults = list(misplaced(limited(beside, border, number), SECTOR > 0))
        assert any(fault.startswith("myocardium along") for fault in faults) == (number < half)


def test_the_atrium_is_a_tenth_of_the_frame_below_the_ventricle_at_least():
    """Their middles 12 and 13 rows of 128 apart."""
    for rows, there in ((12, True), (13, False)):
        mask = np.zeros_like(SECTOR)
        mask[20:60, 40:60], mask[20 + rows : 60 + rows, 60:80] = LV, LA
        assert ("a left atrium that does not lie below the ventricle" in misplaced(mask, SECTOR > 0)) == there
