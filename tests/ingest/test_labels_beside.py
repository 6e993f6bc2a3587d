"""Label maps beside an image: every format, and what may be wrong with them."""

import os

import cv2
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from echodiff.config.datasets import DicomDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.folder.listings import Listings
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.beside import LabelFiles, label_plane, read_label_stack
from echodiff.ingest.readers.dicom import DicomReader

from .conftest import heart
from .dicom_files import HEIGHT, WIDTH, write_gray, write_segmentation

LABELS = heart(HEIGHT, WIDTH)
SHAPE = (HEIGHT, WIDTH)
STACK = np.stack([np.roll(LABELS, shift, axis=1) for shift in range(4)])


def write(path, values):
    if path.suffix in (".png", ".tif"):
        cv2.imwrite(str(path), values)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
    return path


@pytest.mark.parametrize("ending", [".png", ".tif", ".nii", ".nii.gz", ".mha", ".nrrd"])
def test_one_plane_in_every_format(tmp_path, ending):
    found = read_label_stack(write(tmp_path / f"a{ending}", LABELS), 9, SHAPE, {})
    np.testing.assert_array_equal(found, LABELS[None])


@pytest.mark.parametrize("ending", [".nii.gz", ".mha"])
def test_a_stack_of_frames(tmp_path, ending):
    np.testing.assert_array_equal(read_label_stack(write(tmp_path / f"a{ending}", STACK), 4, SHAPE, {}), STACK)
    with pytest.raises(Reject, match="one plane or the image's 7 frames, found 4"):
        read_label_stack(tmp_path / f"a{ending}", 7, SHAPE, {})


def test_the_labels_of_a_frame_are_its_own_plane_or_the_only_one():
    np.testing.assert_array_equal(label_plane(STACK, 2, SHAPE), STACK[2])
    np.testing.assert_array_equal(label_plane(STACK[1:2], 3, SHAPE), STACK[1])
    assert not label_plane(None, 3, SHAPE).any()
    labelled = STACK * (np.arange(4) != 2)[:, None, None]
    with pytest.raises(Reject, match="expected labels on the end-diastolic frame 2, found none there"):
        label_plane(labelled, 2, SHAPE)


def test_values_go_through_the_map(tmp_path):
    path = write(tmp_path / "a.png", (LABELS * 60).astype(np.uint8))
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, {60: 1, 120: 2, 180: 3})[0], LABELS)
    with pytest.raises(Reject, match="180"):
        read_label_stack(path, 1, SHAPE, {60: 1, 120: 2})
    with pytest.raises(Reject, match="60"):
        read_label_stack(path, 1, SHAPE, {})


def test_colour_pictures_count_where_they_are_gray(tmp_path):
    gray = np.repeat(LABELS[..., None], 3, axis=-1)
    np.testing.assert_array_equal(read_label_stack(write(tmp_path / "a.png", gray), 1, SHAPE, {})[0], LABELS)
    gray[..., 0] = 0
    path = write(tmp_path / "b.png", gray)
    with pytest.raises(Reject, match="found also 0x010100, 0x020200, 0x030300; label_values in the configuration"):
        read_label_stack(path, 1, SHAPE, {})
    colours = {0x010100: 3, 0x020200: 2, 0x030300: 1}
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, colours)[0], np.array((0, 3, 2, 1))[LABELS])
    with pytest.raises(Reject, match="found colours of more bits"):
        read_label_stack(write(tmp_path / "c.png", gray.astype(np.uint16) * 257), 1, SHAPE, {})


def test_the_indices_of_a_palette_are_the_labels(tmp_path):
    picture = Image.fromarray(LABELS, mode="P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_label_stack(tmp_path / "a.png", 1, SHAPE, {})[0], LABELS)


@pytest.mark.parametrize("channels", [0, 3, 4])
def test_pictures_of_16_bits(tmp_path, channels):
    values = LABELS.astype(np.uint16) * 1000
    values = np.repeat(values[..., None], channels, axis=-1) if channels else values
    path = write(tmp_path / "a.png", values)
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, {1000: 1, 2000: 2, 3000: 3})[0], LABELS)


def test_pages_are_planes_and_pictures_cut_short_are_refused(tmp_path):
    pages = [Image.fromarray(plane) for plane in STACK]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_label_stack(tmp_path / "a.tif", 4, SHAPE, {}), STACK)
    with pytest.raises(Reject, match="one plane or the image's 7 frames, found 4"):
        read_label_stack(tmp_path / "a.tif", 7, SHAPE, {})
    coloured = [page.convert("RGB") for page in pages]
    coloured[0].save(tmp_path / "c.tif", save_all=True, append_images=coloured[1:])
    with pytest.raises(Reject, match="expected pages in gray or by a palette, found colours"):
        read_label_stack(tmp_path / "c.tif", 4, SHAPE, {})
    whole = write(tmp_path / "b.png", LABELS).read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Reject, match="found it damaged or cut short"):
        read_label_stack(tmp_path / "b.png", 1, SHAPE, {})


