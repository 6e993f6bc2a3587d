"""Diversity: MS-SSIM against MONAI, and a generator that ignores its noise is seen."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from echodiff.errors import InputError
from echodiff.evaluate.diversity import deviation_map, ms_ssim, pairwise_distance, pairwise_ms_ssim
from echodiff.evaluate.diversity_table import diversity_table, guides_of
from echodiff.evaluate.features import FeatureSet
from echodiff.store.image_set import ImageSet


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    image = np.clip(0.5 + gaussian_filter(rng.normal(size=(256, 256)), 3) * 2, 0, 1)
    return image, np.clip(image * 0.8 + rng.normal(0, 0.05, image.shape), 0, 1)


def test_ms_ssim_agrees_with_monai(pair):
    torch = pytest.importorskip("torch")
    from monai.metrics.regression import compute_ms_ssim

    tensors = [torch.from_numpy(image)[None, None] for image in pair]
    expected = float(compute_ms_ssim(*tensors, spatial_dims=2, data_range=1.0))
    assert ms_ssim(*pair) == pytest.approx(expected, rel=1e-5)


def test_ms_ssim_of_small_and_of_identical_images(pair):
    assert ms_ssim(pair[0], pair[0]) == pytest.approx(1, abs=1e-12)
    assert 0 < ms_ssim(pair[0][:64, :64], pair[1][:64, :64]) < 1
    with pytest.raises(ValueError, match="at least 11"):
        ms_ssim(pair[0][:8, :8], pair[1][:8, :8])


def test_pairwise_means_and_deviation_are_their_definitions(pair):
    a, b = pair
    assert pairwise_ms_ssim([a, b, a]) == pytest.approx((2 * ms_ssim(a, b) + 1) / 3)
    assert pairwise_distance(np.array([[0.0], [3.0], [0.0]])) == pytest.approx(2.0)
    np.testing.assert_allclose(deviation_map([a, b]), np.abs(a - b) / 2, atol=1e-12)
    assert np.isnan(pairwise_ms_ssim([a])) and np.isnan(pairwise_distance(np.ones((1, 3))))


def _set(images, case_id, **attributes):
    planes = np.ones((2, *images.shape), np.uint8)
    spacing = np.ones((len(images), 2), np.float32)
    features = images.reshape(len(images), -1)[:, ::64].astype(np.float32)
    same = {"extractor": "efficientnet_lite0", "weights_sha256": "ab"}
    return ImageSet(images, *planes, spacing, case_id, attributes), FeatureSet(features, case_id, same)


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(1)
    scenes = [128 + 400 * gaussian_filter(rng.normal(size=(64, 64)), 4) for _ in range(12)]
    images = np.clip(np.stack(scenes), 0, 255).astype(np.uint8)
    return _set(images, [f"p{i}" for i in range(12)])


def test_a_generator_that_ignores_its_noise_is_seen(patients):
    rng = np.random.default_rng(2)
    names = [f"case{i}_s{k + 1}" for i in range(3) for k in range(4)]
    base = np.repeat(patients[0].images[:3], 4, axis=0)
    lively = np.clip(base + rng.normal(0, 25, base.shape), 0, 255).astype(np.uint8)
    for images, dead in ((base, True), (lively, False)):
        table = diversity_table(*_set(images, names, dataset="d", model="m"), *patients, patients[0].case_id, seed=0)
        own = table[table["kind"] == "samples"]
        assert own["case_id"].tolist() == ["case0", "case1", "case2"] and (own["count"] == 4).all()
        real = table[table["kind"] == "patients"]
        assert real["ms_ssim"].mean() < own["ms_ssim"].mean()
        if dead:
            assert own["ms_ssim"].min() == pytest.approx(1) and own["deviation"].max() == 0
            assert own["feature_distance"].max() == 0
        else:
            assert own["ms_ssim"].max() < 0.99 and own["deviation"].mean() == pytest.approx(0.09, abs=0.02)


def test_samples_are_counted_by_guide_and_one_a_guide_is_refused(patients):
    assert guides_of(["a_s1", "a_s2", "b_s1", "c"]) == {"a": [0, 1], "b": [2], "c": [3]}
    single = _set(patients[0].images[:2], ["a", "b"], model="m")
    with pytest.raises(InputError, match="--samples"):
        diversity_table(*single, *patients, patients[0].case_id, seed=0)
    foreign = replace(patients[1], attributes={"extractor": "x", "weights_sha256": "y"})
    with pytest.raises(InputError, match="one extractor"):
        diversity_table(*single, patients[0], foreign, patients[0].case_id, seed=0)


def test_real_patients_are_drawn_once_a_patient_and_never_with_their_twin(patients):
    """Twelve images of four patients: a pair of one patient would have an MS-SSIM of 1."""
    copies = replace(patients[0], images=np.repeat(patients[0].images[:4], 3, axis=0))
    groups = [f"g{i // 3}" for i in range(12)]
    synthetic = _set(patients[0].images[:4], [f"a_s{k + 1}" for k in range(4)], dataset="d", model="m")
    for seed in range(5):
        table = diversity_table(*synthetic, copies, patients[1], groups, seed=seed).set_index("kind")
        assert table.loc["patients", "ms_ssim"] == pytest.approx(pairwise_ms_ssim(patients[0].images[:4] / 255))
    with pytest.raises(InputError, match="as many real patients, found 4 and 3"):
        diversity_table(*synthetic, copies, patients[1], ["g0"] * 6 + ["g1"] * 3 + ["g2"] * 3, seed=0)
