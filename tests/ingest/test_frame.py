"""Crop and resampling: areas in mm2 survive, nothing shifts, nothing outside the sector remains."""

import numpy as np
import pytest

from echodiff.ingest.case import Reject, SourceFrame
from echodiff.ingest.frame import fit_frame, nearest

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


def test_labels_beyond_the_sector_are_not_cut_off():
    mask = source().mask.copy()
    mask[300:378, 5:30] = 3
    fitted = fit_frame(source(mask=mask), 256, "stretch")
    assert (fitted.mask == 3).sum() * np.prod(fitted.spacing_mm) == pytest.approx((mask == 3).sum() * 0.09, rel=0.01)


def test_nearest_is_centred():
    row = np.arange(6)[None]
    np.testing.assert_array_equal(nearest(row, (1, 3))[0], [1, 3, 5])
    np.testing.assert_array_equal(nearest(row, (1, 12))[0], np.repeat(np.arange(6), 2))


def test_unknown_spacing_stays_unknown():
    fitted = fit_frame(source((np.nan, np.nan)), 128, "pad")
    assert np.isnan(fitted.spacing_mm).all() and fitted.mask.any()


def test_an_empty_sector_is_a_reject():
    with pytest.raises(Reject, match="tissue sector"):
        fit_frame(source(sector=np.zeros((380, 460), bool)), 256, "stretch")
