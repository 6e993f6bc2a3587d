"""`echodiff export`: image sets and translations as files that other programs read."""

from enum import StrEnum
from pathlib import Path

import typer


class Format(StrEnum):
    """Formats of the files."""

    nifti = "nifti"
    png = "png"
    dicom = "dicom"
    nnunet = "nnunet"


class Subset(StrEnum):
    """Sides of a split."""

    train = "train"
    validation = "validation"


def export(
    images: list[Path] = typer.Option(
        ..., help="Image set: images.h5 of a dataset, or a translation; may be repeated."
    ),
    output: Path = typer.Option(..., help="Folder to write: new, or that of an earlier export."),
    format: Format = typer.Option(
        Format.nifti, help="nifti and dicom store the pixel size in mm, png does not; nnunet is a dataset of nnU-Net."
    ),
    split: Path | None = typer.Option(None, help="Split of a dataset, to export only one subset of it."),
    subset: Subset | None = typer.Option(
        None, help="Subset of the split: train, unless said otherwise. nnunet has both, validation as the test set."
    ),
) -> None:
    """Write frames and label maps as files, with a table of the cases."""
    from echodiff.errors import InputError
    from echodiff.export.cases import cases_of, side_of
    from echodiff.export.files import export_cases
    from echodiff.store.image_set import read_image_set

    if subset and not split:
        raise InputError(f"--subset {subset.value}: expected --split with the file that says which cases these are")
    if subset and format is Format.nnunet:
        raise InputError("--subset: expected none with --format nnunet, which puts both subsets where they belong")
    side = None if format is Format.nnunet else (subset or Subset.train).value
    cases = side_of(cases_of([read_image_set(path) for path in images], split), side)
    table = export_cases(cases, output, format=format.value)
    print(f"export: {len(table)} cases in {output}")
    if format is Format.nnunet and split is None:
        print("export: without --split nnU-Net chooses folds by itself and may put images of one patient on both sides")
