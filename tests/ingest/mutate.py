"""Files of every format, damaged in every way: bits flipped, cut short, pieces and tags taken out, sizes lied about."""

import gzip
import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import PurePath

import numpy as np
import pydicom
from numpy.random import Generator

Mutation = Callable[[bytes, Generator], bytes]

HEAD = 4096  # bytes in which headers are
EXTREMES = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"\x00\x00\xff\xff")
WORDS = (
    "0",
    "-1",
    "-5",
    "7",
    "250",
    "65535",
    "1000000000",
    "99999999999999999999",
    "1e30",
    "nan",
    "inf",
    "",
    "x",
    "0.5",
)
PIXEL_TAGS = {
    "Rows": (0, 1, 3, 1000, 65535),
    "Columns": (0, 1, 3, 1000, 65535),
    "NumberOfFrames": ("0", "-1", "2", "99", "2147483647", ""),
    "BitsAllocated": (0, 1, 7, 12, 16, 32, 64),
    "BitsStored": (0, 1, 9, 16, 255),
    "SamplesPerPixel": (0, 1, 2, 3, 4, 65535),
    "PlanarConfiguration": (0, 1, 2),
    "PixelRepresentation": (0, 1, 3),
    "PhotometricInterpretation": ("RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR", "MONOCHROME1", "NONSENSE", ""),
}


