"""A label map as a picture (PNG, TIFF, BMP), whose gray values or palette's indices are the labels."""

import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from echodiff.ingest.case import Reject
from echodiff.ingest.label_size import check_size
from echodiff.ingest.walk import refuse_unreadable

PICTURES = (".png", ".bmp", ".tif", ".tiff")
LARGEST_PIXELS = 2**24  # screens have 2**21 to 2**23
WHAT = "the label map"
PALETTE = "P"  # Pillow's name for it


def read_picture(path: Path, shape: tuple[int, int] | None = None) -> NDArray:
    """Label values (H, W) of 8 or 16 bits: gray, or colours whose channels agree as drawing programs save them.

    Of a picture with a palette the indices count, not the colours. Its size is looked at before any pixel is decoded:
    it has to be `shape`, where one is given.

    Raises:
        Reject: closed, empty, damaged, of another size, of several pages, or in colour.
    """
    refuse_unreadable(path, WHAT)
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(path) as picture:
                _check(picture, shape)
                picture.load()  # all of it, which OpenCV does not insist on
                if picture.mode == PALETTE:
                    return np.array(picture)
        except Reject:
            raise
        except Exception as error:
            raise Reject(f"{WHAT}: expected a readable picture, found it damaged or cut short") from error
    return _gray(path)


def _check(picture: Image.Image, shape: tuple[int, int] | None) -> None:
    width, height = picture.size
    if shape is not None:
        check_size((height, width), shape, WHAT)
    if not 0 < width * height <= LARGEST_PIXELS:
        raise Reject(f"{WHAT}: expected a picture that fits into memory, found {width} x {height}")
    pages = getattr(picture, "n_frames", 1)
    if pages != 1:
        raise Reject(f"{WHAT}: expected a picture of one page, found {pages}; stacks are read from NIfTI or MetaImage")


def _gray(path: Path) -> NDArray:
    """Pillow keeps 8 of 16 bits in colours, OpenCV all."""
    values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise Reject(f"{WHAT}: expected a readable picture, found it damaged or cut short")
    if values.ndim == 2:
        return values
    colours = values[..., :3]
    if (colours != colours[..., :1]).any():
        raise Reject(
            f"{WHAT}: expected label values in gray or by a palette, found a picture in colour; "
            "save it as 8 bit gray, each pixel its label's number"
        )
    return colours[..., 0]
