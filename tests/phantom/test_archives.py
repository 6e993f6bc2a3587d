"""CAMUS, EchoNet and volume files as other programs read them, against the truth."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from echodiff.ingest.readers.camus_info import read_info


def test_camus_files_have_the_archive_s_layout(phantom_folder):
    folder, truth = phantom_folder("camus")
    assert sorted(path.name for path in folder.iterdir()) == [*truth.case, "truth.parquet"]
    for row in truth.itertuples():
        image, labels = (sitk.ReadImage(str(folder / name)) for name in (row.file, row.label_file))
        assert image.GetDimension() == 2 and image.GetSize() == labels.GetSize() == (row.width, row.height)
        assert image.GetSpacing() == pytest.approx((0.308, 0.308))
        gray, mask = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(labels)
        assert gray.dtype == np.float32 and np.array_equal(gray, np.round(gray)) and gray.max() <= 255
        for name, value in (("lv", 1), ("myo", 2), ("la", 3)):
            assert (mask == value).sum() * 0.308**2 == pytest.approx(getattr(row, f"{name}_mm2"))
        assert row.lv_mm2 == pytest.approx(row.lv_contour_mm2, rel=0.15)


def test_camus_info_and_half_sequences_agree(phantom_folder):
    folder, truth = phantom_folder("camus")
    directions = set()
    for row in truth.itertuples():
        info = read_info(folder / row.case / "Info_4CH.cfg")
        assert {"ed", "es", "nbframe", "sex", "age", "imagequality", "ef", "framerate"} <= set(info)
        sequence = sitk.GetArrayFromImage(
            sitk.ReadImage(str(folder / row.case / f"{row.case}_4CH_half_sequence.nii.gz"))
        )
        ed, es = (
            sitk.GetArrayFromImage(sitk.ReadImage(str(folder / row.file.replace("ED", moment))))
            for moment in ("ED", "ES")
        )
        assert len(sequence) == int(info["nbframe"]) == row.frames
        assert np.array_equal(sequence[int(info["ed"]) - 1], ed) and int(info["ed"]) - 1 == row.ed_frame
        assert np.array_equal(sequence[int(info["es"]) - 1], es) and int(info["es"]) - 1 == row.es_frame
        assert float(info["framerate"]) == pytest.approx(1000 / row.frame_time_ms)
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / row.label_file.replace("ED", "ES"))))
        assert 0 < (labels == 1).sum() * 0.308**2 < row.lv_mm2
        directions.add(int(info["ed"]) < int(info["es"]))
    assert directions == {True, False}


def test_echonet_tables_have_the_archive_s_columns_and_rows(phantom_folder):
    folder, truth = phantom_folder("echonet")
    listing, tracings = pd.read_csv(folder / "FileList.csv"), pd.read_csv(folder / "VolumeTracings.csv")
    assert list(listing) == [
        "FileName",
        "EF",
        "ESV",
        "EDV",
        "FrameHeight",
        "FrameWidth",
        "FPS",
        "NumberOfFrames",
        "Split",
    ]
    assert list(tracings) == ["FileName", "X1", "Y1", "X2", "Y2", "Frame"]
    assert sorted(listing.FileName) == sorted(truth.case) and (listing.EDV > listing.ESV).all()
    for row in truth.itertuples():
        rows = tracings[tracings.FileName == f"{row.case}.avi"]
        assert set(rows.Frame) == {row.ed_frame, row.es_frame}
        assert (rows.groupby("Frame").size() == 21).all()
        axis = rows[rows.Frame == row.ed_frame].iloc[0]
        assert axis.Y2 > axis.Y1  # from the apex down to the valve


def test_echonet_tracing_is_the_ventricle_of_the_truth(phantom_folder):
    folder, truth = phantom_folder("echonet")
    tracings = pd.read_csv(folder / "VolumeTracings.csv")
    listing = pd.read_csv(folder / "FileList.csv").set_index("FileName")
    for row in truth.itertuples():
        labels = cv2.imread(str(folder / row.label_file), cv2.IMREAD_GRAYSCALE)
        polygons = {}
        for frame in (row.ed_frame, row.es_frame):
            chords = tracings[(tracings.FileName == f"{row.case}.avi") & (tracings.Frame == frame)].iloc[1:]
            right = chords[["X2", "Y2"]].to_numpy()[::-1]
            outline = np.concatenate([chords[["X1", "Y1"]].to_numpy(), right])
            mask = np.zeros((112, 112), np.uint8)
            cv2.fillPoly(mask, [np.round(outline * 256).astype(np.int32)], 1, shift=8)
            polygons[frame] = mask > 0
        ed = polygons[row.ed_frame]
        assert ed.sum() > polygons[row.es_frame].sum()
        discs = tracings[tracings.FileName == f"{row.case}.avi"]
        length = np.hypot(discs.X2 - discs.X1, discs.Y2 - discs.Y1).groupby(discs.Frame)
        volume = length.first() * length.apply(lambda own: (own.iloc[1:] ** 2).mean())  # but for a common factor
        assert 100 * (1 - volume[row.es_frame] / volume[row.ed_frame]) == pytest.approx(row.ef, abs=1)
        listed = listing.loc[row.case]
        assert listed.EF == pytest.approx(row.ef) == 100 * (1 - listed.ESV / listed.EDV)
        pixels_ml = row.spacing_row_mm**3 / 1000 * np.pi / 4
        assert 0.75 < listed.EDV / (volume[row.ed_frame] * pixels_ml) < 1.15  # roundness
        assert round(1000 / row.frame_time_ms) == listed.FPS
        assert 2 * (ed & (labels == 1)).sum() / (ed.sum() + (labels == 1).sum()) > 0.96


def test_echonet_videos_are_112_squares_of_three_equal_channels(phantom_folder):
    folder, truth = phantom_folder("echonet")
    for row in truth.itertuples():
        video = cv2.VideoCapture(str(folder / row.file))
        count = 0
        while (found := video.read())[0]:
            count += 1
            assert found[1].shape == (112, 112, 3)
            assert np.ptp(found[1].astype(int), axis=2).max() <= 2
        assert count == row.frames


def test_volumes_are_isotropic_and_carry_their_plane(phantom_folder):
    folder, truth = phantom_folder("3d_spatial")
    planes = pd.read_csv(folder / "planes.csv").set_index("name")
    endings = set()
    for row in truth.itertuples():
        image, labels = (sitk.ReadImage(str(folder / name)) for name in (row.file, row.label_file))
        endings.add(row.file.split(".", 1)[1])
        assert image.GetDimension() == 3 and len({round(s, 6) for s in image.GetSpacing()}) == 1
        assert image.GetSize() == labels.GetSize() and image.GetOrigin() == pytest.approx(labels.GetOrigin(), abs=1e-4)
        known = json.loads(row.plane)
        for point, place in known.items():
            written = planes.loc[row.case, [f"{point}_{axis}_mm" for axis in "xyz"]].to_numpy(float)
            np.testing.assert_allclose(written, place, atol=1e-3)
        apex, mitral = np.array(known["apex"]), np.array(known["mitral_centre"])
        inside = labels.TransformPhysicalPointToIndex((0.9 * apex + 0.1 * mitral).tolist())
        assert labels[inside] == 1
        below = labels.TransformPhysicalPointToIndex((mitral + 0.05 * (mitral - apex)).tolist())
        assert labels[below] == 3
    assert endings == {"nii.gz", "mha"}
