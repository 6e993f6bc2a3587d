"""The same picture in every photometric interpretation and transfer syntax; colour that is and is not in the way."""

import functools

import cv2
import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG4HP41, RLELossless

from echodiff.config.datasets import DicomDataset
from echodiff.ingest.case import CaseReference, Reject
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import colour_frame, gray_frames

from .dicom_files import (
    cine,
    colour,
    header,
    jpeg_stream,
    save,
    write_big_endian,
    write_by_gdcm,
    write_colour,
    write_deflated,
    write_gray,
    write_jpeg,
    write_jpeg_2000,
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


PATCH = (slice(60, 80), slice(100, 120))
YCBCR = {
    "JFIF": {},
    "JFIF and Adobe": {"adobe": 1},
    "Adobe": {"jfif": False, "adobe": 1},
    "no marker": {"jfif": False},
}
RGB = {"Adobe, not transformed": {"jfif": False, "adobe": 0, "rgb": True}, "R, G, B": {"jfif": False, "rgb": True}}


def with_a_patch() -> np.ndarray:
    """The frames in colour (F, H, W, 3), orange in PATCH."""
    rgb = colour(FRAMES)
    rgb[:, *PATCH] = (255, 160, 0)
    return rgb


def check_colours(path, rgb, tolerance: int = 25) -> None:
    """Gray is the luminance of `rgb` in every frame, and colour is its colour."""
    header = read_header(path)
    luminance = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in rgb])
    assert np.abs(gray_frames(path, header).astype(int) - luminance).max() <= tolerance
    last = colour_frame(path, header, len(rgb) - 1)
    assert np.abs(last[PATCH][4:-4, 4:-4].astype(int) - rgb[-1][PATCH][4:-4, 4:-4]).max() <= 8
    assert np.abs(last[20:50].astype(int) - rgb[-1][20:50]).max() <= tolerance


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("name", [*YCBCR, *RGB])
def test_a_jpeg_stream_tells_its_colours_whatever_the_header_says(tmp_path, name, photometric):
    stream = functools.partial(jpeg_stream, **{**YCBCR, **RGB}[name])
    check_colours(write_jpeg(tmp_path / "a.dcm", with_a_patch(), photometric, stream=stream), with_a_patch())


def test_of_a_jpeg_stream_that_tells_no_colours_the_header_does(tmp_path):
    """RGB without a marker, under the identifiers of YCbCr."""

    def stream(frame: np.ndarray) -> bytes:
        content = jpeg_stream(frame, jfif=False, rgb=True)
        for marker, first, step in ((b"\xff\xc0", 10, 3), (b"\xff\xda", 5, 2)):
            at = content.index(marker) + first
            for place, old in enumerate(b"RGB"):
                assert content[at + step * place] == old
                content = content[: at + step * place] + bytes([place + 1]) + content[at + step * place + 1 :]
        return content

    check_colours(write_jpeg(tmp_path / "a.dcm", with_a_patch(), "RGB", stream=stream), with_a_patch())


@pytest.mark.parametrize("syntax", ["JPEGBaselineProcess1", "JPEGLosslessProcess14_1"])
def test_colour_that_gdcm_compressed(tmp_path, syntax):
    path = write_by_gdcm(tmp_path / "a.dcm", with_a_patch(), getattr(gdcm.TransferSyntax, syntax))
    assert read_header(path).PhotometricInterpretation == "RGB"
    check_colours(path, with_a_patch())


def test_compressed_colour_is_by_pixel_whatever_the_planar_configuration_says(tmp_path):
    rgb = with_a_patch()
    check_colours(write_jpeg(tmp_path / "baseline.dcm", rgb, planar=1), rgb)
    check_colours(write_jpeg_2000(tmp_path / "j2k.dcm", rgb, planar=1), rgb, 0)
    lossless = write_by_gdcm(tmp_path / "lossless.dcm", rgb, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    dataset = pydicom.dcmread(lossless)
    dataset.PlanarConfiguration = 1
    check_colours(save(dataset, lossless), rgb, 0)


def test_rle_is_by_plane(tmp_path):
    rgb = with_a_patch()
    dataset = pydicom.dcmread(write_colour(tmp_path / "a.dcm", rgb))
    dataset.compress(RLELossless)
    for planar in (0, 1):
        dataset.PlanarConfiguration = planar
        check_colours(save(dataset, tmp_path / "a.dcm"), rgb, 0)


def test_a_jpeg_stream_of_another_size_or_of_gray_is_rejected(tmp_path):
    path = tmp_path / "a.dcm"
    with pytest.raises(Reject, match="expected frames of 220 x 180 in three .* found 220 x 90 in 3 in the JPEG stream"):
        read(write_jpeg(path, with_a_patch()[:, ::2]))

    def gray(frame: np.ndarray) -> bytes:
        return cv2.imencode(".jpg", frame[..., 0])[1].tobytes()

    with pytest.raises(Reject, match="found 220 x 180 in 1 in the JPEG stream"):
        read(write_jpeg(path, with_a_patch(), stream=gray))


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
    frame = read(write_colour(tmp_path / "a.dcm", sepia))
    luminance = cv2.cvtColor(sepia[frame.ed_frame], cv2.COLOR_RGB2GRAY)
    assert np.abs(frame.image.astype(int) - luminance).max() <= 1, "nothing of it is painted over"


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
