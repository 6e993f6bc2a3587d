"""Which files of a folder are cases, and what they are called."""

import numpy as np
import pydicom
import pytest

from echodiff.config.datasets import DicomDataset
from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom import DicomReader

from .conftest import heart
from .dicom_files import HEIGHT, WIDTH, write_gray, write_segmentation

LABELS = heart(HEIGHT, WIDTH)


def reader(**options) -> DicomReader:
    return DicomReader(DicomDataset(format="dicom", folder="anywhere", **options))


def test_files_are_found_by_content_and_named_by_their_path(tmp_path):
    for name in ("exam 2/IM_0001", "exam 1/1.2.840.3", "exam 1/1.2.840.4", "a.dcm", "a"):
        write_gray(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "broken.dcm").write_bytes(b"nothing")
    (tmp_path / "._a.dcm").write_bytes(b"\0\5\x16\7")
    (tmp_path / "DICOMDIR").write_bytes((tmp_path / "a.dcm").read_bytes())
    cases = list(reader(labels="none").find(tmp_path))
    names = ["a", "a.dcm", "broken", "exam 1/1.2.840.3", "exam 1/1.2.840.4", "exam 2/IM_0001"]
    assert sorted(case.name for case in cases) == names
    assert {case.patient for case in cases} == {"PID-77", "broken"}
    with pytest.raises(Reject, match="found another kind of file"):
        reader(labels="none").read(next(case for case in cases if case.name == "broken"))


def test_files_of_a_study_without_patient_id_are_of_one_patient(tmp_path):
    for name, study in (("a", "1.2.3"), ("b", "1.2.3"), ("c", "1.2.4"), ("d", "")):
        write_gray(tmp_path / name, PatientID="", StudyInstanceUID=study)
    patients = [case.patient for case in reader(labels="none").find(tmp_path)]
    assert patients == ["1.2.3", "1.2.3", "1.2.4", "d"]


def test_a_segmentation_is_no_case(tmp_path):
    write_gray(tmp_path / "a.dcm")
    write_segmentation(tmp_path / "a_gt.dcm", {(label, None): label == LABELS for label in (1, 2, 3)})
    (case,) = reader().find(tmp_path)
    assert case.files["label"].name == "a_gt.dcm"
    frame = reader().read(case)
    np.testing.assert_array_equal(frame.mask, LABELS)
    assert frame.label_source == "file"


def test_the_table_of_ed_frames_rules(tmp_path):
    write_gray(tmp_path / "exam" / "a.dcm")
    (tmp_path / "ed_frames.csv").write_text("file,frame\nexam/a.dcm,4\n")
    (case,) = reader(labels="none").find(tmp_path)
    frame = reader(labels="none").read(case)
    assert (frame.ed_frame, frame.ed_rule, frame.ed_confidence) == (4, "table", 1.0)


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