def flipped(content: bytes, rng: Generator) -> bytes:
    """Some bits changed, half of the time in the first 2 kB."""
    data = bytearray(content)
    end = min(len(data), HEAD // 2) if rng.random() < 0.5 else len(data)
    for place in rng.integers(0, end, int(rng.integers(1, 30))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def cut(content: bytes, rng: Generator) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def spliced(content: bytes, rng: Generator) -> bytes:
    """A piece taken out: tags and lengths no longer fit what follows."""
    start = int(rng.integers(0, min(len(content), HEAD)))
    return content[:start] + content[start + int(rng.integers(1, 200)) :]


def exaggerated(content: bytes, rng: Generator) -> bytes:
    """Four bytes in a row set to a huge number, a negative one, or nought."""
    start = int(rng.integers(0, max(min(len(content) - 4, HEAD), 1)))
    return content[:start] + _any(EXTREMES, rng) + content[start + 4 :]


def lied_dicom(content: bytes, rng: Generator) -> bytes:
    """One or two of the attributes that describe the pixels, with other values."""
    dataset = _dicom(content)
    for name in rng.choice(list(PIXEL_TAGS), int(rng.integers(1, 3)), replace=False):
        setattr(dataset, str(name), _any(PIXEL_TAGS[name], rng))
    return _saved(dataset)


def stripped_dicom(content: bytes, rng: Generator) -> bytes:
    """Some elements taken out, at any depth of the sequences."""
    dataset = _dicom(content)
    places = list(_places(dataset))
    for number in rng.choice(len(places), min(int(rng.integers(1, 9)), len(places)), replace=False):
        parent, tag = places[number]
        if tag in parent:
            del parent[tag]
    return _saved(dataset)


def lied_nifti(content: bytes, rng: Generator) -> bytes:
    """Dimensions, type of the values, size of the pixels or place of the data, with other values."""
    data = bytearray(content)
    kind = int(rng.integers(5))
    if kind == 0:
        struct.pack_into("<h", data, 40, int(_any((0, 1, 2, 3, 4, 7, 8, -1, 32767), rng)))
    elif kind == 1:
        struct.pack_into("<h", data, 42 + 2 * int(rng.integers(4)), int(_any((0, -1, 1, 2000, 30000, 32767), rng)))
    elif kind == 2:
        struct.pack_into("<h", data, 70, int(_any((0, 1, 2, 4, 8, 16, 32, 64, 128, 512, 1792, 9999), rng)))
    elif kind == 3:
        size = float(_any((0.0, -1.0, np.nan, np.inf, 1e-30, 1e30), rng))
        struct.pack_into("<f", data, 76 + 4 * int(rng.integers(5)), size)
    else:
        struct.pack_into("<f", data, 108, float(_any((0.0, -352.0, 1e9, np.nan), rng)))
    return bytes(data)


def lied_text(content: bytes, rng: Generator) -> bytes:
    """Numbers of the text (a header's, a table's) replaced."""
    return _in_text(content, lambda head: _replaced(head, rb"-?\d+(\.\d+)?", rng))


def stripped_text(content: bytes, rng: Generator) -> bytes:
    """A line of the text taken out."""

    def shorter(head: bytes) -> bytes:
        lines = head.splitlines(keepends=True)
        del lines[int(rng.integers(len(lines)))]
        return b"".join(lines)

    return _in_text(content, shorter)


def swapped_word(content: bytes, rng: Generator) -> bytes:
    """A word of the text, such as a key's or an element's, in place of another one."""
    found = list(re.finditer(rb"\w+", content))
    first, second = (found[int(rng.integers(len(found)))] for _ in range(2))
    return content[: first.start()] + second[0] + content[first.end() :]


def lied_png(content: bytes, rng: Generator) -> bytes:
    """Another width, height, depth or kind of colour, with a checksum that fits."""
    data = bytearray(content)
    if rng.random() < 0.7:
        struct.pack_into(">I", data, 16 + 4 * int(rng.integers(2)), int(_any((0, 1, 30000, 2**20, 2**31 - 1), rng)))
    else:
        data[24 + int(rng.integers(2))] = int(_any((0, 1, 2, 3, 4, 6, 8, 16), rng))
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def lied_npy(content: bytes, rng: Generator) -> bytes:
    """A number of the header's shape or type replaced."""
    head, line_end, values = content.partition(b"\n")
    return _replaced(head, rb"\d+(?=[,')])", rng) + line_end + values


def lied_avi(content: bytes, rng: Generator) -> bytes:
    """A number of the headers of file, stream or format replaced."""
    data = bytearray(content)
    start = content.index(_any((b"avih", b"strh", b"strf"), rng)) + 8
    place = start + 4 * int(rng.integers(12))
    data[place : place + 4] = _any((*EXTREMES, b"\x00\x40\x00\x00", b"\x01\x00\x00\x00"), rng)
    return bytes(data)


def within_gzip(mutation: Mutation) -> Mutation:
    """The mutation of what was compressed, so that it gets past the checksum."""
    return lambda content, rng: gzip.compress(mutation(gzip.decompress(content), rng), 1, mtime=0)


GENERAL: tuple[Mutation, ...] = (flipped, cut, spliced, exaggerated)
BY_ENDING: dict[str, tuple[Mutation, ...]] = {
    ".dcm": (lied_dicom, stripped_dicom),
    ".nii": (lied_nifti,),
    ".gz": tuple(within_gzip(mutation) for mutation in (lied_nifti, lied_nifti, flipped, cut, exaggerated)),
    **dict.fromkeys((".mhd", ".mha", ".nrrd", ".csv", ".cfg"), (lied_text, lied_text, stripped_text)),
    **dict.fromkeys((".json", ".xml"), (lied_text, stripped_text, swapped_word)),
    ".png": (lied_png,),
    ".npy": (lied_npy, lied_npy),
    ".avi": (lied_avi,),
}


def mutations_of(name: str) -> tuple[Mutation, ...]:
    """All that can be done to a file of this name."""
    return (*GENERAL, *BY_ENDING.get(PurePath(name).suffix, ()))


def _any(values, rng: Generator):
    return values[int(rng.integers(len(values)))]


def _dicom(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def _saved(dataset: pydicom.Dataset) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The group that says how the rest is written is kept: without it nothing could be written.
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=False)
    return buffer.getvalue()


def _places(dataset: pydicom.Dataset):
    for element in dataset:
        yield dataset, element.tag
        if element.VR == "SQ":
            for item in element.value:
                yield from _places(item)


def _in_text(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the part before the pixels: all of it, or up to the line that says where they begin."""
    end = re.search(rb"ElementDataFile = LOCAL\n|\n\n", content)
    size = end.end() if end else len(content)
    return change(content[:size]) + content[size:]


def _replaced(text: bytes, pattern: bytes, rng: Generator) -> bytes:
    found = list(re.finditer(pattern, text))
    for match in sorted(rng.choice(len(found), min(int(rng.integers(1, 3)), len(found)), replace=False))[::-1]:
        start, end = found[match].span()
        text = text[:start] + _any(WORDS, rng).encode() + text[end:]
    return text
