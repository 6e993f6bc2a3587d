"""Real ultrasound files: those of the sample folder, and all of pydicom and pydicom-data."""

import importlib.util
import warnings
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from echodiff.config.datasets import DicomDataset
from echodiff.config.image import Image
from echodiff.ingest.case import CaseReference, Reject
from echodiff.ingest.ed.base_descent import base_descent
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.frame import fit_frame
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.dicom_file import is_dicom
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames

READER = DicomReader(DicomDataset(format="dicom", folder="x", labels="none"))
SPECK = 12  # pixels; a smaller spot that never changes may be tissue below the probe, a letter or a ruler is larger


def package_files(package: str) -> list[Path]:
    """All files of an installed package that are DICOM by their first bytes."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"real files: install {package}")
    paths = sorted(path for path in Path(found.origin).parent.rglob("*") if path.is_file())
    return [path for path in paths if path.suffix != ".zip" and is_dicom(path)]


def sonosite() -> Path:
    """An apical cine of 30 frames, half the size that its tags speak of."""
    return Path(get_testdata_file("examples_ybr_color.dcm"))


def sonosite_whole() -> Path:
    """The same examination: 120 frames at full size, of which those 30 are the first."""
    return next(path for path in package_files("data_store") if path.name == "color3d_jpeg_baseline.dcm")


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
    """All that is drawn is gone to the last pixel, all that moves is kept, and no pixel outside is other than black."""
    frames, frame = frames_of(path), read(path)
    drawn = unmoved(frames)
    assert drawn.sum() > 900
    count, parts = cv2.connectedComponents(cv2.dilate(drawn.astype(np.uint8), np.ones((3, 5), np.uint8)))
    sizes = np.bincount(parts[drawn], minlength=count)
    written = np.isin(parts, np.flatnonzero(sizes > SPECK)) & drawn
    assert (sizes > SPECK).sum() > 15 and written.sum() > 0.9 * drawn.sum()
    assert not (frame.sector & written).any()
    moving = np.ptp(frames, axis=0) > 60
    inside = np.zeros_like(moving)
    inside[60:-60, 60:-60] = True  # an ECG's cursor and a clock move at the rim of the screen
    assert (frame.sector & moving & inside).sum() > 0.99 * (moving & inside).sum()
    for fit in ("stretch", "pad"):
        fitted = fit_frame(frame, Image().size, fit)
        assert not fitted.image[fitted.sector == 0].any() and not fitted.mask.any()
    assert 0.3 < fitted.sector.mean() < 0.7


def test_of_the_acuson_cine_only_the_sector_is_left(acuson):
    check_only_the_sector_is_left(acuson)


@pytest.mark.parametrize("path", [sonosite, sonosite_whole])
def test_of_the_sonosite_cine_only_the_sector_is_left(path):
    check_only_the_sector_is_left(path())


def test_tags_that_fit_nothing_are_left_aside():
    frame = read(sonosite())
    assert frame.details["sector_source"] == "pixels" and np.isnan(frame.spacing_mm).all()
    assert read(sonosite_whole()).spacing_mm == pytest.approx((0.5105, 0.5105), abs=1e-4)


def test_ed_of_the_acuson_cine_is_at_the_r_peak(acuson):
    """The cursor under the drawn ECG reaches the first R peak at frame 7 of 65, and there the mitral valve closes.

    There are no R wave times. The base is lowest in the frames 6 to 9, and the picture alone says 9.
    """
    frame = read(acuson)
    assert (frame.ed_frame, frame.ed_rule, frame.frames) == (7, "ecg", 65) and frame.ed_confidence > 0.7
    assert abs(by_self_similarity(Cine(frames_of(acuson), frame.sector)).frame - 7) <= 2
    descent = base_descent(frames_of(acuson), frame.sector)[:30]
    assert 6 <= int(descent.argmax()) <= 9
    assert frame.details["heart_rate_bpm"] == 61
    assert frame.spacing_mm == pytest.approx((0.5248, 0.5248), abs=1e-4)  # a negative delta in the tags


@pytest.mark.parametrize("path", [sonosite, sonosite_whole])
def test_ed_of_a_cine_without_ecg_is_where_the_mitral_valve_closes(path):
    """No ECG, no heart rate. Seen in the frames: the valve is shut in 0 to 6 with a large atrium, parts at 7, and shuts
    again at 22, when the annulus is lowest and the atrium smallest; it parts once more at 34. So 0 to 6 end a systole,
    7 to 21 are diastole, and 22 is end-diastole. The brightness of the picture's middle says 6, the end of systole.
    """
    frame = read(path())
    assert frame.ed_rule == "self_similarity" and abs(frame.ed_frame - 22) <= 1
    assert 0.2 < frame.ed_confidence < 0.6, "less sure than where both measures agree"
    descent = base_descent(frames_of(path()), frame.sector)
    assert 20 <= int(descent[:30].argmax()) <= 22 and descent[0:7].max() < descent[8:22].mean()


def test_what_cannot_be_used_says_why(sample_data):
    with pytest.raises(Reject, match="found JPEG XL JPEG Recompression; export the study again"):
        read(sample_data / "dicom" / "e95_jpegxl_undecodable.dcm")
    with pytest.raises(Reject, match=r"found \d+% of the sector in colour, as of colour or power Doppler"):
        read(sample_data / "dicom" / "palette_rle_plax_doppler.dcm")


def test_a_linear_probe_keeps_its_rectangle(sample_data):
    frame = read(sample_data / "dicom" / "ybr_full_rle_thyroid.dcm")
    rows, columns = np.nonzero(frame.sector)
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert frame.sector.sum() > 0.98 * box and (frame.ed_rule, frame.frames) == ("still", 1)


REASONS = {
    "OBXXXX1A": "echoes in [0-9]% of it alone, as with a probe in the air",
    "examples_palette": "echoes in [0-9]% of it alone, as with a probe in the air",
    "US1_": r"found \d+% of the sector in colour",
    "color-p": r"found \d+% of the sector in colour",
    "examples_rgb_color": r"found \d+% of the sector in colour",
    "examples_jpeg2k": r"found \d+% of the sector in colour",
    "ExplVR_BigEnd": r"found \d+% of the sector in colour",
    "gdcm-US-ALOKA": r"found 2 side by side \(a dual or biplane view\)",
}
KEPT = {"examples_ybr_color", "color3d_jpeg_baseline", "JPGLosslessP14SV1_1s_1f_8b"}


@pytest.mark.parametrize(("package", "least"), [("pydicom", 5), ("data_store", 15)])
def test_every_ultrasound_file_of_the_packages_is_kept_or_rejected_for_its_reason(package, least):
    seen = 0
    for path in package_files(package):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                modality = pydicom.dcmread(path, stop_before_pixels=True, force=True).get("Modality")
            except Exception:
                continue  # pydicom's examples of damage
        if modality != "US":
            continue
        seen += 1
        match = next((reason for name, reason in REASONS.items() if path.name.startswith(name)), None)
        if match is None:
            frame = read(path)
            assert path.stem in KEPT, path.name
            assert frame.image.shape == frame.sector.shape and frame.sector.any() and not frame.mask.any()
        else:
            with pytest.raises(Reject, match=f"^expected .*{match}"):
                read(path)
    assert seen >= least


def test_files_of_other_modalities_say_which():
    reasons = []
    for path in package_files("pydicom"):
        try:
            reasons.append(None if read(path) else "")
        except Reject as reject:
            reasons.append(str(reject))
    refused = [reason for reason in reasons if reason]
    assert sum("modality CT" in reason for reason in refused) > 5 and "modality MR" in " ".join(refused)
    assert all(reason.startswith("expected ") and " found " in reason and len(reason) < 300 for reason in refused)