@pytest.mark.parametrize("ending", [".nii.gz", ".png", ".mha"])
def test_exchanged_rows_and_columns_are_told_as_such(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", np.ascontiguousarray(LABELS.T))
    sentence = f"image's size {WIDTH} x {HEIGHT}, found {HEIGHT} x {WIDTH}: rows and columns are exchanged"
    with pytest.raises(Reject, match=sentence):
        read_label_stack(path, 1, SHAPE, {})


def test_other_sizes_and_damaged_files_are_rejects(tmp_path):
    with pytest.raises(Reject, match=f"image's size {WIDTH} x {HEIGHT}, found 100 x 90"):
        read_label_stack(write(tmp_path / "a.png", LABELS[:90, :100]), 1, SHAPE, {})
    for name in ("b.png", "b.nii.gz", "b.dcm"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(Reject, match="the label map"):
            read_label_stack(tmp_path / name, 1, SHAPE, {})


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_segmentations_of_one_frame(tmp_path, syntax):
    planes = {(label, None): label == LABELS for label in (1, 2, 3)}
    path = write_segmentation(tmp_path / "a.dcm", planes, syntax)
    np.testing.assert_array_equal(read_label_stack(path, 4, SHAPE, {})[0], LABELS)


def test_segmentations_of_several_frames_or_that_overlap(tmp_path):
    planes = {(label, frame + 1): STACK[frame] == label for frame in range(4) for label in (1, 2, 3)}
    all_frames = write_segmentation(tmp_path / "all.dcm", planes)
    np.testing.assert_array_equal(read_label_stack(all_frames, 4, SHAPE, {}), STACK)
    with pytest.raises(Reject, match="frames 1 to 3, found one of frame 4"):
        read_label_stack(all_frames, 3, SHAPE, {})
    overlapping = write_segmentation(tmp_path / "over.dcm", {(5, None): LABELS > 0, (7, None): LABELS == 2})
    found = read_label_stack(overlapping, 1, SHAPE, {5: 1, 7: 2})[0]
    assert ((found == 2) == (LABELS == 2)).all() and ((found == 1) == np.isin(LABELS, (1, 3))).all()


BYTES = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


def test_fractions_belong_to_a_segment_from_half_of_the_highest_value_on(tmp_path):
    values = np.array((0, 99, 100, 200), np.uint8)[LABELS]
    tags = {**BYTES, "SegmentationType": "FRACTIONAL", "MaximumFractionalValue": 200, "PixelData": values.tobytes()}
    path = write_segmentation(tmp_path / "a.dcm", {(4, None): values > 0}, **tags)
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, {4: 1})[0], LABELS >= 2)


def test_label_maps_of_frames_in_any_order(tmp_path):
    """A plane holds all segments; the third frame has none."""
    order = [3, 0, 1]
    tags = {**BYTES, "SegmentationType": "LABELMAP", "PixelData": STACK[order].tobytes()}
    path = write_segmentation(tmp_path / "a.dcm", {(0, frame + 1): STACK[frame] > 0 for frame in order}, **tags)
    expected = STACK * (np.arange(4) != 2)[:, None, None]
    np.testing.assert_array_equal(read_label_stack(path, 4, SHAPE, {}), expected)


def test_what_is_no_segmentation_is_refused(tmp_path):
    with pytest.raises(Reject, match="another kind of DICOM"):
        read_label_stack(write_gray(tmp_path / "a.dcm"), 6, SHAPE, {})
    without = write_segmentation(tmp_path / "b.dcm", {(1, None): LABELS == 1}, PerFrameFunctionalGroupsSequence=[])
    with pytest.raises(Reject, match="number for each of the 1 planes, found 0"):
        read_label_stack(without, 1, SHAPE, {})


def test_segmentations_that_do_not_fit_the_cine(tmp_path):
    turned = write_segmentation(tmp_path / "a.dcm", {(1, None): LABELS.T == 1})
    with pytest.raises(Reject, match="rows and columns are exchanged"):
        read_label_stack(turned, 1, SHAPE, {})
    # Four frames of two segments, of which nothing says which plane belongs to which frame.
    shuffled = write_segmentation(tmp_path / "b.dcm", {(1, None): LABELS == 1})
    dataset = pydicom.dcmread(shuffled)
    dataset.NumberOfFrames = 8
    dataset.PerFrameFunctionalGroupsSequence = list(dataset.PerFrameFunctionalGroupsSequence) * 8
    dataset.PixelData = np.packbits(np.stack([LABELS == 1] * 8).ravel(), bitorder="little").tobytes()
    dataset.save_as(shuffled)
    with pytest.raises(Reject, match=r"name the cine's frame \(Referenced Frame Number\).* 8 planes of 1 segments"):
        read_label_stack(shuffled, 4, SHAPE, {})
    huge = write_segmentation(tmp_path / "c.dcm", {(1, None): LABELS == 1}, Rows=60000, Columns=60000)
    with pytest.raises(Reject, match=f"image's size {WIDTH} x {HEIGHT}, found 60000 x 60000"):
        read_label_stack(huge, 1, SHAPE, {})


