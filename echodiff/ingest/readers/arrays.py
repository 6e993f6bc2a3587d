"""Arrays of NumPy (`.npy`, `.npz`) as frames or label maps: rows and columns, or frames, rows and columns."""

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.walk import refuse_unreadable

ARRAYS = (".npy", ".npz")
LARGEST_BYTES = 2**30  # that a header may promise
IMAGES = ("image", "images", "img", "frame", "frames", "data", "x")  # names of arrays in one file
LABELS = ("mask", "masks", "label", "labels", "gt", "seg", "segmentation", "y")
COLOURS = (2, 3, 4)  # length of a last axis that is no row of pixels
NUMBERS = "biuf"  # kinds of data types
READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def is_array(path: Path) -> bool:
    """Whether a file's name ends as NumPy has it, and is no `._` note of macOS."""
    return path.suffix.lower() in ARRAYS and not path.name.startswith("._")


def holds_both(path: Path) -> bool:
    """Whether a file has arrays that are named as an image and as its label map."""
    if path.suffix.lower() != ".npz":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy").lower() for name in archive.namelist()}
    except (OSError, ValueError, zipfile.BadZipFile):  # reading the case says what is wrong
        return False
    return bool(names & set(IMAGES)) and bool(names & set(LABELS))


def read_array(path: Path, what: str, names: Collection[str]) -> NDArray:
    """Values (N, H, W) of the file's only array, or of the one that is among `names`.

    (H, W) is one plane; axes of length 1 do not count. Nothing is unpickled, and the header's size is looked at before
    any value is read.

    Raises:
        Reject: closed, empty, damaged, too large, of objects or colours, of other dimensions, or no array of the names.
    """
    refuse_unreadable(path, what)
    try:
        values = _of_archive(path, what, names) if path.suffix.lower() == ".npz" else _of_file(path, what)
    except Reject:
        raise
    except Exception as error:  # damaged files fail in many ways
        raise Reject(f"{what}: expected a readable array of NumPy, found it damaged or cut short") from error
    planes = values.reshape([side for side in values.shape if side != 1])
    if planes.ndim not in (2, 3) or (planes.ndim == 3 and planes.shape[-1] in COLOURS):
        raise Reject(
            f"{what}: expected rows and columns, or frames, rows and columns, found a shape of "
            f"{' x '.join(map(str, values.shape))}; save gray values, frames first"
        )
    planes = planes.astype(np.uint8) if planes.dtype == bool else planes
    return planes[None] if planes.ndim == 2 else planes


def _of_file(path: Path, what: str) -> NDArray:
    with open(path, "rb") as file:
        _check_header(file, path.stat().st_size, what)
        file.seek(0)
        return npy.read_array(file, allow_pickle=False)


def _of_archive(path: Path, what: str, names: Collection[str]) -> NDArray:
    with zipfile.ZipFile(path) as archive:
        found = archive.namelist()
        named = found if len(found) == 1 else [name for name in found if name.removesuffix(".npy").lower() in names]
        if len(named) != 1:
            shown = ", ".join(name.removesuffix(".npy") for name in found[:5])
            raise Reject(
                f"{what}: expected one array in the file, or one named {next(iter(names))}, found {shown or 'none'}; "
                "save image and label map as .npy files of their own"
            )
        with archive.open(named[0]) as file:
            _check_header(file, archive.getinfo(named[0]).file_size, what)
        with archive.open(named[0]) as file:
            return npy.read_array(file, allow_pickle=False)


def _check_header(file: BinaryIO, size: int, what: str) -> None:
    """Against the `size` of the whole array in bytes, as the file has it or its archive says."""
    shape, _, dtype = READ_HEADER[npy.read_magic(file)](file)
    if dtype.kind not in NUMBERS:
        raise Reject(f"{what}: expected an array of numbers, found values of {dtype}; save it as numbers")
    expected = math.prod(shape) * dtype.itemsize
    if not 0 < expected <= LARGEST_BYTES:
        raise Reject(f"{what}: expected an array that fits into memory, found {' x '.join(map(str, shape))} values")
    if size - file.tell() < expected:
        raise Reject(f"{what}: expected {expected} bytes of values, found it cut short")
