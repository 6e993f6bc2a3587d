"""A case as two DICOM files: the frame as an Ultrasound Image, and its label map as a Segmentation of that image.

Modules as in DICOM PS3.3 A.6 (Ultrasound Image) and A.51 (Segmentation). Of whoever was examined nothing is written
but the case's id.
"""

from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from echodiff import __version__
from echodiff.export.cases import Case
from echodiff.export.dicom_seg import PROGRAM, segmentation

CENTIMETRE = 3  # Physical Units X and Y Direction (0018,6024), (0018,6026)
TWO_D, TISSUE = 1, 1  # Region Spatial Format (0018,6012), Region Data Type (0018,6014)


def write_dicom(folder: Path, case: Case) -> dict[str, str]:
    """`images/<name>.dcm` and `labels/<name>.dcm`.

    Raises:
        OSError: a file cannot be written.
    """
    image = ultrasound_image(case)
    files = {"image": f"images/{case.name}.dcm", "label_map": f"labels/{case.name}.dcm"}
    for file, dataset in zip(files.values(), (image, segmentation(image, case.mask)), strict=True):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, dataset, enforce_file_format=True)
    return files


def ultrasound_image(case: Case) -> Dataset:
    """The frame, 8 bits, uncompressed; its UIDs follow from its content, so that the same export gives the same file.

    A translation is Synthetic Data (0008,001C) and says what drew it. Where the pixel's size is known, the frame is one
    tissue region in cm (Sequence of Ultrasound Regions (0018,6011)).
    """
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = UltrasoundImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = _uid(case, "instance")
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid(case, "study"), _uid(case, "series")
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "US", 1, 1
    ds.BodyPartExamined = "HEART"
    ds.PatientID = case.case_id[-64:]  # the longest that LO takes
    ds.PatientName = ds.PatientBirthDate = ds.PatientSex = ""
    ds.StudyID = ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.Manufacturer = ds.PatientOrientation = ""
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "Nothing but the frame within its sector was kept"
    ds.ImageType = ["DERIVED", "SECONDARY"]
    if case.is_synthetic:
        _say_that_it_is_synthetic(ds, case)
    if np.isfinite(case.spacing_mm).all():
        ds.SequenceOfUltrasoundRegions = Sequence([_region(case)])
        ds.PixelSpacing = [f"{length:.6g}" for length in case.spacing_mm]  # for programs that look at no region
    ds.Rows, ds.Columns = case.image.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = case.image.tobytes() + b"\0" * (case.image.size % 2)
    return ds


def _say_that_it_is_synthetic(ds: Dataset, case: Case) -> None:
    """SOP Common (PS3.3 C.12.1) and Enhanced General Equipment (C.7.5.2)."""
    model, dataset = case.origin.get("model", ""), case.origin.get("dataset", "")
    ds.SyntheticData = "YES"
    ds.PatientName = "SYNTHETIC^"
    ds.SeriesDescription = f"Synthetic, {model}"[:64]
    ds.DerivationDescription = (
        f"Drawn by the model {model} from a label map of {dataset}, seed {case.seed}; shows nobody, not for diagnosis"
    )
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = PROGRAM, model[:64], __version__
    ds.DeviceSerialNumber = "0"


def _region(case: Case) -> Dataset:
    """The whole frame as a region of tissue (PS3.3 C.8.5.5)."""
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = TWO_D, TISSUE, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxY1, region.RegionLocationMaxX1 = (length - 1 for length in case.image.shape)
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = CENTIMETRE
    region.PhysicalDeltaY, region.PhysicalDeltaX = (float(length) / 10 for length in case.spacing_mm)
    return region


def _uid(case: Case, level: str) -> str:
    origin = [str(part) for part in (*case.origin.values(), case.case_id, case.seed)]
    return generate_uid(entropy_srcs=[PROGRAM, level, *origin, case.image.tobytes().hex()])
