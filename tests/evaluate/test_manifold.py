"""Precision, recall, density and coverage against their definitions and torch-fidelity."""

import numpy as np
import pytest

from echodiff.evaluate.manifold import STATISTICS, coverage, density, precision, recall


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
    assert precision(x, real, 3) == pytest.approx(expected["precision"], rel=1e-5)
    assert recall(x, real, 3) == pytest.approx(expected["recall"], rel=1e-5)


def test_density_and_coverage_are_their_definitions(sets):
    x, real = sets
    k = 4
    balls = [sorted(np.linalg.norm(real - row, axis=1))[k] for row in real]
    inside = np.array([[np.linalg.norm(a - b) <= r for b, r in zip(real, balls, strict=True)] for a in x])
    assert density(x, real, k) == pytest.approx(inside.sum() / (k * len(x)), rel=1e-12)
    assert coverage(x, real, k) == pytest.approx(inside.any(axis=0).mean(), rel=1e-12)


@pytest.mark.parametrize("name", STATISTICS)
def test_the_set_itself_is_covered_and_a_far_one_is_not(name, sets):
    _, real = sets
    assert STATISTICS[name](real, real) >= 1
    assert STATISTICS[name](real + 100, real) == 0
    assert STATISTICS[name](real[::-1], real) == STATISTICS[name](real, real)


def test_tiny_sets_lower_the_number_of_neighbours(sets):
    x, real = sets
    assert 0 <= density(x, real[:3], 5) <= 1.5 and np.isfinite(recall(x[:2], real, 5))
