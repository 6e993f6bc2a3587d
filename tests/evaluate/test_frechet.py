"""Frechet and kernel distances against torch-fidelity, closed forms and their own invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import ttest_1samp

from echodiff.evaluate import parts
from echodiff.evaluate.frechet import frechet_distance, frechet_distances
from echodiff.evaluate.interval import Grouping, divisions, estimates, half_width
from echodiff.evaluate.kernel import kernel_distance, kernel_distances
from echodiff.evaluate.parts import Part


@pytest.fixture(scope="module")
def torch_fidelity_modules():
    from echodiff.evaluate.torchvision_ops import import_torchvision

    import_torchvision()
    from torch_fidelity import metric_fid, metric_kid

    return metric_fid, metric_kid


def _sets(n, m, dimension, seed=0):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(dimension, dimension)) / np.sqrt(dimension)
    return rng.normal(size=(n, dimension)) @ mix, 0.3 + 1.2 * rng.normal(size=(m, dimension)) @ mix


def both(x, y, own):
    return {"frechet": frechet_distances(x, y, own), "kernel": kernel_distances(x, y, own)}


@pytest.mark.parametrize(("n", "m"), [(30, 40), (200, 90), (300, 250)])  # around the dimension 128
def test_frechet_equals_torch_fidelity(torch_fidelity_modules, n, m):
    import torch

    fid, _ = torch_fidelity_modules
    x, y = _sets(n, m, 128)
    statistics = [fid.fid_features_to_statistics(torch.from_numpy(features)) for features in (x, y)]
    expected = fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5)


def test_kernel_distance_equals_torch_fidelity(torch_fidelity_modules):
    import torch

    _, kid = torch_fidelity_modules
    x, y = _sets(60, 60, 32)
    result = kid.kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=1, kid_subset_size=60, verbose=False
    )
    assert kernel_distance(x, y) == pytest.approx(result["kernel_inception_distance_mean"], rel=1e-5)


def test_kernel_distance_is_the_mean_over_random_subsets(torch_fidelity_modules):
    import torch

    _, kid = torch_fidelity_modules
    x, y = _sets(40, 80, 16)
    result = kid.kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=2000, kid_subset_size=30, verbose=False
    )
    error = result["kernel_inception_distance_std"] / np.sqrt(2000)
    assert kernel_distance(x, y) == pytest.approx(result["kernel_inception_distance_mean"], abs=5 * error)


def test_frechet_of_shifted_and_scaled_features_is_the_closed_form():
    """|shift|^2 for equal covariances; (s - 1)^2 tr S where one set is the other scaled about its mean."""
    x, _ = _sets(50, 2, 200)
    shift = np.linspace(0, 0.1, 200)
    assert frechet_distance(x, x + shift) == pytest.approx(shift @ shift, rel=1e-6)
    scaled = x.mean(axis=0) + 1.5 * (x - x.mean(axis=0))
    assert frechet_distance(x, scaled) == pytest.approx(0.25 * np.cov(x, rowvar=False).trace(), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 60), st.integers(2, 40), st.integers(0, 1000))
def test_distances_of_identical_sets_are_zero_and_order_does_not_matter(n, dimension, seed):
    x, y = _sets(n, n + 3, dimension, seed)
    order = np.random.default_rng(seed).permutation(n)
    scale = (x**2).sum()
    assert frechet_distance(x, x[order]) == pytest.approx(0, abs=1e-10 * scale)
    assert frechet_distance(x[order], y) == pytest.approx(frechet_distance(x, y), rel=1e-6, abs=1e-9)
    assert frechet_distance(y, x) == pytest.approx(frechet_distance(x, y), rel=1e-6, abs=1e-9)
    assert kernel_distance(x[order], y) == pytest.approx(kernel_distance(x, y), rel=1e-6, abs=1e-9)


def test_kernel_distance_of_random_halves_is_zero_within_its_interval_but_frechet_is_not():
    x, _ = _sets(200, 2, 64)
    halves = both(x, x, divisions(range(200), draws=100, seed=0))
    low, high = np.quantile(halves["kernel"], (0.025, 0.975))
    assert low < 0 < high and abs(halves["kernel"].mean()) < 2 * halves["kernel"].std()
    assert halves["frechet"].min() > 1  # the bias a floor row shows


def test_kernel_distance_is_unbiased_at_any_n_where_frechet_rises():
    x, _ = _sets(150, 2, 32)
    rng, columns = np.random.default_rng(1), np.arange(50)
    few, many = (
        both(x[:100], x[100:], [Part(rng.choice(100, size=n, replace=False), columns) for _ in range(200)])
        for n in (8, 80)
    )
    spread = few["kernel"].std() / np.sqrt(200)
    assert few["kernel"].mean() == pytest.approx(many["kernel"].mean(), abs=4 * spread)
    assert few["frechet"].mean() > 1.5 * many["frechet"].mean()


def alone(n):
    """Each image a patient of its own."""
    return Grouping.of([str(i) for i in range(n)])


def shift_interval(x, y, groups, **drawing):
    """Of the difference of the means."""

    def measure(x, y, own):
        return {"shift": np.array([x[part.first].mean() - y[part.second].mean() for part in own])}

    return estimates(measure, x, y, groups, **drawing).intervals["shift"]


@pytest.mark.parametrize("images", [1, 4])
def test_interval_covers_the_value_at_about_its_rate(images):
    """Also where each patient has several images that differ little from one another, but not if these count alone."""
    rng, covered = np.random.default_rng(5), {"patients": 0, "images": 0}
    groups = {"patients": Grouping.of([str(i // images) for i in range(40 * images)])}
    groups |= {"images": alone(40 * images)} if images > 1 else {}
    for seed in range(200):
        own = rng.normal(0.5, 1, (40, 1)).repeat(images, axis=0) + rng.normal(0, 0.2, (40 * images, 1))
        other = rng.normal(0, 1, (200, 1))
        for counted, group in groups.items():
            low, high = shift_interval(own, other, (group, alone(200)), draws=60, seed=seed)
            covered[counted] += low <= 0.5 <= high
    assert 0.88 <= covered["patients"] / 200 <= 0.99
    assert covered["images"] / 200 < 0.85


@pytest.mark.parametrize("patients", [5, 6, 7, 8, 12])
def test_the_interval_of_few_patients_is_not_narrower_than_students(patients):
    """Six of seven are 86 % and not 80 %: their subsamples vary less than the factor of 80 % makes up for."""
    rng, ratios = np.random.default_rng(6), []
    for seed in range(20):
        x, y = rng.normal(0, 1, (patients, 1)), rng.normal(0, 1e-3, (200, 1))
        low, high = shift_interval(x, y, (alone(patients), alone(200)), draws=200, seed=seed)
        ratios.append((high - low) / np.diff(ttest_1samp(x[:, 0], 0).confidence_interval())[0])
    assert 0.97 < np.mean(ratios) < 1.2


def test_half_of_an_interval_is_the_formula_of_the_larger_factor_and_of_the_smaller_set():
    """Six of seven patients are kept, of forty 32: a factor of 6 and not of 4; 2.4469 is Student's t of 6."""
    drawn = [1.0, 2.0, 3.0, 4.0]  # variance 5 / 3
    expected = 2.446912 * np.sqrt(5 / 3 * 6)
    for groups in ((alone(7), alone(40)), (alone(40), alone(7))):
        assert half_width(drawn, groups) == pytest.approx(expected)


