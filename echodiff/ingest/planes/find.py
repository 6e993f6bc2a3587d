"""The four-chamber plane of a volume that comes without it: the labels' long axis, turned to the right heart."""

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from echodiff.ingest.case import Reject
from echodiff.ingest.planes.cine_or_volume import sectors_of, shown_sectors
from echodiff.ingest.planes.long_axis import long_axis
from echodiff.ingest.planes.plane import Landmarks
from echodiff.ingest.planes.right_heart import DIRECTIONS, LEVELS, RADII_MM, Surroundings, right_heart
from echodiff.ingest.readers.itk import to_gray, to_labels

COARSE_MM = 1.2  # voxel of the search; finer volumes are averaged to about it
SMOOTH_MM = 1.4  # standard deviation of the filter against speckle
ANNULUS_MM = 15.0  # from the mitral centre to the lateral annulus
LEAST_LEAD, LEAST_EXPLAINED = 0.2, 0.1  # of a right heart that is believed; noise explains 0.02 to 0.08


def find_landmarks(image: sitk.Image, labels: sitk.Image, values: dict[int, int]) -> tuple[Landmarks, float]:
    """The plane through the long axis and the right heart, and how sure it is: `RightHeart.lead`, 0..1.

    Args:
        image: gray volume.
        labels: label volume on the same voxels.
        values: value in the label volume -> 0..3; empty where they are these already.

    Raises:
        Reject: the planes are frames of a cine, the labels give no long axis, or no right heart can be told from what
            else lies beside the left one.
    """
    _refuse_cine(image)
    maps = to_labels(sitk.GetArrayFromImage(labels), "the label volume", values)
    apex, mitral_centre = long_axis(maps, image)
    axis, length = _unit(mitral_centre - apex), float(np.linalg.norm(mitral_centre - apex))
    across = _unit(np.cross(axis, np.eye(3)[np.abs(axis).argmin()]))
    frame = np.stack([across, np.cross(axis, across)])
    found = right_heart(_surroundings(image, maps, apex, axis * length, frame), length)
    if found is None or found.lead < LEAST_LEAD or found.explained < LEAST_EXPLAINED:
        raise Reject(
            "expected the four-chamber plane's landmarks in the table of planes, or a right heart beside the left one "
            "that shows it, found neither; give the landmarks"
        )
    lateral = -np.array([np.cos(found.direction), np.sin(found.direction)]) @ frame
    return Landmarks(apex, mitral_centre, mitral_centre + ANNULUS_MM * lateral), found.lead


def _refuse_cine(image: sitk.Image) -> None:
    """Refuse a cine that was saved as three dimensions, 2D + t: its time would be taken for depth.

    All its planes have one sector, while those of a volume, which is a cone, differ along every axis.

    Raises:
        Reject: says what else can be read.
    """
    values = sitk.GetArrayViewFromImage(image)
    if sectors_of(values, "the volume").of_cine:
        raise Reject(
            f"expected a volume, found {len(values)} planes of one and the same sector, as the frames of a cine "
            "(2D + t); cines are read as format: frames, and a volume where its plane's landmarks are given"
        )


def _surroundings(
    image: sitk.Image,
    labels: NDArray[np.uint8],
    apex: NDArray[np.float64],
    axis: NDArray[np.float64],
    frame: NDArray[np.float64],
) -> Surroundings:
    """Values at LEVELS along `axis` (3,), in mm from the apex, and about it in the directions of `frame` (2, 3)."""
    circle = np.stack([np.cos(DIRECTIONS), np.sin(DIRECTIONS)], 1) @ frame
    points = apex + LEVELS[:, None, None, None] * axis + RADII_MM[:, None] * circle[None, :, None, :]
    coarse = sitk.BinShrink(image, [max(round(COARSE_MM / step), 1) for step in image.GetSpacing()])
    gray = to_gray(sitk.GetArrayFromImage(coarse), "the volume")
    smooth = gaussian_filter(gray.astype(np.float32), SMOOTH_MM / np.array(coarse.GetSpacing()[::-1]))
    place = _index(coarse, points)
    labelled = map_coordinates(labels, _index(image, points), order=0) > 0
    shown = map_coordinates(shown_sectors(gray), place, order=0) > 0
    return Surroundings(map_coordinates(smooth, place, order=1), shown & ~labelled, labelled)


def _index(volume: sitk.Image, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Continuous index (3, ...) as z, y, x of positions (..., 3) in mm."""
    turned = (points - np.array(volume.GetOrigin())) @ np.array(volume.GetDirection()).reshape(3, 3)
    return np.moveaxis(turned / np.array(volume.GetSpacing()), -1, 0)[::-1]


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)
