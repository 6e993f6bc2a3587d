"""Volumes: the plane of three landmarks is cut at physical scale, in any orientation of the volume."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from echodiff.config.datasets import VolumeDataset
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.planes.plane import Landmarks, cut, plane_through
from echodiff.ingest.readers.plane_table import LANDMARKS, read_planes
from echodiff.ingest.readers.volume import VolumeReader
from echodiff.ingest.run import ingest_dataset

VOXEL = 1.0
SHAPE = (60, 90, 70)  # z, y, x
APEX, MITRAL, LATERAL = (35.0, 20.0, 30.0), (38.0, 62.0, 33.0), (50.0, 61.0, 37.0)  # x, y, z in voxels


def body() -> tuple[np.ndarray, np.ndarray]:
    """A cone of speckle whose probe lies at y = 0, with an ellipsoid LV in a wall, and an atrium behind."""
    z, y, x = np.indices(SHAPE, float)
    apex, mitral = np.array(APEX), np.array(MITRAL)
    axis = (mitral - apex) / np.linalg.norm(mitral - apex)
    offset = np.stack([x, y, z], -1) - (apex + mitral) / 2
    along = offset @ axis
    across = np.linalg.norm(offset - along[..., None] * axis, axis=-1)
    half = np.linalg.norm(mitral - apex) / 2
    labels = np.zeros(SHAPE, np.uint8)
    labels[((along - 1.4 * half) / (0.5 * half)) ** 2 + (across / 9) ** 2 < 1] = 3
    labels[((along / (half + 5)) ** 2 + (across / 16) ** 2 < 1) & (along < half)] = 2
    labels[(along / half) ** 2 + (across / 11) ** 2 < 1] = 1
    cone = np.hypot(x - 34.5, z - 29.5) < 0.75 * (y + 1)
    gray = np.choose(labels, [90, 30, 160, 35]) * np.random.default_rng(0).rayleigh(0.8, SHAPE) + 6
    return np.where(cone, np.clip(gray, 1, 255), 0).astype(np.uint8), labels * cone


def to_itk(array: np.ndarray, direction: np.ndarray, origin) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([VOXEL] * 3)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(list(map(float, origin)))
    return image


def write_volume(folder: Path, name: str = "vol1", suffix: str = ".nii.gz", seed: int | None = None, frames: int = 1):
    """A volume, its label volume, and its row of planes.csv; turned at random where a seed is given."""
    folder.mkdir(parents=True, exist_ok=True)
    direction = np.eye(3) if seed is None else Rotation.random(random_state=seed).as_matrix()
    image, labels = (to_itk(part.astype(np.uint8), direction, (5, -20, 12)) for part in body())
    points = [image.TransformContinuousIndexToPhysicalPoint(point) for point in (APEX, MITRAL, LATERAL)]
    if frames > 1:
        empty = sitk.Image(labels) * 0
        image = sitk.JoinSeries([image] * frames, 0.0, 20.0)
        labels = sitk.JoinSeries([labels if frame == 2 else empty for frame in range(frames)], 0.0, 20.0)
    sitk.WriteImage(image, str(folder / f"{name}{suffix}"))
    sitk.WriteImage(labels, str(folder / f"{name}_label{suffix}"))
    header = "name," + ",".join(f"{point}_{axis}_mm" for point in LANDMARKS for axis in "xyz") + "\n"
    table = folder / "planes.csv"
    row = f"{name}," + ",".join(f"{value:.4f}" for point in points for value in point) + "\n"
    table.write_text((table.read_text() if table.exists() else header) + row)


@pytest.fixture
def reader() -> VolumeReader:
    return VolumeReader(VolumeDataset(format="volume", folder="anywhere"))


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
def test_a_volume_is_cut_along_its_plane(reader, tmp_path, suffix):
    write_volume(tmp_path, suffix=suffix)
    cases = list(reader.find(tmp_path))
    assert [case.name for case in cases] == ["vol1"]
    frame = reader.read(cases[0])
    assert frame.spacing_mm == (0.5, 0.5) and frame.ed_rule == "still"
    lv = frame.mask == 1
    length = np.linalg.norm(np.subtract(MITRAL, APEX))
    assert lv.sum() * 0.25 == pytest.approx(np.pi * length / 2 * 11, rel=0.03)
    rows, columns = np.nonzero(lv)
    assert np.ptp(rows) * 0.5 == pytest.approx(length, abs=2)
    assert np.nonzero(frame.mask == 3)[0].mean() > rows.mean(), "the atrium is shown below the ventricle"


def test_the_orientation_in_space_does_not_matter(reader, tmp_path):
    write_volume(tmp_path, "straight")
    write_volume(tmp_path, "turned", seed=3)
    straight, turned = (reader.read(case) for case in reader.find(tmp_path))
    assert straight.mask.shape == turned.mask.shape
    assert (straight.mask == turned.mask).mean() > 0.995
    assert np.abs(straight.image.astype(int) - turned.image).mean() < 2


def test_the_lateral_annulus_is_shown_on_the_right():
    image = to_itk(np.zeros(SHAPE, np.uint8), np.eye(3), (0, 0, 0))
    for lateral in (LATERAL, (26.0, 61.0, 37.0), (95.0, 61.0, 37.0)):  # the last one lies beyond the volume
        marks = Landmarks(*(np.array(point) for point in (APEX, MITRAL, lateral)))
        plane = plane_through(marks, image, 0.5)
        assert (np.array(lateral) - MITRAL) @ plane.right > 0
        assert (np.array(MITRAL) - APEX) @ plane.down > 0
        assert np.cross(plane.right, plane.down) @ (np.array(lateral) - APEX) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("degrees", "spans"), [(1.5, False), (2.5, True), (177.5, True), (178.5, False)])
def test_landmarks_on_a_line_span_no_plane(degrees, spans):
    """The angle is that between the long axis and the way from its end to the lateral annulus, here of 15 mm."""
    angle = np.radians(degrees)
    lateral = np.array([35 + 15 * np.sin(angle), 50 + 15 * np.cos(angle), 30])
    marks = Landmarks(np.array([35.0, 20.0, 30.0]), np.array([35.0, 50.0, 30.0]), lateral)
    image = to_itk(np.zeros(SHAPE, np.uint8), np.eye(3), (0, 0, 0))
    if spans:
        assert plane_through(marks, image, 0.5).right == pytest.approx([1, 0, 0])
    else:
        with pytest.raises(Reject, match="found them on one line"):
            plane_through(marks, image, 0.5)


def test_the_plane_just_holds_the_volume_and_no_pixel_is_larger_than_a_voxel():
    image = to_itk(np.zeros(SHAPE, np.uint8), Rotation.random(random_state=5).as_matrix(), (5, -20, 12))
    image.SetSpacing((1.0, 0.8, 1.5))
    marks = [np.array(image.TransformContinuousIndexToPhysicalPoint(point)) for point in (APEX, MITRAL, LATERAL)]
    corners = [[x, y, z] for x in (0, SHAPE[2] - 1) for y in (0, SHAPE[1] - 1) for z in (0, SHAPE[0] - 1)]
    for pixel_mm in (0.5, 3.0):
        plane = plane_through(Landmarks(*marks), image, pixel_mm)
        assert plane.pixel_mm == min(pixel_mm, 0.8)
        ways = [np.array(image.TransformIndexToPhysicalPoint(corner)) - plane.origin for corner in corners]
        for side, length in ((plane.down, plane.shape[0]), (plane.right, plane.shape[1])):
            pixels = ways @ side / plane.pixel_mm
            assert pixels.min() == pytest.approx(0, abs=1e-6) and length - 2 < pixels.max() <= length - 1


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 0.0), (2.0, -10.0)])
def test_scaled_integers_of_nifti_are_no_cut_file(reader, tmp_path, slope, shift):
    """Two bytes a voxel in the file, which scl_slope and scl_inter (at byte 112) turn into floating point."""
    write_volume(tmp_path)
    path = tmp_path / "vol1.nii.gz"
    before = reader.read(next(reader.find(tmp_path))).image
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkInt16), str(path))
    content = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<ff", content, 112, slope, shift)
    path.write_bytes(gzip.compress(bytes(content)))
    after = reader.read(next(reader.find(tmp_path))).image
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999 and after.max() > 0
    path.write_bytes(gzip.compress(bytes(content[:-100])))
    with pytest.raises(Reject, match="found it cut short"):
        reader.read(next(reader.find(tmp_path)))


def test_notes_of_macos_are_no_volumes(reader, tmp_path):
    write_volume(tmp_path)
    (tmp_path / "._vol1.nii.gz").write_bytes(b"\0\5\x16\7")
    assert [case.name for case in reader.find(tmp_path)] == ["vol1"]


def test_a_pixel_shows_the_point_where_it_lies():
    z, y, x = np.indices(SHAPE, np.float32)
    image = to_itk(x + 2 * y - z, np.eye(3), (0, 0, 0))
    plane = plane_through(Landmarks(*(np.array(point) for point in (APEX, MITRAL, LATERAL))), image, 0.5)
    offset = np.array(MITRAL) - plane.origin
    row, column = int(offset @ plane.down / 0.5), int(offset @ plane.right / 0.5)
    point = plane.origin + 0.5 * (column * plane.right + row * plane.down)
    assert cut(image, plane)[row, column] == pytest.approx(point @ [1, 2, -1], abs=1e-3)


def test_ed_of_a_beating_volume_is_where_the_ventricle_is_largest_or_as_given(reader, tmp_path):
    write_volume(tmp_path, frames=4)
    frame = reader.read(next(reader.find(tmp_path)))
    assert (frame.ed_frame, frame.ed_rule, frame.frames) == (2, "lv_volume", 4)
    table = tmp_path / "planes.csv"
    header, row = table.read_text().splitlines()
    table.write_text(f"{header},frame\n{row},2\n")
    assert reader.read(next(reader.find(tmp_path))).ed_rule == "explicit"
    table.write_text(f"{header},frame\n{row},9\n")
    with pytest.raises(Reject, match="among the volume's 4"):
        reader.read(next(reader.find(tmp_path)))


def test_labels_of_all_frames_or_the_table_say_where_end_diastole_is(tmp_path):
    write_volume(tmp_path, suffix=".mha", frames=4)
    path, table = tmp_path / "vol1_label.mha", tmp_path / "planes.csv"

    def read(ed, labels="file"):
        reader = VolumeReader(VolumeDataset(format="volume", folder="anywhere", labels=labels, ed=ed))
        return reader.read(next(reader.find(tmp_path)))

    with pytest.raises(Reject, match="expected the ED frame in the column `frame` of planes.csv, found none"):
        read("explicit")
    header, row = table.read_text().splitlines()
    table.write_text(f"{header},frame\n{row},0\n")
    assert read("lv_volume").ed_frame == 2
    sitk.WriteImage(sitk.ReadImage(str(path))[..., 2], str(path))
    frame = read("explicit")
    assert (frame.ed_frame, frame.ed_rule) == (0, "explicit") and frame.mask.any(), "a map of one frame is that one's"
    with pytest.raises(Reject, match="expected labels of all 4 frames, or the ED frame in the column `frame`"):
        read("lv_volume")
    path.unlink()
    with pytest.raises(Reject, match="expected labels of all 4 frames"):
        read("lv_volume", labels="predicted")


def test_labels_of_some_frames_are_refused(reader, tmp_path):
    write_volume(tmp_path, frames=6)
    path, table = tmp_path / "vol1_label.nii.gz", tmp_path / "planes.csv"
    sitk.WriteImage(sitk.ReadImage(str(path))[..., 1:3], str(path))
    header, row = table.read_text().splitlines()
    table.write_text(f"{header},frame\n{row},5\n")
    with pytest.raises(Reject, match="labels of all 6 frames of the volume or of one, found them of 2"):
        reader.read(next(reader.find(tmp_path)))


@pytest.mark.parametrize(
    "change",
    [
        lambda labels: labels.SetDirection(np.eye(3).ravel().tolist()),
        lambda labels: labels.SetSpacing((1.0, 1.01, 1.0)),
        lambda labels: labels.SetOrigin((5, -20, 12.6)),
    ],
    ids=["orientation", "spacing", "position"],
)
def test_labels_that_lost_their_place_are_refused(reader, tmp_path, change):
    write_volume(tmp_path, suffix=".mha", seed=3)
    path = tmp_path / "vol1_label.mha"
    labels = sitk.ReadImage(str(path))
    change(labels)
    sitk.WriteImage(labels, str(path))
    with pytest.raises(Reject, match="the volume's spacing, position and orientation, found others"):
        reader.read(next(reader.find(tmp_path)))
    sitk.WriteImage(labels[1:], str(path))
    with pytest.raises(Reject, match="expected a label volume of the volume's size 70x90x60, found 69x90x60"):
        reader.read(next(reader.find(tmp_path)))


def test_label_values_say_which_frame_has_the_largest_ventricle(reader, tmp_path):
    """The LV has two values: of 9 alone another frame has more, and 1 is the wall."""
    write_volume(tmp_path, suffix=".mha", frames=4)
    (case,) = reader.find(tmp_path)
    plain, path = reader.read(case), tmp_path / "vol1_label.mha"
    image = sitk.ReadImage(str(path))
    labels = sitk.GetArrayFromImage(image)
    right = labels[2] == 1
    right[..., :33] = False
    values = np.array((0, 8, 1, 3), np.uint8)[labels]
    values[2][(labels[2] == 1) & ~right], values[1][right] = 9, 9
    changed = sitk.GetImageFromArray(values, isVector=False)
    changed.CopyInformation(image)
    sitk.WriteImage(changed, str(path))
    options = VolumeDataset(format="volume", folder="anywhere", label_values={0: 0, 9: 1, 8: 1, 1: 2, 3: 3})
    found = VolumeReader(options).read(case)
    assert (found.ed_frame, found.ed_rule) == (plain.ed_frame, plain.ed_rule) == (2, "lv_volume")
    np.testing.assert_array_equal(found.mask, plain.mask)
    options = VolumeDataset(format="volume", folder="anywhere", label_values={0: 0, 9: 2, 8: 2, 1: 2, 3: 3})
    with pytest.raises(Reject, match="expected a left ventricle in the label volume of some frame, found none"):
        VolumeReader(options).read(case)


def test_fractions_are_gray_values(reader, tmp_path):
    write_volume(tmp_path)
    before = reader.read(next(reader.find(tmp_path))).image
    path = tmp_path / "vol1.nii.gz"
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkFloat32) / 255, str(path))
    np.testing.assert_allclose(reader.read(next(reader.find(tmp_path))).image, before, atol=1)


@pytest.mark.parametrize(("slope", "shift"), [(60 / 255, -60.0), (1.0, -128.0)])
def test_outside_a_volume_of_decibels_or_signed_values_it_is_black(reader, tmp_path, slope, shift):
    write_volume(tmp_path, seed=3)
    before = reader.read(next(reader.find(tmp_path)))
    path = tmp_path / "vol1.nii.gz"
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkFloat32) * slope + shift, str(path))
    after = reader.read(next(reader.find(tmp_path)))
    assert after.image[~before.sector].mean() < 1 and (after.sector == before.sector).mean() > 0.99
    np.testing.assert_array_equal(after.mask, before.mask)
    assert np.corrcoef(before.image.ravel(), after.image.ravel())[0, 1] > 0.99


def test_rejects(reader, tmp_path):
    write_volume(tmp_path)
    header, row = (tmp_path / "planes.csv").read_text().splitlines()
    for text, match in (
        ("", "four-chamber plane's landmarks"),
        ("vol1," + ",".join(["5", "5", "15"] * 3), "on one line|outside"),
        ("vol1," + ",".join(["900"] * 9), "inside the volume"),
        ("vol1," + ",".join(["-900"] * 9), "inside the volume"),
        ("vol1," + ",".join(["5"] * 8), "number missing"),
    ):
        (tmp_path / "planes.csv").write_text(f"{header}\n{text}\n")
        with pytest.raises(Reject, match=match):
            reader.read(next(reader.find(tmp_path)))
    (tmp_path / "vol1_label.nii.gz").unlink()
    with pytest.raises(Reject, match="label volume beside it"):
        reader.read(next(reader.find(tmp_path)))


def test_a_table_of_another_form_is_refused(tmp_path):
    (tmp_path / "planes.csv").write_text("volume,a,b\n1,2,3\n")
    with pytest.raises(InputError, match="none named name, apex_x"):
        read_planes(tmp_path / "planes.csv")
    assert read_planes(tmp_path / "none.csv") == {}


def test_a_table_that_names_other_volumes_or_two_planes_is_refused(reader, tmp_path):
    write_volume(tmp_path)
    table = tmp_path / "planes.csv"
    header, row = table.read_text().splitlines()
    _, rest = row.split(",", 1)
    table.write_text(f"{header}\n{row}\nvol2.nii.gz,{rest}\n")
    with pytest.raises(InputError, match="planes.csv: .* found none for 'vol2'; mend"):
        list(reader.find(tmp_path))
    table.write_text(f"{header}\n{row}\nvol1.nii.gz,1{rest}\n")
    with pytest.raises(InputError, match="one plane for each volume, found 'vol1' with another in row 3"):
        list(reader.find(tmp_path))


def test_volumes_that_differ_in_their_ending_alone_are_two_cases(reader, tmp_path):
    for suffix in (".nii.gz", ".nii", ".mha"):
        write_volume(tmp_path, suffix=suffix)
    cases = list(reader.find(tmp_path))
    assert [case.name for case in cases] == ["vol1", "vol1.nii", "vol1.nii.gz"]
    assert {case.patient for case in cases} == {"vol1"} and all(case.known["plane"] for case in cases)
    options = VolumeDataset(format="volume", folder="anywhere", case_ids="source")
    counts = ingest_dataset("ours", options, Image(size=64), tmp_path, tmp_path / "out", processes=0)
    assert counts == {"kept": 3, "rejected": 0}


def test_end_systole_beside_end_diastole_is_refused(reader, tmp_path):
    for name in ("a_ED", "a_ES", "b_ES", "ES_tests"):
        write_volume(tmp_path, name)
    cases = {case.name: case for case in reader.find(tmp_path)}
    assert cases["a_ES"].patient == cases["a_ED"].patient
    with pytest.raises(Reject, match="expected end-diastole, found a volume named ES"):
        reader.read(cases["a_ES"])
    assert all(reader.read(cases[name]).mask.any() for name in ("a_ED", "b_ES", "ES_tests"))


@pytest.mark.parametrize(
    ("places", "patients"),
    [
        (["images/a", "images/b"], ["a", "b"]),
        (["imagesTr/a", "imagesTs/b"], ["a", "b"]),
        (["p1/ed", "p1/late", "p2/ed"], ["p1", "p1", "p2"]),
        (["data/p1/a", "data/p2/images/b", "data/p2/images/c"], ["p1", "p2", "p2"]),
        (["train/p1/a", "test/p2/b"], ["p1", "p2"]),
    ],
)
def test_folders_of_many_patients_are_nobody(reader, tmp_path, places, patients):
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{place}.nii.gz").touch()
    found = {case.name: case.patient for case in reader.find(tmp_path)}
    assert found == dict(zip(places, patients, strict=True))


def test_of_several_label_volumes_none_is_taken(reader, tmp_path):
    write_volume(tmp_path)
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "vol1_label.nii.gz")), str(tmp_path / "vol1_label.bak.nrrd"))
    (case,) = reader.find(tmp_path)
    with pytest.raises(Reject, match=r"found vol1_label\.bak\.nrrd and vol1_label\.nii\.gz; move one away"):
        reader.read(case)


@pytest.mark.parametrize("name", ["v_label.png", "v_label.jpg"])
def test_a_label_volume_of_another_kind_is_told_of(reader, tmp_path, name):
    write_volume(tmp_path, "v")
    (tmp_path / "v_label.nii.gz").rename(tmp_path / name)
    (case,) = reader.find(tmp_path)
    with pytest.raises(Reject, match=f"expected a label volume .* found {name}: .*; save the label map as NIfTI"):
        reader.read(case)
