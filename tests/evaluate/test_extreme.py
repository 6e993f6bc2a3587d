"""Guides of extreme shape: each deformation does what its name says, and the table tells what was drawn of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import distance_transform_edt, label
from skimage.draw import ellipse

from echodiff.errors import InputError
from echodiff.evaluate.extreme import (
    DEFORMATIONS,
    UNCHANGED,
    extreme_guides,
    held_out_cases,
    parts_of,
    real_images,
)
from echodiff.evaluate.extreme_table import extreme_table
from echodiff.store.image_set import ImageSet

SIZE = 128


@pytest.fixture(scope="module")
def hearts():
    """Two upright hearts in a sector that leaves the frame's corners out."""
    masks = np.zeros((2, SIZE, SIZE), np.uint8)
    for mask, column in zip(masks, (60, 66), strict=True):
        for value, (row, radii) in ((3, (92, (16, 14))), (2, (56, (32, 20))), (1, (58, (26, 13)))):
            mask[ellipse(row, column, *radii, shape=mask.shape)] = value
    rows, columns = np.mgrid[:SIZE, :SIZE]
    sector = (np.abs(columns - 64) < 14 + 0.45 * rows).astype(np.uint8)
    sectors = np.stack([sector, sector])
    images = np.full_like(masks, 90)
    return ImageSet(images, masks * sectors, sectors, np.ones((2, 2), np.float32), ["a", "b.c"], {"dataset": "camus"})


@pytest.fixture(scope="module")
def guides(hearts):
    made = extreme_guides(hearts)
    return {parts: mask for parts, mask in zip(parts_of(made.case_id), made.masks, strict=True)}


def _thickness(mask):
    """Twice the largest distance inside the wall."""
    return 2 * distance_transform_edt(mask == 2).max()


def test_every_case_has_every_deformation_within_its_sector(hearts, guides):
    assert set(guides) == {(case, name) for case in hearts.case_id for name in DEFORMATIONS}
    for (case, name), mask in guides.items():
        own = hearts.case_id.index(case)
        assert not mask[hearts.sectors[own] == 0].any() and set(np.unique(mask)) <= {0, 1, 2, 3}
        assert (mask == hearts.masks[own]).all() == (name == UNCHANGED)
        assert label(mask == 1)[1] == 1, name  # one cavity, in one piece


@pytest.mark.parametrize("case", ["a", "b.c"])
def test_deformations_do_what_their_names_say(guides, case):
    area = {
        name: [int((guides[case, name] == value).sum()) for value in range(4)] for name in DEFORMATIONS
    }  # of background, LV, MYO, LA
    whole = area[UNCHANGED]
    assert 1.5 < area["dilated_lv"][1] / whole[1] < 1.4**2 and area["dilated_lv"][3] == whole[3]
    assert 1 < sum(area["dilated_lv"][1:3]) / sum(whole[1:3]) < 1.2**2
    assert _thickness(guides[case, "dilated_lv"]) < _thickness(guides[case, UNCHANGED])
    assert _thickness(guides[case, "hypertrophied_myo"]) > _thickness(guides[case, UNCHANGED]) + 4
    assert area["hypertrophied_myo"][1] < whole[1] and area["hypertrophied_myo"][3] == whole[3]
    assert area["tiny"][1] == pytest.approx(whole[1] / 4, rel=0.1)
    assert area["rotated"][1] == pytest.approx(whole[1], rel=0.15)
    turned = np.argwhere(guides[case, "rotated"] == 1) - np.argwhere(guides[case, "rotated"] == 1).mean(axis=0)
    axis = np.linalg.svd(turned, full_matrices=False)[2][0]
    assert np.degrees(np.arccos(abs(axis[0]))) == pytest.approx(40, abs=5)
    assert area["cut_at_the_edge"][1] == pytest.approx(0.6 * whole[1], rel=0.06)
    assert area["without_la"][1:] == [whole[1], whole[2], 0] and area["without_myo"][1:] == [whole[1], 0, whole[3]]


def test_a_label_map_without_lv_is_named(hearts):
    with pytest.raises(InputError, match="case b.c: expected a label map with an LV"):
        extreme_guides(replace(hearts, masks=hearts.masks * (hearts.masks != 1)).select(["b.c"]))


def test_table_tells_what_is_missed_and_what_is_invented(hearts):
    made = extreme_guides(hearts)
    perfect = extreme_table(made, made.masks).set_index(["case_id", "deformation"])
    assert (perfect["dice_lv"] == 1).all() and perfect.loc[("a", "without_la"), "invented_la"] == 0
    assert np.isnan(perfect.loc[("a", "tiny"), "invented_la"]) and np.isnan(perfect.loc[("a", "without_la"), "dice_la"])
    always = np.repeat(hearts.masks, len(DEFORMATIONS), axis=0)  # a model that draws the same whatever the guide
    table = extreme_table(made, always).set_index(["case_id", "deformation"])
    assert table.loc[("b.c", "without_la"), "invented_la"] == 1 and table.loc[("a", "without_myo"), "invented_myo"] == 1
    assert table.loc[("a", UNCHANGED), "dice_lv"] == 1 and table.loc[("a", "tiny"), "dice_lv"] < 0.5
    assert (table["leakage"] == 1).all()  # these frames are gray everywhere


def test_a_patient_of_several_images_is_deformed_once():
    """Each would be counted as a patient."""
    split = pd.DataFrame({"case_id": ["c", "a2", "a1", "b", "t"], "group": ["c", "a", "a", "b", "t"]})
    split["subset"] = ["validation"] * 4 + ["train"]
    assert held_out_cases(split) == ["a1", "b", "c"]


def test_the_ceiling_is_the_real_image_beside_the_unchanged_guide(hearts):
    """In the sector in which the model's images are measured."""
    drawn = extreme_guides(hearts)
    drawn = replace(drawn, images=np.zeros_like(drawn.images), sectors=np.ones_like(drawn.sectors))
    real = real_images(drawn, hearts)
    assert parts_of(real.case_id) == [("a", UNCHANGED), ("b.c", UNCHANGED)]
    np.testing.assert_array_equal(real.images, hearts.images)
    np.testing.assert_array_equal(real.masks, hearts.masks)
    assert (real.sectors == 1).all() and (extreme_table(real, hearts.masks)["dice_lv"] == 1).all()
