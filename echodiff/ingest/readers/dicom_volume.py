"""Enhanced US Volume (PS3.3 A.59): parallel planes of one grid, at one time or at several, as a Cartesian volume."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom import Dataset

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames

TISSUE = "TISSUE_INTENSITY"  # Data Type (0018,9808), PS3.3 C.8.24.5.3
SAME = 1e-3  # deviation of directions, and of spacings as a share, that is rounding
UNEVEN = 0.05  # of the distance between planes by which one may differ from the next


class _Place(NamedTuple):
    """Where and when a plane lies."""

    frame: int
    time: float
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: NDArray[np.float64]


def read_dicom_volume(path: Path) -> tuple[sitk.Image, Dataset]:
    """The volume, 3D or 3D + t, uint8, in mm of its Volume Frame of Reference, and the header.

    Planes of other data than tissue, such as flow, are passed over.

    Raises:
        Reject: no Enhanced US Volume, damaged, or planes that are no Cartesian grid.
    """
    header = read_header(path, volume=True)
    frames = gray_frames(path, header)
    try:
        places = list(_places(header, len(frames)))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Reject(
            "expected position, orientation and pixel size of every plane in the functional groups of the volume, "
            "found one without"
        ) from error
    if not places:
        raise Reject("expected planes of tissue in the volume, found other data alone")
    times = sorted({place.time for place in places})
    volumes = [_volume([place for place in places if place.time == time], frames) for time in times]
    if len({volume.GetSize() for volume in volumes}) > 1:
        raise Reject("expected the same number of planes at each time of the volume, found different ones")
    return (volumes[0] if len(volumes) == 1 else sitk.JoinSeries(volumes)), header


def _places(header: Dataset, frames: int) -> Iterator[_Place]:
    """Place of each plane of tissue; a functional group holds for one plane or is shared (PS3.3 C.7.6.16)."""
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = header.PerFrameFunctionalGroupsSequence
    if len(groups) != frames:
        raise ValueError("groups")
    for frame, group in enumerate(groups):

        def item(name: str, group: Dataset = group) -> Dataset:
            return ((group.get(name) or shared.get(name)) or [Dataset()])[0]

        if str(item("ImageDataTypeSequence").get("DataType") or TISSUE).strip() != TISSUE:
            continue
        yield _Place(
            frame,
            float(item("TemporalPositionSequence").get("TemporalPositionTimeOffset") or 0),
            _numbers(item("PlanePositionVolumeSequence").ImagePositionVolume, 3),
            _numbers(item("PlaneOrientationVolumeSequence").ImageOrientationVolume, 6),
            _numbers(item("PixelMeasuresSequence").PixelSpacing, 2),
        )


def _numbers(values: object, count: int) -> NDArray[np.float64]:
    numbers = np.array([float(value) for value in values])
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError("numbers")
    return numbers


def _volume(places: list[_Place], frames: NDArray[np.uint8]) -> sitk.Image:
    """The planes of one time in their order along the normal."""
    first = places[0]
    right, down = first.orientation[:3], first.orientation[3:]
    normal = np.cross(right, down)
    places = sorted(places, key=lambda place: float(place.position @ normal))
    steps = np.diff([place.position for place in places], axis=0)
    step = float(np.mean(steps @ normal)) if len(places) > 1 else 0.0
    square = np.allclose([right @ right, down @ down, right @ down], [1, 1, 0], atol=SAME)
    alike = all(
        np.allclose(place.orientation, first.orientation, atol=SAME)
        and np.allclose(place.spacing, first.spacing, rtol=SAME)
        for place in places
    )
    if not (square and alike and step > 0 and min(first.spacing) > 0):
        raise Reject("expected two or more parallel planes of one pixel size in the volume, found others")
    if np.abs(steps - step * normal).max() > UNEVEN * step:
        raise Reject("expected planes at even distances, one behind the other, found others; export it as Cartesian")
    volume = sitk.GetImageFromArray(frames[[place.frame for place in places]])
    volume.SetSpacing([float(first.spacing[1]), float(first.spacing[0]), step])
    volume.SetOrigin(places[0].position.tolist())
    volume.SetDirection(np.stack([right, down, normal], 1).ravel().tolist())
    return volume
