import numpy as np
import pytest

from echodiff.ingest.sector.shape import Fan
from echodiff.ingest.sector.worth import UNEVEN, RowSums, worth_of_fan, worth_of_fans

SIZE = (48, 64)


@pytest.mark.parametrize("seed", range(5))
def test_a_fan_is_worth_the_pixels_that_it_is_drawn_with(seed):
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=SIZE).astype(np.float32)
    fans = [
        Fan(*rng.uniform((10, -30, -1.2, 0.1, 0, 15), (54, 20, -0.1, 1.2, 30, 90))) for _ in range(40)
    ]  # apex above the frame and in it, near arcs beyond far arcs too
    found = worth_of_fans(RowSums.of(worth), np.array([fan.numbers for fan in fans]))
    for fan, value in zip(fans, found, strict=True):
        tilt = UNEVEN * 0.5 * max(fan.far**2 - fan.near**2, 0) * abs(fan.left + fan.right)
        assert value == pytest.approx(worth[fan.draw(SIZE)].sum(dtype=float) - tilt, abs=1e-4)


def test_a_fan_outside_the_frame_is_worth_nothing():
    assert worth_of_fan(RowSums.of(np.ones(SIZE, np.float32)), Fan(30, 100, -0.5, 0.5, 5, 40)) == 0
