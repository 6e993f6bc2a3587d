"""CAMUS, release of 2023: NIfTI frames, label maps, half sequence and Info_4CH.cfg in a folder a patient."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from echodiff.phantom.cycle import END_SYSTOLE
from echodiff.phantom.identity import invent_identity
from echodiff.phantom.patient import sample_patient
from echodiff.phantom.render import Renderer
from echodiff.phantom.truth import areas, quality_name, truth_row
from echodiff.phantom.writers import Job, Written

FRAME_RATE_HZ = 50.0


def write_patient(job: Job) -> Written:
    """One patient: ED, ES and the frames between them (every fifth patient's run from ES to ED, as in the archive)."""
    name = f"patient{job.number:04d}"
    folder = job.folder / name
    folder.mkdir()
    patient = sample_patient(job.machine, job.seed)
    renderer = Renderer(job.machine, patient)
    moments = np.linspace(0, END_SYSTOLE, max(2, job.frames // 3))
    images = [renderer.frame(float(phase), index + 1) for index, phase in enumerate(moments)]
    labels = [renderer.labels(float(phase)) for phase in moments]
    pixel = patient.sector.pixel
    for moment, index in (("ED", 0), ("ES", -1)):
        _save(images[index].astype(np.float32), folder / f"{name}_4CH_{moment}.nii.gz", pixel)
        _save(labels[index], folder / f"{name}_4CH_{moment}_gt.nii.gz", pixel)
    backwards = job.number % 5 == 0
    order = slice(None, None, -1) if backwards else slice(None)
    _save(np.stack(images[order]), folder / f"{name}_4CH_half_sequence.nii.gz", pixel)
    _save(np.stack(labels[order]), folder / f"{name}_4CH_half_sequence_gt.nii.gz", pixel)
    person, ed = invent_identity(job.seed), len(moments) if backwards else 1
    ejection = round(100 * patient.anatomy.ejection_fraction)
    info = {
        "ED": ed,
        "ES": len(moments) + 1 - ed,
        "NbFrame": len(moments),
        "Sex": person.sex,
        "Age": person.age,
        "ImageQuality": quality_name(patient.look.quality),
        "EF": ejection,
        "FrameRate": FRAME_RATE_HZ,
    }
    text = "".join(f"{key}: {value}\n" for key, value in info.items())
    (folder / "Info_4CH.cfg").write_text(text, encoding="utf-8")
    return Written(
        truth_row(
            case=name,
            patient=name,
            machine=job.machine.name,
            seed=job.seed,
            file=f"{name}/{name}_4CH_ED.nii.gz",
            label_file=f"{name}/{name}_4CH_ED_gt.nii.gz",
            frames=len(moments),
            ed_frame=ed - 1,
            ed_frames=[ed - 1],
            es_frame=len(moments) - ed,
            frame_time_ms=1000 / FRAME_RATE_HZ,
            height=images[0].shape[0],
            width=images[0].shape[1],
            spacing_row_mm=pixel,
            spacing_column_mm=pixel,
            sector_row=0,
            sector_column=0,
            ef=ejection,
            quality=info["ImageQuality"],
            sex=person.sex,
            age=person.age,
            **areas(labels[0], (pixel, pixel), patient.anatomy),
        )
    )


def _save(array: np.ndarray, path: Path, pixel: float) -> None:
    """(y, x) or (t, y, x) as NIfTI, whose own order is (x, y, t)."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((pixel, pixel, 1.0)[: array.ndim])
    sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
