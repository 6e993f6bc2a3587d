"""`echodiff check`: what a folder is, what is wrong with it, and an entry that works."""

import csv
import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from pydantic import TypeAdapter

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.config.load import load_config
from echodiff.ingest.case import CaseReference
from echodiff.ingest.check import labels_on_trial
from echodiff.ingest.check.detect import Guess, contents, guesses, remedy
from echodiff.ingest.check.labels_on_trial import with_labels_on_trial
from echodiff.ingest.check.patients import with_patients_on_trial
from echodiff.ingest.check.report import entry, summary
from echodiff.ingest.check.trial import Trial, dataset_of, find_cases, read_on_trial, spread
from echodiff.ingest.readers import reader_of
from echodiff.ingest.run import ingest_dataset
from echodiff.store.table import read_table

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


def tried(folder):
    """The guess once all cases were read on trial, and the trials."""
    guess = guess_of(folder)
    trials = read_on_trial(guess, find_cases(guess), 1)
    return with_labels_on_trial(guess, trials), trials


def write_png(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), values)


@pytest.mark.parametrize("entry, asked", [(SimpleNamespace(label_values={}), True), (SimpleNamespace(), False)])
def test_label_values_are_asked_for_wherever_a_format_has_them(monkeypatch, entry, asked):
    """Whatever the format's name: else a new one would be called fine, and its label maps rejected by ingest."""
    monkeypatch.setattr(labels_on_trial, "dataset_of", lambda guess: entry)
    trial = Trial(CaseReference("a", "a"), {"status": "kept", "label_source": "file"}, frozenset({0, 85, 170}))
    guess = with_labels_on_trial(Guess("new", "a table", Path("x")), [trial])
    assert ("label_values" in guess.options) == asked


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
    guess, _ = tried(dicom_folder(tmp_path, values=60))
    options = yaml.safe_load(entry(guess, "ours"))["datasets"]["ours"]
    assert options["label_pattern"] == "{stem}_mask.*" and set(options["label_values"]) == {0, 60, 120, 180}
    assert TypeAdapter(Dataset).validate_python(options).format == "dicom"
    assert any("found 0, 60, 120, 180" in remark for remark in guess.remarks)
    usual, _ = tried(dicom_folder(tmp_path / "usual", ending="_gt.nii.gz"))
    assert "label_pattern" not in usual.options and usual.remarks == ()
    write_gray(tmp_path / "none" / "a.dcm")
    without = guess_of(tmp_path / "none")
    assert without.options == {"labels": "predicted"} and "a segmenter" in without.remarks[0]
    assert "`label_pattern`" in without.remarks[0]
    assert [trial.kept for trial in read_on_trial(without, find_cases(without), 1)] == [True]


def test_segmentations_do_not_count_as_images(tmp_path):
    write_gray(tmp_path / "a.dcm")
    write_segmentation(tmp_path / "a_seg.dcm", {(1, None): label_of(1)})
    guess = guess_of(tmp_path)
    assert guess.evidence == "1 DICOM file" and guess.options == {"label_pattern": "{stem}_seg.*"}
    assert [case.name for case in find_cases(guess)] == ["a"]


@pytest.mark.parametrize(
    ("image", "label", "checked", "pattern"),
    [
        ("t1/images/p{}.dcm", "t1/labels/p{}.png", "t1", "../labels/{stem}.png"),
        ("t1/images/p{}.dcm", "t1/labels/p{}.png", "t1/images", "../labels/{stem}.png"),
        ("t1/p{}.dcm", "t1/masks/p{}.nii.gz", "t1", "masks/{stem}.nii.gz"),
        ("t1/images/IM_{}", "t1/seg/IM_{}_seg.nii.gz", "t1", "../seg/{stem}_seg.*"),
        ("t1/images/p{}.dcm", "t1/seg/p{}.dcm", "t1", "../seg/{stem}.dcm"),
    ],
)
def test_label_maps_in_other_folders_are_found(tmp_path, image, label, checked, pattern):
    """Frames that were exported under the same names, in more folders, are none."""
    for number in range(3):
        path = tmp_path / label.format(number)
        write_gray(tmp_path / image.format(number))
        for frames in ("t1/images", "t1/png", "t1"):
            write_png(tmp_path / frames / f"p{number}.png", plane(HEIGHT, WIDTH).image)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".dcm":
            write_segmentation(path, {(value, None): label_of(value) for value in (1, 2, 3)})
        elif path.suffix == ".png":
            write_png(path, LABELS)
        else:
            sitk.WriteImage(sitk.GetImageFromArray(LABELS), str(path))
    guess, trials = tried(tmp_path / checked)
    assert guess.options == {"label_pattern": pattern} and guess.evidence == "3 DICOM files"
    assert [trial.row.get("label_source") for trial in trials] == ["file"] * 3
    outside = [remark for remark in guess.remarks if "3 label maps outside the folder" in remark]
    assert len(outside) == (checked == "t1/images")


