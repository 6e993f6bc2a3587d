"""Enhanced US Volume: planes in any order become the volume they were cut from."""

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from echodiff.config.datasets import VolumeDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom_header import ULTRASOUND_VOLUME
from echodiff.ingest.readers.dicom_volume import read_dicom_volume
from echodiff.ingest.readers.volume import VolumeReader

from .dicom_files import header, save
from .test_volume import body, to_itk, write_volume

SPACING = (0.8, 0.9, 1.2)  # x, y, z
ORIGIN = np.array([5.0, -20.0, 12.0])
TURN = Rotation.random(random_state=4).as_matrix()


def item(**values) -> list[Dataset]:
    """A sequence of one item."""
    dataset = Dataset()
    for key, value in values.items():
        setattr(dataset, key, value)
    return [dataset]


def write_dicom_volume(path, volumes, spacing=SPACING, direction=TURN, origin=ORIGIN, move=None, **tags):
    """Volumes (T, Z, Y, X) of one grid, planes shuffled, `move` mm added to a plane's position."""
    times, planes = volumes.shape[:2]
    order = np.random.default_rng(0).permutation(times * planes)
    dataset = header(len(order), SOPClassUID=ULTRASOUND_VOLUME, **tags)
    dataset.Rows, dataset.Columns = volumes.shape[2:]
    dataset.SharedFunctionalGroupsSequence = item(
        PixelMeasuresSequence=item(PixelSpacing=[spacing[1], spacing[0]], SliceThickness=spacing[2]),
        PlaneOrientationVolumeSequence=item(ImageOrientationVolume=[*direction[:, 0], *direction[:, 1]]),
    )
    groups = []
    for number in order:
        time, plane = divmod(int(number), planes)
        position = origin + plane * spacing[2] * direction[:, 2] + (move or {}).get(plane, 0)
        groups += item(
            PlanePositionVolumeSequence=item(ImagePositionVolume=position.tolist()),
            TemporalPositionSequence=item(TemporalPositionTimeOffset=0.04 * time),
        )
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = volumes.reshape(-1, *volumes.shape[2:])[order].tobytes()
    return save(dataset, path)


def content(times: int = 1) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (times, 6, 20, 30), dtype=np.uint8)


def test_planes_become_the_volume(tmp_path):
    volume, _ = read_dicom_volume(write_dicom_volume(tmp_path / "v.dcm", content()))
    assert (sitk.GetArrayFromImage(volume) == content()[0]).all()
    point = volume.TransformIndexToPhysicalPoint([7, 3, 2])
    assert np.allclose(point, ORIGIN + TURN @ (np.array([7, 3, 2]) * SPACING), atol=1e-3)


def test_times_become_frames(tmp_path):
    volume, _ = read_dicom_volume(write_dicom_volume(tmp_path / "v.dcm", content(3)))
    assert volume.GetSize() == (30, 20, 6, 3) and (sitk.GetArrayFromImage(volume) == content(3)).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"move": {2: 0.5}}, "even distances"),
        ({"direction": np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1.0]])}, "parallel planes"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1"}, "found a 2D image"),
    ],
)
def test_what_is_no_grid_is_refused(tmp_path, options, match):
    tags = {key: options.pop(key) for key in ("SOPClassUID",) if key in options}
    path = write_dicom_volume(tmp_path / "v.dcm", content(), **options)
    if tags:
        import pydicom

        dataset = pydicom.dcmread(path)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = tags["SOPClassUID"]
        dataset.save_as(path)
    with pytest.raises(Reject, match=match):
        read_dicom_volume(path)


def test_planes_of_other_data_are_passed_over(tmp_path):
    import pydicom

    path = write_dicom_volume(tmp_path / "v.dcm", content(2))
    dataset = pydicom.dcmread(path)
    place = {}
    for group in dataset.PerFrameFunctionalGroupsSequence:
        time = group.TemporalPositionSequence[0].TemporalPositionTimeOffset
        place[float(time), float(TURN[:, 2] @ group.PlanePositionVolumeSequence[0].ImagePositionVolume)] = group
    groups = [place[key] for key in sorted(place)]

    def read_with_flow(planes):
        for group in planes:
            group.ImageDataTypeSequence = item(DataType="FLOW_VELOCITY")
        dataset.save_as(path)
        return sitk.GetArrayFromImage(read_dicom_volume(path)[0])

    with pytest.raises(Reject, match="expected the same number of planes at each time"):
        read_with_flow(groups[:1])
    np.testing.assert_array_equal(read_with_flow(groups[:6]), content(2)[1])
    with pytest.raises(Reject, match="expected planes of tissue in the volume, found other data alone"):
        read_with_flow(groups)


def test_a_plane_without_position_is_refused(tmp_path):
    import pydicom

    path = write_dicom_volume(tmp_path / "v.dcm", content())
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionVolumeSequence
    dataset.save_as(path)
    with pytest.raises(Reject, match="position, orientation and pixel size"):
        read_dicom_volume(path)


def test_a_dicom_volume_is_read_as_others_are(tmp_path):
    write_volume(tmp_path / "itk", "one")
    image, labels = body()
    (tmp_path / "dicom").mkdir()
    write_dicom_volume(
        tmp_path / "dicom" / "one.dcm", image[None], (1.0,) * 3, np.eye(3), np.array([5.0, -20, 12]), PatientID="P7"
    )
    sitk.WriteImage(to_itk(labels.astype(np.uint8), np.eye(3), (5, -20, 12)), str(tmp_path / "dicom/one_label.nii.gz"))
    (tmp_path / "dicom" / "planes.csv").write_text((tmp_path / "itk" / "planes.csv").read_text())
    reader = VolumeReader(VolumeDataset(format="volume", folder="anywhere"))
    first, second = (next(reader.find(tmp_path / part)) for part in ("itk", "dicom"))
    assert second.patient == "P7" and second.name == "one"
    ours, theirs = reader.read(second), reader.read(first)
    assert (ours.image == theirs.image).all() and (ours.mask == theirs.mask).all()
    assert ours.details["manufacturer"] == "Maker" and ours.details["plane_source"] == "given"
