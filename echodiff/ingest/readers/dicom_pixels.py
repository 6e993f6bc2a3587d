"""Pixels of an ultrasound DICOM as gray frames, whatever its photometric interpretation and transfer syntax."""

import contextlib
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, get_decoder, iter_pixels
from pydicom.pixels.utils import get_expected_length
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGTransferSyntaxes,
)

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom_file import is_bare, pixel_source
from echodiff.ingest.readers.dicom_jpeg import is_colour_jpeg, jpeg_frames, jpeg_gray, jpeg_rgb

# Transfer syntaxes that pydicom's dictionary has no name for (PS3.6 table A-1).
NAMES = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}
LARGEST_PIXELS = 2**28  # of all frames together that a header may promise: 341 frames of 1024 x 768
LARGEST_FRAME = 2**24  # pixels of one frame: screens have 2**21 to 2**23
PIXEL_DATA = 0x7FE00010
BY_PIXEL = frozenset(JPEGTransferSyntaxes + JPEG2000TransferSyntaxes)  # RLE is by plane (PS3.5 8.2.2)
UNDEFINED = 0xFFFFFFFF  # the length of compressed pixels (PS3.5 A.4)


def check_size(header: Dataset) -> int:
    """The number of frames, after a check that rows, columns and frames are possible.

    Number of Frames (0028,0008) is an integer string and may be absent for one frame (PS3.3 C.7.6.6).

    Raises:
        Reject: a size that is missing, no number, or of no ultrasound cine.
    """
    try:
        frames = int(header.get("NumberOfFrames") or 1)
        rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    except (TypeError, ValueError) as error:
        raise Reject("expected numbers of rows, columns and frames, found text in their place") from error
    if min(rows, columns, frames) < 1:
        raise Reject(f"expected an image, found {rows} rows, {columns} columns and {frames} frames")
    if rows * columns > LARGEST_FRAME or rows * columns * frames > LARGEST_PIXELS:
        raise Reject(f"expected a cine that fits into memory, found {frames} frames of {columns} x {rows}")
    return frames


def gray_frames(path: Path, header: Dataset) -> NDArray[np.uint8]:
    """All frames, decoded one after the other, as uint8 (F, H, W).

    Raises:
        Reject: no pixels, a compression that cannot be decoded, damaged or missing frames.
    """
    frames = check_size(header)
    _check_compression(header)
    with decoding_faults(header):
        _check_count(path, header, frames)
    result = np.empty((frames, int(header.Rows), int(header.Columns)), np.uint8)
    count = 0
    with decoding_faults(header):
        for frame in _gray_decoded(path, header, frames):
            result[count] = frame
            count += 1
    if count != frames:
        raise Reject(f"expected {frames} frames, found {count}; the file is cut short")
    return result


def _gray_decoded(path: Path, header: Dataset, frames: int) -> Iterator[NDArray[np.uint8]]:
    """Frames in gray (H, W), one after the other."""
    if is_colour_jpeg(header):
        yield from (jpeg_gray(image, header) for image in jpeg_frames(path, header, frames))
    else:
        yield from (to_gray(frame, header) for frame in _decoded(path, header, frames))


def _decoded(path: Path, header: Dataset, frames: int) -> Iterator[NDArray]:
    """Frames as they are stored, one after the other."""
    source = pixel_source(path, header)
    options = {"raw": _is_luminance_first(header), **_decoding(header)}
    native = not header.file_meta.TransferSyntaxUID.is_compressed
    if native and header.PhotometricInterpretation == "YBR_FULL_422":
        # In one go pydicom looks for the second frame behind the length that the first has without subsampling.
        for index in range(frames):
            yield from iter_pixels(source, indices=[index], **options)
    else:
        yield from iter_pixels(source, **options)


def _check_compression(header: Dataset) -> None:
    syntax = header.file_meta.TransferSyntaxUID
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        name = NAMES.get(syntax, syntax.name)
        raise Reject(
            f"expected pixels in a compression that can be decoded, found {name}; "
            "export the study again uncompressed or as JPEG"
        )


def _check_count(path: Path, header: Dataset, frames: int) -> None:
    """Refuse uncompressed pixels of more frames than the header counts: a cine would be taken for a still.

    Number of Frames gets lost in conversions, and volumes have counts of their own in private tags.
    """
    syntax = header.file_meta.TransferSyntaxUID
    if syntax.is_compressed or syntax == DeflatedExplicitVRLittleEndian:
        return
    found = _pixel_bytes(path) // (get_expected_length(header) // frames)
    if found > frames:
        raise Reject(
            f"expected pixels of {frames} frame{'s' * (frames > 1)}, as Number of Frames (0028,0008) says, found those "
            f"of {found}; export the study again with its original header"
        )


def _pixel_bytes(path: Path) -> int:
    """Length of uncompressed Pixel Data (7FE0,0010) as the file states it, without reading it.

    Raises:
        Reject: they are compressed after all.
    """
    lengths = [0]

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag == PIXEL_DATA:
            lengths.append(length)
        return tag == PIXEL_DATA

    with path.open("rb") as file:
        read_partial(file, stop_when=at_pixels, specific_tags=[], force=is_bare(path))
    if lengths[-1] == UNDEFINED:
        raise Reject(
            "expected pixels as the transfer syntax (0002,0010) says, uncompressed, found compressed ones or no "
            "transfer syntax; export the study again with its file meta information"
        )
    return lengths[-1]