def test_label_volumes_in_a_folder_beside_are_found(tmp_path):
    for name in ("a", "b"):
        write_volume(tmp_path / "images", name)
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "images" / f"{name}_label.nii.gz").rename(tmp_path / "labels" / f"{name}.nii.gz")
    guess = guess_of(tmp_path)
    assert guess.options == {"label_pattern": "../labels/{stem}.nii.gz"}
    assert guess.evidence.startswith("2 volumes") and guess.evidence.endswith("2 of labels")


def test_frames_and_label_maps_of_other_images_are_no_label_maps(tmp_path):
    """Names such as IM_0001 are those of other patients' files too."""
    write_gray(tmp_path / "a" / "IM_0001.dcm")
    write_png(tmp_path / "a" / "IM_0001.png", plane(HEIGHT, WIDTH).image)
    write_png(tmp_path / "a" / "IM_0001_view.png", np.repeat(plane(HEIGHT, WIDTH).image[..., None], 3, axis=2))
    dicom_folder(tmp_path / "b", 1)
    for path in (tmp_path / "b").iterdir():
        path.rename(path.with_name(path.name.replace("1.2.840.0", "IM_0001")))
    write_gray(tmp_path / "c" / "IM_0001.dcm")
    assert guess_of(tmp_path / "a").options == {"labels": "predicted"}
    guess = guess_of(tmp_path)
    assert guess.options == {"label_pattern": "{stem}_mask.*"} and guess.evidence == "3 DICOM files"


def test_label_maps_that_resampling_blurred_are_label_maps(tmp_path):
    """Else the experts' labels would be lost without a word; reading the cases says what is wrong with them."""
    write_gray(tmp_path / "a.dcm")
    write_png(tmp_path / "a_gt.png", cv2.resize(LABELS * 60, (WIDTH + 40, HEIGHT + 30)))
    guess, (trial,) = tried(tmp_path)
    assert guess.options == {} and "expected the image's size" in trial.row["reason"]


def listings(folder, cases: int, monkeypatch) -> int:
    """How often folders are listed while label maps are looked for."""
    for number in range(cases):
        write_png(folder / "gt" / f"{number}.png", LABELS)
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / f"{number}.dcm").touch()
    asked = []
    with monkeypatch.context() as patch:
        for name in ("listdir", "scandir"):
            real = getattr(os, name)
            patch.setattr(os, name, lambda *of, real=real: asked.append(of) or real(*of))
        assert guess_of(folder).options == {"label_pattern": "../gt/{stem}.png"}
    return len(asked)


def test_the_number_of_files_does_not_change_how_often_a_folder_is_listed(tmp_path, monkeypatch):
    few, many = (listings(tmp_path / str(cases), cases, monkeypatch) for cases in (2, 40))
    assert few == many > 0


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
    some, every = summary(guess, trials, 26), summary(guess, trials, 25)
    assert some.count("1.2.840.0: expected this, found that") == 20 and "and 5 more; --cases 0" in some
    assert every.count("1.2.840.0: expected this, found that") == 25 and "more" not in every


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


def test_the_entry_lies_on_top_of_a_phantom_of_its_name(tmp_path, camus_folder):
    guess = guess_of(camus_folder)
    (tmp_path / "mine.yaml").write_text(entry(guess, "vscan"))
    dataset = load_config(["config/config.yaml", tmp_path / "mine.yaml"]).datasets["vscan"]
    assert (dataset.folder, dataset.phantom) == (camus_folder, None)
    assert "# training_dataset: vscan" in entry(guess, "vscan")


@pytest.mark.parametrize(("same", "told"), [(True, True), (False, False)])
def test_one_patient_id_of_many_studies_is_told(tmp_path, same, told):
    for number in range(5):
        tags = {"PatientID": "ANONYMOUS" if same else str(number), "StudyInstanceUID": f"1.2.{number}"}
        write_gray(tmp_path / f"{number}.dcm", **tags)
    guess, trials = tried(tmp_path)
    remarks = with_patients_on_trial(guess, trials).remarks
    assert any("one Patient ID in 5 of 5 studies" in remark for remark in remarks) == told
    dataset = dataset_of(guess)
    assert len({case.patient for case in reader_of(dataset).find(tmp_path)}) == (1 if same else 5)
    by_study = dataset.model_copy(update={"patient": "study"})
    assert {case.patient for case in reader_of(by_study).find(tmp_path)} == {f"1.2.{number}" for number in range(5)}


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


