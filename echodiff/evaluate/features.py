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
from echodiff.evaluate.names import FULL, POLAR
from echodiff.evaluate.polar import polar_frames
from echodiff.progress import Progress
from echodiff.store.hdf5 import new_hdf5, plain_attributes, rows_of
from echodiff.store.image_set import ImageSet, content_fingerprint

if TYPE_CHECKING:
    from echodiff.evaluate.extractors import Extract, ExtractorChoice

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class FeatureSet:
    """Features of N images.

    features: float32 (N, D). polar: the same of the polar frames (`polar.py`), where they were asked for. case_id: N
    ids in the order of the image set. attributes: `extractor`, `weights_sha256`, `images` (fingerprint of the image
    set), `dataset`, `kind`, and `model` for translations.
    """

    features: NDArray[np.float32]
    case_id: list[str]
    attributes: dict[str, Any]
    polar: NDArray[np.float32] | None = None

    @property
    def frames(self) -> tuple[str, ...]:
        """The frames that there are features of."""
        return (FULL,) if self.polar is None else (FULL, POLAR)

    def frame(self, name: str) -> NDArray[np.float32]:
        """Features (N, D) in the frame `name`.

        Raises:
            InputError: they were not computed.
        """
        if name not in self.frames:
            raise InputError(
                f"features of {self.attributes.get('dataset')}: expected the {name} frame, found "
                f"{', '.join(self.frames)}; compute all features again with evaluate.polar as it is now"
            )
        return self.features if name == FULL else self.polar

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
        polar = None if self.polar is None else self.polar[rows]
        return FeatureSet(self.features[rows], list(case_ids), self.attributes, polar)


@dataclass(frozen=True)
class Extraction:
    """An extractor and how it is run.

    batch_size: frames in one pass. threads: batches worked on at the same time on a CPU. Each batch has one thread:
    threads that share an operation wait for one another at its end, which costs a factor of ten on a busy machine.
    """

    extract: "Extract"
    batch_size: int
    device: str
    threads: int = 1


def feature_set(images: ImageSet, choice: "ExtractorChoice", extraction: Extraction, *, polar: bool) -> FeatureSet:
    """Features of an image set by the extractor of `choice`, with `polar` of its polar frames as well."""
    attributes = {
        "extractor": choice.extractor,
        "weights_sha256": choice.weights_sha256,
        "images": content_fingerprint(images),
        **{key: images.attributes[key] for key in ("dataset", "kind", "model") if key in images.attributes},
    }
    frames = [images.images, *([polar_frames(images)] if polar else [])]
    values = extract_features(np.concatenate(frames), extraction)
    in_polar = values[len(images) :] if polar else None
    return FeatureSet(values[: len(images)], images.case_id, attributes, in_polar)


def extract_features(images: NDArray[np.uint8], extraction: Extraction) -> NDArray[np.float32]:
    """Features (N, D) of uint8 frames (N, H, W); each row depends on its own frame alone."""
    import torch

    size = extraction.batch_size
    progress = Progress(len(images), description="features", unit="images")
    batches = [images[start : start + size].copy() for start in range(0, len(images), size)]

    def one(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return extraction.extract(torch.from_numpy(batch).to(extraction.device)).float().cpu().numpy()

    parts = []
    workers = extraction.threads if extraction.device == "cpu" else 1
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for part in pool.map(one, batches):
            parts.append(part)
            progress.advance(len(part))
    progress.close()
    return np.concatenate(parts)


def write_features(features: FeatureSet, path: Path) -> None:
    """Write a feature set as HDF5: `features` and where known `polar` float32 (N, D), `case_id`, attributes.

    Raises:
        OutputError: the file cannot be written.
    """
    with new_hdf5(path) as (file, _):
        file.create_dataset("features", data=features.features, dtype=np.float32)
        if features.polar is not None:
            file.create_dataset("polar", data=features.polar, dtype=np.float32)
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
        with h5py.File(path, "r", locking=False) as file:  # files change by replacement; not all disks lock
            attributes = plain_attributes(file)
            if attributes.pop("schema_version", None) != SCHEMA_VERSION:
                raise InputError(f"{path}: expected features of schema {SCHEMA_VERSION}; compute them again")
            polar = file["polar"][:] if "polar" in file else None
            return FeatureSet(file["features"][:], list(file["case_id"].asstr()[:]), attributes, polar)
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path}: expected features in HDF5, could not read them ({error}); delete the file and run again"
        ) from error


def check_features_of(features: FeatureSet, images: ImageSet) -> None:
    """Whether the features were computed of exactly these images.

    Raises:
        InputError: of others, as after another ingest or translation.
    """
    if features.attributes["images"] != content_fingerprint(images):
        name = " ".join(str(images.attributes[key]) for key in ("model", "dataset") if key in images.attributes)
        raise InputError(
            f"features of {features.attributes.get('dataset')}: expected those of the images of {name}, found those of "
            "others; compute them again"
        )


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
