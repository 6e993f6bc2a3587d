"""Paired tests, Holm's correction and intervals of means, against scipy, worked examples and simulation."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, wilcoxon

from echodiff.evaluate.paired import holm, mean_interval, paired_test, spread_interval


def test_paired_test_is_scipys_wilcoxon_with_the_median_difference():
    rng = np.random.default_rng(0)
    first = rng.normal(0.3, 1, 30)
    second = rng.normal(0, 1, 30)
    found = paired_test(first, second)
    assert found.p == pytest.approx(wilcoxon(first, second).pvalue, rel=1e-12)
    assert found.difference == pytest.approx(np.median(first - second)) and found.n == 30
    back = paired_test(second, first)
    assert (back.p, back.effect) == (pytest.approx(found.p), pytest.approx(-found.effect))


def test_effect_is_the_difference_of_rank_sums_over_their_total():
    # Differences 1, 2, -3, 4, 5, 6: ranks for 1 + 2 + 4 + 5 + 6, against 3, of 21.
    assert paired_test(np.array([1.0, 2, -3, 4, 5, 6]), np.zeros(6)).effect == pytest.approx(15 / 21)
    assert paired_test(np.arange(1.0, 8), np.zeros(7)).effect == 1


def test_equal_methods_few_pairs_and_missing_values():
    same = paired_test(np.ones(8), np.ones(8))
    assert (same.p, same.effect, same.difference) == (1.0, 0.0, 0.0)
    few = paired_test(np.array([1.0, 2, 3, 4, np.nan]), np.zeros(5))
    assert few.n == 4 and np.isnan(few.p) and np.isnan(few.effect) and few.difference == 2.5


def test_pairs_that_cannot_reach_five_percent_are_not_tested():
    """All signs alike is the smallest p there is: 2 / 32 of five pairs, 2 / 64 of six."""
    five, six = (paired_test(np.arange(1.0, n + 1), np.zeros(n)).p for n in (5, 6))
    assert np.isnan(five) and six == pytest.approx(2 / 64)


def test_infinite_values_are_higher_than_all_others_and_equal_to_one_another():
    base = np.random.default_rng(4).normal(size=20)
    infinite, high = (np.append(base, [value, value]) for value in (np.inf, 100.0))
    against = np.append(base[::-1], [0.0, np.inf]), np.append(base[::-1], [0.0, 100.0])
    found, expected = paired_test(infinite, against[0]), paired_test(high, against[1])
    assert found.n == 22 and (found.p, found.effect) == pytest.approx((expected.p, expected.effect))
    mean, low, high = mean_interval(infinite)
    assert mean == np.inf and np.isnan([low, high]).all()


def test_holm_is_the_worked_example_and_counts_known_tests_only():
    corrected = holm([0.01, 0.04, 0.03, 0.005])  # sorted 0.005 x 4, 0.01 x 3, 0.03 x 2, then never below those
    np.testing.assert_allclose(corrected, [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.04, np.nan, 0.9]), [0.08, np.nan, 0.9])
    assert (holm([0.6, 0.7]) <= 1).all() and not len(holm([]))


def test_methods_that_do_not_differ_are_told_apart_at_the_rate_of_the_test():
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        p = [paired_test(*rng.normal(size=(2, 20))).p for _ in range(4)]
        found += (holm(p) < 0.05).any()
    assert found / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


def test_mean_interval_is_students():
    values = np.random.default_rng(2).normal(3, 2, 12)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(np.append(values, np.nan)) == pytest.approx((values.mean(), *expected))
    mean, low, high = mean_interval(values[:4])
    assert mean == pytest.approx(values[:4].mean()) and np.isnan([low, high]).all()
    assert np.isnan(mean_interval(np.array([np.nan]))).all()


def test_copies_of_a_patient_s_images_change_neither_test_nor_interval():
    """What would make every p small and every interval narrow, were images counted."""
    first, second = np.random.default_rng(3).normal([[0.8], [0.0]], 1, (2, 20))
    patients = [f"p{i}" for i in range(20)]
    once, copied = paired_test(first, second), paired_test(np.tile(first, 4), np.tile(second, 4), 4 * patients)
    assert vars(copied) == pytest.approx(vars(once)) and copied.n == 20
    assert paired_test(np.tile(first, 4), np.tile(second, 4)).p < copied.p / 2
    assert mean_interval(np.tile(first, 4), 4 * patients) == pytest.approx(mean_interval(first))
    low, high = mean_interval(np.tile(first, 4))[1:]
    assert high - low < 0.6 * np.diff(mean_interval(first)[1:])[0]


def test_the_images_of_a_patient_count_by_their_mean_difference():
    values, patients = np.array([1.0, 3, 2, 2, 4, 5, 6, 7, np.nan]), [*"aabcdefg", "h"]
    found = paired_test(values, np.zeros(9), patients)
    assert (found.n, found.difference) == (7, 4.0)  # of 2, 2, 2, 4, 5, 6, 7
    infinite = paired_test(
        np.array([np.inf, 0, 1, 2, 3, 4, 5.0]), np.array([0, np.inf, 0, 0, 0, 0, 0]), list("aabcdef")
    )
    assert (infinite.n, infinite.difference) == (6, 2.5)  # of 0, as neither is ahead, and 1 to 5


def test_few_patients_have_no_interval_however_many_images():
    values = np.random.default_rng(4).normal(size=40)
    for patients, there in ((4, False), (5, True)):
        names = [str(i % patients) for i in range(40)]
        mean, low, high = mean_interval(values, names)
        assert mean == pytest.approx(values.mean()) and (np.isfinite([low, high]) == there).all()
        assert (np.isfinite(spread_interval(values, names)[1:]) == there).all()


def test_interval_of_clustered_values_covers_the_mean_at_its_rate():
    rng, patients, covered = np.random.default_rng(6), [str(i // 5) for i in range(100)], 0
    for _ in range(300):
        _, low, high = mean_interval(rng.normal(size=20).repeat(5) + rng.normal(0, 0.3, 100), patients)
        covered += low <= 0 <= high
    assert 0.91 <= covered / 300 <= 0.99


def test_a_patient_with_most_of_the_images_does_not_narrow_the_interval():
    """It draws the mean to itself, so that its own deviation from the mean says too little."""
    rng, patients, covered = np.random.default_rng(5), np.arange(10).repeat([1] * 9 + [20]), 0
    for _ in range(400):
        _, low, high = mean_interval(rng.normal(size=10)[patients] + rng.normal(0, 0.3, 29), patients)
        covered += low <= 0 <= high
    assert covered / 400 > 0.83  # of the sum of the patients' deviations alone 0.5


def test_the_interval_of_a_spread_holds_it_and_counts_patients():
    """In 95 % of samples of normal values; twice the same images are no more patients."""
    rng = np.random.default_rng(0)
    found = np.array([spread_interval(rng.normal(0, 3, 18)) for _ in range(1000)])
    assert ((found[:, 1] < 3) & (found[:, 2] > 3)).mean() == pytest.approx(0.95, abs=0.02)
    values, names = rng.normal(size=12), [f"p{i}" for i in range(12)]
    once, twice = spread_interval(values), spread_interval([*values, *values], [*names, *names])
    assert once[0] == pytest.approx(values.std(ddof=1)) and twice[1] / twice[0] == pytest.approx(once[1] / once[0])
    assert np.isnan(spread_interval([1.0, 2.0, np.nan, 4.0, 5.0])[1:]).all() and np.isnan(spread_interval([1.0])).all()
