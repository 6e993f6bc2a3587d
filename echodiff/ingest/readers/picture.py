"""Pictures: label maps, whose gray values or palette's indices are the labels, and frames as they are seen."""

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.walk import refuse_unreadable
from echodiff.ingest.labels.size import check_size

PICTURES = (".png", ".bmp", ".tif", ".tiff")  # that can be label maps
PAGED = (".tif", ".tiff", ".gif")  # that can have several pages, of which a cine's frames are some
STILLS = (*PICTURES, ".jpg", ".jpeg", ".gif")  # that can be frames
LARGEST_PIXELS = 2**24  # screens have 2**21 to 2**23
LARGEST_PAGES = 2**28  # pixels of all pages together, as of a video
WHAT = "the label map"
FRAME = "the image"
PALETTE, GRAY = "P", ("L", "I;16", "I;16B", "I", "F")  # Pillow's names for them
UPRIGHT = 1  # EXIF Orientation


def read_picture(path: Path, shape: tuple[int, int] | None = None, what: str = WHAT) -> NDArray:
    """Label values (H, W): gray of 8 or 16 bits, in three channels too, else colours as numbers 0xRRGGBB.

    Of a picture with a palette the indices count, not the colours; transparency never counts. Its size is looked at
    before any pixel is decoded: it has to be `shape`, where one is given. `what` says in the reject which file it is.

    Raises:
        Reject: closed, empty, damaged, of another size, of several pages, or in colours of 16 bits.
    """
    values = _decoded(path, what, shape, of_palette=np.array)
    if values.ndim == 2:
        return values
    colours = values[..., :3]
    if (colours == colours[..., :1]).all():
        return colours[..., 0]
    if colours.dtype != np.uint8:
        raise Reject(
            f"{what}: expected label values in gray, by a palette or in colours of 8 bits, found colours of more bits; "
            "save it as 8 bit gray, each pixel its label's number"
        )
    blue, green, red = (colours[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def read_still(path: Path) -> NDArray:
    """Values (H, W) of gray, or (H, W, 3) of colours, RGB, as they are stored; of a palette the colours count.

    Raises:
        Reject: closed, empty, damaged, too large, of several pages, or turned when it is shown.
    """
    values = _decoded(path, FRAME, None, of_palette=lambda picture: np.array(picture.convert("RGB"))[..., ::-1])
    if values.ndim == 2:
        return values
    colours = np.ascontiguousarray(values[..., 2::-1])
    return colours[..., 0] if (colours == colours[..., :1]).all() else colours


def read_pages(path: Path, what: str = FRAME, shape: tuple[int, int] | None = None) -> NDArray | None:
    """Pages (F, H, W) of a TIFF or GIF that has several, None of a picture of one page.

    Gray as stored, else of frames the luminance and of label maps a palette's indices. All pages' sizes are looked at
    before any pixel is decoded.

    Raises:
        Reject: closed, empty, damaged, too large together, of different sizes, or label maps in colour.
    """
    refuse_unreadable(path, what)
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(path) as picture:
                pages = getattr(picture, "n_frames", 1)
                if pages == 1:
                    return None
                _check_pages(picture, pages, shape, what)
                return np.stack([_page(picture, index, what) for index in range(pages)])
        except Reject:
            raise
        except Exception as error:
            raise Reject(f"{what}: expected a readable picture, found it damaged or cut short") from error


def read_page_colours(path: Path, index: int) -> NDArray[np.uint8] | None:
    """Page `index` of a picture that `read_pages` reads as RGB (H, W, 3); None where it is gray."""
    with Image.open(path) as picture:
        picture.seek(index)
        return None if picture.mode in GRAY else np.array(picture.convert("RGB"))


def _check_pages(picture: Image.Image, pages: int, shape: tuple[int, int] | None, what: str) -> None:
    width, height = picture.size
    if not 0 < width * height * pages <= LARGEST_PAGES:
        raise Reject(f"{what}: expected pages that fit into memory, found {pages} of {width} x {height}")
    for index in range(pages):
        picture.seek(index)
        if picture.size != (width, height):
            found = f"{width} x {height} and {picture.width} x {picture.height}"
            raise Reject(f"{what}: expected pages of one size, found {found}; save them as files of their own")
    if shape is not None:
        check_size((height, width), shape, what)


def _page(picture: Image.Image, index: int, what: str) -> NDArray:
    picture.seek(index)
    if picture.mode in GRAY or (picture.mode == PALETTE and what != FRAME):
        return np.array(picture)
    if what != FRAME:
        raise Reject(f"{what}: expected pages in gray or by a palette, found colours; save each in gray")
    return np.array(picture.convert("L"))


def _decoded(
    path: Path, what: str, shape: tuple[int, int] | None, of_palette: Callable[[Image.Image], NDArray]
) -> NDArray:
    """Values (H, W), or (H, W, 3 or 4) as OpenCV orders colours: Pillow keeps 8 of 16 bits in them, OpenCV all."""
    refuse_unreadable(path, what)
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(path) as picture:
                _check(picture, shape, what)
                picture.load()  # all of it, which OpenCV does not insist on
                if picture.mode == PALETTE or picture.format == "GIF":
                    return of_palette(picture)
        except Reject:
            raise
        except Exception as error:
            raise Reject(f"{what}: expected a readable picture, found it damaged or cut short") from error
    values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise Reject(f"{what}: expected a readable picture, found it damaged or cut short")
    return values


def _check(picture: Image.Image, shape: tuple[int, int] | None, what: str) -> None:
    width, height = picture.size
    if shape is not None:
        check_size((height, width), shape, what)
    if not 0 < width * height <= LARGEST_PIXELS:
        raise Reject(f"{what}: expected a picture that fits into memory, found {width} x {height}")
    pages = getattr(picture, "n_frames", 1)
    if pages != 1:
        raise Reject(f"{what}: expected a picture of one page, found {pages}")
    if what == FRAME and picture.getexif().get(ExifTags.Base.Orientation, UPRIGHT) != UPRIGHT:
        raise Reject(f"{what}: expected an upright picture, found one that its EXIF tags turn; save it as it is shown")
