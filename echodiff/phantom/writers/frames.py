"""Frames in 2D that are no DICOM, in one of the layouts that people have (`phantom.layout`).

`screens` is what leaves a hospital when somebody exports what the screen shows: a folder a patient with a PNG of the
end-diastolic frame or, every third patient's, the whole cine as AVI, an invented person drawn into all of them. Label
maps lie in a tree like that of the images, and cases.csv says what pictures cannot: pixel sizes, the cine's frame.

    images/<patient>/4ch.png    masks/<patient>/4ch.png    cases.csv

`nnunet` is how frames are kept to train nnU-Net: the sector alone as NIfTI, a plane as a volume of one slice, 999 mm
thick as nnU-Net's own converter of pictures writes it, and a dataset.json.

    imagesTr/epiq_0001_0000.nii.gz    labelsTr/epiq_0001.nii.gz    dataset.json

`labelme` is what an annotation program leaves: the sector alone as PNG, outlines beside it, pixel sizes in cases.csv.

    epiq_0001.png    epiq_0001.json    cases.csv
"""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from echodiff.labels import STRUCTURES
from echodiff.phantom.cine import Cine
from echodiff.phantom.identity import invent_identity
from echodiff.phantom.screen import LAYOUTS, Screen
from echodiff.phantom.truth import areas, quality_name, truth_row
from echodiff.phantom.writers import Job, Written
from echodiff.phantom.writers.labelme import write_labelme
from echodiff.phantom.writers.png import write_png
from echodiff.phantom.writers.video import write_video

CASES = ("file", "label", "row_mm", "column_mm", "frame")
JPEG_QUALITY = 95  # of a cine's frames
SLICE_MM = 999.0


def write_patient(job: Job) -> Written:
    """One patient's still or cine with the label map of its end-diastolic frame."""
    write = {"screens": _screens, "nnunet": _nnunet, "labelme": _labelme}[job.layout]
    return write(job, Cine(job.machine, job.seed, job.frames))


def _screens(job: Job, cine: Cine) -> Written:
    """Still or cine of the whole screen; which frame of a cine is end-diastole, the table says of every second one."""
    person, timing, layout = invent_identity(job.seed), cine.timing, LAYOUTS[job.machine.name]
    screen = Screen(layout, cine.sector, timing, person, job.machine.model, cine.pixel_mm)
    is_cine = job.number % 3 == 0
    place, label_file = f"images/{person.patient_id}/4ch", f"masks/{person.patient_id}/4ch.png"
    file = f"{place}.avi" if is_cine else f"{place}.png"
    for path in (file, label_file):
        (job.folder / path).parent.mkdir(parents=True)
    labels = screen.embed(cine.labels(timing.ed_frame))
    write_png(job.folder / label_file, labels)
    if is_cine:
        frames = (screen.compose(image, index) for index, image in enumerate(cine.images()))
        size = layout.height, layout.width
        write_video(job.folder / file, frames, size, timing.frame_time, JPEG_QUALITY)
    else:
        write_png(job.folder / file, screen.compose(_end_diastole(cine), timing.ed_frame))
    told = str(timing.ed_frame) if is_cine and job.number % 2 == 0 else ""
    return Written(
        truth_row(
            case=place,
            patient=person.patient_id,
            file=file,
            label_file=label_file,
            sector_row=screen.row,
            sector_column=screen.column,
            identity=person.strings,
            sex=person.sex,
            age=person.age,
            **_truth(job, cine, labels, is_cine=is_cine),
        ),
        {"cases.csv": [[file, label_file, *[f"{cine.pixel_mm:.6f}"] * 2, told]]},
    )


def _nnunet(job: Job, cine: Cine) -> Written:
    """The sector of the end-diastolic frame; the file knows the pixel's size, and nobody knows more."""
    name = f"{job.machine.name}_{job.number:04d}"
    file, label_file = f"imagesTr/{name}_0000.nii.gz", f"labelsTr/{name}.nii.gz"
    labels = cine.labels(cine.timing.ed_frame)
    for path, plane in ((file, _end_diastole(cine)), (label_file, labels)):
        (job.folder / path).parent.mkdir(exist_ok=True)
        _save(plane, job.folder / path, cine.pixel_mm)
    return Written(
        truth_row(
            case=f"imagesTr/{name}_0000",
            patient=f"{name}_0000",
            file=file,
            label_file=label_file,
            sector_row=0,
            sector_column=0,
            **_truth(job, cine, labels, is_cine=False),
        )
    )


def dataset_json(patients: int) -> str:
    """What nnU-Net (version 2) expects beside its folders.

    https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/dataset_format.md
    """
    content = {
        "channel_names": {"0": "ultrasound"},
        "labels": {"background": 0, **STRUCTURES},
        "numTraining": patients,
        "file_ending": ".nii.gz",
    }
    return json.dumps(content, indent=1)


def _labelme(job: Job, cine: Cine) -> Written:
    """The sector of the end-diastolic frame; the table knows the pixel's size, the outlines are beside the picture."""
    name = f"{job.machine.name}_{job.number:04d}"
    labels = cine.labels(cine.timing.ed_frame)
    write_png(job.folder / f"{name}.png", _end_diastole(cine))
    write_labelme(job.folder / f"{name}.json", f"{name}.png", labels)
    return Written(
        truth_row(
            case=name,
            patient=name,
            file=f"{name}.png",
            label_file=f"{name}.json",
            sector_row=0,
            sector_column=0,
            **_truth(job, cine, labels, is_cine=False),
        ),
        {"cases.csv": [[f"{name}.png", "", *[f"{cine.pixel_mm:.6f}"] * 2, ""]]},
    )


def _truth(job: Job, cine: Cine, labels: np.ndarray, *, is_cine: bool) -> dict[str, Any]:
    """What all layouts know: a still is the end-diastolic frame and has no other."""
    timing, pixel = cine.timing, cine.pixel_mm
    frames = {
        "frames": timing.frames,
        "ed_frame": timing.ed_frame,
        "ed_frames": timing.ed_frames,
        "es_frame": timing.es_frame,
        "frame_time_ms": timing.frame_time,
    }
    return {
        "machine": job.machine.name,
        "seed": job.seed,
        **(frames if is_cine else {"frames": 1, "ed_frame": 0, "ed_frames": [0]}),
        "height": labels.shape[0],
        "width": labels.shape[1],
        "spacing_row_mm": pixel,
        "spacing_column_mm": pixel,
        "ef": 100 * cine.patient.anatomy.ejection_fraction,
        "quality": quality_name(cine.patient.look.quality),
        **areas(labels, (pixel, pixel), cine.anatomy(timing.ed_frame)),
    }


def _end_diastole(cine: Cine) -> np.ndarray:
    """The frame uint8 (H, W), after those before it, which persistence leaves on the screen."""
    return next(islice(cine.images(), cine.timing.ed_frame, None))


def _save(plane: np.ndarray, path: Path, pixel: float) -> None:
    image = sitk.GetImageFromArray(plane[None])
    image.SetSpacing((pixel, pixel, SLICE_MM))
    sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
