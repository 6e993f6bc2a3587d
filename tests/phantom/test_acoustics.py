"""Speckle physics: what theory says of the envelope of many scatterers, measured."""

import numpy as np
import pytest

from echodiff.phantom import MACHINES, acoustics, render_case


@pytest.fixture(scope="module")
def homogeneous_envelope() -> np.ndarray:
    """Envelope (512, 192) of tissue without structure, with the CAMUS machine's point spread in samples."""
    rng = np.random.default_rng(1)
    field = acoustics.scatterers(rng, (512, 192))
    return acoustics.envelope(acoustics.point_spread(field, axial=0.85, lateral=1.3))


def test_envelope_snr_is_that_of_a_rayleigh_distribution(homogeneous_envelope):
    assert 1.86 < homogeneous_envelope.mean() / homogeneous_envelope.std() < 1.96


def test_log_spread_is_that_of_fully_developed_speckle(homogeneous_envelope):
    assert 5.4 < acoustics.decibel(homogeneous_envelope).std() < 5.75


@pytest.mark.parametrize("seed", range(4))
def test_large_samples_meet_the_narrow_windows(seed):
    rng = np.random.default_rng(seed)
    envelope = acoustics.envelope(acoustics.point_spread(acoustics.scatterers(rng, (1024, 512)), 0.85, 1.3))
    assert 1.86 < envelope.mean() / envelope.std() < 1.93
    assert 5.5 < acoustics.decibel(envelope).std() < 5.7


def test_point_spread_keeps_mean_power():
    rng = np.random.default_rng(2)
    field = acoustics.scatterers(rng, (512, 512))
    for axial, lateral in ((0.5, 0.5), (2.0, 3.0), (1.0, 6.0)):
        blurred = acoustics.point_spread(field, axial, lateral)
        assert (blurred**2).sum(-1).mean() == pytest.approx(1.0, rel=0.05)


def test_point_spread_correlates_neighbours_as_its_width_says():
    rng = np.random.default_rng(3)
    signal = acoustics.point_spread(acoustics.scatterers(rng, (512, 512)), 1.0, 3.0)
    real = signal[..., 0]
    for shift, axis, sigma in ((1, 0, 1.0), (2, 1, 3.0), (4, 1, 3.0)):
        found = (real * np.roll(real, shift, axis)).mean() / (real**2).mean()
        assert found == pytest.approx(np.exp(-(shift**2) / (4 * sigma**2)), abs=0.04)


def test_compress_maps_the_dynamic_range_to_gray():
    levels = np.array([[10.0, 0.0, -25.0, -50.0, -90.0]], np.float32)
    assert acoustics.compress(levels, 50).tolist() == [[255.0, 255.0, 127.5, 0.0, 0.0]]
    assert acoustics.compress(levels, 50, gamma=2.0)[0, 2] == pytest.approx(63.75)


def test_decibel_of_ten_is_twenty():
    assert acoustics.decibel(np.array([[10.0, 1.0]], np.float32)) == pytest.approx(np.array([[20.0, 0.0]]), abs=1e-4)


def test_sector_covers_the_share_of_the_frame_that_it_covers_in_camus():
    shares = np.array([render_case(MACHINES["camus"], seed).sector.mean() for seed in range(20)])
    assert 0.53 < shares.mean() < 0.57
    assert ((shares > 0.53) & (shares < 0.57)).mean() >= 0.85  # one in ten has another opening angle
    assert shares.min() > 0.52 and shares.max() < 0.60  # the range over CAMUS


def test_blood_is_darker_than_the_wall_and_nothing_lies_outside_the_sector():
    darker = 0
    for seed in range(12):
        case = render_case(MACHINES["camus"], seed)
        assert case.image[case.sector == 0].max(initial=0) == 0
        darker += case.image[case.labels == 1].mean() < case.image[case.labels == 2].mean()
    assert darker >= 11
