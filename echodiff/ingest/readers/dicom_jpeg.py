"""Colour frames in JPEG baseline, in the colours of their stream: headers that say RGB over YCbCr are common."""

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import convert_color_space
from pydicom.uid import JPEGBaseline8Bit

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom_file import open_dicom

PIXELS = ["PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"]
IDS_OF_RGB = (b"RGB", b"rgb")  # component identifiers


def is_colour_jpeg(header: Dataset) -> bool:
    """Whether the frames are JPEG baseline of three components."""
    return header.file_meta.TransferSyntaxUID == JPEGBaseline8Bit and int(header.get("SamplesPerPixel", 1)) == 3


def jpeg_frames(path: Path, header: Dataset, frames: int) -> Iterator[JpegImageFile]:
    """The streams of all frames, opened one after the other and not yet decoded.

    Raises:
        Reject: a stream of another size than the header's, or of another number of components.
    """
    dataset = open_dicom(path, specific_tags=PIXELS)
    offsets = [dataset.get(name) for name in PIXELS[1:]]
    for stream in generate_frames(
        dataset.PixelData, number_of_frames=frames, extended_offsets=tuple(offsets) if all(offsets) else None
    ):
        image = Image.open(io.BytesIO(stream), formats=("JPEG",))
        if image.size != (int(header.Columns), int(header.Rows)) or image.layers != 3:
            raise Reject(
                f"expected frames of {header.Columns} x {header.Rows} in three components, found "
                f"{image.width} x {image.height} in {image.layers} in the JPEG stream; export the file again"
            )
        yield image


def jpeg_gray(image: JpegImageFile, header: Dataset) -> NDArray[np.uint8]:
    """Luminance (H, W) of ITU-R BT.601, which is the first component of YCbCr."""
    if _is_rgb(image, header):
        return cv2.cvtColor(_components(image), cv2.COLOR_RGB2GRAY)
    image.draft("L", image.size)  # the other components are not even decoded
    return np.asarray(image)


def jpeg_rgb(image: JpegImageFile, header: Dataset) -> NDArray[np.uint8]:
    """The frame in colour (H, W, 3), RGB."""
    if _is_rgb(image, header):
        return _components(image)
    return convert_color_space(_components(image), "YBR_FULL", "RGB")


def _is_rgb(image: JpegImageFile, header: Dataset) -> bool:
    """Whether the components are RGB, not YCbCr.

    A JFIF marker says YCbCr, else an Adobe marker has its say (libjpeg.txt, "Special color spaces"). Without either
    chroma is told by its coarser sampling or its own quantization table; where all components are coded alike the
    Photometric Interpretation (0028,0004) is all that there is.
    """
    if "jfif" in image.info:
        return False
    if "adobe_transform" in image.info:
        return image.info["adobe_transform"] == 0
    if _ids(image) in IDS_OF_RGB:
        return True
    alike = len({component[1:] for component in image.layer}) == 1
    return alike and header.PhotometricInterpretation == "RGB"


def _components(image: JpegImageFile) -> NDArray[np.uint8]:
    """The components (H, W, 3) as they are stored: libjpeg converts what it takes for YCbCr, unless YCbCr is wanted."""
    if not _taken_for_rgb(image):
        image.draft("YCbCr", image.size)
    return np.array(image)


def _taken_for_rgb(image: JpegImageFile) -> bool:
    """Whether libjpeg takes the components for RGB (jdapimin.c, default_decompress_parms)."""
    if "jfif" in image.info:
        return False
    return image.info["adobe_transform"] == 0 if "adobe_transform" in image.info else _ids(image) == b"RGB"


def _ids(image: JpegImageFile) -> bytes:
    return bytes(component[0] for component in image.layer)
