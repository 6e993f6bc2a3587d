"""An image set as folders of pictures, of the frame, the label map and the sector a case, with a table."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.progress import Progress
from echodiff.store.atomic import whole_folder
from echodiff.store.image_set import ImageSet

TABLE = "cases.csv"
FOLDERS = {"image": "images", "label_map": "labels", "sector": "sectors"}

Plane = NDArray[np.uint8]
Spacing = NDArray[np.float32]


def export_images(images: ImageSet, output: Path, *, format: str) -> pd.DataFrame:
    """Write frames and label maps of all cases into the folder `output`, which appears whole or not at all.

    Each case has `images/<case_id>` with gray values 0..255, `labels/<case_id>` with labels 0..3 (`echodiff.labels`)
    and `sectors/<case_id>`, 1 inside the tissue sector, all of one size. `cases.csv` has a row a case: `case_id`,
    `image`, `label_map`, `sector`, `row_mm`, `column_mm` (empty where a pixel's size is not known), `dataset`, `kind`,
    of translations `model` and `seed`. `format: frames` reads the folder again.

    Args:
        format: one of FORMATS. NIfTI files have the pixel's size, 1 x 1 mm where it is not known; PNG files have none.

    Returns:
        The table.

    Raises:
        InputError: there are no cases.
        OutputError: `output` holds something else than an earlier export, or cannot be written.
    """
    if not len(images):
        raise InputError(f"{images.attributes.get('dataset', 'the image set')}: expected cases to export, found none")
    ending, write = FORMATS[format]
    names = {key: images.attributes[key] for key in ("dataset", "kind", "model") if key in images.attributes}
    progress = Progress(len(images), description="export", unit="cases")
    rows = []
    with whole_folder(output, sign=TABLE) as folder:
        for row, (case, spacing) in enumerate(zip(images.case_id, images.spacing_mm, strict=True)):
            files = {role: f"{place}/{case}{ending}" for role, place in FOLDERS.items()}
            planes = images.images[row], images.masks[row], images.sectors[row]
            for file, plane in zip(files.values(), planes, strict=True):
                path = folder / file
                path.parent.mkdir(parents=True, exist_ok=True)  # ids of nested folders have a slash
                write(path, plane, spacing)
            seed = {} if images.seed is None else {"seed": images.seed[row]}
            rows.append({"case_id": case, **files, "row_mm": spacing[0], "column_mm": spacing[1], **names, **seed})
            progress.advance()
        table = pd.DataFrame(rows)
        table.to_csv(folder / TABLE, index=False)
    progress.close()
    return table


def _write_png(path: Path, plane: Plane, spacing: Spacing) -> None:
    content = cv2.imencode(".png", plane)[1]
    path.write_bytes(content.tobytes())


def _write_nifti(path: Path, plane: Plane, spacing: Spacing) -> None:
    image = sitk.GetImageFromArray(plane)
    row_mm, column_mm = spacing.astype(float) if np.isfinite(spacing).all() else (1.0, 1.0)
    image.SetSpacing((column_mm, row_mm))  # x before y
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OSError(f"SimpleITK could not write it: {str(error).splitlines()[-1].strip()}") from error


FORMATS: dict[str, tuple[str, Callable[[Path, Plane, Spacing], None]]] = {
    "png": (".png", _write_png),
    "nifti": (".nii.gz", _write_nifti),
}