def colour_frame(path: Path, header: Dataset, index: int) -> NDArray[np.uint8] | None:
    """One frame in colour (H, W, 3), RGB; None for gray images."""
    if int(header.get("SamplesPerPixel", 1)) == 1 and header.PhotometricInterpretation != "PALETTE COLOR":
        return None
    with decoding_faults(header):
        if is_colour_jpeg(header):
            return jpeg_rgb(next(islice(jpeg_frames(path, header, check_size(header)), index, None)), header)
        (frame,) = iter_pixels(pixel_source(path, header), indices=[index], **_decoding(header))
        return _rgb(frame, header)


def to_gray(frame: NDArray, header: Dataset) -> NDArray[np.uint8]:
    """One decoded frame as gray uint8 (H, W): luminance of colours (ITU-R BT.601), the shown range of gray values."""
    if _is_luminance_first(header):
        return frame[..., 0]
    if frame.ndim == 3 or header.PhotometricInterpretation == "PALETTE COLOR":
        return cv2.cvtColor(_rgb(frame, header), cv2.COLOR_RGB2GRAY)
    low, high = _window(header) or _stored_range(header)
    gray = (frame.astype(np.float32) - low) * (255 / (high - low))
    if header.PhotometricInterpretation == "MONOCHROME1":  # the lowest value is white (PS3.3 C.7.6.3.1.2)
        gray = 255 - gray
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8)


def _is_luminance_first(header: Dataset) -> bool:
    """YBR_FULL and YBR_FULL_422 hold the luminance of BT.601 as their first channel (PS3.3 C.7.6.3.1.2)."""
    return header.PhotometricInterpretation in ("YBR_FULL", "YBR_FULL_422") and int(header.BitsStored) == 8


def _decoding(header: Dataset) -> dict[str, Any]:
    """Options of pydicom's decoders: the fastest one for JPEG baseline, five times as fast as the first.

    Colours of JPEG and JPEG 2000 are decoded by pixel, whatever Planar Configuration (0028,0006) says: it speaks of
    how they lay before, or will lie after (PS3.5 8.2.1 and 8.2.4).
    """
    syntax = header.file_meta.TransferSyntaxUID
    options: dict[str, Any] = {"decoding_plugin": "pillow"} if syntax == JPEGBaseline8Bit else {}
    if syntax in BY_PIXEL and int(header.get("SamplesPerPixel", 1)) > 1:
        options["planar_configuration"] = 0
    return options


def _rgb(frame: NDArray, header: Dataset) -> NDArray[np.uint8]:
    """uint8 (H, W, 3)."""
    if header.PhotometricInterpretation == "PALETTE COLOR":
        frame = _through_palette(frame, header)
    elif int(header.BitsStored) > 8:
        frame = frame >> (int(header.BitsStored) - 8)
    return np.ascontiguousarray(frame[..., :3], dtype=np.uint8)


def _through_palette(frame: NDArray, header: Dataset) -> NDArray:
    """Values of a palette's tables as 8 bits (PS3.3 C.7.9.2).

    Tables of 16 bits hold bytes in the order of the file, which `apply_color_lut` does not look at; and some hold
    values of 8 bits all the same.
    """
    colours = apply_color_lut(frame, header)
    if colours.dtype == np.uint8:
        return colours
    table = header.get("RedPaletteColorLookupTableData")
    big_endian = not header.original_encoding[1]
    if table is not None and big_endian:
        colours = colours.byteswap()
    bits = int(header.RedPaletteColorLookupTableDescriptor[2])
    if table is not None and np.frombuffer(table, ">u2" if big_endian else "<u2").max(initial=0) < 256:
        bits = 8
    return colours >> (bits - 8) if bits > 8 else colours


def _window(header: Dataset) -> tuple[float, float] | None:
    """The stored values that are shown as black and white by Window Center and Width (0028,1050 and 1051).

    PS3.3 C.11.2.1.2.1, the first of several windows, for values of more than 8 bits: those of 8 bits are what the
    scanner showed, whatever window a viewer wrote beside them. None without a window.
    """
    if int(header.BitsStored) <= 8:
        return None
    centre, width = (_first(header.get(key)) for key in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width <= 1:
        return None
    slope, intercept = _first(header.get("RescaleSlope")) or 1.0, _first(header.get("RescaleIntercept")) or 0.0
    low, high = ((centre - 0.5 + side * (width - 1) / 2 - intercept) / slope for side in (-1, 1))
    return low, high


def _first(value: object) -> float | None:
    """The first of one or several decimal strings; None where there is none."""
    values = value if isinstance(value, MultiValue) else [value]
    return None if not values or values[0] in (None, "") else float(values[0])


def _stored_range(header: Dataset) -> tuple[float, float]:
    bits = int(header.BitsStored)
    signed = int(header.get("PixelRepresentation", 0)) == 1
    return (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)


@contextlib.contextmanager
def decoding_faults(header: Dataset) -> Iterator[None]:
    """Turn what decoders raise into a reject; their messages may hold paths, so only the kind is told.

    Raises:
        Reject: in place of any of their errors.
    """
    syntax = header.file_meta.TransferSyntaxUID.name
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except Reject:
        raise
    except Exception as error:
        raise Reject(
            f"expected readable pixels ({syntax}), found them damaged, cut short or missing; "
            "copy or export the file again"
        ) from error
