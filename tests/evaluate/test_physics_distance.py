"""One distance over all measures of physics."""

import numpy as np
import pytest

from echodiff.evaluate.interval import Grouping, divisions
from echodiff.evaluate.physics_distance import physics_distance, physics_floor, physics_interval


@pytest.fixture
def real():
    return np.random.default_rng(0).normal([1.0, 200.0], [0.1, 30.0], (80, 2))


def alone(*sets):
    """Each image a patient of its own."""
    return tuple(Grouping.of([str(i) for i in range(len(one))]) for one in sets)


def test_distance_is_in_spreads_whatever_the_unit(real):
    spread = real.std(axis=0)
    assert physics_distance(real, real[::-1]) == pytest.approx(0, abs=1e-12)
    assert physics_distance(real + 2 * spread, real) == pytest.approx(2.0)
    assert physics_distance(real + [2 * spread[0], 0], real) == pytest.approx(1.0)


def test_unknown_and_constant_measures_are_left_out(real):
    unknown = np.column_stack([real, np.full(len(real), np.nan), np.ones(len(real))])
    shifted = unknown + np.array([*real.std(axis=0), 0, 5])
    assert physics_distance(shifted, unknown) == pytest.approx(1.0)
    assert np.isnan(physics_distance(unknown[:, 2:], unknown[:, 2:]))


def test_interval_holds_its_value_and_narrows_with_n(real):
    rng = np.random.default_rng(1)
    widths = []
    for n in (10, 80):
        own = rng.normal([1.3, 200.0], [0.1, 30.0], (n, 2))
        value, low, high = physics_interval(own, real, alone(own, real), draws=40, seed=0)
        assert low < value < high and value == physics_distance(own, real)
        widths.append(high - low)
    assert widths[1] < widths[0]
    assert np.isnan(physics_interval(real[:3], real, alone(real[:3], real), draws=40, seed=0)[1:]).all()


def test_copies_of_patients_narrow_no_interval(real):
    own = np.random.default_rng(1).normal([1.3, 200.0], [0.1, 30.0], (20, 2))
    (patients, reference), copies = alone(own, real), np.concatenate([own, own])
    groups = Grouping.of([*patients.codes.astype(str), *patients.codes.astype(str)]), reference
    once = physics_interval(own, real, (patients, reference), draws=40, seed=0)
    assert physics_interval(copies, real, groups, draws=40, seed=0) == pytest.approx(once)


def test_the_floor_is_the_distance_of_two_samples_of_one_distribution(real):
    """It is above zero, rises as N falls, and is not given for more than half of the images."""
    floors = {n: physics_floor(real, range(80), n, draws=40, seed=0) for n in (5, 20, 40)}
    values = [value for value, _, _ in floors.values()]
    assert values == sorted(values, reverse=True) and values[-1] > 0.05
    rng = np.random.default_rng(2)
    samples = [physics_distance(*(rng.normal([1.0, 200.0], [0.1, 30.0], (n, 2)) for n in (20, 60))) for _ in range(40)]
    assert np.mean(samples) == pytest.approx(floors[20][0], rel=0.25)
    assert floors[5][1] < floors[5][0] < floors[5][2]
    parts = divisions(range(80), first=20, draws=41, seed=0)
    drawn = sorted(physics_distance(real[part.first], real[part.second]) for part in parts)
    expected = np.mean(drawn), drawn[1], drawn[39]  # of 41 in order, the ends of 2.5 to 97.5 %
    assert physics_floor(real, range(80), 20, draws=41, seed=0) == pytest.approx(expected)
    assert np.isnan(physics_floor(real, range(80), 41, draws=40, seed=0)).all()
    assert np.isnan(physics_floor(real, ["one"] * 80, 20, draws=40, seed=0)).all()


def test_the_interval_of_a_small_distance_ends_at_zero(real):
    value, low, high = physics_interval(real[:10], real, alone(real[:10], real), draws=40, seed=0)
    assert 0 <= low <= value < high
    assert physics_interval(real, real, alone(real, real), draws=40, seed=0)[1] == 0
