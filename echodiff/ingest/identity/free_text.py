"""Whether files that are no DICOM hold text that whoever wrote them could choose: the headers of volumes and of label
maps that are volumes (NIfTI, MetaImage, NRRD), and pictures (PNG, TIFF, JPEG, GIF; BMP has no place for any).
"""

import gzip
import re
import struct
import warnings
import zlib
from pathlib import Path

from PIL import ExifTags, Image

from echodiff.ingest.readers.itk import is_itk
from echodiff.ingest.readers.picture import STILLS

# Size of a NIfTI header -> its free text, (first byte, end): of NIfTI-1 data_type, db_name, descrip, aux_file and
# intent_name, of NIfTI-2 descrip, aux_file and intent_name.
NIFTI_TEXT = {348: ((4, 14), (14, 32), (148, 228), (228, 252), (328, 344)), 540: ((240, 320), (320, 344), (508, 524))}
# Fields of MetaImage and NRRD headers whose content anybody may choose; `0010|0010` is how ITK passes DICOM tags on.
TEXT_LINE = re.compile(
    rb"^(?:(?:Comment|Name|Patient\w*|AcquisitionDate|[0-9a-f]{4}\|[0-9a-f]{4})\s*=|content:|[^:\n]+:=)\s*\S",
    re.M | re.I,
)
HEADER_END = re.compile(rb"ElementDataFile|\r?\n\r?\n")
TEXT_HEAD = 2**16  # bytes in which a MetaImage or NRRD header lies; DICOM tags make it long
PNG_SIGNATURE, PNG_CHUNK = b"\x89PNG\r\n\x1a\n", struct.Struct(">I4s")  # a chunk's length and kind; a CRC follows it
PNG_TEXT = {b"tEXt", b"zTXt", b"iTXt", b"eXIf"}
# TIFF tags that lead to more tags, and tags whose bytes are for decoding pixels (JPEGTables, ICC profile).
TIFF_MORE = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
TIFF_DECODING = {347, 34675}
PICTURE_TEXT = ("comment", "xmp", "photoshop")  # what Pillow calls it in JPEG and GIF


def has_free_text(path: Path) -> bool | None:
    """Whether there is such text; False where a file cannot be read, None for kinds that are not looked into."""
    ending = path.suffix.lower()
    try:
        if is_itk(path):
            return _header_has_text(path)
        if ending == ".png":
            return _png_has_text(path.read_bytes())
        if ending in STILLS:
            return _picture_has_text(path)
    except (OSError, EOFError, zlib.error):
        return False
    return None


def _header_has_text(path: Path) -> bool:
    """Of a volume."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rb") as file:
        head = file.read(TEXT_HEAD)
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return _nifti_has_text(head)
    return TEXT_LINE.search(HEADER_END.split(head, maxsplit=1)[0]) is not None


def _nifti_has_text(head: bytes) -> bool:
    """Text in the fields of a header or in an extension behind it, which the first of the next four bytes announces."""
    size = next((size for size in NIFTI_TEXT for order in ("<i", ">i") if head[:4] == struct.pack(order, size)), None)
    if size is None or len(head) < size:  # damaged: what it holds may still be read by others
        return bool(head.strip(b"\0 "))
    extended = head[size : size + 1] not in (b"", b"\0")
    return extended or any(head[start:end].strip(b"\0 ") for start, end in NIFTI_TEXT[size])


def _png_has_text(content: bytes) -> bool:
    """A chunk of text or of EXIF, before the pixels or behind them; nothing is decoded."""
    place = len(PNG_SIGNATURE)
    while content.startswith(PNG_SIGNATURE) and place + PNG_CHUNK.size <= len(content):
        length, kind = PNG_CHUNK.unpack_from(content, place)
        if kind in PNG_TEXT:
            return True
        place += PNG_CHUNK.size + length + 4
    return False


def _picture_has_text(path: Path) -> bool:
    """Tags of text or of bytes of unknown use, which XMP's are, tags of EXIF, or comments; of the first page."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
            tags = dict(picture.getexif())
            beside = any(picture.info.get(key) for key in PICTURE_TEXT)
    except Exception:  # damaged ones fail in many ways, which reading the case reports
        return False
    texts = {value for tag, value in tags.items() if isinstance(value, (str, bytes)) and tag not in TIFF_DECODING}
    return bool(beside or TIFF_MORE & tags.keys() or texts - {"", b""})
