"""The conditional shape model: how the wall and the left atrium lie, given the left ventricle.

A heart is three polylines in the ventricle's frame, resampled by arc length: endocardium (left annulus end, apex,
right end), epicardium likewise, and atrium (left annulus end, round its far end, to the right end). Given are the
endocardium and the ventricle's place in the sector. All is taken as jointly Gaussian, so that
E[epi, LA | given] = m2 + S21 (S11 + r I)^-1 (given - m1). The covariance of what the mean leaves open is taken from
predictions of hearts that were left out: the formula S22 - S21 S11^-1 S12 of the same hearts is too sure.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.store.atomic import atomic_path

ENDO, EPI, LA = 41, 49, 41  # points of each polyline
PLACE = 3  # numbers that say where in the sector the ventricle lies
VERSION = 1


@dataclass(frozen=True)
class ShapeModel:
    """E[epi, LA | given] as an affine map, and the covariance about it, in the ventricle's frame."""

    mean_given: NDArray[np.float64]
    """(2 ENDO + PLACE,)"""

    mean_rest: NDArray[np.float64]
    """(2 EPI + 2 LA,)"""

    gain: NDArray[np.float64]
    """(2 EPI + 2 LA, 2 ENDO + PLACE)"""

    covariance: NDArray[np.float64]
    """(2 EPI + 2 LA) squared, of predictions of hearts that were left out."""

    place_range: NDArray[np.float64]
    """(2, PLACE) smallest and largest place that was learned from; others are taken as the nearest of these."""

    cases: int
    """Hearts that were learned from."""

    def expect(self, given: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Epicardium (EPI, 2) and atrium (LA, 2) to be expected for what is given (2 ENDO + PLACE,)."""
        return split_rest(self._mean(given))

    def sample(
        self, given: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One epicardium and atrium of those that fit what is given."""
        values, vectors = np.linalg.eigh(self.covariance)
        scale = np.sqrt(np.clip(values, 0, None))
        return split_rest(self._mean(given) + vectors @ (scale * rng.standard_normal(len(values))))

    def _mean(self, given: NDArray[np.float64]) -> NDArray[np.float64]:
        known = np.concatenate([given[:-PLACE], np.clip(given[-PLACE:], *self.place_range)])
        return self.mean_rest + self.gain @ (known - self.mean_given)

    def deviations(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Covariance (2, 2) of each point of the epicardium (EPI, 2, 2) and the atrium (LA, 2, 2)."""
        count = EPI + LA
        blocks = self.covariance.reshape(count, 2, count, 2)[np.arange(count), :, np.arange(count), :]
        return blocks[:EPI], blocks[EPI:]


def split_rest(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2 EPI + 2 LA,) -> epicardium (EPI, 2) and atrium (LA, 2)."""
    return values[: 2 * EPI].reshape(EPI, 2), values[2 * EPI :].reshape(LA, 2)


def write_shape_model(model: ShapeModel, path: Path) -> None:
    """Write the model as NumPy archive, whole or not at all."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, version=VERSION, **vars(model))


def read_shape_model(path: Path) -> ShapeModel:
    """Read what `write_shape_model` wrote.

    Raises:
        InputError: missing, damaged, or of another version.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a shape model, found no such file; run `echodiff shape-model`")
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        version = int(content.pop("version"))
        model = ShapeModel(**{**content, "cases": int(content["cases"])})
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}: expected a shape model, could not read it; run `echodiff shape-model` again"
        ) from error
    if version != VERSION or model.gain.shape != (2 * (EPI + LA), 2 * ENDO + PLACE):
        raise InputError(f"{path}: expected a shape model of version {VERSION}, found {version}; make it again")
    return model
