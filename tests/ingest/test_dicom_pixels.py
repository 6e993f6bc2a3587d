"""The same picture in every photometric interpretation and transfer syntax; colour that is and is not in the way."""

import cv2
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG4HP41

from echodiff.config.datasets import DicomDataset
from echodiff.ingest.case import CaseReference, Reject
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames

from .dicom_files import (
    cine,
    colour,
    header,
    save,
    write_big_endian,
    write_colour,
    write_deflated,
    write_gray,
    write_jpeg,
    write_jpeg_ls,
    write_palette,
    write_rle,
    write_subsampled,
)

FRAMES = cine()
WRITERS = {
    "MONOCHROME2": (lambda path: write_gray(path, FRAMES), 0),
    "MONOCHROME1": (lambda path: write_gray(path, 255 - FRAMES, PhotometricInterpretation="MONOCHROME1"), 0),
    "RGB": (lambda path: write_colour(path, colour(FRAMES)), 0),
    "RGB by plane": (lambda path: write_colour(path, colour(FRAMES), planar=1), 0),
    "YBR_FULL": (lambda path: write_colour(path, colour(FRAMES), "YBR_FULL"), 1),
    "YBR_FULL by plane": (lambda path: write_colour(path, colour(FRAMES), "YBR_FULL", 1), 1),
    "YBR_FULL_422": (lambda path: write_subsampled(path, FRAMES), 0),
    "YBR_FULL_422, JPEG": (lambda path: write_jpeg(path, colour(FRAMES)), 25),
    "PALETTE COLOR, 16 bits": (lambda path: write_palette(path, FRAMES), 0),
    "PALETTE COLOR, big endian": (lambda path: write_palette(path, FRAMES, ">"), 0),
    "PALETTE COLOR, 8 bits as 16": (lambda path: write_palette(path, FRAMES, scale=1), 0),
    "12 bits, big endian": (lambda path: write_big_endian(path, FRAMES), 1),
    "RLE": (lambda path: write_rle(path, FRAMES), 0),
    "JPEG-LS": (lambda path: write_jpeg_ls(path, FRAMES), 0),
    "deflated": (lambda path: write_deflated(path, FRAMES), 0),
}
WITHOUT_LABELS = DicomReader(DicomDataset(format="dicom", folder="x", labels="none"))


def read(path):
    return WITHOUT_LABELS.read(CaseReference("case", "patient", {"image": path}))


@pytest.mark.parametrize("name", WRITERS)
def test_every_encoding_gives_the_same_gray(tmp_path, name):
    write, tolerance = WRITERS[name]
    path = write(tmp_path / "a.dcm")
    frames = gray_frames(path, read_header(path))
    assert frames.dtype == np.uint8
    assert np.abs(frames.astype(int) - FRAMES).max() <= tolerance
    frame = read(path)
    assert frame.image.shape == FRAMES.shape[1:] and frame.spacing_mm == (0.8, 0.8)
    assert frame.details["scanner"] == "Maker Model 1" and frame.details["frame_rate_hz"] == pytest.approx(25)


def test_number_of_frames_as_text_with_blanks(tmp_path):
    path = write_gray(tmp_path / "a.dcm", FRAMES)
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x08\x00IS") + 8
    path.write_bytes(content[: at - 2] + (4).to_bytes(2, "little") + b" 6  " + content[at + 2 :])
    assert gray_frames(path, read_header(path)).shape == FRAMES.shape


def test_gray_of_more_bits_is_seen_through_its_window(tmp_path):
    """8-bit values that were stored in 12 bits, shown by the window that makes 0 black and 255 white."""
    tags = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "WindowCenter": ["128", "2048"]}
    path = write_gray(tmp_path / "a.dcm", FRAMES.astype(np.uint16), WindowWidth=["256", "4096"], **tags)
    assert (gray_frames(path, read_header(path)) == FRAMES).all()
    tags |= {"WindowCenter": "1128", "RescaleIntercept": "1000", "RescaleSlope": "1"}
    path = write_gray(tmp_path / "b.dcm", FRAMES.astype(np.uint16), WindowWidth="256", **tags)
    assert (gray_frames(path, read_header(path)) == FRAMES).all()


def test_a_window_beside_eight_bits_is_a_viewers_own(tmp_path):
    path = write_gray(tmp_path / "a.dcm", FRAMES, WindowCenter="40", WindowWidth="80")
    assert (gray_frames(path, read_header(path)) == FRAMES).all()


@pytest.mark.parametrize(("count", "said"), [(None, "1 frame,"), (2, "2 frames,")])
def test_more_frames_than_the_header_counts_are_no_still(tmp_path, count, said):
    with pytest.raises(Reject, match=f"pixels of {said} as Number of Frames .* found those of 6; export"):
        read(write_gray(tmp_path / "a.dcm", FRAMES, NumberOfFrames=count))


def test_a_tinted_gray_scale_is_gray(tmp_path):
    sepia = np.clip(colour(FRAMES) * np.array([1.0, 0.85, 0.6]), 0, 255).astype(np.uint8)
    assert read(write_colour(tmp_path / "a.dcm", sepia)).image.any()


def test_doppler_is_refused_and_calipers_are_painted_over(tmp_path):
    doppler = colour(FRAMES)
    doppler[:, 80:130, 90:130] = (200, 30, 20)
    with pytest.raises(Reject, match="% of the sector in colour"):
        read(write_colour(tmp_path / "doppler.dcm", doppler))
    caliper = colour(FRAMES)
    for frame in caliper:
        cv2.line(frame, (95, 90), (125, 120), (250, 230, 20), 1)
    image = read(write_colour(tmp_path / "caliper.dcm", caliper)).image
    drawn = np.zeros(image.shape, np.uint8)
    cv2.line(drawn, (95, 90), (125, 120), 1, 1)
    assert image[drawn > 0].mean() < 0.6 * 220


def test_compressions_that_cannot_be_decoded_are_named(tmp_path):
    dataset = header(1)
    dataset.PixelData = encapsulate([bytes(64)])
    dataset.file_meta.TransferSyntaxUID = MPEG4HP41
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(Reject, match="found MPEG-4 AVC/H.264 .*; export"):
        read(save(dataset, tmp_path / "a.dcm"))


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NumberOfFrames": 0x7FFFFFF}, "fits into memory"),
        ({"Rows": 60000, "Columns": 60000}, "fits into memory"),
        ({"Modality": "CT"}, "found the modality CT"),
        ({"Modality": ""}, "found a header that names no modality"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.2"}, "found a 3D volume; put it"),
        ({"NumberOfFrames": 60}, "damaged, cut short or missing"),
        ({"BitsStored": None}, "found no BitsStored"),
    ],
)
def test_headers_that_lie_are_rejects(tmp_path, tags, reason):
    with pytest.raises(Reject, match=reason):
        read(write_gray(tmp_path / "a.dcm", FRAMES, **tags))
