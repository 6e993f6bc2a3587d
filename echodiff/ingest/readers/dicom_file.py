"""A DICOM file, found by its content and opened, with its file meta information or without.

A file begins with 128 bytes and "DICM" (PS3.10 7.1). Some archives store the bare data set: it is uncompressed, and
how it is written (implicit or explicit VR) shows in its first element (PS3.5 7.1).
"""

import struct
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

PREAMBLE = 128  # bytes before MAGIC
MAGIC = b"DICM"
HEAD = struct.Struct("<HHI")  # group, element and length of an element with implicit VR
SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
DIRECTORY = "DICOMDIR"  # the index of a medium (PS3.10 8.6), no image
FIRST_GROUPS = (0x0002, 0x0008)  # that a data set without the 128 bytes begins with
LONGEST_FIRST = 1024  # bytes of its first element: a length, a character set, a UID
CLASSES = "1.2.840.10008."  # what all SOP classes begin with (PS3.6 A)


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its content, or is named so and is no `._` note of macOS."""
    if path.name.upper() == DIRECTORY or path.name.startswith("._"):
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        first = _first_bytes(path)
    except OSError:
        return False
    return _has_preamble(first) or (_begins_with_an_element(first) and _names_a_class(path))


def open_dicom(path: Path, **options: Any) -> Dataset:
    """The data set of a file, of a bare one too; where the transfer syntax is missing, that of its first element.

    Args:
        options: of `pydicom.dcmread`.

    Raises:
        InvalidDicomError: another kind of file; pydicom raises many more where one is damaged.
    """
    dataset = pydicom.dcmread(path, force=is_bare(path), **options)
    implicit, little_endian = dataset.original_encoding
    if "TransferSyntaxUID" not in dataset.file_meta and little_endian:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset


def is_bare(path: Path) -> bool:
    """Whether a file is a data set without the 128 bytes and "DICM" before it.

    Raises:
        OSError: the file cannot be read.
    """
    first = _first_bytes(path)
    return not _has_preamble(first) and _begins_with_an_element(first)


def pixel_source(path: Path, header: Dataset) -> Path | Dataset:
    """What pydicom decodes pixels from: the file, one frame after the other, or the whole data set if it cannot do so.

    In the file it needs a transfer syntax, and of a deflated one (PS3.5 A.5) it looks for pixels at the places that
    they have once they are inflated.

    Args:
        header: of the file, by `open_dicom`.
    """
    deflated = header.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    return open_dicom(path) if deflated or lacks_transfer_syntax(path) else path


def lacks_transfer_syntax(path: Path) -> bool:
    """Whether a DICOM file does not say how it is written."""
    return is_bare(path) or "TransferSyntaxUID" not in read_file_meta_info(path)


def _first_bytes(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(PREAMBLE + len(MAGIC))


def _has_preamble(first: bytes) -> bool:
    return first[PREAMBLE:] == MAGIC


def _begins_with_an_element(first: bytes) -> bool:
    """Whether the first bytes are an element of the groups that a data set begins with."""
    if len(first) < HEAD.size:
        return False
    group, _, length = HEAD.unpack_from(first)
    explicit = first[4:6].isalpha() and first[4:6].isupper()
    return group in FIRST_GROUPS and (explicit or length <= LONGEST_FIRST)


def _names_a_class(path: Path) -> bool:
    try:
        header = open_dicom(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        return str(header.get("SOPClassUID") or "").startswith(CLASSES)
    except Exception:  # other files fail in every way that Python knows
        return False
