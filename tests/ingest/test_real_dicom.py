"""Real ultrasound files: those of the sample folder, and all of pydicom and pydicom-data."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from echodiff.config.datasets import DicomDataset
from echodiff.config.image import Image
from echodiff.ingest.case import CaseReference, Reject
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.frame import fit_frame
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames

READER = DicomReader(DicomDataset(format="dicom", folder="x", labels="none"))
SONOSITE = Path(get_testdata_file("examples_ybr_color.dcm"))


def read(path: Path):
    return READER.read(CaseReference("case", "patient", {"image": path}))


def frames_of(path: Path) -> np.ndarray:
    return gray_frames(path, read_header(path))


@pytest.fixture(scope="module")
def acuson(sample_data) -> Path:
    return sample_data / "dicom" / "acuson_a4c_frametimevector.dcm"


def unmoved(frames: np.ndarray) -> np.ndarray:
    """Where text, rulers and bars are drawn: bright in every frame, and never changing."""
    return (frames.min(axis=0) > 60) & (np.ptp(frames, axis=0) <= 8)


def check_only_the_sector_is_left(path: Path) -> None:
    frames, frame = frames_of(path), read(path)
    drawn = unmoved(frames)
    assert drawn.sum() > 100
    assert (frame.sector & drawn).sum() < 0.02 * drawn.sum()
    moving = np.ptp(frames, axis=0) > 60
    inside = np.zeros_like(moving)
    inside[60:-60, 60:-60] = True  # an ECG's cursor and a clock move at the rim of the screen
    assert (frame.sector & moving & inside).sum() > 0.99 * (moving & inside).sum()
    fitted = fit_frame(frame, Image().size, "stretch")
    assert not fitted.image[fitted.sector == 0].any()
    assert 0.5 < fitted.sector.mean() < 0.7


def test_of_the_apical_cines_only_the_sector_is_left(acuson):
    check_only_the_sector_is_left(acuson)


def test_of_an_apical_cine_with_wrong_tags_only_the_sector_is_left():
    check_only_the_sector_is_left(SONOSITE)
    frame = read(SONOSITE)
    assert frame.details["sector_source"] == "pixels" and np.isnan(frame.spacing_mm).all()


def test_ed_of_the_acuson_cine_is_at_the_r_peak(acuson):
    """The cursor under the drawn ECG reaches the first R peak at frame 7 of 65, and there the mitral valve closes.

    There are no R wave times. The picture alone says 9, two frames later.
    """
    frame = read(acuson)
    assert (frame.ed_frame, frame.ed_rule, frame.frames) == (7, "ecg", 65) and frame.ed_confidence > 0.7
    assert abs(by_self_similarity(frames_of(acuson), frame.sector).frame - 7) <= 3
    assert frame.details["heart_rate_bpm"] == 61
    assert frame.spacing_mm == pytest.approx((0.5248, 0.5248), abs=1e-4)  # a negative delta in the tags


def test_ed_of_a_cine_without_ecg_is_by_the_picture():
    frame = read(SONOSITE)
    assert frame.ed_rule == "self_similarity" and 0.4 < frame.ed_confidence < 0.9


def test_what_cannot_be_used_says_why(sample_data):
    with pytest.raises(Reject, match="found JPEG XL JPEG Recompression; export the study again"):
        read(sample_data / "dicom" / "e95_jpegxl_undecodable.dcm")
    with pytest.raises(Reject, match=r"found \d+% of the sector in colour \(Doppler\?\)"):
        read(sample_data / "dicom" / "palette_rle_plax_doppler.dcm")


def test_a_linear_probe_keeps_its_rectangle(sample_data):
    frame = read(sample_data / "dicom" / "ybr_full_rle_thyroid.dcm")
    rows, columns = np.nonzero(frame.sector)
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert frame.sector.sum() > 0.98 * box and (frame.ed_rule, frame.frames) == ("still", 1)


def test_every_ultrasound_file_of_pydicom_data_is_read_or_rejected():
    package = importlib.util.find_spec("data_store")
    if package is None or package.origin is None:
        pytest.skip("real files: install pydicom-data")
    kept, reasons = 0, []
    for path in sorted(Path(package.origin).parent.rglob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if pydicom.dcmread(path, stop_before_pixels=True, force=True).get("Modality") != "US":
                continue
        try:
            frame = read(path)
        except Reject as reason:
            reasons.append(str(reason))
            continue
        kept += 1
        assert frame.image.shape == frame.sector.shape and frame.sector.any() and not frame.mask.any()
    assert kept + len(reasons) >= 15 and kept >= 5
    assert all(reason.startswith("expected ") and "found" in reason for reason in reasons)
