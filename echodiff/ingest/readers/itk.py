"""NIfTI, MetaImage and NRRD through SimpleITK, with every way they can be broken turned into a reject."""

import contextlib
import gzip
import math
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.walk import refuse_unreadable
from echodiff.ingest.readers.itk_header import stored
from echodiff.labels import LABELS

# Ending -> the part of ITK that reads it: ITK itself knows `.mha`, but not `.MHA`.
READERS = {
    ".nii.gz": "NiftiImageIO",
    ".nii": "NiftiImageIO",
    ".mhd": "MetaImageIO",
    ".mha": "MetaImageIO",
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
}
SUFFIXES = tuple(READERS)
LARGEST_BYTES = 2**30  # what a header may promise: 64 volumes of 256 x 256 x 256 voxels of a byte
LARGEST_GRAY = 2**16 - 1  # of pictures; greater label values are colours, 0xRRGGBB
NIFTI_START = 348  # bytes that are read of a header
NIFTI_TYPES = {348: 70, 540: 12}  # where the header of each size (NIfTI-1, NIfTI-2) holds the code of its data type
NIFTI_OFFSETS = {348: ("f", 108), 540: ("q", 168)}  # type and place of vox_offset, where the pixels begin
# Bytes a voxel as stored (nifti1.h, DT_*): scl_slope makes floating point of integers that are smaller in the file.
NIFTI_BYTES = {2: 1, 256: 1, 4: 2, 512: 2, 8: 4, 768: 4, 16: 4, 64: 8, 1024: 8, 1280: 8}
BYTES = {
    **dict.fromkeys((sitk.sitkUInt8, sitk.sitkInt8), 1),
    **dict.fromkeys((sitk.sitkUInt16, sitk.sitkInt16), 2),
    **dict.fromkeys((sitk.sitkUInt32, sitk.sitkInt32, sitk.sitkFloat32), 4),
    **dict.fromkeys((sitk.sitkUInt64, sitk.sitkInt64, sitk.sitkFloat64), 8),
}
LAYER_BYTES = {sitk.sitkVectorUInt8: 1, sitk.sitkVectorInt16: 2, sitk.sitkVectorUInt16: 2, sitk.sitkVectorInt32: 4}