@pytest.mark.parametrize("place", ["download", "download/CAMUS_public/database_nifti"])
def test_archives_are_found_in_the_folder_they_were_unpacked_into(tmp_path, camus_folder, place):
    """Their cines in NIfTI would be taken for volumes."""
    shutil.copytree(camus_folder, tmp_path / place / "archive" if place == "download" else tmp_path / place)
    guess = guess_of(tmp_path / "download")
    assert guess.format == "camus" and find_cases(guess) and guess.remarks == ()
    write_echonet(tmp_path / "download" / "videos")
    both = guess_of(tmp_path / "download")
    assert {both.format, both.remarks[0].split()[1]} in ({"camus", "EchoNet-Dynamic"}, {"echonet", "CAMUS"})
    (tmp_path / "download" / "a.nii.gz").touch()
    assert guess_of(tmp_path / "download").format == "volume"


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.zip", "unpack"), ("a.txt", "that holds")],
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
    options = yaml.safe_load(done.stdout.split("in the configuration:")[1])["datasets"]["ours"]
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


def test_what_no_format_reads_is_told_beside_what_is_read(tmp_path):
    dicom_folder(tmp_path, ending="_gt.nii.gz")
    for name in ("a.png", "b.jpg", "._b.jpg", "in/c.mp4", "d.zip", "e.tar.gz", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    pictures, videos, archives = guess_of(tmp_path).remarks
    assert "found 2 pictures besides, such as a.png; " in pictures and "`format: frames`" in pictures
    assert "found 1 video besides, such as in/c.mp4; " in videos and "`format: frames`" in videos
    assert "found 2 archives besides, such as d.zip; unpack" in archives
    write_volume(tmp_path / "volumes", "v")
    (tmp_path / "volumes" / "f.mov").touch()
    (video,) = guess_of(tmp_path / "volumes").remarks
    assert "found 1 video besides" in video


def test_volumes_without_labels_need_planes(tmp_path):
    folder = tmp_path / "in"
    write_volume(folder, "v")
    (folder / "v_label.nii.gz").unlink()
    guess, (trial,) = tried(folder)
    assert guess.options == {"labels": "predicted"} and trial.row["label_source"] == "none"
    (remark,) = guess.remarks
    assert "a segmenter" in remark and "planes" not in remark
    (folder / "planes.csv").unlink()
    guess, (trial,) = tried(folder)
    assert not trial.kept and guess.options == {"labels": "predicted"}
    (remark,) = guess.remarks
    assert "write a planes.csv" in remark and "with which `labels: predicted`" in remark and "`label_pattern`" in remark


def test_stills_in_nifti_are_no_volumes(tmp_path):
    for name in "ab":
        write_itk(plane().image, tmp_path / "in" / f"{name}.nii.gz", (0.3, 0.3))
    assert guess_of(tmp_path / "in").format == "frames"
    for name in "vwxyz":
        write_volume(tmp_path / "in", name)
    guess = guess_of(tmp_path / "in")
    assert guess.format == "volume"
    assert "found images of one plane or cines (2D + t) among them, such as a.nii.gz" in guess.remarks[0]


def test_values_of_all_label_maps_on_trial_are_in_the_entry(tmp_path):
    dicom_folder(tmp_path, 8)
    labels = LABELS.copy()
    labels[:4] = 7
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "1.2.840.7_mask.nii.gz"))
    guess, trials = tried(tmp_path)
    assert all(trial.kept for trial in trials)
    assert set(guess.options["label_values"]) == {0, 1, 2, 3, 7}
    assert any("found 0, 1, 2, 3, 7" in remark for remark in guess.remarks)


@pytest.mark.parametrize("values", [(2, 1, 3), (3, 2, 1), (2, 3, 1), (85, 170, 255), (200, 100, 50)])
def test_label_maps_of_another_numbering_are_told_by_their_places(tmp_path, values):
    """The wall lies around the ventricle, the atrium below: what each value means follows, and is in the entry."""
    dicom_folder(tmp_path)
    for case in range(3):
        other = np.array((0, *values), np.uint8)[LABELS]
        sitk.WriteImage(sitk.GetImageFromArray(other), str(tmp_path / f"1.2.840.{case}_mask.nii.gz"))
    guess, _ = tried(tmp_path)
    (remark,) = guess.remarks
    assert guess.options["label_values"] == {0: 0, values[0]: 1, values[1]: 2, values[2]: 3}
    assert "label_values in the entry are what fits" in remark
    (case, *_), reader = find_cases(guess), reader_of(dataset_of(guess))
    assert (reader.read(case).mask == LABELS).all()


