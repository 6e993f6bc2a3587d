"""An image set on disk: the frames of one dataset (or their translations) with label maps, sectors and spacing.

Datasets of the HDF5 file, N cases of H x W pixels:

    images      uint8   (N, H, W)  gray values
    masks       uint8   (N, H, W)  0 background, 1 LV, 2 MYO, 3 LA (echodiff.labels)
    sectors     uint8   (N, H, W)  1 inside the tissue sector, 0 outside
    spacing_mm  float32 (N, 2)     size of a pixel, (row, column), in mm
    case_id     string  (N,)
    seed        uint64  (N,)       translations only: the seed of each case's noise

Attributes: `schema_version`, `kind` ("dataset" or "translation"), `dataset`, `provenance` (JSON), and what the
stage adds.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.labels import LABELS
from echodiff.store.atomic import writing
from echodiff.store.careful_file import CarefulFile
from echodiff.store.hdf5 import new_hdf5, plain_attributes, rows_of

SCHEMA_VERSION = 1
PLANES = ("images", "masks", "sectors")
COLUMNS = (*PLANES, "spacing_mm", "case_id")
BLOCK = 64  # cases written at once; written alone, a case spends more time in HDF5's calls than in compression


@dataclass(frozen=True)
class ImageSet:
    """The content of an image set in memory; shapes and ranges as in the module's text."""

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    sectors: NDArray[np.uint8]
    spacing_mm: NDArray[np.float32]
    case_id: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    seed: NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, case_ids: Sequence[str]) -> Self:
        """The cases of `case_ids`, in that order.

        Raises:
            InputError: one of them is not in the set.
        """
        origin = self.attributes.get("dataset", "image set")
        remedy = "the split belongs to another image set, so run it again"
        rows = rows_of(self.case_id, case_ids, origin=origin, remedy=remedy)
        return type(self)(
            self.images[rows],
            self.masks[rows],
            self.sectors[rows],
            self.spacing_mm[rows],
            list(case_ids),
            self.attributes,
            None if self.seed is None else self.seed[rows],
        )


@contextmanager
def new_image_set(
    path: Path | str, *, size: int, attributes: Mapping[str, Any], with_seed: bool = False
) -> Iterator["ImageSetWriter"]:
    """Yield a writer of an image set; the file appears under its name only when the block ends without error.

    >>> with new_image_set(path, size=256, attributes={...}) as writer:
    ...     writer.append(image, mask, sector, spacing_mm, case_id)

    Raises:
        OutputError: the file cannot be written.
    """
    with new_hdf5(Path(path)) as (file, disk):
        writer = ImageSetWriter(file, disk, path=Path(path), size=size, with_seed=with_seed)
        for key, value in {"schema_version": SCHEMA_VERSION, **attributes}.items():
            file.attrs[key] = value
        yield writer
        writer.write_waiting()


class ImageSetWriter:
    """Appends cases to an open, empty HDF5 file, in blocks of `BLOCK`."""

    def __init__(self, file: h5py.File, disk: CarefulFile, *, path: Path, size: int, with_seed: bool):
        self._file, self._disk, self._path = file, disk, path
        self._size, self._with_seed = size, with_seed
        self._count, self._waiting = 0, []
        self._create()

    def _create(self) -> None:
        size = self._size
        for name in PLANES:
            self._file.create_dataset(
                name,
                shape=(0, size, size),
                maxshape=(None, size, size),
                dtype=np.uint8,
                chunks=(1, size, size),
                compression="gzip",
                compression_opts=1,  # level 4 takes twice as long and saves nothing on speckle
            )
        self._file.create_dataset("spacing_mm", shape=(0, 2), maxshape=(None, 2), dtype=np.float32)
        self._file.create_dataset("case_id", shape=(0,), maxshape=(None,), dtype=h5py.string_dtype())
        if self._with_seed:
            self._file.create_dataset("seed", shape=(0,), maxshape=(None,), dtype=np.uint64)

    def append(
        self,
        image: NDArray[np.uint8],
        mask: NDArray[np.uint8],
        sector: NDArray[np.uint8],
        spacing_mm: Sequence[float],
        case_id: str,
        seed: int | None = None,
    ) -> None:
        """Add one case: three planes of (size, size), the pixel's (row, column) size in mm, its id.

        Raises:
            OutputError: the file cannot be written.
            ValueError: a plane has another shape or type than the set, or a label outside `LABELS`.
        """
        for name, plane in zip(PLANES, (image, mask, sector), strict=True):
            if plane.shape != (self._size, self._size) or plane.dtype not in (np.uint8, np.bool_):
                raise ValueError(
                    f"{name}: expected uint8 ({self._size}, {self._size}), found {plane.dtype} {plane.shape}"
                )
        if mask.max(initial=0) > max(LABELS):
            raise ValueError(f"masks: expected labels 0..{max(LABELS)}, found {mask.max()}")
        if self._with_seed != (seed is not None):
            raise ValueError("seed: expected one for every case of a translation and none elsewhere")
        row = {name: plane.astype(np.uint8) for name, plane in zip(PLANES, (image, mask, sector), strict=True)}
        row |= {"spacing_mm": spacing_mm, "case_id": case_id}
        if seed is not None:
            row["seed"] = seed
        self._waiting.append(row)
        if len(self._waiting) == BLOCK:
            self.write_waiting()

    def write_waiting(self) -> None:
        """Write the cases that wait for their block to be full.

        Raises:
            OutputError: the file cannot be written.
        """
        rows, self._waiting = self._waiting, []
        with writing(self._path):
            for name in rows[0] if rows else ():
                column = self._file[name]
                column.resize(self._count + len(rows), axis=0)
                column[self._count :] = [row[name] for row in rows]
            self._disk.check()
        self._count += len(rows)


def read_image_set(path: Path | str, case_ids: Sequence[str] | None = None) -> ImageSet:
    """Read an image set, whole or only `case_ids` in that order.

    Raises:
        InputError: the file is missing, damaged, of another layout or schema version, or lacks a case.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: expected an image set, found no such file; run the stage that makes it")
    try:
        with h5py.File(path, "r", locking=False) as file:  # files change by replacement; not all disks lock
            content = _read_open(file, path)
    except OSError as error:
        raise InputError(
            f"{path}: expected an image set in HDF5, could not read it ({error}); delete it and run again"
        ) from error
    return content if case_ids is None else content.select(case_ids)


def _read_open(file: h5py.File, path: Path) -> ImageSet:
    missing = [name for name in COLUMNS if name not in file]
    version = file.attrs.get("schema_version")
    if missing or version != SCHEMA_VERSION:
        found = f"none named {', '.join(missing)}" if missing else f"schema version {version}"
        raise InputError(
            f"{path}: expected the datasets {', '.join(COLUMNS)} in schema version {SCHEMA_VERSION}, "
            f"found {found}; make it again with this version"
        )
    return ImageSet(
        *(file[name][:] for name in (*PLANES, "spacing_mm")),
        [case for case in file["case_id"].asstr()[:]],
        plain_attributes(file),
        file["seed"][:] if "seed" in file else None,
    )


def content_fingerprint(images: ImageSet) -> str:
    """SHA-256 (hex) of what a model learns from or is judged by: frames, label maps, sectors, spacing, ids."""
    digest = hashlib.sha256()
    for array in (images.images, images.masks, images.sectors, images.spacing_mm):
        digest.update(str((array.dtype, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update("\x1f".join(images.case_id).encode())
    return digest.hexdigest()