def test_names(tmp_path):
    for name in ("1.2.840.5", "1.2.840.5_gt.png", "1.2.840.50_gt.png", "b[1].dcm", "b[1]_gt.nii.gz", "b1_gt.png"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in LabelFiles("{stem}_gt.*").beside(tmp_path / "1.2.840.5")] == ["1.2.840.5_gt.png"]
    assert [path.name for path in LabelFiles("{stem}_gt.*").beside(tmp_path / "b[1].dcm")] == ["b[1]_gt.nii.gz"]
    assert stem_of_image(tmp_path / "1.2.840.5") == "1.2.840.5" and stem_of_image(tmp_path / "c.nii.gz") == "c"
    assert stem_of_image(tmp_path / ".nii.gz") == ".nii.gz" and stem_of_image(tmp_path / "c.nii", (".dcm",)) == "c.nii"


PLACES = ("a.dcm", "a_gt.png", "a_gtx.png", "ab_gt.png", "x_a_gt.png", "labels/a.png", "deep/er/a_gt.nii.gz", "a+.dcm")


@pytest.mark.parametrize(
    ("pattern", "image", "expected"),
    [
        ("{stem}_gt.*", "a.dcm", ["a_gt.png"]),
        ("{stem}_gt?.png", "a.dcm", ["a_gtx.png"]),
        ("*{stem}_gt.png", "a.dcm", ["a_gt.png", "x_a_gt.png"]),
        ("labels/{stem}.png", "a.dcm", ["labels/a.png"]),
        ("lab*/{stem}.p?g", "a.dcm", ["labels/a.png"]),
        ("**/{stem}_gt.*", "a.dcm", ["a_gt.png", "deep/er/a_gt.nii.gz"]),
        ("../../{stem}_gt.*", "deep/er/a.dcm", ["a_gt.png"]),
        ("{stem}_gt.*", "a+.dcm", []),
        ("[a]_gt.*", "a.dcm", []),
        ("nowhere/{stem}.png", "a.dcm", []),
    ],
)
def test_patterns_of_label_maps(tmp_path, pattern, image, expected):
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    found = LabelFiles(pattern).beside(tmp_path / image)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == expected


def listings(folder, cases: int, monkeypatch) -> int:
    """How often folders are listed while the cases of one are found."""
    folder.mkdir()
    for number in range(cases):
        (folder / f"{number}.dcm").touch()
        (folder / f"{number}_gt.png").touch()
    asked = []
    with monkeypatch.context() as patch:
        for name in ("listdir", "scandir"):
            real = getattr(os, name)
            patch.setattr(os, name, lambda *of, real=real: asked.append(of) or real(*of))
        found = list(DicomReader(DicomDataset(format="dicom", folder="anywhere")).find(folder))
        guess = next(guesses(folder))
    assert len(found) == cases and all(case.files["label"].stem == f"{case.name}_gt" for case in found)
    assert guess.evidence == f"{cases} DICOM files"
    return len(asked)


def test_the_number_of_files_does_not_change_how_often_a_folder_is_listed(tmp_path, monkeypatch):
    few, many = (listings(tmp_path / str(cases), cases, monkeypatch) for cases in (2, 40))
    assert few == many > 0


def test_folders_below_are_looked_through_once_for_all_images(tmp_path, monkeypatch):
    """However many images and folders there are: each image used to look into each folder."""
    for number in range(30):
        (tmp_path / "images" / f"p{number}").mkdir(parents=True)
        (tmp_path / "maps" / "deep" / f"q{number}").mkdir(parents=True)
        (tmp_path / "maps" / "deep" / f"q{number}" / f"x{number}_gt.png").touch()
    looks, of = [], Listings.of
    monkeypatch.setattr(Listings, "of", lambda own, folder: looks.append(folder) or of(own, folder))
    for pattern in ("../../maps/**/{stem}_gt.*", "../../**/q*/{stem}_gt.*"):
        maps = LabelFiles(pattern)
        for number in range(30):
            found = maps.beside(tmp_path / "images" / f"p{number}" / f"x{number}.png")
            assert [path.name for path in found] == [f"x{number}_gt.png"]
    assert len(looks) < 300