@pytest.mark.parametrize("transparent", [False, True])
def test_colours_of_label_maps_are_told_by_their_places(tmp_path, transparent):
    """Drawing programs colour structures, often on a transparent background."""
    dicom_folder(tmp_path, ending="_x.nii.gz")
    colours = np.array([(0, 0, 0, 0), (0, 0, 255, 255), (0, 255, 0, 255), (255, 0, 0, 255)], np.uint8)
    for case in range(3):
        (tmp_path / f"1.2.840.{case}_x.nii.gz").unlink()
        write_png(tmp_path / f"1.2.840.{case}_mask.png", colours[LABELS][..., : 4 if transparent else 3])
    guess, _ = tried(tmp_path)
    assert guess.options["label_values"] == {0: 0, 0xFF0000: 1, 0x00FF00: 2, 0x0000FF: 3}
    assert "found 0x000000, 0x0000FF, 0x00FF00, 0xFF0000: label_values in the entry" in guess.remarks[0]
    text = entry(guess, "ours")
    assert "0xFF0000: 1" in text and yaml.safe_load(text)["datasets"]["ours"]["label_values"][0xFF0000] == 1
    (case, *_), reader = find_cases(guess), reader_of(dataset_of(guess))
    assert (reader.read(case).mask == LABELS).all()


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "left atrium": 1, "LV": 2, "MYO": 3, "RV": 4},
        {"0": "background", "1": "LA", "2": "left_ventricle", "3": "myocardium", "4": "right ventricle"},
        {"background": 0, "LA": 1, "LV": 2, "MYO": 3, "heart": [1, 2, 3], "RV": 4},
    ],
)
def test_dataset_json_of_nnunet_names_the_values(tmp_path, labels):
    values = np.array((0, 2, 3, 1), np.uint8)[heart(180, 220)]
    values[170:, 100:110] = 4
    for number in range(2):
        write_png(tmp_path / "imagesTr" / f"e{number}_0000.png", plane(seed=number).image)
        write_png(tmp_path / "labelsTr" / f"e{number}.png", values)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    guess, _ = tried(tmp_path)
    assert guess.options["label_values"] == {0: 0, 1: 3, 2: 1, 3: 2, 4: 0}
    assert "are what the names in dataset.json mean" in guess.remarks[0]
    (case, *_), reader = find_cases(guess), reader_of(dataset_of(guess))
    assert (reader.read(case).mask == heart(180, 220) * (values != 4)).all()


@pytest.mark.parametrize(
    "text", ["[", "[]", '{"labels": [1]}', '{"labels": {"LV": 1, "x": 2}}', '{"labels": {"x": "y"}}']
)
def test_a_dataset_json_that_tells_nothing_is_passed_over(tmp_path, text):
    write_png(tmp_path / "imagesTr" / "e_0000.png", plane().image)
    write_png(tmp_path / "labelsTr" / "e.png", np.array((0, 2, 3, 1), np.uint8)[plane().labels])
    (tmp_path / "dataset.json").write_text(text)
    guess, _ = tried(tmp_path)
    assert guess.options["label_values"] == {0: 0, 1: 3, 2: 1, 3: 2}
    assert "are what fits" in guess.remarks[0]


@pytest.mark.parametrize("label", ["masks/{}.jpg", "mask_{}.png", "Masks/x{}y.png"])
def test_label_maps_that_no_name_leads_to_are_told(tmp_path, label):
    """Else they would be read as images without a word. Folders beside those of other tests would be searched too."""
    top = tmp_path / "a" / "b" / "c" / "d"
    for number in range(3):
        write_png(top / "in" / "images" / f"p{number}.png", plane(seed=number).image)
        write_png(top / "in" / label.format(f"p{number}"), plane(seed=number).labels * 80)
    guess = guess_of(top / "in")
    assert guess.options == {"labels": "predicted"}
    assert f"by their names, or are JPEG, such as {label.format('p0')}; name each" in guess.remarks[0]
    shutil.copytree(top / "in" / "images", tmp_path / "none" / "a" / "b" / "c" / "images")
    assert len(guess_of(tmp_path / "none" / "a" / "b" / "c").remarks) == 1


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("x.json", {"shapes": []}, "found outlines of LabelMe in x.json, which the entry does not use; a `label_pat"),
        ("coco.json", {"images": [], "annotations": [], "categories": []}, "found outlines of COCO in coco.json"),
        (
            "via.json",
            {"b.png1": {"filename": "b.png", "regions": []}},
            "found outlines of VGG Image Annotator in via.json",
        ),
        ("a.xml", "<annotations><image name='b.png'/></annotations>", "found outlines of CVAT in a.xml"),
        ("notes.json", {"a": 1}, None),
        ("list.json", [1], None),
        ("bad.json", "{", None),
    ],
)
def test_outlines_of_annotation_programs_are_told(tmp_path, name, content, found):
    write_png(tmp_path / "in" / "images" / "a.png", plane().image)
    (tmp_path / "in" / name).write_text(content if isinstance(content, str) else json.dumps(content))
    remarks = [remark for remark in guess_of(tmp_path / "in").remarks if "outlines" in remark]
    assert len(remarks) == (found is not None) and all(re.match(found, remark) for remark in remarks)


