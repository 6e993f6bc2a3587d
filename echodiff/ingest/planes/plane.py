"""The apical four-chamber plane of a volume: from three landmarks, cut out at physical scale."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.ingest.case import Reject

LARGEST_SIDE = 4096  # pixels of a cut plane
LEAST_ANGLE = 2.0  # degrees between long axis and lateral annulus, below which three points give no plane


@dataclass(frozen=True)
class Landmarks:
    """Three points (3,) of the four-chamber plane in mm, in world coordinates as SimpleITK has them (LPS)."""

    apex: NDArray[np.float64]
    """Endocardial apex of the LV."""

    mitral_centre: NDArray[np.float64]
    """Middle of the mitral annulus."""

    lateral_annulus: NDArray[np.float64]
    """Lateral end of the mitral annulus; shown on the right."""


@dataclass(frozen=True)
class Plane:
    """A rectangle in space: pixel (row, column) lies at origin + (column * right + row * down) * pixel_mm."""

    origin: NDArray[np.float64]
    right: NDArray[np.float64]
    down: NDArray[np.float64]
    pixel_mm: float
    shape: tuple[int, int]


def plane_through(landmarks: Landmarks, volume: sitk.Image, pixel_mm: float) -> Plane:
    """The rectangle of the landmarks' plane that just holds the volume, shown as usual: apex up, LV to the right.

    "Down" is the volume's own axis that is nearest to the long axis, laid into the plane: exported volumes have the
    beam along an axis, so the sector stands upright.

    Raises:
        Reject: the landmarks lie on a line or outside the volume.
    """
    _check(landmarks, volume)
    axis = _unit(landmarks.mitral_centre - landmarks.apex)
    normal = _unit(np.cross(axis, landmarks.lateral_annulus - landmarks.mitral_centre))
    columns = np.array(volume.GetDirection()).reshape(3, 3).T
    beam = max((sign * column for column in columns for sign in (1, -1)), key=lambda column: float(column @ axis))
    down = _unit(beam - (beam @ normal) * normal)
    right = np.cross(down, normal)
    right *= np.sign(right @ (landmarks.lateral_annulus - landmarks.mitral_centre))
    step = min(pixel_mm, *volume.GetSpacing())
    offsets = _corners(volume) - landmarks.apex
    across, along = offsets @ right, offsets @ down
    shape = tuple(int(np.ceil((side.max() - side.min()) / step)) + 1 for side in (along, across))
    if max(shape) > LARGEST_SIDE:
        raise Reject(f"expected a plane of at most {LARGEST_SIDE} pixels a side, found {shape[0]} x {shape[1]}")
    return Plane(landmarks.apex + across.min() * right + along.min() * down, right, down, step, shape)


def cut(volume: sitk.Image, plane: Plane, *, labels: bool = False) -> NDArray:
    """Resample a volume on a plane, (H, W): linear, or nearest neighbour for labels.

    Outside the volume lies its darkest value, as 0 is gray or white among signed values and decibels; of labels 0.
    """
    normal = np.cross(plane.right, plane.down)
    reference = sitk.Image([plane.shape[1], plane.shape[0], 1], volume.GetPixelID())
    reference.SetOrigin(plane.origin.tolist())
    reference.SetSpacing([plane.pixel_mm] * 3)
    reference.SetDirection(np.stack([plane.right, plane.down, normal], 1).ravel().tolist())
    method, outside = (sitk.sitkNearestNeighbor, 0.0) if labels else (sitk.sitkLinear, _darkest(volume))
    identity = sitk.Transform(3, sitk.sitkIdentity)
    return sitk.GetArrayFromImage(sitk.Resample(volume, reference, identity, method, outside))[0]


def _darkest(volume: sitk.Image) -> float:
    """The least of the values that are numbers; 0 where none is."""
    values = sitk.GetArrayViewFromImage(volume)
    return float(np.min(values, where=np.isfinite(values), initial=np.inf)) if np.isfinite(values).any() else 0.0


def _check(landmarks: Landmarks, volume: sitk.Image) -> None:
    points = np.stack([landmarks.apex, landmarks.mitral_centre, landmarks.lateral_annulus])
    index = np.array([volume.TransformPhysicalPointToContinuousIndex(point.tolist()) for point in points])
    outside = (index < -0.5).any(1) | (index > np.array(volume.GetSize()) - 0.5).any(1)
    if outside[:2].any():
        raise Reject(
            "expected the plane's apex and mitral centre inside the volume, found them outside; check the unit (mm)"
        )
    axis, side = points[1] - points[0], points[2] - points[1]
    lengths = np.linalg.norm(axis), np.linalg.norm(side)
    sine = np.linalg.norm(np.cross(axis, side)) / max(lengths[0] * lengths[1], 1e-9)
    if min(lengths) < 1 or sine < np.sin(np.radians(LEAST_ANGLE)):
        raise Reject("expected three landmarks that span a plane, found them on one line")


def _corners(volume: sitk.Image) -> NDArray[np.float64]:
    """World positions (8, 3) of the outermost voxels."""
    last = np.array(volume.GetSize()) - 1
    steps = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), -1).reshape(-1, 3) * last
    return np.array([volume.TransformIndexToPhysicalPoint([int(i) for i in step]) for step in steps])


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)