sitk.ProcessObject.SetGlobalWarningDisplay(False)
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def is_itk(path: Path) -> bool:
    """Whether the name ends like one of these formats, and is no `._` note that macOS leaves beside copied files."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith("._")


def read_itk(path: Path, what: str, *, layers: bool = False) -> sitk.Image:
    """Read an image of one channel, or of several that are `layers` of labels.

    `what` says in the reject which file it is, as its name may name a person.

    Raises:
        Reject: missing, closed, empty, damaged, cut short, in colour, or of a size that no such image has.
    """
    refuse_unreadable(path, what)
    with _alone(path) as file:
        return _read(file, what, layers=layers)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[Path]:
    """The file, of `a.nii.gz` beside `a.nii` under a name of its own: ITK takes the pixels of both from the latter."""
    if not (path.name.lower().endswith(".nii.gz") and path.with_name(path.name[: -len(".gz")]).exists()):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"image{path.name[-len('.nii.gz') :]}"
        link.symlink_to(path.absolute())
        yield link


def _read(path: Path, what: str, *, layers: bool) -> sitk.Image:
    pixels = stored(path, what)
    reader = _reader(path, what)
    with _faults(what):
        reader.ReadImageInformation()
    size, channels = reader.GetSize(), reader.GetNumberOfComponents()
    known = LAYER_BYTES if layers and channels > 1 else BYTES
    if (channels != 1 and not layers) or reader.GetPixelID() not in known:
        found = sitk.GetPixelIDValueAsString(reader.GetPixelID())
        raise Reject(f"{what}: expected one real gray value a pixel, found {found}")
    expected = math.prod(size) * channels * known[reader.GetPixelID()]
    if not 0 < expected <= LARGEST_BYTES:
        raise Reject(f"{what}: expected an image that fits into memory, found a size of {'x'.join(map(str, size))}")
    if pixels is not None and not pixels.hold(expected):
        raise Reject(f"{what}: expected {expected} bytes of pixels, found it cut short")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        _check_whole(path, math.prod(size), what)
    with _faults(what):
        image = reader.Execute()
    if not (np.isfinite(image.GetSpacing()).all() and min(image.GetSpacing()) > 0):
        raise Reject(f"{what}: expected a pixel size above 0 mm, found {image.GetSpacing()}")
    return image


def _reader(path: Path, what: str) -> sitk.ImageFileReader:
    """A reader for the kind of file that the ending names."""
    ending = next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix))
    written = path.name[-len(ending) :]
    if READERS[ending] == "NiftiImageIO" and written not in (ending, ending.upper()):
        raise Reject(f"{what}: expected {ending} or {ending.upper()} as ending, found {written}; rename the file")
    reader = sitk.ImageFileReader()
    reader.SetImageIO(READERS[ending])
    reader.SetFileName(str(path))
    return reader


def read_plane(path: Path, what: str) -> tuple[NDArray, tuple[float, float]]:
    """Read a 2D image, as it is displayed: array (rows, columns) and (row, column) spacing in mm.

    Files hold (x, y); SimpleITK's array is (y, x) already. A third axis of length 1 is dropped.

    Raises:
        Reject: as `read_itk`, or not of two dimensions.
    """
    image = _flat(read_itk(path, what))
    if image.GetDimension() != 2:
        raise Reject(f"{what}: expected one plane, found a size of {'x'.join(map(str, image.GetSize()))}")
    column, row = image.GetSpacing()
    return sitk.GetArrayFromImage(image), (float(row), float(column))


def read_planes(path: Path, what: str) -> tuple[NDArray, tuple[float, float]]:
    """Read a plane, or a stack of them such as a cine (2D + t): array (N, rows, columns), spacing as `read_plane`.

    Raises:
        Reject: as `read_itk`, or of more dimensions.
    """
    image = _flat(read_itk(path, what))
    if image.GetDimension() not in (2, 3):
        raise Reject(f"{what}: expected a plane or a stack of planes, found {image.GetDimension()} dimensions")
    column, row = image.GetSpacing()[:2]
    values = sitk.GetArrayFromImage(image)
    return values[None] if values.ndim == 2 else values, (float(row), float(column))


def _flat(image: sitk.Image) -> sitk.Image:
    """The image without a last axis of length 1, and without depth where it has 1 before the time, as NIfTI has it."""
    if image.GetDimension() == 4 and image.GetSize()[2] == 1:
        image = image[:, :, 0, :]
    while image.GetDimension() > 2 and image.GetSize()[-1] == 1:
        image = image[..., 0]
    return image


def to_gray(values: NDArray, what: str) -> NDArray[np.uint8]:
    """Gray values of any type as uint8; what exceeds 0..255 is scaled by the image's own range, fractions by 255.

    Programs for learning and numerics save images as fractions 0..1, which would all be black.

    Raises:
        Reject: values that are no numbers, or the same everywhere.
    """
    low, high = _range(values, what)
    if low >= 0 and high <= 1 and (values % 1).any():
        values = values.astype(np.float32) * np.float32(255)
    elif low < 0 or high > 255:
        values = (values.astype(np.float32) - low) * np.float32(255 / (high - low))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _range(values: NDArray, what: str) -> tuple[float, float]:
    if values.size == 0:
        raise Reject(f"{what}: expected pixels, found none")
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise Reject(f"{what}: expected gray values, found some that are no numbers")
    if low == high:
        raise Reject(f"{what}: expected an ultrasound image, found one value, {low:g}, everywhere")
    return low, high


def to_labels(values: NDArray, what: str, mapping: dict[int, int] | None = None) -> NDArray[np.uint8]:
    """A label map's values as `LABELS`, through `mapping` where the source numbers them otherwise.

    Raises:
        Reject: a value that is no whole number, not in the mapping, or outside `LABELS`; or no label at all.
    """
    found = np.unique(values)
    if not np.isfinite(found).all() or (found != np.rint(found)).any():
        raise Reject(f"{what}: expected whole numbers as labels, found {told_values(found[found != np.rint(found)])}")
    mapping = mapping or {value: value for value in LABELS}
    table = {0: 0, **mapping}
    unknown = [int(value) for value in found if int(value) not in table]
    if unknown:
        raise Reject(
            f"{what}: expected the labels {told_values(sorted(table))}, found also {told_values(unknown)}; "
            "label_values in the configuration can map them"
        )
    labels = np.zeros(values.shape, np.uint8)
    for value in found:
        labels[values == value] = table[int(value)]
    if not labels.any():
        raise Reject(f"{what}: expected labelled structures, found background alone")
    return labels


def told_values(values: Sequence[float]) -> str:
    """The first of a label map's values, for a sentence; as colours where they exceed 16 bits."""
    coloured = max(values) > LARGEST_GRAY
    shown = ", ".join(f"0x{int(value):06X}" if coloured else f"{value:g}" for value in list(values)[:8])
    return shown + (", ..." if len(values) > 8 else "")


def _check_whole(path: Path, voxels: int, what: str) -> None:
    """NIfTI that was cut short is read without an error, its rest filled with zeros: count its bytes first."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    found = 0
    try:
        with opener(path, "rb") as file:
            bytes_each, start = _nifti_layout(file.read(NIFTI_START))
            expected = voxels * bytes_each
            file.seek(0)
            while found <= 2 * expected + start + 2**22 and (part := file.read(2**22)):
                found += len(part)
    except (OSError, EOFError, KeyError, ValueError, OverflowError, struct.error, zlib.error) as error:
        raise Reject(f"{what}: expected a readable image, found it damaged or cut short") from error
    if found < expected + start:
        raise Reject(f"{what}: expected {expected} bytes of pixels, found it cut short")


def _nifti_layout(header: bytes) -> tuple[int, int]:
    """Bytes of a voxel in the file, and bytes before the first one.

    Raises:
        KeyError, ValueError, OverflowError, struct.error: the header is none.
    """
    order = "<" if struct.unpack_from("<i", header)[0] in NIFTI_TYPES else ">"
    (size,) = struct.unpack_from(f"{order}i", header)
    (code,) = struct.unpack_from(f"{order}h", header, NIFTI_TYPES[size])
    kind, place = NIFTI_OFFSETS[size]
    (offset,) = struct.unpack_from(f"{order}{kind}", header, place)
    return NIFTI_BYTES[code], max(int(offset), size)  # an offset inside the header counts as none, as in ITK


@contextlib.contextmanager
def _faults(what: str) -> Iterator[None]:
    """SimpleITK's errors carry paths and many lines: only the kind of fault is passed on."""
    try:
        yield
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise Reject(
                f"{what}: expected axes at right angles, found a sheared or rounded orientation (NIfTI's sform); "
                "save it with a rotation, such as a qform, or resample it"
            ) from error
        raise Reject(f"{what}: expected a readable image, found it damaged or cut short") from error
    except MemoryError as error:
        raise Reject(f"{what}: expected an image that fits into memory, found one that does not") from error
