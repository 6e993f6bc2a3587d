"""The interval of a share."""

import pytest
from scipy.stats import binomtest

from echodiff.evaluate.share import share_interval


@pytest.mark.parametrize(("count", "n"), [(0, 24), (3, 40), (7, 7), (1, 1)])
def test_it_is_wilsons(count, n):
    expected = binomtest(count, n).proportion_ci(method="wilson")
    assert share_interval(count / n, n) == pytest.approx((expected.low, expected.high))
