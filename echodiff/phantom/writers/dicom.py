"""Ultrasound multi-frame DICOM: cines with regions, frame times, R waves, an invented person in tags and pixels.

What differs between machines and patients is meant to differ: whole-screen regions before the tissue's and negative
deltas (2d_t), Frame Time or Frame Time Vector, R Wave Time Vector or only the trace on the screen, a heart rate of 0.
Tags as in DICOM PS3.3 C.8.5.5 (US Region Calibration), C.7.6.5 (Cine) and C.8.5.6 (US Image).
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pydicom
import SimpleITK as sitk
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage, generate_uid

from echodiff.phantom.cine import Cine
from echodiff.phantom.identity import Identity, invent_identity
from echodiff.phantom.screen import LAYOUTS, Screen
from echodiff.phantom.truth import areas, quality_name, truth_row
from echodiff.phantom.writers import Job, Written
from echodiff.phantom.writers.png import write_png

CENTIMETRE = 3  # Physical Units X/Y Direction
GRAY, COLOUR = "MONOCHROME2", "YBR_FULL_422"


@dataclass(frozen=True)
class Habits:
    """What a machine writes."""

    jpeg: int  # quality
    photometric: Callable[[int], str]  # of a patient's number
    has_r_waves: Callable[[int], bool]
    has_time_vector: Callable[[int], bool]
    whole_screen_region: bool
    label_suffix: str


HABITS = {
    "vscan": Habits(60, lambda n: COLOUR, lambda n: n % 4 == 0, lambda n: False, False, "_gt.png"),
    "vscan_air": Habits(85, lambda n: COLOUR, lambda n: n % 3 == 0, lambda n: n % 2 == 0, False, "_gt.nii.gz"),
    "2d_t": Habits(
        95, lambda n: GRAY if n % 3 == 0 else COLOUR, lambda n: n % 2 == 0, lambda n: n % 2 == 1, True, "_gt.nii.gz"
    ),
}


def write_patient(job: Job) -> Written:
    """One cine and the label map of its ED frame, in the pixels of the whole screen."""
    machine, habits, layout = job.machine, HABITS[job.machine.name], LAYOUTS[job.machine.name]
    cine, person = Cine(machine, job.seed, job.frames), invent_identity(job.seed)
    timing, pixel = cine.timing, cine.pixel_mm
    screen = Screen(layout, cine.sector, timing, person, machine.model, pixel)
    name = f"{machine.name}_{job.number:04d}"
    photometric = habits.photometric(job.number)
    frames = [
        _jpeg(screen.compose(image, index), photometric, habits.jpeg) for index, image in enumerate(cine.images())
    ]
    times = _frame_times(cine)
    r_waves = _r_waves(cine, times, job.seed)
    dataset = _instance(job, person, frames, photometric, layout.height, layout.width)
    _add_cine(dataset, times, timing.heart_rate, habits, job.number)
    if habits.has_r_waves(job.number):
        dataset.RWaveTimeVector = [round(float(t), 3) for t in r_waves]
    dataset.SequenceOfUltrasoundRegions = _regions(cine, screen, habits)
    pydicom.dcmwrite(job.folder / f"{name}.dcm", dataset, enforce_file_format=True)
    labels = screen.embed(cine.labels(timing.ed_frame))
    label_file = f"{name}{habits.label_suffix}"
    _save_labels(labels, job.folder / label_file, pixel)
    heart = cine.anatomy(timing.ed_frame)
    return Written(
        truth_row(
            case=name,
            patient=person.patient_id,
            machine=machine.name,
            seed=job.seed,
            file=f"{name}.dcm",
            label_file=label_file,
            frames=timing.frames,
            ed_frame=timing.ed_frame,
            ed_frames=timing.ed_frames,
            es_frame=timing.es_frame,
            frame_time_ms=timing.frame_time,
            r_wave_times_ms=[float(t) for t in r_waves],
            height=layout.height,
            width=layout.width,
            spacing_row_mm=pixel,
            spacing_column_mm=pixel,
            sector_row=screen.row,
            sector_column=screen.column,
            identity=person.strings,
            ef=100 * cine.patient.anatomy.ejection_fraction,
            quality=quality_name(cine.patient.look.quality),
            sex=person.sex,
            age=person.age,
            **areas(labels, (pixel, pixel), heart),
        )
    )


def _jpeg(screen: np.ndarray, photometric: str, quality: int) -> bytes:
    """A frame (H, W, 3) RGB as a baseline JPEG stream: gray, or YBR with halved chroma columns."""
    buffer = io.BytesIO()
    if photometric == GRAY:
        Image.fromarray(cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)).save(buffer, "JPEG", quality=quality)
    else:
        Image.fromarray(screen).save(buffer, "JPEG", quality=quality, subsampling="4:2:2")
    return buffer.getvalue()


def _frame_times(cine: Cine) -> np.ndarray:
    """Time of every frame in ms from the first."""
    return np.round(np.arange(cine.timing.frames) * cine.timing.frame_time, 3)


def _r_waves(cine: Cine, times: np.ndarray, seed: int) -> np.ndarray:
    """Time of every R wave in ms from the first frame, within a quarter of a frame of end-diastole."""
    rng = np.random.default_rng([seed, 9])
    frames = np.array(cine.timing.ed_frames)
    return np.maximum(times[frames] + cine.timing.frame_time * rng.uniform(-0.25, 0.25, len(frames)), 0)


def _instance(job: Job, person: Identity, frames: list[bytes], photometric: str, height: int, width: int) -> Dataset:
    """Everything but times and regions; says of itself that it is synthetic (PS3.3 C.12.1.1.1, Synthetic Data)."""
    seed = [job.machine.name, str(job.seed)]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[*seed, "instance"])
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds = Dataset()
    ds.file_meta = meta
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID = generate_uid(entropy_srcs=[*seed, "study"])
    ds.SeriesInstanceUID = generate_uid(entropy_srcs=[*seed, "series"])
    ds.ImageType, ds.SyntheticData = ["DERIVED", "SECONDARY"], "YES"
    ds.DerivationDescription = "Phantom of a parametric heart; nobody was examined"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "US", job.machine.manufacturer, job.machine.model
    ds.StudyDate = ds.ContentDate = person.study_date
    ds.StudyTime = ds.ContentTime = "101500"
    ds.StudyDescription, ds.SeriesNumber, ds.InstanceNumber, ds.StudyID = "Echo", 1, job.number, "1"
    ds.PatientName = f"{person.family}^{person.given}"
    ds.PatientID, ds.PatientBirthDate, ds.PatientSex = person.patient_id, person.birth_date, person.sex
    ds.PatientAge, ds.AccessionNumber = f"{person.age:03d}Y", person.accession
    ds.InstitutionName, ds.ReferringPhysicianName = person.hospital, person.physician
    ds.BurnedInAnnotation = "YES"
    ds.Rows, ds.Columns, ds.NumberOfFrames = height, width, len(frames)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (1, GRAY) if photometric == GRAY else (3, COLOUR)
    if photometric != GRAY:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "ISO_10918_1"
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].is_undefined_length = True
    return ds


def _add_cine(ds: Dataset, times: np.ndarray, heart_rate: float, habits: Habits, number: int) -> None:
    """Frame times; Frame Increment Pointer says which of the two attributes holds."""
    if habits.has_time_vector(number):
        increments = np.diff(times, prepend=0.0)
        if number % 8 == 1:
            increments[0] = increments[1]  # some machines count the first frame from an instant before it
        ds.FrameTimeVector = [round(float(step), 3) for step in increments]
        ds.FrameIncrementPointer = 0x00181065
    else:
        ds.FrameTime = f"{times[1] - times[0]:.3f}"
        ds.FrameIncrementPointer = 0x00181063
    ds.HeartRate = 0 if number % 6 == 5 else int(heart_rate)
    ds.CineRate = max(1, round(1000 / (times[1] - times[0])))


def _regions(cine: Cine, screen: Screen, habits: Habits) -> Sequence:
    """The tissue's region; for some machines behind one of the whole screen and with a negative delta."""
    height, width = cine.sector.shape
    delta = cine.pixel_mm / 10
    tissue = _region(1, 1, (screen.column, screen.row, screen.column + width - 1, screen.row + height - 1))
    tissue.PhysicalUnitsXDirection = tissue.PhysicalUnitsYDirection = CENTIMETRE
    tissue.PhysicalDeltaX, tissue.PhysicalDeltaY = -delta if habits.whole_screen_region else delta, delta
    tissue.ReferencePixelX0, tissue.ReferencePixelY0 = width // 2, 0
    tissue.ReferencePixelPhysicalValueX = tissue.ReferencePixelPhysicalValueY = 0.0
    if not habits.whole_screen_region:
        return Sequence([tissue])
    layout = screen.layout
    whole = _region(0, 0, (0, 0, layout.width - 1, layout.height - 1))
    whole.PhysicalUnitsXDirection = whole.PhysicalUnitsYDirection = 0
    whole.PhysicalDeltaX = whole.PhysicalDeltaY = 1.0
    return Sequence([whole, tissue])


def _region(spatial_format: int, data_type: int, box: tuple[int, int, int, int]) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = spatial_format, data_type, 3
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    return item


def _save_labels(labels: np.ndarray, path: Path, pixel: float) -> None:
    if path.suffix == ".png":
        write_png(path, labels)
        return
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((pixel, pixel))
    sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
