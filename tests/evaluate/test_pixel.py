"""Pixel metrics against float64 formulas and scikit-image, and the fault behind the legacy column."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from echodiff.evaluate.pixel import mean_ssim, mse, pair_metrics, psnr_db, psnr_uint8_wrap_db, ssim_map


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (2, 256, 256), dtype=np.uint8)


def _regions(size=256):
    mask = np.zeros((size, size), np.uint8)
    mask[60:120, 60:160], mask[70:120, 80:140], mask[130:180, 80:140] = 2, 1, 3
    sector = np.zeros_like(mask)
    sector[20:220, 20:220] = 1
    return {"mask": mask, "sector": sector}


def test_random_pair_is_27_90_db_wrapped_and_7_8_db_correct(pair):
    row = pair_metrics(*pair, **_regions())
    # Modulo 256 the square of a uniform difference has mean 105.4; unwrapped it has mean 255^2 / 6.
    assert row["legacy_psnr_uint8_wrap_db"] == pytest.approx(27.90, abs=0.1)
    assert row["psnr_db"] == pytest.approx(7.8, abs=0.1)


def test_wrapped_psnr_falls_on_the_share_of_differing_pixels(pair):
    image, reference = pair
    half = reference.copy()
    half[:128] = image[:128]
    share = (half != reference).mean()
    assert psnr_uint8_wrap_db(half, reference) == pytest.approx(27.90 - 10 * np.log10(share), abs=0.1)


def test_wrapped_psnr_is_the_square_modulo_256():
    image, reference = np.full((4, 4), 17, np.uint8), np.zeros((4, 4), np.uint8)
    assert psnr_uint8_wrap_db(image, reference) == pytest.approx(10 * np.log10(255**2 / (17**2 % 256)), rel=1e-12)


def test_mse_and_psnr_are_the_float64_formulas(pair):
    image, reference = pair
    row = pair_metrics(image, reference, **_regions())
    expected = np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2) / 255**2
    assert row["mse"] == pytest.approx(expected, rel=1e-10)
    assert row["legacy_mse_1e3"] == pytest.approx(1e3 * expected, rel=1e-10)
    assert row["psnr_db"] == pytest.approx(peak_signal_noise_ratio(reference, image), rel=1e-10)


def test_ssim_agrees_with_scikit_image(pair):
    rng = np.random.default_rng(2)
    smooth = np.clip(pair[0].astype(float) * 0.3 + rng.normal(90, 20, pair[0].shape), 0, 255).astype(np.uint8)
    for image, reference in (pair, (smooth, pair[0])):
        expected, full = structural_similarity(
            image / 255.0,
            reference / 255.0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        similarity = ssim_map(image / 255.0, reference / 255.0)
        np.testing.assert_allclose(similarity, full, atol=1e-10)
        assert mean_ssim(similarity) == pytest.approx(expected, abs=1e-10)


def test_regions_see_only_their_own_pixels(pair):
    image, reference = pair
    regions = _regions()
    changed = image.copy()
    changed[regions["mask"] != 1] = 0  # everything but the LV
    before, after = (pair_metrics(x, reference, **regions) for x in (image, changed))
    assert after["mse_lv"] == before["mse_lv"]
    assert after["mse_myo"] != before["mse_myo"]
    expected = mse(image / 255, reference / 255, regions["sector"] == 1)
    assert before["mse_sector"] == pytest.approx(expected, rel=1e-12)


def test_identical_images_reach_the_ceiling(pair):
    row = pair_metrics(pair[0], pair[0], **_regions())
    assert row["mse"] == 0 and row["psnr_db"] == np.inf and row["differing"] == 0
    assert row["ssim"] == pytest.approx(1, abs=1e-12) and row["ssim_la"] == pytest.approx(1, abs=1e-12)
    assert row["legacy_psnr_uint8_wrap_db"] == np.inf


def test_an_absent_structure_is_nan_and_not_zero(pair):
    regions = _regions()
    regions["mask"][regions["mask"] == 3] = 0
    row = pair_metrics(*pair, **regions)
    assert np.isnan(row["mse_la"]) and np.isnan(row["psnr_la_db"]) and np.isnan(row["ssim_la"])
    assert np.isfinite(row["mse_lv"])


def test_psnr_of_a_known_error():
    assert psnr_db(0.01) == pytest.approx(20.0, abs=1e-12)


def test_unrelated_real_patients_score_what_was_published(sample_data):
    """Wrapped PSNR of real CAMUS frames of two patients: 30.5 dB, the published value of a trained model."""
    cv2, sitk = pytest.importorskip("cv2"), pytest.importorskip("SimpleITK")
    paths = sorted((sample_data / "camus").glob("patient*/patient*_4CH_ED.nii.gz"))[:40]
    frames = [np.squeeze(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))).astype(np.uint8) for path in paths]
    frames = [cv2.resize(frame, (256, 256), interpolation=cv2.INTER_AREA) for frame in frames]
    wrapped = [psnr_uint8_wrap_db(a, b) for a, b in zip(frames[1:], frames[:-1], strict=True)]
    correct = [psnr_db(mse(a / 255, b / 255)) for a, b in zip(frames[1:], frames[:-1], strict=True)]
    assert np.mean(wrapped) == pytest.approx(30.55, abs=0.15)
    assert np.std(wrapped) < 0.35 < 1.0 < np.std(correct)
    assert np.mean(correct) == pytest.approx(15.0, abs=1.0)
