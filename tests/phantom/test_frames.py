"""Frames that are no DICOM as other programs read them, in all layouts, against the truth."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from echodiff.config.phantom import PhantomSource
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.trial import dataset_of
from echodiff.ingest.readers import reader_of
from echodiff.labels import STRUCTURES
from echodiff.phantom import MACHINES
from echodiff.phantom.cine import Cine
from echodiff.phantom.dataset import write_dataset
from echodiff.phantom.screen import LAYOUTS

SCREEN = LAYOUTS["epiq"]


def check_areas(labels: np.ndarray, row) -> None:
    pixel = row.spacing_row_mm * row.spacing_column_mm
    for name, value in STRUCTURES.items():
        assert (labels == value).sum() * pixel == pytest.approx(getattr(row, f"{name.lower()}_mm2"))


def test_screens_lie_in_a_folder_a_patient_with_label_maps_in_a_tree_like_theirs(phantom_folder):
    folder, truth = phantom_folder("epiq")
    assert sorted(path.name for path in folder.iterdir()) == ["cases.csv", "images", "masks", "truth.parquet"]
    assert sorted(path.name for path in (folder / "images").iterdir()) == sorted(truth.patient)
    for row in truth.itertuples():
        assert row.label_file == f"masks/{row.patient}/4ch.png"
        labels = cv2.imread(str(folder / row.label_file), cv2.IMREAD_UNCHANGED)
        assert labels.shape == (SCREEN.height, SCREEN.width) == (row.height, row.width) and labels.dtype == np.uint8
        check_areas(labels, row)


def test_stills_and_cines_show_the_whole_screen_with_a_person_on_it(phantom_folder):
    folder, truth = phantom_folder("epiq")
    kinds = []
    for number, row in enumerate(truth.itertuples(), start=1):
        kinds.append(row.file.rsplit(".", 1)[1])
        video = cv2.VideoCapture(str(folder / row.file))
        frames = []
        while (found := video.read())[0]:
            frames.append(found[1])
        assert len(frames) == row.frames == (8 if number % 3 == 0 else 1)
        shown = frames[row.ed_frame]
        assert shown.shape == (SCREEN.height, SCREEN.width, 3)
        assert (shown[:50, :150] > 150).sum() > 100 and row.patient in json.loads(row.identity)  # texts
        assert np.ptp(shown[SCREEN.ecg_top :].astype(int), axis=2).max() > 60  # a green ECG
    assert kinds == ["png", "png", "avi"] * 2


def test_the_table_says_what_pictures_cannot(phantom_folder):
    folder, truth = phantom_folder("epiq")
    table = pd.read_csv(folder / "cases.csv")
    assert list(table) == ["file", "label", "row_mm", "column_mm", "frame"]
    assert list(table.file) == list(truth.file) and list(table.label) == list(truth.label_file)
    np.testing.assert_allclose(
        table[["row_mm", "column_mm"]], truth[["spacing_row_mm", "spacing_column_mm"]], rtol=1e-5
    )
    assert table.frame.isna().tolist() == [True] * 5 + [False] and table.frame[5] == truth.ed_frame[5]


def test_nnunet_has_planes_of_one_slice_with_their_pixel_size(phantom_folder):
    folder, truth = phantom_folder("epiq", "nnunet")
    assert sorted(path.name for path in folder.iterdir()) == ["dataset.json", "imagesTr", "labelsTr", "truth.parquet"]
    described = json.loads((folder / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "LV": 1, "MYO": 2, "LA": 3}
    assert described["numTraining"] == len(truth) and described["file_ending"] == ".nii.gz"
    for row in truth.itertuples():
        image, labels = (sitk.ReadImage(str(folder / name)) for name in (row.file, row.label_file))
        assert row.file == row.label_file.replace("labelsTr", "imagesTr").replace(".nii.gz", "_0000.nii.gz")
        assert image.GetSize() == labels.GetSize() == (row.width, row.height, 1)
        assert image.GetSpacing() == pytest.approx((row.spacing_column_mm, row.spacing_row_mm, 999))
        check_areas(sitk.GetArrayFromImage(labels), row)
        cine = Cine(MACHINES["epiq"], row.seed, 8)
        frames = list(cine.images())
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image)[0], frames[cine.timing.ed_frame])


def test_labelme_has_outlines_that_are_exactly_the_label_maps(tmp_path):
    source = PhantomSource(machine="epiq", patients=1, frames=6, seed=3, layout="labelme")
    (row,) = write_dataset(source, tmp_path / "files").itertuples()
    content = json.loads((tmp_path / "files" / row.label_file).read_text())
    assert (content["imagePath"], content["imageHeight"], content["imageWidth"]) == (row.file, row.height, row.width)
    assert {shape["label"] for shape in content["shapes"]} == {"LV", "epicardium", "LA"}
    (guess,) = guesses(tmp_path / "files")
    assert (guess.format, guess.options) == ("frames", {"label_pattern": "{stem}.json"})
    reader = reader_of(dataset_of(guess))
    (case,) = reader.find(tmp_path / "files")
    frame, cine = reader.read(case), Cine(MACHINES["epiq"], row.seed, 6)
    np.testing.assert_array_equal(frame.mask, cine.labels(cine.timing.ed_frame))
    assert frame.spacing_mm == pytest.approx((row.spacing_row_mm, row.spacing_column_mm), rel=1e-5)


def test_layouts_have_the_same_patients(phantom_folder):
    screens, planes = (phantom_folder("epiq", layout)[1] for layout in ("screens", "nnunet"))
    columns = ["seed", "spacing_row_mm", "lv_mm2", "myo_mm2", "la_mm2", "ef"]
    pd.testing.assert_frame_equal(screens[columns], planes[columns])
