"""A few of many, at even distances."""

import pytest

from echodiff.spread import at_even_distances


@pytest.mark.parametrize(("count", "expected"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, list(range(10)))])
def test_ends_are_among_them_and_the_rest_lies_evenly(count, expected):
    assert at_even_distances(range(10), count) == expected


def test_fewer_than_asked_for_are_all_taken():
    assert at_even_distances(["a", "b"], 5) == ["a", "b"]
    assert at_even_distances([], 3) == []
