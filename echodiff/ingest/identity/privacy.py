"""Which kinds of identity a case's files hold: their kinds and counts go into the case table, never a value.

Nothing of what is found here is passed on by ingest anyway, as its outputs have an allow-list of columns; this is the
account of what was left behind. Kinds follow the attributes that PS3.15 Annex E (Basic Application Confidentiality
Profile) removes. All is told from tags and value representations, so that damaged values cannot stop it.
"""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag

from echodiff.ingest.identity.free_text import has_free_text
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


def identity_found(files: Iterable[Path]) -> dict[str, Any]:
    """Columns of the case table for a case's files.

    Returns:
        identity_found: those of `KINDS` that a file has a value for, with spaces between, None where no file was of
        a kind that is looked into (DICOM, NIfTI, MetaImage, NRRD, PNG, TIFF, BMP, JPEG, GIF); private_tags: the number
        of private attributes (PS3.5 7.8), None without DICOM; burned_in: Burned In Annotation (0028,0301), "YES", "NO",
        or None where the files do not say.
    """
    kinds: set[str] = set()
    looked_into, private, burned_in = False, None, None
    for path in files:
        if is_dicom(path) and not is_itk(path):
            looked_into, header, private = True, _header(path), private or 0
            for tag in _tags(header):
                private += tag.is_private
                kinds |= _kind(tag)
            burned_in = _burned_in(header) or burned_in
        elif (has_text := has_free_text(path)) is not None:
            looked_into = True
            kinds |= {"text"} if has_text else set()
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
