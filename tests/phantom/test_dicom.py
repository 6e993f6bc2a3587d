"""DICOM cines as pydicom reads them: tags, regions, times, identity, the ECG, against the truth."""

import json

import cv2
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.pixels import pixel_array

from echodiff.phantom.screen import LAYOUTS

SCREENS = {"vscan": (240, 416), "vscan_air": (1024, 2040), "2d_t": (708, 1016)}


@pytest.fixture(scope="module", params=SCREENS)
def cines(request, phantom_folder):
    """Machine, folder, and of each cine its truth, its dataset and its decoded frames."""
    folder, truth = phantom_folder(request.param)
    found = [(row, pydicom.dcmread(folder / row.file), pixel_array(folder / row.file)) for row in truth.itertuples()]
    return request.param, folder, found


def label_map(folder, row) -> np.ndarray:
    path = str(folder / row.label_file)
    return cv2.imread(path, 0) if path.endswith(".png") else sitk.GetArrayFromImage(sitk.ReadImage(path))


def test_pixels_decode_to_the_screen(cines):
    machine, folder, found = cines
    for row, ds, frames in found:
        assert frames.shape[:3] == (row.frames, *SCREENS[machine]) and int(ds.NumberOfFrames) == row.frames
        assert ds.Modality == "US" and ds.SyntheticData == "YES" and list(ds.ImageType) == ["DERIVED", "SECONDARY"]
        assert ds.Manufacturer and ds.ManufacturerModelName
        gray = frames if frames.ndim == 3 else frames[..., 1]
        labels = label_map(folder, row)
        ed = gray[row.ed_frame].astype(float)
        assert ed.shape == labels.shape and ed[labels > 0].mean() > 5


def test_label_map_has_the_areas_of_the_truth(cines):
    _, folder, found = cines
    for row, _, _ in found:
        labels = label_map(folder, row)
        pixel = row.spacing_row_mm * row.spacing_column_mm
        for value, area in ((1, row.lv_mm2), (2, row.myo_mm2), (3, row.la_mm2)):
            assert (labels == value).sum() * pixel == pytest.approx(area)


def test_regions_give_place_and_scale(cines):
    machine, folder, found = cines
    for row, ds, _ in found:
        regions = list(ds.SequenceOfUltrasoundRegions)
        assert [int(r.RegionDataType) for r in regions] == ([0, 1] if machine == "2d_t" else [1])
        tissue = regions[-1]
        assert tissue.RegionSpatialFormat == 1
        assert (tissue.RegionLocationMinX0, tissue.RegionLocationMinY0) == (row.sector_column, row.sector_row)
        assert abs(tissue.PhysicalDeltaX) * 10 == pytest.approx(row.spacing_column_mm)
        assert (tissue.PhysicalDeltaX < 0) == (machine == "2d_t")
        rows, columns = np.nonzero(label_map(folder, row))
        assert columns.min() >= tissue.RegionLocationMinX0 and columns.max() <= tissue.RegionLocationMaxX1
        assert rows.min() >= tissue.RegionLocationMinY0 and rows.max() <= tissue.RegionLocationMaxY1


def test_frame_times_and_r_waves_lead_to_the_ed_frame(cines):
    _, _, found = cines
    with_r_waves = 0
    for row, ds, _ in found:
        if ds.FrameIncrementPointer == 0x00181065:
            times = np.cumsum(np.array(ds.FrameTimeVector, float)) - float(ds.FrameTimeVector[0])
        else:
            times = np.arange(row.frames) * float(ds.FrameTime)
        assert np.diff(times) == pytest.approx(row.frame_time_ms, abs=0.01)
        if "RWaveTimeVector" in ds:
            with_r_waves += 1
            waves = np.atleast_1d(np.array(ds.RWaveTimeVector, float))
            assert [int(np.abs(times - wave).argmin()) for wave in waves] == json.loads(row.ed_frames)
    assert 0 < with_r_waves < len(found)


def test_the_ecg_peaks_at_the_ed_frame(cines):
    machine, _, found = cines
    for row, _, frames in found:
        gray = (frames if frames.ndim == 3 else frames[..., 1]).min(0)  # the trace stays, the cursor moves
        height, width = gray.shape
        lit = gray[LAYOUTS[machine].ecg_top :] > 60
        top = np.where(lit.any(0), lit.argmax(0), height)
        columns = np.flatnonzero(top == top.min())
        first, last = round(0.02 * width), round(0.98 * width) - 1
        frame = (columns.mean() - first) / (last - first) * (row.frames - 1)
        assert frame == pytest.approx(row.ed_frame, abs=0.5), machine


def test_identity_is_in_the_tags_and_burned_into_the_pixels(cines):
    _, _, found = cines
    people = set()
    for row, ds, frames in found:
        strings = json.loads(row.identity)
        text = str(ds)
        assert all(string in text for string in strings)
        people.add(strings[1])
        gray = frames[0] if frames.ndim == 3 else frames[0, ..., 1]
        assert (gray[: gray.shape[0] // 6, : gray.shape[1] // 6] > 150).sum() > 50
    assert len(people) == len(found)


def test_what_is_drawn_lies_outside_the_tissue(cines):
    """Inside the sector nothing but tissue: colour appears only round it."""
    _, folder, found = cines
    row, frames = next((row, frames) for row, ds, frames in found if ds.PhotometricInterpretation != "MONOCHROME2")
    frame = frames[0].astype(int)
    colour = np.ptp(frame, axis=2) > 60
    labels = cv2.dilate(label_map(folder, row), np.ones((9, 9), np.uint8))
    assert colour.any() and not (colour & (labels > 0)).any()


def test_habits_differ_between_files(phantom_folder):
    folder, truth = phantom_folder("2d_t")
    files = [pydicom.dcmread(folder / name, stop_before_pixels=True) for name in truth.file]
    assert {ds.PhotometricInterpretation for ds in files} == {"YBR_FULL_422", "MONOCHROME2"}
    assert {"FrameTime" in ds for ds in files} == {True, False}
    assert {float(ds.FrameTimeVector[0]) == 0 for ds in files if "FrameTimeVector" in ds} == {True, False}
