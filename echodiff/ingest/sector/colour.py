"""Colour in an ultrasound frame: a tint of the whole picture is harmless, Doppler hides tissue, calipers are drawn."""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.sector.find import Sector

COLOURED = 24  # distance of a pixel's chroma from that of its gray level, from which it was drawn in colour
LEVELS = 32  # gray levels for which a tint's chroma is told apart
DOPPLER_SHARE = 0.02  # coloured share of the sector from which it is Doppler, not a caliper
RIM = np.ones((3, 3), np.uint8)  # around a drawing: its blurred edge
INPAINT_RADIUS = 3.0  # pixels


def tissue(image: NDArray[np.uint8], rgb: NDArray[np.uint8] | None, sector: Sector) -> NDArray[np.uint8]:
    """A frame (H, W), in colour (H, W, 3) where it has any, without what is drawn over its tissue.

    Raises:
        Reject: Doppler.
    """
    drawn = sector.drawn
    if rgb is not None:
        colours = coloured(rgb)
        refuse_doppler(colours, sector.mask)
        drawn = drawn | colours
    return without_drawings(image, drawn, sector.mask)


def coloured(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a frame (H, W, 3) is drawn in another colour than most pixels of the same luminance, as a mask (H, W).

    Some scanners tint the gray scale (sepia, blue): each luminance has its colour then, and no pixel stands out.
    """
    luminance, *chroma = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))
    level = (luminance.astype(np.int64) * LEVELS) >> 8
    distance = np.zeros(luminance.shape, np.int16)
    for channel in chroma:
        counts = np.bincount((level * 256 + channel).ravel(), minlength=LEVELS * 256).reshape(LEVELS, 256)
        below = counts.cumsum(axis=1)
        usual = (below >= below[:, -1:] / 2).argmax(axis=1)  # the median of each level
        distance = np.maximum(distance, np.abs(channel.astype(np.int16) - usual[level].astype(np.int16)))
    return distance > COLOURED


def refuse_doppler(colours: NDArray[np.bool_], sector: NDArray[np.bool_]) -> None:
    """Raise a reject where so much of the sector (H, W) is in colour that it is Doppler.

    Raises:
        Reject: colour flow or another overlay hides the tissue.
    """
    share = (colours & sector).sum() / max(sector.sum(), 1)
    if share > DOPPLER_SHARE:
        raise Reject(
            f"expected a gray B-mode image, found {share:.0%} of the sector in colour, as of colour or power Doppler; "
            "export a clip without colour"
        )


def without_drawings(
    image: NDArray[np.uint8], drawn: NDArray[np.bool_], sector: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """A frame (H, W) with what is drawn in its sector painted over by the surroundings."""
    if not (drawn & sector).any():
        return image
    hidden = cv2.dilate((drawn & sector).astype(np.uint8), RIM)
    return cv2.inpaint(image, hidden, INPAINT_RADIUS, cv2.INPAINT_TELEA)
