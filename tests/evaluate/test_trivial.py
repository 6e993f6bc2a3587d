"""Trivial translators: what each does, with frames where the result is known."""

from dataclasses import replace

import numpy as np
import pytest

from echodiff.evaluate.trivial import (
    TRANSLATORS,
    Reference,
    label_paint,
    match_histogram,
    nearest_mask,
    resector,
)
from echodiff.store.image_set import read_image_set


@pytest.fixture
def reference(small_image_set):
    return Reference.of(small_image_set)


def _triangle(size, half_width):
    rows, columns = np.mgrid[:size, :size]
    return (np.abs(columns - size // 2) <= half_width * rows / size).astype(np.uint8)


def test_resector_fills_the_common_sector_and_nothing_else(small_image_set):
    wide = np.repeat(_triangle(64, 30)[None], 6, axis=0)
    reference = Reference.of(replace(small_image_set, sectors=wide))
    narrow = _triangle(64, 12)
    result = resector(narrow * 200, narrow, reference)
    assert (result[wide[0] == 0] == 0).all() and (result[10:][wide[0][10:] == 1] == 200).all()


def test_resector_between_equal_sectors_changes_nothing(small_image_set, reference):
    image, sector = small_image_set.images[0], small_image_set.sectors[0]
    np.testing.assert_array_equal(resector(image, sector, reference), image * sector)


def test_matched_histogram_has_the_quantiles_of_the_reference():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (128, 128), dtype=np.uint8)
    grays = np.sort(rng.normal(120, 20, 5000).clip(0, 255))
    region = np.zeros(image.shape, bool)
    region[20:] = True
    matched = match_histogram(image, region, grays)
    shares = np.linspace(0.05, 0.95, 10)
    np.testing.assert_allclose(np.quantile(matched[region], shares), np.quantile(grays, shares), atol=1.5)
    np.testing.assert_array_equal(matched[~region], image[~region])
    order = np.argsort(image[region], kind="stable")
    assert (np.diff(matched[region][order].astype(int)) >= 0).all()


def test_nearest_mask_finds_the_same_label_map(small_image_set):
    masks = small_image_set.masks.copy()
    for i in range(6):
        masks[i] = np.roll(masks[i], 3 * i, axis=1)
    reference = Reference.of(replace(small_image_set, masks=masks))
    assert [nearest_mask(mask, reference) for mask in masks] == list(range(6))


def test_painted_labels_have_the_training_grays(small_image_set):
    shade = np.array([60, 20, 120, 200], np.uint8)
    reference = Reference.of(replace(small_image_set, images=shade[small_image_set.masks]))
    np.testing.assert_allclose(reference.means, shade)
    mask, sector = small_image_set.masks[0], small_image_set.sectors[0]
    painted = label_paint(mask, sector, replace(reference, sds=np.zeros(4)), seed=0)
    assert painted[mask == 3].max() == 200 and (painted[(sector == 0) & (mask == 0)] == 0).all()
    noisy = label_paint(mask, sector, replace(reference, sds=np.full(4, 10.0)), seed=0).astype(float)
    assert (noisy - painted)[sector == 1].std() == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_translations_do_not_depend_on_the_other_cases(name, small_image_set, reference):
    whole = [TRANSLATORS[name](small_image_set, i, reference, 1) for i in range(6)]
    alone = TRANSLATORS[name](small_image_set.select(["case004"]), 0, reference, 1)
    np.testing.assert_array_equal(whole[4], alone)


def test_command_writes_a_translation_by_each_translator(run_echodiff, config, files):
    given = ["evaluate", "trivial", "--config", config, "--reference", files / "data.h5"]
    given += ["--split", files / "split.parquet", "--original", files / "data.h5", "--output", files / "out"]
    done = run_echodiff(*given)
    assert done.returncode == 0, done.stderr
    original = read_image_set(files / "data.h5")
    for name in TRANSLATORS:
        made = read_image_set(files / "out" / name / f"{original.attributes['dataset']}.h5")
        assert made.case_id == original.case_id and (made.masks == original.masks).all()
        assert (made.attributes["kind"], made.attributes["model"]) == ("translation", name)
    done = run_echodiff(*given, "--translator", "magic")
    assert done.returncode == 1 and "'magic'" in done.stderr
