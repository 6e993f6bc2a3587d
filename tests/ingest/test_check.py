"""`echodiff check`: what a folder is, what is wrong with it, and an entry that works."""

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from pydantic import TypeAdapter

from echodiff.config.datasets import Dataset
from echodiff.ingest.case import CaseReference
from echodiff.ingest.check.detect import contents, guesses
from echodiff.ingest.check.report import entry, summary
from echodiff.ingest.check.trial import Trial, find_cases, spread

from .conftest import heart, write_echonet
from .dicom_files import HEIGHT, WIDTH, write_gray, write_segmentation
from .test_volume import write_volume

LABELS = heart(HEIGHT, WIDTH)


def dicom_folder(folder, cases: int = 3, ending: str = "_mask.nii.gz", values: int = 1):
    for number in range(cases):
        write_gray(folder / f"1.2.840.{number}")
        labels = (LABELS * values).astype(np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(folder / f"1.2.840.{number}{ending}"))
    return folder


def guess_of(folder):
    return next(guesses(folder))


def test_formats_are_told_apart(tmp_path, camus_folder):
    write_echonet(tmp_path / "echonet")
    write_gray(tmp_path / "dicom" / "deep" / "IM_0001")
    write_volume(tmp_path / "volume", "v")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    found = {name: guess_of(tmp_path / name).format for name in ("echonet", "dicom", "volume")}
    assert found == {"echonet": "echonet", "dicom": "dicom", "volume": "volume"}
    assert guess_of(camus_folder).format == "camus" and next(guesses(tmp_path / "other"), None) is None
    assert contents(tmp_path / "other") == "1 x .txt"


def test_the_entry_holds_pattern_and_values_of_the_label_maps(tmp_path):
    guess = guess_of(dicom_folder(tmp_path, values=60))
    options = yaml.safe_load(entry(guess, "ours"))["datasets"]["ours"]
    assert options["label_pattern"] == "{stem}_mask.*" and set(options["label_values"]) == {0, 60, 120, 180}
    assert TypeAdapter(Dataset).validate_python(options).format == "dicom"
    assert any("found 0, 60, 120, 180" in remark for remark in guess.remarks)
    usual = guess_of(dicom_folder(tmp_path / "usual", ending="_gt.nii.gz"))
    assert "label_pattern" not in usual.options and usual.remarks == ()
    write_gray(tmp_path / "none" / "a.dcm")
    assert guess_of(tmp_path / "none").options == {"labels": "none"}


def test_segmentations_do_not_count_as_images(tmp_path):
    write_gray(tmp_path / "a.dcm")
    write_segmentation(tmp_path / "a_seg.dcm", {(1, None): label_of(1)})
    guess = guess_of(tmp_path)
    assert guess.evidence == "1 DICOM files" and guess.options == {"label_pattern": "{stem}_seg.*"}
    assert [case.name for case in find_cases(guess)] == ["a"]


def label_of(value: int) -> np.ndarray:
    return value == LABELS


def test_cases_are_spread_evenly():
    cases = [CaseReference(str(number), "p") for number in range(10)]
    assert [case.name for case in spread(cases, 4)] == ["0", "2", "5", "7"]
    assert spread(cases, 0) == spread(cases, 99) == cases


def test_faults_are_listed_by_file(tmp_path):
    guess = guess_of(dicom_folder(tmp_path, 1))
    (case,) = find_cases(guess)
    trials = [Trial(case, {"status": "rejected", "reason": "expected this, found that"})] * 25
    text = summary(guess, trials, 25)
    assert text.count("1.2.840.0: expected this, found that") == 20 and "and 5 more" in text


def test_command(run_echodiff, tmp_path):
    folder = dicom_folder(tmp_path / "in")
    (folder / "broken.dcm").write_bytes(b"nothing")
    done = run_echodiff("check", folder, "--name", "ours")
    assert done.returncode == 0, done.stderr
    assert "format dicom" in done.stdout and "fine: 3 of 4" in done.stdout
    assert "broken.dcm: expected a DICOM file, found another kind of file" in done.stdout
    options = yaml.safe_load(done.stdout.split("Entry of the configuration:")[1])["datasets"]["ours"]
    assert options["label_pattern"] == "{stem}_mask.*"
    (tmp_path / "empty").mkdir()
    for wrong, reason in (("empty", "no file at all"), ("missing", "expected a folder")):
        refused = run_echodiff("check", tmp_path / wrong)
        assert refused.returncode == 1 and reason in refused.stderr


@pytest.mark.parametrize("name", ["FileList.csv", "VolumeTracings.csv"])
def test_a_missing_table_is_named(tmp_path, name):
    write_echonet(tmp_path)
    (tmp_path / name).unlink()
    assert any(name in remark for remark in guess_of(tmp_path).remarks)
