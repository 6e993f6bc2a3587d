"""Completion of labels that have the left ventricle alone."""

import cv2
import numpy as np
import pytest

from echodiff.errors import InputError
from echodiff.ingest.case import Reject, SourceFrame
from echodiff.ingest.completion.band import half_width, inside_band
from echodiff.ingest.completion.complete import ByDilation, ByShape
from echodiff.ingest.completion.contour import NoContour, arc, outline, resample, ventricle
from echodiff.ingest.completion.learn import fit, given_of, heart_of, learn_shape_model, place, true_contours
from echodiff.ingest.completion.raster import largest_region
from echodiff.ingest.completion.shape_model import ENDO, EPI, LA, PLACE, read_shape_model, write_shape_model
from echodiff.phantom import MACHINES
from echodiff.phantom.patient import sample_patient
from echodiff.phantom.render import Renderer
from echodiff.store.image_set import ImageSet

from .conftest import heart

SPACING = (0.7, 0.7)


@pytest.fixture(scope="module")
def hearts() -> ImageSet:
    """Label maps of 60 phantoms at ED, on square frames of one size."""
    masks = []
    for seed in range(60):
        labels = Renderer(MACHINES["camus"], sample_patient(MACHINES["camus"], seed)).labels(0.0)
        canvas = np.zeros((300, 340), np.uint8)
        small = labels[::2, ::2][:300, :340]
        canvas[: small.shape[0], : small.shape[1]] = small
        masks.append(canvas)
    masks = np.stack(masks)
    names = [f"case{index:02d}" for index in range(60)]
    return ImageSet(masks, masks, np.ones_like(masks), np.full((60, 2), 0.616, np.float32), names)


@pytest.fixture(scope="module")
def model(hearts):
    return learn_shape_model(hearts.select(hearts.case_id[:48]))[0]


def lv_alone(mask: np.ndarray, spacing=(0.616, 0.616), sector=None) -> SourceFrame:
    sector = np.ones(mask.shape, bool) if sector is None else sector
    return SourceFrame(
        image=mask,
        mask=(mask == 1).astype(np.uint8),
        sector=sector,
        spacing_mm=spacing,
        ed_frame=0,
        ed_rule="explicit",
        ed_confidence=1.0,
        frames=1,
    )


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_completion_is_ahead_of_dilation_on_hearts_that_were_left_out(hearts, model):
    ahead = {2: [], 3: []}
    for mask in hearts.masks[48:]:
        shape, grown = ByShape(model)(lv_alone(mask)), ByDilation()(lv_alone(mask))
        assert shape.label_source == "completed" and not shape.lv_only
        for label, scores in ahead.items():
            scores.append([dice(frame.mask == label, mask == label) for frame in (shape, grown)])
    for label, least in ((2, 0.85), (3, 0.7)):
        ours, baseline = np.mean(ahead[label], axis=0)
        assert ours > baseline + 0.01 and ours > least


def test_the_band_holds_nine_of_ten_contour_points_of_hearts_that_were_left_out(hearts, model):
    shares = []
    for mask in hearts.masks[48:]:
        lv = ventricle(mask == 1, (0.616, 0.616))
        true = (lv.to_frame(points) for points in true_contours(mask, lv, (0.616, 0.616)))
        given = given_of(lv, np.ones(mask.shape, bool), (0.616, 0.616))
        shares.append(inside_band(model, given, *true))
    assert np.all(np.abs(np.mean(shares, axis=0) - 0.9) < 0.1)


def test_completed_labels_are_anatomically_possible(hearts, model):
    rows, columns = np.indices(hearts.masks.shape[1:])
    sector = np.abs(columns - 160) < 0.75 * (rows + 8)
    for mask in hearts.masks[48:]:
        given = lv_alone(np.where(sector, mask, 0), sector=sector)
        done = ByShape(model)(given).mask
        np.testing.assert_array_equal(done == 1, given.mask == 1)
        for label in (2, 3):
            assert (largest_region(done == label) == (done == label)).all(), "one region a structure"
            assert not ((done == label) & ~sector).any(), "ends at the sector"
        lv = ventricle(given.mask == 1, given.spacing_mm)
        middle = np.rint((lv.left + lv.right) / 2 / 0.616).astype(int)
        below = done[middle[1] : middle[1] + 12, middle[0]]
        assert 2 not in below and 3 in below, "open at the base, the atrium follows"
        beside = np.pad(done == 1, 1)
        touches = (beside[2:, 1:-1] | beside[:-2, 1:-1]) & (done == 3)
        assert touches.any(), "the atrium is attached"


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.25, 0.5), (np.nan, np.nan)])
def test_the_pixel_size_does_not_matter(model, spacing):
    mask = heart(300, 300)
    if spacing[0] != spacing[1] and np.isfinite(spacing[0]):
        mask = np.repeat(mask, 2, axis=0)
    done = ByShape(model)(lv_alone(mask, spacing)).mask
    reference = ByShape(model)(lv_alone(heart(300, 300), (1.0, 1.0))).mask
    if len(done) > 300:
        done = done[::2]
    assert min(dice(done == label, reference == label) for label in (2, 3)) > 0.97


def test_landmarks_of_a_half_ellipse():
    lv = ventricle(heart(400, 400) == 1, SPACING)
    assert lv.apex == pytest.approx(np.array([0.52 * 400, 0.28 * 400]) * 0.7, abs=2)
    assert lv.left == pytest.approx(np.array([0.42 * 400, 0.6 * 400]) * 0.7, abs=3)
    assert lv.right == pytest.approx(np.array([0.62 * 400, 0.6 * 400]) * 0.7, abs=3)
    np.testing.assert_allclose(lv.to_frame(lv.apex), [0, -1], atol=1e-9)
    assert lv.to_frame(lv.right)[0] > 0 > lv.to_frame(lv.left)[0]
    points = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(lv.from_frame(lv.to_frame(points)), points)


