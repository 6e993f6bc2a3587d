"""Features of an image set: computed once for each set and extractor, kept on disk, used by every metric."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.progress import Progress
from echodiff.store.atomic import atomic_path, writing
from echodiff.store.hdf5 import plain_attributes, rows_of

if TYPE_CHECKING:
    from echodiff.evaluate.extractors import Extract

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class FeatureSet:
    """Features of N images.

    features: float32 (N, D). case_id: N ids in the order of the image set. attributes: `extractor`,
    `weights_sha256`, `images` (fingerprint of the image set), `dataset`, `kind`, and `model` for
    translations.
    """

    features: NDArray[np.float32]
    case_id: list[str]
    attributes: dict[str, Any]

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, case_ids: Sequence[str]) -> "FeatureSet":
        """The features of `case_ids`, in that order.

        Raises:
            InputError: one of them is not in the set.
        """
        origin = f"features of {self.attributes.get('dataset')}"
        remedy = "they belong to another ingest, so compute them again"
        rows = rows_of(self.case_id, case_ids, origin=origin, remedy=remedy)
        return FeatureSet(self.features[rows], list(case_ids), self.attributes)


def extract_features(
    images: NDArray[np.uint8], extract: "Extract", *, batch_size: int, device: str, threads: int = 1
) -> NDArray[np.float32]:
    """Features (N, D) of uint8 frames (N, H, W); each row depends on its own frame alone.

    Args:
        threads: batches worked on at the same time on a CPU. Each batch has one thread: threads that share an
            operation wait for one another at its end, which costs a factor of ten on a busy machine.
    """
    import torch

    progress = Progress(len(images), description="features", unit="images")
    batches = [images[start : start + batch_size].copy() for start in range(0, len(images), batch_size)]

    def one(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return extract(torch.from_numpy(batch).to(device)).float().cpu().numpy()

    parts = []
    workers = threads if device == "cpu" else 1
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for part in pool.map(one, batches):
            parts.append(part)
            progress.advance(len(part))
    progress.close()
    return np.concatenate(parts)


def write_features(features: FeatureSet, path: Path) -> None:
    """Write a feature set as HDF5: `features` float32 (N, D), `case_id`, attributes.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, writing(path), h5py.File(temporary, "w", libver="v110") as file:
        file.create_dataset("features", data=features.features, dtype=np.float32)
        file.create_dataset("case_id", data=features.case_id, dtype=h5py.string_dtype())
        for key, value in {"schema_version": SCHEMA_VERSION, **features.attributes}.items():
            file.attrs[key] = value


def read_features(path: Path) -> FeatureSet:
    """Read what `write_features` wrote.

    Raises:
        InputError: missing, damaged, or of another layout.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected features, found no such file; run `echodiff evaluate features`")
    try:
        with h5py.File(path, "r") as file:
            attributes = plain_attributes(file)
            if attributes.pop("schema_version", None) != SCHEMA_VERSION:
                raise InputError(f"{path}: expected features of schema {SCHEMA_VERSION}; compute them again")
            return FeatureSet(file["features"][:], list(file["case_id"].asstr()[:]), attributes)
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path}: expected features in HDF5, could not read them ({error}); delete the file and run again"
        ) from error


def check_same_extractor(sets: dict[str, FeatureSet]) -> tuple[str, str]:
    """The (extractor, SHA-256 of its weights) that all `sets` share.

    Raises:
        InputError: two sets come from different extractors or weights.
    """
    found = {name: (s.attributes["extractor"], s.attributes["weights_sha256"]) for name, s in sets.items()}
    if len(set(found.values())) != 1:
        listed = "; ".join(f"{name}: {extractor} {sha[:8]}" for name, (extractor, sha) in found.items())
        raise InputError(f"features: expected one extractor for all, found {listed}; compute them alike")
    return next(iter(found.values()))
