"""Crop and resampling: areas in mm2 survive, nothing shifts, nothing outside the sector remains."""

import numpy as np
import pytest

from echodiff.ingest.case import Reject, SourceFrame
from echodiff.ingest.frame import fit_frame, majority, nearest

from .conftest import plane


def source(spacing=(0.3, 0.3), **changes) -> SourceFrame:
    content = plane(380, 460)
    values = {
        "image": content.image,
        "mask": content.labels,
        "sector": content.sector,
        "spacing_mm": spacing,
        "ed_frame": 0,
        "ed_rule": "explicit",
        "ed_confidence": 1.0,
        "frames": 1,
    }
    return SourceFrame(**{**values, **changes})


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@pytest.mark.parametrize("spacing", [(0.3, 0.3), (0.15, 0.3), (0.6, 0.2)])
def test_areas_in_mm2_are_kept(fit, spacing):
    frame = source(spacing)
    fitted = fit_frame(frame, 256, fit)
    for label in (1, 2, 3):
        before = (frame.mask == label).sum() * np.prod(frame.spacing_mm)
        after = (fitted.mask == label).sum() * np.prod(fitted.spacing_mm)
        assert after == pytest.approx(before, rel=0.01)
        assert abs(after - before) <= 0.5001 * np.prod(fitted.spacing_mm), "to within half a pixel"


def test_stretch_fills_the_frame_and_keeps_the_extent_in_mm():
    frame = source((0.2, 0.4))
    fitted = fit_frame(frame, 256, "stretch")
    rows, columns = (np.flatnonzero(frame.sector.any(axis)) for axis in (1, 0))
    assert fitted.spacing_mm[0] * 256 == pytest.approx((rows[-1] - rows[0] + 1) * 0.2)
    assert fitted.spacing_mm[1] * 256 == pytest.approx((columns[-1] - columns[0] + 1) * 0.4)
    assert fitted.sector.any(0).all() and fitted.sector.any(1).all()


def test_pad_makes_square_pixels_and_centres():
    fitted = fit_frame(source((0.15, 0.3)), 256, "pad")
    assert fitted.spacing_mm[0] == pytest.approx(fitted.spacing_mm[1], rel=0.01)
    rows = np.flatnonzero(fitted.sector.any(1))
    assert abs(rows[0] - (255 - rows[-1])) <= 1


@pytest.mark.parametrize("size", [128, 512])
def test_gray_values_are_kept_on_average(size):
    """Values are rounded, not cut off: that would make every image darker by half a level."""
    frame = source(sector=np.ones((380, 460), bool))
    fitted = fit_frame(frame, size, "stretch")
    assert fitted.image.mean() == pytest.approx(frame.image.mean(), abs=0.1)


def test_old_and_new_camus_give_the_same_frame():
    """The old release has the same frame with rows twice as dense."""
    new = source((0.308, 0.308))
    old = source(
        (0.154, 0.308),
        image=np.repeat(new.image, 2, 0),
        mask=np.repeat(new.mask, 2, 0),
        sector=np.repeat(new.sector, 2, 0),
    )
    a, b = fit_frame(new, 256, "stretch"), fit_frame(old, 256, "stretch")
    assert a.spacing_mm == pytest.approx(b.spacing_mm)
    assert (a.mask == b.mask).mean() > 0.999
    assert np.abs(a.image.astype(int) - b.image).mean() < 2


def test_nothing_outside_the_sector_survives():
    bright = source().image.copy()
    bright[~source().sector] = 255
    fitted = fit_frame(source(image=bright), 256, "stretch")
    clean = fit_frame(source(), 256, "stretch")
    assert not fitted.image[fitted.sector == 0].any()
    np.testing.assert_array_equal(fitted.image, clean.image)


@pytest.mark.parametrize("label", [1, 3])
def test_labels_beyond_the_sector_are_not_cut_off(label):
    mask = source().mask.copy()
    mask[300:378, 5:30] = label
    fitted = fit_frame(source(mask=mask), 256, "stretch")
    area = (fitted.mask == label).sum() * np.prod(fitted.spacing_mm)
    assert area == pytest.approx((mask == label).sum() * 0.09, rel=0.01)


def test_nearest_is_centred():
    row = np.arange(6)[None]
    np.testing.assert_array_equal(nearest(row, (1, 3))[0], [1, 3, 5])
    np.testing.assert_array_equal(nearest(row, (1, 12))[0], np.repeat(np.arange(6), 2))
    for new in (3, 5, 9, 13):
        found = nearest(np.arange(7)[None], (1, new))[0]
        np.testing.assert_array_equal(found[::-1], 6 - found, "both ends alike")


def test_unknown_spacing_stays_unknown():
    fitted, square = (fit_frame(source(spacing), 128, "pad") for spacing in ((np.nan, np.nan), (0.3, 0.3)))
    assert np.isnan(fitted.spacing_mm).all() and fitted.mask.any()
    np.testing.assert_array_equal(fitted.mask, square.mask, "pixels are taken to be square")


def test_an_empty_or_tiny_sector_is_a_reject():
    def with_sector(rows, columns):
        sector = np.zeros((380, 460), bool)
        sector[100 : 100 + rows, 200 : 200 + columns] = True
        return fit_frame(source(sector=sector, mask=np.zeros((380, 460), np.uint8)), 32, "stretch")

    for rows, columns in ((0, 0), (15, 90), (90, 15)):
        with pytest.raises(Reject, match=f"tissue sector of at least 16 x 16 pixels, found {rows} x {columns}"):
            with_sector(rows, columns)
    assert with_sector(16, 16).sector.all()


@pytest.mark.parametrize(
    ("cover", "kept"),
    [((4, 3, 3, 2, 2, 6, 9, 9, 9, 10), {4, 6, 9, 10}), ((6, 7, 7, 8, 8, 4, 1, 1, 1, 0), {7, 8})],
    ids=["one too few", "one too many"],
)
def test_the_pixel_nearest_to_a_tie_changes_sides(cover, kept):
    """Of ten new pixels, of which a label covers so many tenths, five have its majority; its area is 5.7 or 4.3."""
    mask = (np.arange(10)[:, None] < cover).astype(np.uint8)
    found = majority(mask, (1, 10))[0]
    assert found.sum() == round(sum(cover) / 10) and set(np.array(cover)[found == 1]) == kept


def test_a_pixel_that_changes_sides_becomes_what_covers_most_of_the_rest():
    """The first pixel has 6 tenths of LV and 3 of wall; pixels with more of it are nearer to other labels."""
    rows = np.arange(10)[:, None]
    ventricle, wall = np.array([6, 8, 8, 8, 8, 3, 1, 1, 0, 0]), np.array([3, 0, 0, 0, 0, 7, 9, 4, 4, 0])
    mask = np.where(rows < ventricle, 1, np.where(rows < ventricle + wall, 2, 0)).astype(np.uint8)
    assert majority(mask, (1, 10))[0].tolist() == [2, 1, 1, 1, 1, 2, 2, 0, 0, 0]
