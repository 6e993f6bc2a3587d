"""3D (spatial): exported Cartesian ED volumes (NIfTI and MetaImage) with label volumes and a table of 4CH planes."""

import numpy as np
import SimpleITK as sitk

from echodiff.phantom.truth import areas, quality_name, truth_row
from echodiff.phantom.volume import SLICE_MM, VolumeCase, plane_of, render_volume
from echodiff.phantom.writers import Job, Written

AXES = "xyz"
LANDMARKS = ("apex", "mitral_centre", "lateral_annulus")
PLANES = ("name", *(f"{point}_{axis}_mm" for point in LANDMARKS for axis in AXES))


def write_patient(job: Job) -> Written:
    """One volume with its label volume; world coordinates as SimpleITK gives them (LPS), in mm."""
    name = f"volume{job.number:04d}"
    case = render_volume(job.machine, job.seed)
    suffix = ".mha" if job.number % 3 == 0 else ".nii.gz"
    _save(case.image, case, str(job.folder / f"{name}{suffix}"))
    _save(case.labels, case, str(job.folder / f"{name}_label.nii.gz"))
    _, labels, _ = plane_of(case)
    plane = [name, *(f"{value:.4f}" for point in LANDMARKS for value in case.landmarks[point])]
    return Written(
        truth_row(
            case=name,
            patient=name,
            machine=job.machine.name,
            seed=job.seed,
            file=f"{name}{suffix}",
            label_file=f"{name}_label.nii.gz",
            frames=1,
            ed_frame=0,
            ed_frames=[0],
            height=labels.shape[0],
            width=labels.shape[1],
            spacing_row_mm=SLICE_MM,
            spacing_column_mm=SLICE_MM,
            plane=case.landmarks,
            ef=100 * case.anatomy.ejection_fraction,
            quality=quality_name(case.look.quality),
            **areas(labels, (SLICE_MM, SLICE_MM), case.anatomy),
        ),
        {"planes.csv": [plane]},
    )


def _save(array: np.ndarray, case: VolumeCase, path: str) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((case.voxel_mm,) * 3)
    image.SetOrigin(case.origin_mm)
    sitk.WriteImage(image, path, useCompression=True, compressionLevel=1)
