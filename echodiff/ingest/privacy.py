"""Which kinds of identity a case's files hold: their kinds and counts go into the case table, never a value.

Nothing of what is found here is passed on by ingest anyway, as its outputs have an allow-list of columns; this is the
account of what was left behind. Kinds follow the attributes that PS3.15 Annex E (Basic Application Confidentiality
Profile) removes. All is told from tags and value representations, so that damaged values cannot stop it.
"""

import gzip
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag

from echodiff.ingest.readers.dicom_file import is_dicom, open_dicom
from echodiff.ingest.readers.itk import is_itk

# Kind -> keywords of the DICOM dictionary.
KEYWORDS: dict[str, frozenset[str]] = {
    "patient_name": frozenset({"PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName"}),
    "patient_id": frozenset(
        {
            "PatientID",
            "OtherPatientIDs",
            "IssuerOfPatientID",
            "MedicalRecordLocator",
            "MilitaryRank",
            "BranchOfService",
            "InsurancePlanIdentification",
        }
    ),
    "birth_date": frozenset({"PatientBirthDate", "PatientBirthTime", "PatientBirthDateInAlternativeCalendar"}),
    "contact": frozenset(
        {
            "PatientAddress",
            "PatientTelephoneNumbers",
            "PatientTelecomInformation",
            "PersonAddress",
            "PersonTelephoneNumbers",
            "PersonTelecomInformation",
            "OrderCallbackPhoneNumber",
            "CountryOfResidence",
            "RegionOfResidence",
            "PatientInstitutionResidence",
            "CurrentPatientLocation",
        }
    ),
    "body": frozenset(
        {
            "PatientSex",
            "PatientAge",
            "PatientSize",
            "PatientWeight",
            "EthnicGroup",
            "PregnancyStatus",
            "PatientState",
            "SmokingStatus",
            "Occupation",
            "PatientReligiousPreference",
        }
    ),
    "numbers": frozenset(
        {
            "AccessionNumber",
            "StudyID",
            "RequestedProcedureID",
            "PerformedProcedureStepID",
            "AdmissionID",
            "ServiceEpisodeID",
            "PlacerOrderNumberImagingServiceRequest",
            "FillerOrderNumberImagingServiceRequest",
        }
    ),
    "place": frozenset(
        {"InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName", "DeviceSerialNumber"}
    ),
    "uids": frozenset({"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"}),
    "text": frozenset(
        {
            "StudyDescription",
            "SeriesDescription",
            "PerformedProcedureStepDescription",
            "ProtocolName",
            "AdmittingDiagnosesDescription",
            "ServiceEpisodeDescription",
        }
    ),
}
# Kind -> value representations (PS3.5 6.2) of attributes that are not listed above.
REPRESENTATIONS: dict[str, frozenset[str]] = {
    "staff_name": frozenset({"PN"}),
    "dates": frozenset({"DA", "DT"}),
    "text": frozenset({"LT", "ST", "UT"}),
}
KINDS = tuple(dict.fromkeys((*KEYWORDS, *REPRESENTATIONS)))
HARMLESS = frozenset({"DerivationDescription", "LossyImageCompressionRatio"})
BURNED_IN = ("YES", "NO")

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


def identity_found(files: Iterable[Path]) -> dict[str, Any]:
    """Columns of the case table for a case's files.

    Returns:
        identity_found: those of `KINDS` that a file has a value for, with spaces between, None where no file was of
        a kind that is looked into (DICOM, NIfTI, MetaImage, NRRD); private_tags: the number of private attributes
        (PS3.5 7.8), None without DICOM; burned_in: Burned In Annotation (0028,0301), "YES", "NO", or None where the
        files do not say.
    """
    kinds: set[str] = set()
    looked_into, private, burned_in = False, None, None
    for path in files:
        if is_itk(path):
            looked_into = True
            kinds |= {"text"} if _has_text(path) else set()
        elif is_dicom(path):
            looked_into, header, private = True, _header(path), private or 0
            for tag in _tags(header):
                private += tag.is_private
                kinds |= _kind(tag)
            burned_in = _burned_in(header) or burned_in
    return {
        "identity_found": " ".join(kind for kind in KINDS if kind in kinds) if looked_into else None,
        "private_tags": private,
        "burned_in": burned_in,
    }


def _header(path: Path) -> Dataset:
    """All attributes but the pixels; none where the file cannot be read, which reading the case reports."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return open_dicom(path, stop_before_pixels=True)
    except Exception:  # damaged headers fail in every way that Python knows
        return Dataset()


def _burned_in(header: Dataset) -> str | None:
    """The flag as one of `BURNED_IN`: anything else that stands there is not passed on."""
    try:
        flag = str(header.get("BurnedInAnnotation", "")).strip().upper()
    except Exception:
        return None
    return flag if flag in BURNED_IN else None


def _tags(header: Dataset) -> Iterator[pydicom.tag.BaseTag]:
    """Tags of all attributes with a value, those within sequences too, unconverted wherever that is possible.

    A damaged attribute has a value: what it holds may still be read by others.
    """
    for tag in header.keys():  # noqa: SIM118  iterating over a Dataset converts its values
        try:
            element = header.get_item(tag)
            items = list(header[tag].value) if element.VR == "SQ" else []
        except Exception:  # damaged attributes fail in every way that Python knows
            yield tag
            continue
        if element.VR != "SQ" and element.value not in (None, "", b""):
            yield tag
        for item in items:
            yield from _tags(item)


def _kind(tag: pydicom.tag.BaseTag) -> set[str]:
    keyword = keyword_for_tag(tag)
    if not keyword or keyword in HARMLESS:
        return set()
    listed = {kind for kind, keywords in KEYWORDS.items() if keyword in keywords}
    return listed or {kind for kind, known in REPRESENTATIONS.items() if dictionary_VR(tag) in known}


def _has_text(path: Path) -> bool:
    """Whether a header holds text that whoever wrote the file could choose."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            head = file.read(TEXT_HEAD)
    except (OSError, EOFError, zlib.error):
        return False
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
