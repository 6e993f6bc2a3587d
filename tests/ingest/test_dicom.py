"""Ultrasound DICOM: phantoms against their truth, the quirks of real files, and all ultrasound files of pydicom."""

import copy
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.data import get_testdata_file

from echodiff.config.datasets import DicomDataset
from echodiff.ingest.case import CaseReference, Reject
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.dicom_regions import tissue_regions
from echodiff.ingest.readers.dicom_timing import frame_times_ms, heart_rate_bpm, r_wave_times_ms
from echodiff.ingest.sector.pixel_size import plausible_mm

from .conftest import heart
from .dicom_files import HEIGHT, WIDTH, cine, header, write_gray

WITHOUT_LABELS = DicomReader(DicomDataset(format="dicom", folder="x", labels="none"))
CONFIG = """
training_dataset: {machine}
datasets: {{{machine}: {{format: dicom, phantom: {{machine: {machine}, patients: 2, frames: 8, seed: 3}}}}}}
models: {{fast: {{preset: fast}}}}
"""


def read(path) -> object:
    return WITHOUT_LABELS.read(CaseReference("case", "patient", {"image": Path(path)}))


@pytest.fixture(scope="module", params=["vscan", "2d_t"])
def phantom(request, run_echodiff, tmp_path_factory) -> Path:
    """Two patients' DICOM cines of a machine, with their label maps and truth."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "config.yaml").write_text(CONFIG.format(machine=request.param))
    arguments = ("--config", folder / "config.yaml", "--dataset", request.param, "--output", folder / "files")
    result = run_echodiff("phantom", *arguments)
    assert result.returncode == 0, result.stderr
    return folder / "files"


def test_phantoms_against_their_truth(phantom):
    truth = pd.read_parquet(phantom / "truth.parquet")
    reader = DicomReader(DicomDataset(format="dicom", folder=phantom))
    cases = list(reader.find(phantom))
    assert len(cases) == len(truth) == 2
    for case, row in zip(cases, truth.itertuples(), strict=True):
        frame = reader.read(case)
        assert abs(frame.ed_frame - row.ed_frame) <= 1
        assert frame.frames == row.frames
        np.testing.assert_allclose(frame.spacing_mm, (row.spacing_row_mm, row.spacing_column_mm), rtol=1e-3)
        for label, area in ((1, row.lv_mm2), (2, row.myo_mm2), (3, row.la_mm2)):
            found = (frame.mask == label).sum() * frame.spacing_mm[0] * frame.spacing_mm[1]
            assert found == pytest.approx(area, rel=0.02)
        labelled = frame.mask > 0
        assert (frame.sector & labelled).sum() >= 0.99 * labelled.sum()
        assert set(frame.details) >= {"scanner", "frame_rate_hz"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda header: setattr(header, "Modality", "CT"), "expected an ultrasound image .* found the modality CT"),
        (lambda header: delattr(header, "Rows"), "found no Rows"),
        (lambda header: setattr(header, "Rows", 60000), "damaged, cut short|fits into memory"),
        (lambda header: delattr(header, "PixelData"), "damaged, cut short or missing"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, change, reason):
    header = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
    change(header)
    header.save_as(tmp_path / "changed.dcm")
    with pytest.raises(Reject, match=reason):
        read(tmp_path / "changed.dcm")


def test_a_truncated_file_is_rejected(tmp_path):
    content = Path(get_testdata_file("examples_ybr_color.dcm")).read_bytes()
    for share in (0.001, 0.1, 0.5, 0.9):
        (tmp_path / "cut.dcm").write_bytes(content[: int(share * len(content))])
        with pytest.raises(Reject):
            read(tmp_path / "cut.dcm")


def test_a_missing_label_map_is_named_by_its_pattern():
    reader = DicomReader(DicomDataset(format="dicom", folder="x"))
    image = Path(get_testdata_file("examples_ybr_color.dcm"))
    with pytest.raises(Reject, match=r"expected a label map beside it, named \{stem\}_gt\.\*, found none"):
        reader.read(CaseReference("case", "patient", {"image": image}))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("still4_gt.jpg", r"still4_gt.jpg: JPEG changes label values; save the label map as PNG, TIFF"),
        ("still4_gt.JPEG", r"still4_gt.JPEG: JPEG changes label values"),
        ("still4_gt.mat", r"still4_gt.mat: its kind of file is none that is read; save the label map as PNG"),
        ("._still4_gt.jpg", "none$"),
    ],
)
def test_a_label_map_of_a_kind_that_is_not_read_is_told_of(tmp_path, name, found):
    shutil.copy(get_testdata_file("examples_ybr_color.dcm"), tmp_path / "still4.dcm")
    (tmp_path / name).write_bytes(b"content")
    reader = DicomReader(DicomDataset(format="dicom", folder="x"))
    (case,) = reader.find(tmp_path)
    with pytest.raises(Reject, match=rf"expected a label map beside it, named \{{stem\}}_gt\.\*, found {found}"):
        reader.read(case)


def region(**changes) -> pydicom.Dataset:
    """A 2D tissue region of 0.5 mm, 100 x 200 pixels at (10, 20), with changes."""
    item = pydicom.Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionLocationMinX0": 20,
        "RegionLocationMaxX1": 219,
        "RegionLocationMinY0": 10,
        "RegionLocationMaxY1": 109,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.05,
        "PhysicalDeltaY": 0.05,
    }
    for key, value in {**values, **changes}.items():
        setattr(item, key, value)
    return item


def found(*items):
    header = pydicom.Dataset()
    header.SequenceOfUltrasoundRegions = list(items)
    return next(iter(tissue_regions(header, (480, 640))), None)


def test_regions_with_the_quirks_of_real_files():
    whole = region(RegionSpatialFormat=0)
    assert found(whole, region()).rows == slice(10, 110)
    assert found(region(PhysicalDeltaX=-0.03)).spacing_mm == pytest.approx((0.5, 0.3)), "row, column"
    turned = found(
        region(RegionLocationMinX0=219, RegionLocationMaxX1=20, RegionLocationMinY0=109, RegionLocationMaxY1=10)
    )
    assert (turned.rows, turned.columns) == (slice(10, 110), slice(20, 220))
    assert found(region(RegionLocationMaxY1=900)).rows == slice(10, 480)
    assert found(region(RegionLocationMaxY1=1000)) is None, "less than half of it lies in the frame"
    assert found(region(RegionLocationMaxX1=700)).columns == slice(20, 640)
    assert found(region(RegionLocationMinX0=630, RegionLocationMaxX1=900)) is None
    assert found(region(RegionDataType=2)) is None
    assert np.isnan(found(region(PhysicalUnitsXDirection=4)).spacing_mm[1])
    assert found() is None


def regions_found(*items):
    header = pydicom.Dataset()
    header.SequenceOfUltrasoundRegions = list(items)
    return tissue_regions(header, (480, 640))


def test_regions_that_overlap_are_one_picture_and_others_are_two():
    right = region(RegionLocationMinX0=300, RegionLocationMaxX1=400)
    regions = regions_found(region(), region(RegionLocationMinX0=25), right)
    assert [found.columns.start for found in regions] == [25, 300]


def test_of_regions_that_overlap_the_one_with_a_known_pixel_size_counts():
    """A whole screen without a usable size, as some scanners list it first, and a smaller region without one."""
    screen = {
        "RegionLocationMinX0": 0,
        "RegionLocationMaxX1": 639,
        "RegionLocationMinY0": 0,
        "RegionLocationMaxY1": 479,
    }
    unknown = region(PhysicalUnitsXDirection=0, PhysicalUnitsYDirection=0, PhysicalDeltaX=0, PhysicalDeltaY=0, **screen)
    too_large = region(PhysicalDeltaX=1.0, PhysicalDeltaY=1.0, **screen)
    part = region(PhysicalUnitsXDirection=0, RegionLocationMaxX1=119)
    for items in ((unknown, region()), (too_large, region()), (region(), part), (part, region(**screen), region())):
        (only,) = regions_found(*items)
        assert (only.columns, only.spacing_mm) == (slice(20, 220), (0.5, 0.5))


def test_a_screen_that_holds_two_regions_is_a_dual_view(tmp_path):
    screen = header(1).SequenceOfUltrasoundRegions[0]
    left, right = copy.deepcopy(screen), copy.deepcopy(screen)
    left.RegionLocationMaxX1, right.RegionLocationMinX0 = WIDTH // 2 - 1, WIDTH // 2
    with pytest.raises(Reject, match="found 2 side by side"):
        read(write_gray(tmp_path / "a.dcm", SequenceOfUltrasoundRegions=[screen, left, right]))


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        (["0.4", "0.8"], (0.4, 0.8)),
        (["0.0004", "0.0008"], (np.nan, np.nan)),  # in metres
        (["40", "80"], (np.nan, np.nan)),
        (["0.4"], (np.nan, np.nan)),
        (["-0.4", "0.8"], (np.nan, np.nan)),
        (None, (np.nan, np.nan)),
    ],
)
def test_without_regions_pixel_spacing_is_row_and_column(tmp_path, spacing, expected):
    path = write_gray(tmp_path / "a.dcm", PixelSpacing=spacing, SequenceOfUltrasoundRegions=None)
    np.testing.assert_array_equal(read(path).spacing_mm, expected)


def test_regions_go_before_pixel_spacing(tmp_path):
    assert read(write_gray(tmp_path / "a.dcm", PixelSpacing=["0.4", "0.4"])).spacing_mm == (0.8, 0.8)
    elsewhere = header(1).SequenceOfUltrasoundRegions
    elsewhere[0].RegionLocationMinX0, elsewhere[0].RegionLocationMaxX1 = 600, 900
    path = write_gray(tmp_path / "a.dcm", PixelSpacing=["0.4", "0.4"], SequenceOfUltrasoundRegions=elsewhere)
    assert np.isnan(read(path).spacing_mm).all(), "tags of another picture"


def test_of_two_pictures_side_by_side_the_labelled_one_is_read(tmp_path):
    single = cine(3)
    both = np.concatenate([single, single], axis=2)
    tags = header(1).SequenceOfUltrasoundRegions[0]
    second = copy.deepcopy(tags)
    second.RegionLocationMinX0, second.RegionLocationMaxX1 = WIDTH, 2 * WIDTH - 1
    path = write_gray(tmp_path / "a.dcm", both, Columns=2 * WIDTH, SequenceOfUltrasoundRegions=[tags, second])
    with pytest.raises(Reject, match=r"found 2 side by side \(a dual or biplane view\)"):
        read(path)
    labels = np.zeros(both.shape[1:], np.uint8)
    labels[:, WIDTH:] = heart(HEIGHT, WIDTH)
    cv2.imwrite(str(tmp_path / "a_gt.png"), labels)
    reader = DicomReader(DicomDataset(format="dicom", folder=tmp_path))
    frame = reader.read(next(reader.find(tmp_path)))
    assert frame.sector[:, WIDTH + 10 :].any() and not frame.sector[:, : WIDTH - 10].any()


def test_neighbours_that_share_a_column_are_two_pictures(tmp_path):
    """Some scanners write the first column of the right picture as the last one of the left."""
    left = header(1).SequenceOfUltrasoundRegions[0]
    right = copy.deepcopy(left)
    left.RegionLocationMaxX1 = right.RegionLocationMinX0 = WIDTH
    right.RegionLocationMaxX1 = 2 * WIDTH
    both = np.concatenate([cine(3)] * 2, axis=2)
    with pytest.raises(Reject, match="found 2 side by side"):
        read(write_gray(tmp_path / "a.dcm", both, Columns=2 * WIDTH, SequenceOfUltrasoundRegions=[left, right]))


def test_a_pixel_size_is_that_of_a_picture_of_5_to_400_mm():
    tissue = np.zeros((30, 140), bool)
    tissue[5:15, 20:120] = True  # 10 x 100
    assert plausible_mm((0.5, 4.0), tissue) == (0.5, 4.0)
    np.testing.assert_array_equal(plausible_mm((40.1, 0.05), tissue), (np.nan, 0.05))
    np.testing.assert_array_equal(plausible_mm((0.49, 4.01), tissue), (np.nan, np.nan))
    narrow = region(RegionLocationMaxX1=29, PhysicalDeltaX=0.05, PhysicalDeltaY=0.4)  # 10 columns, 100 rows
    assert found(narrow).spacing_mm == (4.0, 0.5)


@pytest.mark.parametrize("factor", [0.01, 10])
def test_a_pixel_size_in_another_unit_than_it_says_is_unknown(factor):
    """Metres or millimetres where the tags say centimetres: pictures of a millimetre, or of a metre."""
    assert np.isnan(found(region(PhysicalDeltaX=0.05 * factor, PhysicalDeltaY=0.05 * factor)).spacing_mm).all()


def test_a_picture_of_air_is_refused(tmp_path):
    frames = cine(3)
    frames[:, 3 * HEIGHT // 10 :] = 0
    with pytest.raises(Reject, match="echoes in [0-9]% of it alone, as with a probe in the air"):
        read(write_gray(tmp_path / "a.dcm", frames))


def test_times_follow_the_pointer():
    header = pydicom.Dataset()
    header.FrameTime, header.FrameTimeVector, header.HeartRate = "40", ["5", "30", "30"], "0"
    header.FrameIncrementPointer = 0x00181065
    assert frame_times_ms(header, 3).tolist() == [0, 30, 60]
    header.FrameIncrementPointer = 0x00181063
    assert frame_times_ms(header, 3).tolist() == [0, 40, 80]
    assert np.isnan(heart_rate_bpm(header)) and len(r_wave_times_ms(header)) == 0


def no_times(**tags) -> dict:
    return {"FrameTime": None, "FrameIncrementPointer": None, "RWaveTimeVector": [100.0], **tags}


@pytest.mark.parametrize(
    ("tags", "frame", "rate"),
    [
        (no_times(CineRate="40"), 4, 40),
        (no_times(RecommendedDisplayFrameRate="40"), 4, 40),
        (no_times(CineRate="40", RecommendedDisplayFrameRate="20"), 4, 40),
        (no_times(CineRate="0", RecommendedDisplayFrameRate="30"), 3, 30),
        (no_times(FrameTimeVector=["25"] * 5, FrameIncrementPointer=0x00181065), 4, 40),
        (no_times(FrameTimeVector=["50", "50", "25", "25", "25"], CineRate="40"), 2, 1000 * 5 / 175),
        ({"FrameTime": "50", "CineRate": "40", "RWaveTimeVector": [100.0]}, 2, 20),
        ({"FrameTime": "50", "FrameTimeVector": ["25"] * 5, "RWaveTimeVector": [100.0]}, 2, 20),
    ],
)
def test_r_waves_need_frame_times_of_any_kind(tmp_path, tags, frame, rate):
    found = read(write_gray(tmp_path / "a.dcm", **tags))
    assert (found.ed_rule, found.ed_frame) == ("r_wave", frame) and found.ed_confidence > 0.6
    assert found.details["frame_rate_hz"] == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("tags", [{"FrameTimeVector": ["25"] * 4}, {"CineRate": None}, {"FrameTimeVector": ["0"] * 5}])
def test_without_frame_times_r_waves_say_nothing(tmp_path, tags):
    assert read(write_gray(tmp_path / "a.dcm", **no_times(**tags))).ed_rule != "r_wave"


def test_real_cines(sample_data):
    acuson = read(sample_data / "dicom" / "acuson_a4c_frametimevector.dcm")
    assert acuson.frames == 65 and acuson.image.shape == (456, 576)
    assert acuson.spacing_mm[0] == pytest.approx(0.5248, abs=1e-3)
    assert 0.2 < acuson.sector.mean() < 0.5
    assert not acuson.sector[:30].any(), "the line of text above the sector"
    with pytest.raises(Reject, match="JPEG XL"):
        read(sample_data / "dicom" / "e95_jpegxl_undecodable.dcm")
    with pytest.raises(Reject, match="in colour"):
        read(sample_data / "dicom" / "palette_rle_plax_doppler.dcm")