def test_unequally_many_images_count_as_fewer_patients():
    assert Grouping.of(list("aabbccdd")).effective == 4
    assert Grouping.of([*"abcd", *("e" * 16)]).effective == pytest.approx(400 / 260)


def test_a_second_copy_of_each_patient_narrows_no_interval():
    x, y = _sets(30, 40, 1)
    once = shift_interval(x, y, (alone(30), alone(40)), draws=30, seed=1)
    names = [str(i) for i in range(30)]
    again = shift_interval(np.concatenate([x, x]), y, (Grouping.of(names + names), alone(40)), draws=30, seed=1)
    assert again == pytest.approx(once)


def test_a_subsample_keeps_whole_patients():
    patients = Grouping.of(list("aabbbcddddee"))
    assert patients.count == 5 and patients.kept == 4
    for seed in range(20):
        kept = patients.codes[patients.draw(np.random.default_rng(seed))]
        assert len(set(kept)) == 4
        assert all((kept == code).sum() == (patients.codes == code).sum() for code in set(kept))


def test_intervals_repeat_with_their_seed_and_are_absent_for_tiny_sets():
    x, y = _sets(30, 30, 8)
    groups = alone(30), alone(30)
    first, again, other = (estimates(both, x, y, groups, draws=20, seed=seed).intervals for seed in (1, 1, 2))
    assert first == again != other
    few = Grouping.of([str(i % 4) for i in range(30)]), groups[1]
    found = estimates(both, x, y, few, draws=20, seed=1)
    assert np.isnan(found.intervals["kernel"]).all() and found.values["kernel"] == kernel_distance(x, y)
    assert divisions(list("abc"), draws=5, seed=0) == [] and len(divisions(list("abcd"), draws=5, seed=0)) == 5


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=4, max_size=40), st.one_of(st.none(), st.integers(2, 30)), st.integers(0, 9)
)
def test_a_division_never_has_a_group_on_both_sides(groups, first, seed):
    """Frames of one patient, or of patients with an identical frame, are in one part together, each image once."""
    size = min(first or len(groups), len(groups) // 2)
    for part in divisions([f"p{group}" for group in groups], first=first, draws=5, seed=seed):
        assert sorted([*part.first, *part.second]) == list(range(len(groups)))
        assert not {groups[i] for i in part.first} & {groups[i] for i in part.second}
        assert 2 <= len(part.first) <= size and len(part.second) >= 2


def test_divisions_of_single_images_have_the_size_asked_for_and_differ():
    parts = divisions(range(45), first=7, draws=20, seed=1)
    assert {(len(part.first), len(part.second)) for part in parts} == {(7, 38)}
    assert len({tuple(part.first) for part in parts}) > 15


def test_twins_on_both_sides_would_lower_the_floor():
    """Forty frames of twenty patients, two almost equal ones each: by images, halves look alike that share patients."""
    rng = np.random.default_rng(3)
    patients = rng.normal(size=(20, 30))
    x = np.concatenate([patients, patients + 0.01 * rng.normal(size=patients.shape)])
    names = [*range(20), *range(20)]
    by_group, by_image = (both(x, x, divisions(groups, draws=30, seed=0)) for groups in (names, range(40)))
    assert by_group["frechet"].mean() > 1.2 * by_image["frechet"].mean()


@pytest.mark.parametrize("block", [7, 1024])
def test_the_distance_of_a_part_is_that_of_its_images(block, monkeypatch):
    monkeypatch.setattr(parts, "BLOCK", block)
    x, y = _sets(30, 40, 50)
    own = [Part(np.array([3, 1, 20, 7]), np.array([5, 30, 2])), Part(np.arange(30), np.arange(1, 40))]
    direct = [(x[part.first], y[part.second]) for part in own]
    np.testing.assert_allclose(frechet_distances(x, y, own), [frechet_distance(*sets) for sets in direct], rtol=1e-9)
    np.testing.assert_allclose(kernel_distances(x, y, own), [kernel_distance(*sets) for sets in direct], rtol=1e-9)


def test_squared_distances_are_those_of_scipy_and_exactly_zero_for_equal_rows():
    x, y = _sets(30, 40, 50)
    np.testing.assert_allclose(parts.squared_distances(x, y), cdist(x, y) ** 2, rtol=1e-9)
    assert (parts.squared_distances(x + 100, x + 100).diagonal() == 0).all()


@pytest.mark.parametrize(("n", "m"), [(20, 30), (90, 30), (90, 70)])  # around the dimension 40
def test_frechet_equals_the_float64_formula_with_a_matrix_square_root(n, m):
    x, y = _sets(n, m, 40)
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    eigenvalues = np.linalg.eigvals(first @ second)
    cross = np.sqrt(np.maximum(eigenvalues.real, 0)).sum()
    shift = x.mean(axis=0) - y.mean(axis=0)
    expected = shift @ shift + first.trace() + second.trace() - 2 * cross
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_too_few_images_or_other_dimensions_are_refused(distance):
    x, y = _sets(5, 5, 4)
    with pytest.raises(ValueError, match="expected features"):
        distance(x[:1], y)
    with pytest.raises(ValueError, match="expected features"):
        distance(x, y[:, :3])
