"""Sequence of Ultrasound Regions (0018,6011): where on the screen the tissue is, and the size of its pixels."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from pydicom import Dataset

from echodiff.ingest.case import UNKNOWN_SPACING
from echodiff.ingest.sector.pixel_size import of_tissue

SPATIAL_2D = 1  # Region Spatial Format (0018,6012)
TISSUE = 1  # Region Data Type (0018,6014)
CENTIMETRE = 3  # Physical Units X/Y Direction (0018,6024) and (0018,6026)
SAME_PICTURE = 0.1  # share of the smaller of two regions that both have; neighbours share a row or column of pixels
SMALLEST_VISIBLE = 0.5  # share of a region inside the frame; below it the frame was resized after the tags were written


@dataclass(frozen=True)
class Region:
    """A rectangle of the frame (rows, columns) and the (row, column) pixel size in mm, NaN where unknown."""

    rows: slice
    columns: slice
    spacing_mm: tuple[float, float]

    @property
    def pixels(self) -> int:
        """Number of pixels in the rectangle."""
        return (self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start)

    def overlaps(self, other: Self) -> bool:
        """Whether the two are of one picture: as much as SAME_PICTURE of the smaller lies in both."""
        common = [
            max(min(own.stop, its.stop) - max(own.start, its.start), 0)
            for own, its in ((self.rows, other.rows), (self.columns, other.columns))
        ]
        return common[0] * common[1] > SAME_PICTURE * min(self.pixels, other.pixels)


def tissue_regions(header: Dataset, shape: tuple[int, int]) -> list[Region]:
    """The 2D tissue regions that lie in the frame, in the order of the tags; of those that overlap only one.

    That is one whose pixels have a known size, and of several such the smallest: scanners list the whole screen first,
    with a size of the screen's own or none. They also write regions beyond the frame and negative pixel sizes; a frame
    that was resized after the region was written has tags that fit nothing, and they are left aside (PS3.3 C.8.5.5).
    Two regions are two pictures side by side: a dual or biplane view, whose borders may be the same pixels.
    """
    found = _all_regions(header, shape)
    regions: list[Region] = []
    for region in sorted(found, key=lambda region: (not np.isfinite(region.spacing_mm).all(), region.pixels)):
        if not any(region.overlaps(other) for other in regions):
            regions.append(region)
    return [region for region in found if any(region is kept for kept in regions)]


def pixel_spacing_mm(header: Dataset) -> tuple[float, float]:
    """Pixel Spacing (0028,0030), (row, column) as PS3.3 10.7.1.3 has it, of an image without ultrasound regions.

    Where there are regions they are what the scanner measures by, and an unusable one is no reason to trust a tag that
    converters write. NaN where the tag is absent or damaged.
    """
    try:
        if header.get("SequenceOfUltrasoundRegions"):
            return UNKNOWN_SPACING
        row, column = map(float, header.PixelSpacing)
    except Exception:  # the tag's bytes are converted here, and fail in the way of their type
        return UNKNOWN_SPACING
    return (row, column) if np.isfinite((row, column)).all() and min(row, column) > 0 else UNKNOWN_SPACING


def _all_regions(header: Dataset, shape: tuple[int, int]) -> list[Region]:
    regions: list[Region] = []
    for item in header.get("SequenceOfUltrasoundRegions") or []:
        try:
            region = _region(item, shape)
        except (AttributeError, TypeError, ValueError):
            continue  # a damaged item: the next may be whole
        if region is not None:
            regions.append(region)
    return regions


def _region(item: Dataset, shape: tuple[int, int]) -> Region | None:
    if int(item.RegionSpatialFormat) != SPATIAL_2D or int(item.RegionDataType) != TISSUE:
        return None
    left, right = sorted((int(item.RegionLocationMinX0), int(item.RegionLocationMaxX1)))
    top, bottom = sorted((int(item.RegionLocationMinY0), int(item.RegionLocationMaxY1)))
    rows = slice(max(top, 0), min(bottom + 1, shape[0]))
    columns = slice(max(left, 0), min(right + 1, shape[1]))
    visible = max(rows.stop - rows.start, 0) * max(columns.stop - columns.start, 0)
    if visible < SMALLEST_VISIBLE * (bottom + 1 - top) * (right + 1 - left):
        return None
    return Region(rows, columns, (_mm(item, "Y", bottom + 1 - top), _mm(item, "X", right + 1 - left)))


def _mm(item: Dataset, axis: str, pixels: int) -> float:
    """Physical Delta X/Y (0018,602C/602E) in mm; its sign only tells the direction of the axis.

    NaN where it is absent, in another unit, or gives `pixels` of them, a side of the region, a length that no picture
    of tissue has.
    """
    unit = item.get(f"PhysicalUnits{axis}Direction")
    size = 10 * abs(float(item.get(f"PhysicalDelta{axis}") or 0))
    return of_tissue(size, pixels) if unit is not None and int(unit) == CENTIMETRE else float(np.nan)
