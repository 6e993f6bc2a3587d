"""Which files of a folder are cases, and what they are called."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from echodiff.config.datasets import DicomDataset
from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.dicom_file import is_bare, is_dicom, lacks_transfer_syntax

from .conftest import heart
from .dicom_files import HEIGHT, WIDTH, cine, header, save, write_gray, write_rle, write_segmentation

LABELS = heart(HEIGHT, WIDTH)


def reader(**options) -> DicomReader:
    return DicomReader(DicomDataset(format="dicom", folder="anywhere", **options))


def test_files_are_found_by_content_and_named_by_their_path(tmp_path):
    for name in ("exam 2/IM_0001", "exam 1/1.2.840.3", "exam 1/1.2.840.4", "a.dcm", "a", "b.avi", ".dcm"):
        write_gray(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "broken.dcm").write_bytes(b"nothing")
    (tmp_path / "._a.dcm").write_bytes(b"\0\5\x16\7")
    (tmp_path / "DICOMDIR").write_bytes((tmp_path / "a.dcm").read_bytes())
    cases = list(reader(labels="none").find(tmp_path))
    names = [".dcm", "a", "a.dcm", "b.avi", "broken", "exam 1/1.2.840.3", "exam 1/1.2.840.4", "exam 2/IM_0001"]
    assert sorted(case.name for case in cases) == names
    assert {case.patient for case in cases} == {"PID-77", "broken"}
    with pytest.raises(Reject, match="found another kind of file"):
        reader(labels="none").read(next(case for case in cases if case.name == "broken"))


def test_files_of_a_study_without_patient_id_are_of_one_patient(tmp_path):
    for name, study in (("a", "1.2.3"), ("b", "1.2.3"), ("c", "1.2.4"), ("d", "")):
        write_gray(tmp_path / name, PatientID="", StudyInstanceUID=study)
    patients = [case.patient for case in reader(labels="none").find(tmp_path)]
    assert patients == ["1.2.3", "1.2.3", "1.2.4", "d"]


def test_stills_of_one_series_share_the_confidence(tmp_path):
    """A cine that was exported as one file a frame: every file is a case, and one in six is end-diastole."""
    for number, frame in enumerate(cine(), 1):
        write_gray(tmp_path / f"cine/{number}", frame[None], SeriesInstanceUID="1.2.3", InstanceNumber=number)
    alone = {"a": ("1.2.3", "1"), "b": ("1.2.4", "1"), "c": ("1.2.4", "1"), "d": ("", "2"), "e": ("1.2.4", "")}
    for name, (series, number) in alone.items():
        write_gray(tmp_path / name, cine(1), SeriesInstanceUID=series, InstanceNumber=number)
    write_gray(tmp_path / "f", SeriesInstanceUID="1.2.3", InstanceNumber="2")  # a cine
    found = {case.name: case for case in reader(labels="none").find(tmp_path)}
    stills = [reader(labels="none").read(found[name]) for name in (*(f"cine/{n}" for n in range(1, 7)), *alone)]
    assert {still.ed_rule for still in stills} == {"still"}
    assert [still.ed_confidence for still in stills] == [pytest.approx(1 / 6)] * 6 + [1.0] * 5


def test_a_still_that_says_or_is_said_to_be_end_diastolic_is_sure(tmp_path):
    for number, position in ((1, "END_DIASTOLE"), (2, None), (3, None)):
        tags = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "CardiacCyclePosition": position}
        write_gray(tmp_path / str(number), cine(1), **tags)
    (tmp_path / "ed_frames.csv").write_text("file,frame\n2,0\n")
    frames = [reader(labels="none").read(case) for case in reader(labels="none").find(tmp_path)]
    expected = [("explicit", 1.0), ("table", 1.0), ("still", pytest.approx(1 / 3))]
    assert [(frame.ed_rule, frame.ed_confidence) for frame in frames] == expected


def test_a_damaged_tag_leaves_the_patient_known(tmp_path):
    path = write_gray(tmp_path / "a.dcm", cine(1), InstanceNumber="12345")
    path.write_bytes(path.read_bytes().replace(b"12345 ", b"1x/3? "))
    assert [case.patient for case in reader(labels="none").find(tmp_path)] == ["PID-77"]


@pytest.fixture(params=["without preamble", "with preamble"])
def write_bare(request, tmp_path):
    """Function that writes a data set without file meta information."""

    def write(dataset: pydicom.Dataset, name: str, *, implicit: bool) -> Path:
        path = tmp_path / "bare" / name
        path.parent.mkdir()
        dataset.preamble = bytes(128) if request.param == "with preamble" else None
        dataset.file_meta = FileMetaDataset()
        pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
        assert is_bare(path) == (request.param == "without preamble") and lacks_transfer_syntax(path)
        return path

    return write


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
@pytest.mark.parametrize("name", ["a.dcm", "a"])
def test_a_data_set_without_file_meta_information_is_read_as_with_it(tmp_path, write_bare, name, syntax):
    frames = cine()
    dataset = header(len(frames), RWaveTimeVector=[84.0])
    dataset.PixelData = frames.tobytes()
    whole = save(dataset, tmp_path / "whole" / name)
    assert not is_bare(whole) and not lacks_transfer_syntax(whole)
    bare = write_bare(dataset, name, implicit=syntax.is_implicit_VR)
    found = [next(reader(labels="none").find(path.parent)) for path in (whole, bare)]
    assert found[1].patient == found[0].patient == "PID-77"
    one, other = (reader(labels="none").read(case) for case in found)
    np.testing.assert_array_equal(other.image, one.image)
    assert (other.ed_frame, other.ed_rule, other.spacing_mm) == (one.ed_frame, one.ed_rule, one.spacing_mm)
    assert other.details["transfer_syntax"] == syntax.name


def test_a_compressed_data_set_without_file_meta_information_is_rejected(tmp_path, write_bare):
    bare = write_bare(pydicom.dcmread(write_rle(tmp_path / "whole.dcm", cine())), "a.dcm", implicit=False)
    (case,) = reader(labels="none").find(bare.parent)
    with pytest.raises(Reject, match="found compressed ones or no transfer syntax; export the study again"):
        reader(labels="none").read(case)


@pytest.mark.parametrize("content", [b"", b"\x08\0", b"\x08\0\x05\0CS\x0a\0ISO_IR 100" + bytes(900), b"\x08\0" * 500])
def test_other_files_that_begin_like_a_data_set_are_none(tmp_path, content):
    (tmp_path / "notes.bin").write_bytes(content)
    assert not is_dicom(tmp_path / "notes.bin")


def test_a_segmentation_is_no_case(tmp_path):
    write_gray(tmp_path / "a.dcm")
    write_segmentation(tmp_path / "a_gt.dcm", {(label, None): label == LABELS for label in (1, 2, 3)})
    (case,) = reader().find(tmp_path)
    assert case.files["label"].name == "a_gt.dcm"
    frame = reader().read(case)
    np.testing.assert_array_equal(frame.mask, LABELS)
    assert frame.label_source == "file"


@pytest.mark.parametrize("other", ["a_gt.nii.gz", "a_gt.bak.png"])
def test_of_several_label_maps_none_is_taken(tmp_path, other):
    write_gray(tmp_path / "a.dcm")
    for name in ("a_gt.png", other):
        sitk.WriteImage(sitk.GetImageFromArray(LABELS), str(tmp_path / name))
    (case,) = reader().find(tmp_path)
    first, second = sorted(("a_gt.png", other))
    with pytest.raises(Reject, match=f"expected one label map beside it, found {first} and {second}; move one away"):
        reader().read(case)


def test_label_maps_of_one_name_are_told_with_their_folders(tmp_path):
    write_gray(tmp_path / "a.dcm")
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        sitk.WriteImage(sitk.GetImageFromArray(LABELS), str(tmp_path / place / "a_gt.png"))
    several = reader(label_pattern="**/{stem}_gt.*")
    (case,) = several.find(tmp_path)
    with pytest.raises(Reject, match="one/a_gt.png and .*two/a_gt.png; move"):
        several.read(case)


def test_the_table_of_ed_frames_rules(tmp_path):
    write_gray(tmp_path / "exam" / "a.dcm")
    (tmp_path / "ed_frames.csv").write_text("file,frame\nexam/a.dcm,4\n")
    (case,) = reader(labels="none").find(tmp_path)
    frame = reader(labels="none").read(case)
    assert (frame.ed_frame, frame.ed_rule, frame.ed_confidence) == (4, "table", 1.0)


def test_a_table_of_ed_frames_that_names_other_files_is_refused(tmp_path):
    write_gray(tmp_path / "exam" / "a.dcm")
    (tmp_path / "ed_frames.csv").write_text("file,frame\nexam/a.dcm,4\nexam/A.dcm,4\nb.dcm,2\n")
    with pytest.raises(InputError, match="ed_frames.csv: .* found none for 'b.dcm' and 1 more; mend"):
        list(reader(labels="none").find(tmp_path))


def test_a_rule_can_be_forced(tmp_path):
    write_gray(tmp_path / "a.dcm", RWaveTimeVector=[84.0])
    (case,) = reader(labels="none").find(tmp_path)
    frame = reader(labels="none", ed="r_wave").read(case)
    assert (frame.ed_frame, frame.ed_rule) == (2, "r_wave")
    with pytest.raises(Reject, match="by the rules ecg"):
        reader(labels="none", ed="ecg").read(case)


def test_labels_on_some_frames_choose_among_them(tmp_path):
    write_gray(tmp_path / "a.dcm", RWaveTimeVector=[0.0])
    small = heart(HEIGHT, WIDTH, scale=0.7)
    planes = {(label, frame): part == label for frame, part in ((2, small), (5, LABELS)) for label in (1, 2, 3)}
    write_segmentation(tmp_path / "a_gt.dcm", planes)
    (case,) = reader().find(tmp_path)
    frame = reader().read(case)
    assert (frame.ed_frame, frame.ed_rule) == (4, "labelled")
    np.testing.assert_array_equal(frame.mask, LABELS)


def test_without_label_map_there_is_a_reject_or_an_empty_mask(tmp_path):
    write_gray(tmp_path / "a.dcm")
    (case,) = reader().find(tmp_path)
    with pytest.raises(Reject, match="expected a label map beside it"):
        reader().read(case)
    frame = reader(labels="none").read(case)
    assert not frame.mask.any() and frame.label_source == "none"


def test_region_tags_of_another_picture_leave_the_pixels_to_decide(tmp_path):
    path = write_gray(tmp_path / "a.dcm")
    dataset = pydicom.dcmread(path)
    region = dataset.SequenceOfUltrasoundRegions[0]
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 40, 60  # black there
    dataset.save_as(path)
    (case,) = reader(labels="none").find(tmp_path)
    frame = reader(labels="none").read(case)
    assert frame.details["sector_source"] == "pixels" and frame.sector.mean() > 0.3


def test_folders_without_dicom_are_refused(tmp_path):
    for folder, reason in ((tmp_path, "found none"), (tmp_path / "missing", "no such folder")):
        with pytest.raises(InputError, match=reason):
            list(reader().find(folder))
