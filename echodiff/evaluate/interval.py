"""Intervals by subsampling without replacement, and floors of real images against real images.

A bootstrap would repeat images, which shrinks a set's covariance and biases a Frechet distance. Subsampling
keeps every image at most once: with b of n kept, the variance of the statistic of all n is b / (n - b) times the
variance over the subsamples (delete-d jackknife; Shao and Wu 1989). What is kept or left out are patients, each with
all its images: several images of one patient say less than as many patients.

Of few patients no whole number is the same share: 6 of 7 are kept, where the factor is 6 and not the 4 of 80 %. Of two
sets the larger factor is taken, and Student's t of the smaller one, so that an interval is rather too wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from echodiff.evaluate.parts import Features, Measure, Part, Rows, whole
from echodiff.evaluate.patients import effective_number

KEPT = 0.8  # share of the groups in a subsample
QUANTILE = 1.959964  # two-sided 95 % of the normal distribution
MINIMUM = 5  # groups in each set; with fewer there is no interval

Interval = tuple[float, float]

NO_RANGE: Interval = (-np.inf, np.inf)
UNBOUNDED: Mapping[str, Interval] = {}


@dataclass(frozen=True)
class Grouping:
    """The group of each image, its patient: images of one group are kept or left out together.

    codes: (N,) 0..count-1, in the order in which groups first appear. count: of groups.
    """

    codes: Rows
    count: int

    @classmethod
    def of(cls, groups: Sequence[str]) -> Self:
        """By the names of the groups, one an image."""
        places: dict[str, int] = {}
        codes = [places.setdefault(name, len(places)) for name in groups]
        return cls(np.array(codes, dtype=np.int64), len(places))

    @property
    def kept(self) -> int:
        """Groups in a subsample, at least two."""
        return max(2, round(KEPT * self.count))

    @property
    def effective(self) -> float:
        """The number of equally large groups that say as much of a share of the images as these (Kish 1965)."""
        return effective_number(np.bincount(self.codes))

    def draw(self, rng: np.random.Generator) -> Rows:
        """The images of a subsample's groups."""
        chosen = np.zeros(self.count, bool)
        chosen[rng.choice(self.count, size=self.kept, replace=False)] = True
        return np.flatnonzero(chosen[self.codes])


@dataclass(frozen=True)
class Estimates:
    """Statistics of two sets under their names, each with its interval."""

    values: Mapping[str, float]
    intervals: Mapping[str, Interval]


def estimates(
    measure: Measure,
    x: Features,
    y: Features,
    groups: tuple[Grouping, Grouping],
    *,
    draws: int,
    seed: int,
    ranges: Mapping[str, Interval] = UNBOUNDED,
) -> Estimates:
    """Statistics of x (n, D) and y (m, D) with 95 % intervals: both are subsampled, each group at most once in a draw.

    Args:
        groups: of the images of each set.
        draws: number of subsamples; with 0 there is no interval.
        ranges: smallest and largest value of the statistics that have one; their intervals end there.

    Returns:
        Intervals are NaN, NaN without draws or with fewer than five groups in a set.
    """
    first, second = groups
    enough = draws >= 2 and min(first.count, second.count) >= MINIMUM
    rng = np.random.default_rng(seed)
    subsamples = [Part(first.draw(rng), second.draw(rng)) for _ in range(draws if enough else 0)]
    drawn = measure(x, y, [whole(x, y), *subsamples])
    values = {name: float(own[0]) for name, own in drawn.items()}
    if not enough:
        return Estimates(values, dict.fromkeys(values, (float("nan"), float("nan"))))
    widths = {name: half_width(own[1:], groups) for name, own in drawn.items()}
    ends = {name: np.array([value - widths[name], value + widths[name]]) for name, value in values.items()}
    intervals = {name: tuple(np.clip(own, *ranges.get(name, NO_RANGE)).tolist()) for name, own in ends.items()}
    return Estimates(values, intervals)


def half_width(drawn: Sequence[float] | NDArray[np.float64], groups: tuple[Grouping, Grouping]) -> float:
    """Half of the 95 % interval of a statistic, from its values in subsamples of both sets, of five groups or more."""
    factor = max(own.kept / (own.count - own.kept) for own in groups)
    quantile = t.ppf(0.975, min(own.count for own in groups) - 1)
    return float(quantile * np.std(drawn, ddof=1) * np.sqrt(factor))


def divisions(groups: Sequence[str], *, first: int | None = None, draws: int, seed: int) -> list[Part]:
    """Random divisions of a set: what `first` and `second` of a part hold of it shares no group.

    Args:
        groups: each image's group: images that are kept together, as those of one patient or of patients with an
            identical frame (`split.twins`).
        first: number of images of the first part, the rest is the second; halves where it is not given or
            more than half. It is the largest number where the groups do not add up to it.

    Returns:
        One division a draw; a draw that leaves a part with fewer than two images is left out.
    """
    n = len(groups)
    size = n // 2 if first is None else min(first, n // 2)
    names, own = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    counts = np.bincount(own, minlength=len(names))
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws if size >= 2 else 0):
        taken = np.zeros(len(names), bool)
        room = size
        for group in rng.permutation(len(names)):
            if counts[group] <= room:
                taken[group] = True
                room -= counts[group]
        found.append(Part(*(np.flatnonzero(side) for side in (taken[own], ~taken[own]))))
    return [part for part in found if min(len(part.first), len(part.second)) >= 2]