def test_the_frame_turns_with_the_ventricle():
    """A turned heart has the same polylines: nothing depends on how the probe was held."""
    mask = heart(400, 400)
    matrix = cv2.getRotationMatrix2D((200, 200), 20, 1.0)
    turned = cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST)
    everywhere = np.ones(mask.shape, bool)
    (a, rest_a), (b, rest_b) = (heart_of(part, everywhere, SPACING) for part in (mask, turned))
    assert max(np.abs(a - b)[:-PLACE].max(), np.abs(rest_a - rest_b).max()) < 0.06
    assert b[-PLACE] - a[-PLACE] == pytest.approx(np.radians(20), abs=0.03)


def test_the_place_in_the_sector():
    lv = ventricle(heart(400, 400) == 1, SPACING)
    sector = np.zeros((400, 400), bool)
    sector[48:304] = True
    tilt, room, depth = place(lv, sector, SPACING)
    assert (tilt, room, depth) == pytest.approx((0, (304 - 240) / 128, (112 - 48) / 128), abs=0.04)


def test_conditional_gaussian_finds_a_linear_law():
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(400, 3))
    count = 2 * ENDO + PLACE
    given = hidden @ rng.normal(size=(3, count)) + 0.01 * rng.normal(size=(400, count))
    law = rng.normal(size=(3, 2 * (EPI + LA)))
    rest = hidden @ law + 0.1 * rng.normal(size=(400, 2 * (EPI + LA)))
    model = fit(given[:300], rest[:300])
    errors = rest[300:] - model.mean_rest - (given[300:] - model.mean_given) @ model.gain.T
    assert errors.std() == pytest.approx(0.1, rel=0.1)
    assert np.sqrt(np.diag(model.covariance)).mean() == pytest.approx(errors.std(), rel=0.1)


def test_samples_follow_the_covariance(model, hearts):
    given, _ = heart_of(hearts.masks[0], hearts.sectors[0] > 0, (0.616, 0.616))
    rng = np.random.default_rng(2)
    drawn = np.stack([np.concatenate([part.ravel() for part in model.sample(given, rng)]) for _ in range(200)])
    np.testing.assert_allclose(drawn.std(0), np.sqrt(np.diag(model.covariance)), rtol=0.3)
    np.testing.assert_allclose(drawn.mean(0), np.concatenate([p.ravel() for p in model.expect(given)]), atol=0.05)
    again = model.sample(given, np.random.default_rng(2))
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in again]), drawn[0])


def test_a_model_is_read_as_it_was_written(model, tmp_path):
    write_shape_model(model, tmp_path / "m.npz")
    again = read_shape_model(tmp_path / "m.npz")
    assert again.cases == 48
    np.testing.assert_array_equal(again.gain, model.gain)
    for content in (b"", b"text", (tmp_path / "m.npz").read_bytes()[:2000]):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(InputError, match="expected a shape model"):
            read_shape_model(tmp_path / "bad.npz")


def test_too_few_hearts_are_refused(hearts):
    with pytest.raises(InputError, match="at least 8 label maps"):
        learn_shape_model(hearts.select(hearts.case_id[:5]))


def test_a_speck_is_no_ventricle(model):
    mask = np.zeros((100, 100), np.uint8)
    mask[50:53, 50:53] = 1
    with pytest.raises(Reject, match="left ventricle"):
        ByShape(model)(lv_alone(mask))
    with pytest.raises(NoContour):
        heart_of(np.where(heart(200, 200) == 1, 1, 0), np.ones((200, 200), bool), SPACING)


def test_an_outline_runs_through_the_outermost_pixels():
    mask = np.zeros((50, 90), bool)
    mask[10:30, 20:60] = mask[40:45, 70:80] = True  # the larger one counts
    points = outline(mask, (0.7, 0.5))
    assert points.shape == (256, 2) and points.mean(axis=0) == pytest.approx((39.5 * 0.5, 19.5 * 0.7))
    assert points.min(axis=0) == pytest.approx((20 * 0.5, 10 * 0.7), abs=0.01)
    assert points.max(axis=0) == pytest.approx((59 * 0.5, 29 * 0.7), abs=0.01)
    steps = np.linalg.norm(np.diff(points, axis=0, append=points[:1]), axis=1)
    assert steps.max() == pytest.approx((39 + 19 * 1.4) / 256) and np.median(steps) == pytest.approx(steps.max())


def test_arcs_and_even_steps():
    square = np.array([[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0, 2], [0, 1]], float)
    np.testing.assert_array_equal(arc(square, [0, 0], [2, 2], [2, 0])[:, 0], [0, 1, 2, 2, 2])
    np.testing.assert_array_equal(arc(square, [0, 0], [2, 2], [0, 2])[:, 0], [0, 0, 0, 1, 2])
    np.testing.assert_allclose(resample(square[:5], 3), [[0, 0], [2, 0], [2, 2]])


def test_the_band_is_measured_along_normals():
    line = np.stack([np.arange(5.0), np.zeros(5)], 1)
    covariance = np.tile(np.diag([9.0, 4.0]), (5, 1, 1))
    np.testing.assert_allclose(half_width(line, covariance), 1.6449 * 2)
