"""What the headers of MetaImage and NRRD promise, looked at before a library believes it and reserves the memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from echodiff.ingest.case import Reject

META, NRRD = (".mhd", ".mha"), (".nrrd", ".nhdr")
LONGEST_HEADER = 2**16  # bytes; real ones have less than 2**11
DIMENSIONS = ("1", "2", "3", "4")  # up to 3D + t; MetaIO crashes on a few thousand, and on none
DEFLATE = 1032  # bytes that one compressed byte can stand for at most
INSIDE = ("LOCAL", "LIST")  # Element Data File that is no file's name


class Stored(NamedTuple):
    """Bytes of pixels that are there, and whether they are compressed."""

    size: int
    compressed: bool

    def hold(self, expected: int) -> bool:
        """Whether these bytes can be `expected` bytes of pixels."""
        return self.size * (DEFLATE if self.compressed else 1) >= expected


def stored(path: Path, what: str) -> Stored | None:
    """The pixels that a text header announces; None for formats without one, or where it is not said plainly.

    Raises:
        Reject: more dimensions than an image has, or a file of pixels that is not there.
    """
    name = path.name.lower()
    if not name.endswith((*META, *NRRD)):
        return None
    try:
        with open(path, "rb") as file:
            head = file.read(LONGEST_HEADER)
    except OSError:
        return None  # the library says what is wrong
    fields, length = _meta(head) if name.endswith(META) else _nrrd(head)
    dimensions = fields.get("ndims", fields.get("dimension"))
    if dimensions is not None and dimensions not in DIMENSIONS:
        raise Reject(f"{what}: expected an image of 2 to 4 dimensions, found {dimensions[:20] or 'none'}")
    return _pixels(path, fields, length, what)


def _meta(head: bytes) -> tuple[dict[str, str], int]:
    """Lines `Key = value` up to Element Data File, and where they end."""
    fields: dict[str, str] = {}
    place = 0
    for line in head.splitlines(keepends=True):
        key, _, value = line.decode("latin-1").partition("=")
        fields[key.strip().lower()] = value.strip()
        place += len(line)
        if "elementdatafile" in fields:
            break
    return fields, place


def _nrrd(head: bytes) -> tuple[dict[str, str], int]:
    """Lines `key: value` up to the empty one, and where they end."""
    fields: dict[str, str] = {}
    place = 0
    for line in head.splitlines(keepends=True):
        place += len(line)
        if not line.strip():
            break
        key, _, value = line.decode("latin-1").partition(":")
        fields[key.strip().lower().replace(" ", "")] = value.strip()
    return fields, place


def _pixels(path: Path, fields: Mapping[str, str], length: int, what: str) -> Stored | None:
    encoding = fields.get("encoding", "raw").lower()
    compressed = _is_true(fields.get("compresseddata", "")) or encoding in ("gzip", "gz")
    if encoding not in ("raw", "gzip", "gz"):
        return None
    if not _is_true(fields.get("binarydata", "true")):
        return None  # numbers in digits, of any length
    beside = fields.get("elementdatafile", fields.get("datafile", ""))
    if beside in INSIDE[1:] or "%" in beside or beside.startswith("LIST"):
        return None  # several files
    if not beside or beside.upper() in INSIDE:
        return Stored(path.stat().st_size - length, compressed)
    if not (path.parent / beside).is_file():
        raise Reject(f"{what}: expected beside the header the file of pixels that it names, found no such file")
    return Stored((path.parent / beside).stat().st_size, compressed)


def _is_true(value: str) -> bool:
    """As MetaIO takes it: by the first character."""
    return value[:1] in ("T", "t", "1")
