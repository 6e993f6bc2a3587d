"""Precision, recall, density and coverage against their definitions and torch-fidelity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from echodiff.evaluate import neighbours, parts
from echodiff.evaluate.interval import Grouping, estimates
from echodiff.evaluate.manifold import NAMES, RANGES, overlap, overlaps
from echodiff.evaluate.parts import Part


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.normal(0.4, 1.0, (50, 6)), rng.normal(0.0, 1.0, (70, 6))


def test_precision_and_recall_equal_torch_fidelity(sets):
    import torch

    from echodiff.evaluate.torchvision_ops import import_torchvision

    import_torchvision()
    from torch_fidelity.metric_prc import prc_features_to_metric

    x, real = sets
    expected = prc_features_to_metric(torch.from_numpy(x), torch.from_numpy(real), prc_neighborhood=3, verbose=False)
    found = overlap(x, real, 3)
    assert found["precision"] == pytest.approx(expected["precision"], rel=1e-5)
    assert found["recall"] == pytest.approx(expected["recall"], rel=1e-5)


def test_density_and_coverage_are_their_definitions(sets):
    x, real = sets
    k = 4
    balls = [sorted(np.linalg.norm(real - row, axis=1))[k] for row in real]
    inside = np.array([[np.linalg.norm(a - b) <= r for b, r in zip(real, balls, strict=True)] for a in x])
    found = overlap(x, real, k)
    assert found["density"] == pytest.approx(inside.sum() / (k * len(x)), rel=1e-12)
    assert found["coverage"] == pytest.approx(inside.any(axis=0).mean(), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_set_itself_is_covered_and_a_far_one_is_not(name, sets):
    _, real = sets
    itself = overlap(real, real)
    assert itself[name] >= 1
    assert overlap(real + 100, real)[name] == 0
    assert overlap(real[::-1], real) == itself


def test_copies_on_the_border_of_a_ball_count_as_they_do_by_exact_distances(sets):
    """A copy of a training image lies exactly on the border of the ball that reaches to that image."""
    _, real = sets
    real = np.concatenate([real, real[:4]]).astype(np.float32).astype(np.float64)
    copies, k = real[5:25], 5
    radii = np.sort(cdist(real, real), axis=1)[:, k]
    inside = cdist(copies, real) <= radii
    found = overlap(copies, real, k)
    assert found["density"] == pytest.approx(inside.sum(axis=1).mean() / k, rel=1e-12)
    assert found["coverage"] == pytest.approx(inside.any(axis=0).mean(), rel=1e-12) and found["precision"] == 1


def test_tiny_sets_lower_the_number_of_neighbours(sets):
    x, real = sets
    assert 0 <= overlap(x, real[:3], 5)["density"] <= 1.5
    assert np.isfinite(overlap(x[:2], real, 5)["recall"])


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 12), st.floats(0, 3), st.integers(0, 9))
def test_intervals_end_where_the_measures_do(n, shift, seed):
    """Half of a small set's shares are near 0 or 1, where an interval of both sides would leave what a share can be."""
    rng = np.random.default_rng(seed)
    sets = rng.normal(size=(n, 3)) + shift, rng.normal(size=(12, 3))
    groups = Grouping.of([str(i) for i in range(n)]), Grouping.of([str(i) for i in range(12)])
    found = estimates(overlaps, *sets, groups, draws=10, seed=seed, ranges=RANGES)
    assert found.values == overlap(*sets)
    for name, value in found.values.items():
        (low, high), (least, most) = found.intervals[name], RANGES[name]
        assert least <= low <= value <= high <= most
        free = estimates(overlaps, *sets, groups, draws=10, seed=seed).intervals[name]
        assert (low, high) == (max(free[0], least), min(free[1], most))


@pytest.mark.parametrize(("listed", "block"), [(32, 1024), (6, 11)])
def test_the_overlap_of_a_part_is_that_of_its_images(sets, listed, block, monkeypatch):
    """Also where a part holds fewer of an image's listed neighbours than are wanted."""
    monkeypatch.setattr(neighbours, "LISTED", listed)
    monkeypatch.setattr(parts, "BLOCK", block)
    x, real = sets
    x = np.concatenate([x, x[:3]])
    rng = np.random.default_rng(1)
    sizes = [(53, 70), (40, 56), (12, 9), (2, 3)]
    own = [Part(rng.choice(53, n, replace=False), rng.choice(70, m, replace=False)) for n, m in sizes]
    found = overlaps(x, real, own)
    for index, part in enumerate(own):
        direct = overlap(x[part.first], real[part.second])
        assert {name: values[index] for name, values in found.items()} == pytest.approx(direct, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(1, 8), st.integers(2, 12), st.integers(0, 9))
def test_radii_are_the_sorted_distances(n, k, listed, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3))
    inside = np.stack([np.ones(n, bool), rng.random(n) < 0.4])
    inside[1, :2] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "LISTED", listed)
        found = neighbours.squared_radii(features, inside, k)
    for radii, part in zip(found, inside, strict=True):
        expected = np.sort(cdist(features[part], features[part]) ** 2, axis=1)[:, min(k, part.sum() - 1)]
        np.testing.assert_allclose(radii[part], expected, rtol=1e-9)
        assert (radii[~part] == neighbours.OUTSIDE).all()


def test_of_one_distribution_coverage_rises_and_recall_falls_with_the_number_of_images():
    """As the table says: few images have far neighbours, whose balls hold more of the real ones."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(150, 64))
    few, many = (overlap(rng.normal(size=(n, 64)), real) for n in (12, 96))
    assert many["coverage"] > few["coverage"] + 0.3 and many["recall"] < few["recall"] - 0.05
