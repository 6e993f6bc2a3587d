"""The 4CH plane of volumes without one: found on phantoms in any orientation, refused where it is not shown."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from echodiff.config.datasets import VolumeDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.planes.find import find_landmarks
from echodiff.ingest.planes.long_axis import long_axis
from echodiff.ingest.readers.volume import VolumeReader
from echodiff.phantom.anatomy import Anatomy, without
from echodiff.phantom.body import Pose
from echodiff.phantom.cine import Cine
from echodiff.phantom.machines import MACHINES
from echodiff.phantom.volume import VolumeCase, render_volume

MACHINE = MACHINES["3d_spatial"]


def volumes(case: VolumeCase, direction: np.ndarray) -> tuple[sitk.Image, sitk.Image]:
    """Image and labels whose axes lie in the world as the columns of `direction` (3, 3)."""
    parts = []
    for array in (case.image, case.labels):
        part = sitk.GetImageFromArray(array)
        part.SetSpacing((case.voxel_mm,) * 3)
        part.SetOrigin((direction @ case.origin_mm).tolist())
        part.SetDirection(direction.ravel().tolist())
        parts.append(part)
    return tuple(parts)


def normal(apex, mitral_centre, lateral_annulus) -> np.ndarray:
    crossed = np.cross(np.subtract(mitral_centre, apex), np.subtract(lateral_annulus, mitral_centre))
    return crossed / np.linalg.norm(crossed)


@pytest.mark.parametrize(("seed", "turn"), [(11, 140.0), (12, -75.0)])
def test_the_plane_is_found_in_any_orientation(seed, turn):
    case, direction = (
        render_volume(MACHINE, seed, pose=Pose(turn, 5.0)),
        Rotation.random(random_state=seed).as_matrix(),
    )
    found, confidence = find_landmarks(*volumes(case, direction), {})
    truth = {name: direction @ point for name, point in case.landmarks.items()}
    plane = normal(found.apex, found.mitral_centre, found.lateral_annulus)
    assert np.degrees(np.arccos(plane @ normal(**truth))) < 4, "the side of the lateral wall counts too"
    assert all(abs((point - found.apex) @ plane) < 1.5 for point in truth.values())
    assert np.linalg.norm(found.apex - truth["apex"]) < 2
    assert np.linalg.norm(found.mitral_centre - truth["mitral_centre"]) < 2
    assert 0.4 < confidence <= 1


def test_without_a_right_heart_there_is_no_plane():
    case = render_volume(MACHINE, 12, without(Anatomy(), "RV", "RA"), Pose(20.0, 0.0))
    with pytest.raises(Reject, match="right heart beside the left one"):
        find_landmarks(*volumes(case, np.eye(3)), {})


def test_a_case_says_where_its_plane_is_from(tmp_path):
    case = render_volume(MACHINE, 12, pose=Pose(-30.0, 3.0))
    for part, name in zip(volumes(case, np.eye(3)), ("vol", "vol_label"), strict=True):
        sitk.WriteImage(part, str(tmp_path / f"{name}.nii.gz"))
    reader = VolumeReader(VolumeDataset(format="volume", folder="anywhere"))
    frame = reader.read(next(reader.find(tmp_path)))
    assert frame.details["plane_source"] == "labels" and 0.4 < frame.details["plane_confidence"] <= 1
    assert {1, 2, 3} <= set(np.unique(frame.mask))
    columns = np.nonzero(frame.mask == 1)[1].mean()
    assert columns > np.nonzero(frame.sector)[1].mean(), "the left ventricle is shown right of the septum"


def test_a_cine_of_three_dimensions_is_no_volume(tmp_path):
    """Saved as NIfTI a cine has three axes too, and its time is no depth."""
    cine = Cine(MACHINES["camus"], 12, 12)
    for values, name in (([*cine.images()], "a"), ([cine.labels(n) for n in range(12)], "a_label")):
        sitk.WriteImage(sitk.GetImageFromArray(np.stack(values)), str(tmp_path / f"{name}.nii.gz"))
    reader = VolumeReader(VolumeDataset(format="volume", folder="anywhere"))
    with pytest.raises(Reject, match="12 planes of one and the same sector, as the frames of a cine"):
        reader.read(next(reader.find(tmp_path)))


def test_the_long_axis_needs_a_base():
    z, y, x = np.indices((40, 60, 40), float)
    ball = (x - 20) ** 2 + ((y - 25) / 2) ** 2 + (z - 20) ** 2
    labels = np.where(ball < 100, 1, np.where((ball < 196) & (y < 40), 2, 0)).astype(np.uint8)
    volume = sitk.GetImageFromArray(labels)
    apex, valve = long_axis(labels, volume)  # the wall is open below
    assert np.allclose(apex, (20, 5, 20), atol=1.5) and valve[1] > 39
    with pytest.raises(Reject, match="base at one end"):
        long_axis((labels == 1).astype(np.uint8), volume)
    with pytest.raises(Reject, match="found neither"):
        long_axis(np.where(ball < 100, 1, 2).astype(np.uint8), volume)
    with pytest.raises(Reject, match="expected a left ventricle in"):
        long_axis(np.zeros((9, 9, 9), np.uint8), volume)
