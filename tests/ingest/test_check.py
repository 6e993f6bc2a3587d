"""`echodiff check`: what a folder is, what is wrong with it, and an entry that works."""

import os
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from pydantic import TypeAdapter

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.config.load import load_config
from echodiff.ingest.case import CaseReference
from echodiff.ingest.check.detect import Guess, contents, guesses, remedy
from echodiff.ingest.check.report import entry, summary
from echodiff.ingest.check.trial import Trial, find_cases, read_on_trial, spread
from echodiff.ingest.run import ingest_dataset

from .conftest import heart, plane, write_echonet, write_itk
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
    without = guess_of(tmp_path / "none")
    assert without.options == {"labels": "predicted"} and "a segmenter" in without.remarks[0]
    assert [trial.kept for trial in read_on_trial(without, find_cases(without), 1)] == [True]


def test_segmentations_do_not_count_as_images(tmp_path):
    write_gray(tmp_path / "a.dcm")
    write_segmentation(tmp_path / "a_seg.dcm", {(1, None): label_of(1)})
    guess = guess_of(tmp_path)
    assert guess.evidence == "1 DICOM file" and guess.options == {"label_pattern": "{stem}_seg.*"}
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


def camus_of_the_old_release(folder):
    """MetaImage, header and pixels in two files."""
    for number in (1, 2):
        content, name = plane(seed=number), f"patient{number:04d}"
        (folder / name).mkdir(parents=True)
        for role, array in (("ED", content.image), ("ED_gt", content.labels)):
            write_itk(array, folder / name / f"{name}_4CH_{role}.mhd", (0.154, 0.308))


def volumes_in_nrrd(folder):
    for name in ("a", "b"):
        write_volume(folder, name)
        for role in ("", "_label"):
            image = sitk.ReadImage(str(folder / f"{name}{role}.nii.gz"))
            sitk.WriteImage(image, str(folder / f"{name}{role.replace('label', 'seg')}.nrrd"))
            (folder / f"{name}{role}.nii.gz").unlink()


@pytest.mark.parametrize(
    ("write", "kept"),
    [(camus_of_the_old_release, 2), (write_echonet, 2), (dicom_folder, 3), (volumes_in_nrrd, 2)],
)
def test_the_entry_pasted_into_a_configuration_ingests_the_folder(tmp_path, monkeypatch, write, kept):
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "in").mkdir()
    write(tmp_path / "in")
    pasted = yaml.safe_load(entry(guess_of(tmp_path / "in"), "ours"))
    if pasted["datasets"]["ours"]["format"] == "echonet":
        pasted["datasets"]["ours"]["completion"] = "dilation"  # the shape model is another rule's
    (tmp_path / "c.yaml").write_text(
        yaml.safe_dump({"training_dataset": "ours", "models": {"m": {"preset": "fast"}}, **pasted})
    )
    dataset = load_config(tmp_path / "c.yaml").datasets["ours"]
    counts = ingest_dataset("ours", dataset, Image(size=64), dataset.folder, tmp_path / "out", processes=0)
    assert counts["kept"] == kept


@pytest.mark.parametrize("place", ["videos and tables", "table"])
def test_videos_that_are_not_the_archives_own_are_hashed(tmp_path, place):
    """Whoever lays out a clinic's videos as EchoNet-Dynamic does may have named them after patients."""
    write_echonet(tmp_path)
    assert "case_ids" not in yaml.safe_load(entry(guess_of(tmp_path), "ours"))["datasets"]["ours"]
    for table in ("FileList.csv", "VolumeTracings.csv") if place == "videos and tables" else ("FileList.csv",):
        (tmp_path / table).write_text((tmp_path / table).read_text().replace("0XA", "Doe_Jane"))
    if place == "videos and tables":
        (tmp_path / "Videos" / "0XA.avi").rename(tmp_path / "Videos" / "Doe_Jane.avi")
    options = yaml.safe_load(entry(guess_of(tmp_path), "ours"))["datasets"]["ours"]
    assert options["case_ids"] == "hashed" and TypeAdapter(Dataset).validate_python(options).case_ids == "hashed"


def test_what_of_other_formats_lies_beside_is_told(tmp_path, camus_folder):
    dicom_folder(tmp_path / "all" / "scans", ending="_gt.nii.gz")
    write_volume(tmp_path / "all" / "volumes", "v")
    shutil.copytree(camus_folder, tmp_path / "all" / "archive")
    write_echonet(tmp_path / "all" / "videos")
    guess = guess_of(tmp_path / "all")
    assert (guess.format, guess.evidence) == ("dicom", "3 DICOM files")
    found = " ".join(guess.remarks)
    # Label maps beside DICOM and the archives' own files are not counted.
    assert "found 2 files in NIfTI" in found and "such as volumes/v" in found
    assert "found CAMUS in archive" in found and "found EchoNet-Dynamic in videos" in found
    assert guess_of(tmp_path / "all" / "scans").remarks == ()


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.jpg", "export the study as DICOM"), ("a.mp4", "FileList.csv"), ("a.zip", "unpack"), ("a.txt", "that holds")],
)
def test_a_folder_of_other_files_gets_advice(tmp_path, name, advice):
    (tmp_path / name).touch()
    assert next(guesses(tmp_path), None) is None and advice in remedy(tmp_path)


def test_volumes_and_their_label_volumes_are_counted_apart(tmp_path):
    write_volume(tmp_path, "v")
    assert guess_of(tmp_path).evidence.startswith("1 volume in NIfTI") and "1 of labels" in guess_of(tmp_path).evidence


def test_command(run_echodiff, tmp_path):
    folder = dicom_folder(tmp_path / "in")
    (folder / "broken.dcm").write_bytes(b"nothing")
    done = run_echodiff("check", folder, "--name", "ours")
    assert done.returncode == 0, done.stderr
    assert "format dicom" in done.stdout and "fine: 3 of 4" in done.stdout
    assert "labels: in the files (3)" in done.stdout and "to see to" not in done.stdout
    assert "broken.dcm: expected a DICOM file, found another kind of file" in done.stdout
    options = yaml.safe_load(done.stdout.split("that are there:")[1])["datasets"]["ours"]
    assert options["label_pattern"] == "{stem}_mask.*"
    (tmp_path / "empty").mkdir()
    (tmp_path / "one.dcm").write_bytes(b"")
    for wrong, reason in (
        ("empty", "no file at all"),
        ("missing", "expected a folder, found none"),
        ("one.dcm", "expected a folder, found a file; give the folder that holds it"),
    ):
        refused = run_echodiff("check", tmp_path / wrong)
        assert refused.returncode == 1 and reason in refused.stderr


@pytest.mark.parametrize("name", ["FileList.csv", "VolumeTracings.csv"])
def test_a_missing_table_is_named(tmp_path, name):
    write_echonet(tmp_path)
    (tmp_path / name).unlink()
    assert any(name in remark for remark in guess_of(tmp_path).remarks)


def test_a_case_on_trial_has_the_time_that_ingest_gives_it(tmp_path):
    """A pipe that nobody writes to is a file without an end."""
    os.mkfifo(tmp_path / "a.dcm")
    write_gray(tmp_path / "b.dcm")
    guess = Guess("dicom", "", tmp_path, {"labels": "none", "case_seconds": 2})
    cases = [CaseReference(name, name, {"image": tmp_path / f"{name}.dcm"}) for name in "ab"]
    hanging, whole = read_on_trial(guess, cases, 1)
    assert hanging.row["reason"] == "expected to read the case within 2 s, found no end to it"
    assert whole.kept