def test_label_maps_upside_down_are_told(tmp_path):
    dicom_folder(tmp_path)
    for case in range(3):
        turned = sitk.GetImageFromArray(np.ascontiguousarray(LABELS[::-1]))
        sitk.WriteImage(turned, str(tmp_path / f"1.2.840.{case}_mask.nii.gz"))
    guess, _ = tried(tmp_path)
    (remark,) = guess.remarks
    assert "lie otherwise in 3 of 3 label maps" in remark and "turned over" in remark
    assert "label_values" not in guess.options


def test_a_lone_value_is_the_ventricle(tmp_path):
    """Programs that draw one structure save it as 255."""
    dicom_folder(tmp_path)
    for case in range(3):
        lone = sitk.GetImageFromArray(np.where(LABELS == 1, 255, 0).astype(np.uint8))
        sitk.WriteImage(lone, str(tmp_path / f"1.2.840.{case}_mask.nii.gz"))
    guess, _ = tried(tmp_path)
    assert guess.options["label_values"] == {0: 0, 255: 1} and guess.options["completion"] == "shape"
    assert "255 was taken for the LV alone" in guess.remarks[0]


def write_labels(folder, cases, structures):
    for case in cases:
        labels = np.where(np.isin(LABELS, structures), LABELS, 0).astype(np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(folder / f"1.2.840.{case}_mask.nii.gz"))


def test_structures_that_no_label_map_has_are_named(tmp_path):
    dicom_folder(tmp_path)
    write_labels(tmp_path, range(3), (1, 2))
    guess, trials = tried(tmp_path)
    (remark,) = guess.remarks
    assert all(trial.kept for trial in trials) and "completion" not in guess.options
    assert "found no LA in any of the 3 label maps" in remark and "only label maps with the LV alone" in remark
    write_labels(tmp_path, [0], (1, 2, 3))
    assert tried(tmp_path)[0].remarks == ()


@pytest.mark.parametrize(("lone", "said"), [(3, "3 of the 3 label maps"), (1, "1 of the 3 label maps")])
def test_label_maps_with_the_ventricle_alone_are_to_be_completed(tmp_path, lone, said):
    dicom_folder(tmp_path)
    write_labels(tmp_path, range(lone), (1,))
    guess, _ = tried(tmp_path)
    (remark,) = guess.remarks
    assert f"found the LV alone in {said} on trial" in remark
    options = yaml.safe_load(entry(guess, "ours"))["datasets"]["ours"]
    dataset = TypeAdapter(Dataset).validate_python(options)
    assert dataset.completes and dataset.completion == "shape"


@pytest.mark.parametrize("write", [dicom_folder, write_echonet])
def test_ids_lead_from_the_outputs_to_the_files(tmp_path, monkeypatch, run_echodiff, write):
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "in").mkdir()
    write(tmp_path / "in")
    done = run_echodiff("check", tmp_path / "in", "--name", "ours", "--cases", 1, "--ids", tmp_path / "ids.csv")
    assert done.returncode == 0, done.stderr
    assert "it shows who is behind an id" in done.stdout and (tmp_path / "ids.csv").stat().st_mode & 0o77 == 0
    guess = guess_of(tmp_path / "in")
    dataset = dataset_of(guess)
    if dataset.completes:
        dataset = dataset.model_copy(update={"completion": "dilation"})
    ingest_dataset("ours", dataset, Image(size=64), tmp_path / "in", tmp_path / "out", processes=0)
    with open(tmp_path / "ids.csv", newline="") as file:
        files = {row["case_id"]: row["files"].split("; ") for row in csv.DictReader(file)}
    assert set(files) == set(read_table(tmp_path / "out" / "cases.parquet")["case_id"]) and len(files) == 3
    if write is dicom_folder:
        assert sorted(files.values())[0] == ["1.2.840.0", "1.2.840.0_mask.nii.gz"]


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
