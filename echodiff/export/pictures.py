"""A case as three files of pixels: the frame, the label map and the sector, in folders of their own."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.export.cases import Case, Plane

FOLDERS = {"image": "images", "label_map": "labels", "sector": "sectors"}


def write_png(folder: Path, case: Case) -> dict[str, str]:
    """`images`, `labels` and `sectors`, each with `<name>.png` of 8 bits: gray values, labels 0..3, 1 inside."""
    return _write(folder, case, ".png", lambda path, plane: path.write_bytes(cv2.imencode(".png", plane)[1].tobytes()))


def write_nifti(folder: Path, case: Case) -> dict[str, str]:
    """The same as `<name>.nii.gz`, with the pixel's size, 1 x 1 mm where it is not known."""
    return _write(folder, case, ".nii.gz", lambda path, plane: save_nifti(path, plane, case.spacing_mm))


def save_nifti(path: Path, plane: Plane, spacing_mm: NDArray[np.float32]) -> None:
    """Write a plane (H, W) as 2D NIfTI.

    Raises:
        OSError: the file cannot be written.
    """
    image = sitk.GetImageFromArray(plane)
    row_mm, column_mm = spacing_mm.astype(float) if np.isfinite(spacing_mm).all() else (1.0, 1.0)
    image.SetSpacing((column_mm, row_mm))  # x before y
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OSError(f"SimpleITK could not write it: {str(error).splitlines()[-1].strip()}") from error


def _write(folder: Path, case: Case, ending: str, save: Callable[[Path, Plane], object]) -> dict[str, str]:
    files = {role: f"{place}/{case.name}{ending}" for role, place in FOLDERS.items()}
    for file, plane in zip(files.values(), (case.image, case.mask, case.sector), strict=True):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)  # names may have slashes
        save(path, plane)
    return files
