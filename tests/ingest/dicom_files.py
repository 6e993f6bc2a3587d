"""Small ultrasound DICOM files with known pixels, for tests."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import gdcm
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    SegmentationStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from .conftest import plane

HEIGHT, WIDTH = 180, 220
PIXEL_CM = 0.08


def cine(frames: int = 6) -> np.ndarray:
    """Gray frames (F, H, W): a fan of speckle on black."""
    return np.stack([plane(HEIGHT, WIDTH, seed=seed).image for seed in range(frames)])


def header(frames: int, **tags) -> Dataset:
    """All that an ultrasound cine has besides pixels."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.Manufacturer, dataset.ManufacturerModelName = "US", "Maker", "Model 1"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "PID-77"
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = HEIGHT, WIDTH, frames
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 7, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.FrameTime, dataset.FrameIncrementPointer = "40", 0x00181063
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType = 1, 1
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = WIDTH - 1, HEIGHT - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = PIXEL_CM
    dataset.SequenceOfUltrasoundRegions = [region]
    for key, value in tags.items():
        setattr(dataset, key, value)
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_gray(path: Path, frames: np.ndarray | None = None, **tags) -> Path:
    frames = cine() if frames is None else frames
    dataset = header(len(frames), **tags)
    dataset.PixelData = frames.tobytes()
    return save(dataset, path)


def colour(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames[..., None], 3, axis=-1)


def write_colour(path: Path, rgb: np.ndarray, photometric: str = "RGB", planar: int = 0) -> Path:
    """RGB frames (F, H, W, 3) uncompressed, in RGB or YBR_FULL, by pixel or by plane."""
    dataset = header(len(rgb), SamplesPerPixel=3, PhotometricInterpretation=photometric, PlanarConfiguration=planar)
    if photometric == "YBR_FULL":
        rgb = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]] for frame in rgb])
    dataset.PixelData = (np.moveaxis(rgb, -1, 1) if planar else rgb).tobytes()
    return save(dataset, path)


def jpeg_stream(frame: np.ndarray, *, rgb: bool = False, jfif: bool = True, adobe: int | None = None) -> bytes:
    """JPEG baseline of a frame (H, W, 3), in YCbCr or as `rgb`, with a JFIF marker or an Adobe one (its transform)."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=95, **({"keep_rgb": True} if rgb else {"subsampling": "4:2:2"}))
    rest = buffer.getvalue()[2:]
    while rest[:2] in (b"\xff\xe0", b"\xff\xee"):  # the markers that Pillow writes
        rest = rest[2 + int.from_bytes(rest[2:4], "big") :]
    markers = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" if jfif else b""
    markers += b"" if adobe is None else b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([adobe])
    return b"\xff\xd8" + markers + rest


def write_jpeg(
    path: Path,
    rgb: np.ndarray,
    photometric: str = "YBR_FULL_422",
    planar: int = 0,
    stream: Callable[[np.ndarray], bytes] = jpeg_stream,
) -> Path:
    """RGB frames (F, H, W, 3) as JPEG baseline by `stream`, under a header that may say otherwise."""
    return write_streams(path, [stream(frame) for frame in rgb], JPEGBaseline8Bit, photometric, planar)


def write_jpeg_2000(path: Path, rgb: np.ndarray, planar: int = 0) -> Path:
    streams = []
    for frame in rgb:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG2000", no_jp2=True)
        streams.append(buffer.getvalue())
    return write_streams(path, streams, JPEG2000Lossless, "YBR_RCT", planar)


def write_streams(path: Path, streams: list[bytes], syntax: UID, photometric: str, planar: int) -> Path:
    """Colour frames that are compressed already."""
    dataset = header(len(streams), SamplesPerPixel=3, PhotometricInterpretation=photometric, PlanarConfiguration=planar)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate(streams)
    dataset["PixelData"].is_undefined_length = True
    return save(dataset, path)


def write_by_gdcm(path: Path, rgb: np.ndarray, syntax: int) -> Path:
    """RGB frames (F, H, W, 3), compressed by GDCM; as JPEG baseline they are YCbCr then, and the header says RGB."""
    source = write_colour(path.with_suffix(".source"), rgb)
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(source))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return path


def write_rle(path: Path, frames: np.ndarray) -> Path:
    dataset = header(len(frames))
    dataset.PixelData = frames.tobytes()
    dataset.compress(RLELossless)
    return save(dataset, path)


def write_palette(path: Path, frames: np.ndarray, order: str = "<", scale: int = 257) -> Path:
    """Indices in reverse into tables of 16 bits, in either order of bytes; `scale` 1 for values of 8 bits."""
    dataset = header(len(frames), PhotometricInterpretation="PALETTE COLOR")
    table = (np.arange(255, -1, -1) * scale).astype(order + "u2").tobytes()
    for name in ("Red", "Green", "Blue"):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", table)
    pixels = (255 - frames).tobytes()
    if order == ">":  # words of 16 bits, two pixels each, are swapped (PS3.5 8.1.1)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        pixels = np.frombuffer(pixels, "<u2").byteswap().tobytes()
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OW"
    return save(dataset, path)


def write_big_endian(path: Path, frames: np.ndarray) -> Path:
    dataset = header(len(frames), BitsAllocated=16, BitsStored=12, HighBit=11)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = (frames.astype(np.uint32) * 4095 // 255).astype(">u2").tobytes()
    dataset["PixelData"].VR = "OW"
    return save(dataset, path)


def write_segmentation(
    path: Path, planes: dict[tuple[int, int | None], np.ndarray], syntax: UID = ExplicitVRLittleEndian, **tags
) -> Path:
    """Binary planes (H, W) by (segment, frame of the cine from 1 or None)."""
    dataset = header(len(planes), Modality="SEG", SOPClassUID=SegmentationStorage, SegmentationType="BINARY")
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.Rows, dataset.Columns = next(iter(planes.values())).shape
    groups = []
    for segment, frame in planes:
        group, identification = Dataset(), Dataset()
        identification.ReferencedSegmentNumber = segment
        group.SegmentIdentificationSequence = [identification]
        if frame is not None:
            derivation, source = Dataset(), Dataset()
            source.ReferencedFrameNumber = frame
            derivation.SourceImageSequence = [source]
            group.DerivationImageSequence = [derivation]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    bits = np.packbits(np.stack(list(planes.values())).astype(np.uint8).ravel(), bitorder="little").tobytes()
    dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    for key, value in tags.items():
        setattr(dataset, key, value)
    return save(dataset, path)


def write_jpeg_ls(path: Path, frames: np.ndarray) -> Path:
    dataset = header(len(frames))
    dataset.PixelData = frames.tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.compress(JPEGLSLossless)
    return save(dataset, path)


def write_deflated(path: Path, frames: np.ndarray) -> Path:
    dataset = header(len(frames))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.PixelData = frames.tobytes()
    return save(dataset, path)


def write_subsampled(path: Path, frames: np.ndarray) -> Path:
    """Gray as uncompressed YBR_FULL_422: two luminances, then a pair of colour differences (PS3.3 C.7.6.3.1.2)."""
    dataset = header(len(frames), SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="YBR_FULL_422")
    pairs = frames.reshape(*frames.shape[:2], -1, 2)
    dataset.PixelData = np.concatenate([pairs, np.full_like(pairs, 128)], axis=-1).tobytes()
    return save(dataset, path)
