"""How much noise each transition adds; without torch, so that the configuration may ask too."""

from itertools import pairwise
from math import expm1

SMALLEST_TIME = 1e-3


def variances(steps: int, beta_min: float, beta_max: float) -> list[float]:
    """Variances of the T transitions of the variance-preserving process, in (0, 1).

    With u_i = (i/T)(1 - eps) + eps and log-signal l(u) = -u^2 (beta_max - beta_min)/4 - u beta_min/2 (Song
    et al. 2021, eq. 33), abar_i = exp(2 l(u_i)) and beta_i = 1 - abar_i / abar_{i-1}.

    Raises:
        ValueError: a variance would leave (0, 1).
    """
    times = [i / steps * (1 - SMALLEST_TIME) + SMALLEST_TIME for i in range(steps + 1)]
    log_signal = [-(u**2) * (beta_max - beta_min) / 4 - u * beta_min / 2 for u in times]
    added = [-expm1(2 * (after - before)) for before, after in pairwise(log_signal)]
    if not all(0 < variance < 1 for variance in added):
        raise ValueError(
            f"beta_max: expected a bound whose {steps} steps each leave something of the image before, by adding a "
            f"variance between 0 and 1, found {beta_max} with beta_min = {beta_min}; take a smaller one or more steps"
        )
    return added
