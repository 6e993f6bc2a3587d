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
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

PREAMBLE = 128  # bytes before "DICM"
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
        return _has_preamble(path) or (is_bare(path) and _names_a_class(path))
    except OSError:
        return False


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
    return not _has_preamble(path) and _begins_with_an_element(path)


def lacks_transfer_syntax(path: Path) -> bool:
    """Whether a DICOM file does not say how it is written, so that pixels have to be read by way of `open_dicom`."""
    return is_bare(path) or "TransferSyntaxUID" not in read_file_meta_info(path)


def _has_preamble(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(PREAMBLE)
        return file.read(4) == b"DICM"


def _begins_with_an_element(path: Path) -> bool:
    """Whether the first bytes are an element of the groups that a data set begins with."""
    with open(path, "rb") as file:
        first = file.read(8)
    if len(first) < 8:
        return False
    group, _, length = struct.unpack("<HHI", first)
    explicit = first[4:6].isalpha() and first[4:6].isupper()
    return group in FIRST_GROUPS and (explicit or length <= LONGEST_FIRST)


def _names_a_class(path: Path) -> bool:
    try:
        header = open_dicom(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        return str(header.get("SOPClassUID") or "").startswith(CLASSES)
    except Exception:  # other files fail in every way that Python knows
        return False
