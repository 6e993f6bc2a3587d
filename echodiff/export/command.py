"""`echodiff export`: an image set or a translation as pictures with label maps."""

from enum import StrEnum
from pathlib import Path

import typer


class Format(StrEnum):
    """Formats of the files."""

    png = "png"
    nifti = "nifti"


def export(
    images: Path = typer.Option(..., help="Image set: images.h5 of a dataset, or a translation."),
    output: Path = typer.Option(..., help="Folder to write: new, or that of an earlier export."),
    format: Format = typer.Option(Format.nifti, help="nifti stores the pixel size in mm, png does not."),
    split: Path | None = typer.Option(None, help="Split of the dataset, to export only one subset."),
    subset: str = typer.Option("train", help="Subset of the split: train or validation."),
) -> None:
    """Write frames and label maps as files, with a table of the cases."""
    from echodiff.export.files import export_images
    from echodiff.split.files import read_subset
    from echodiff.store.image_set import read_image_set

    content = read_image_set(images, None if split is None else read_subset(split, subset))
    table = export_images(content, output, format=format.value)
    print(f"export: {len(table)} cases in {output}")
