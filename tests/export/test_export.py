"""Export: what other programs read is what the image set holds, and no folder of other things is overwritten."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from PIL import Image

from echodiff.errors import InputError, OutputError
from echodiff.export.files import export_images
from echodiff.store.image_set import ImageSet, read_image_set


@pytest.fixture
def images():
    """Three cases of a translation, pixels of unknown size in the last, an id with a slash in the second."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (3, 32, 32), dtype=np.uint8)
    masks = random.integers(0, 4, (3, 32, 32), dtype=np.uint8)
    spacing = np.array([[0.5, 0.75], [0.5, 0.75], [np.nan, np.nan]], np.float32)
    names = {"dataset": "vscan", "kind": "translation", "model": "fast"}
    seeds = np.array([3, 2**63 + 1, 5], np.uint64)
    return ImageSet(frames, masks, np.ones_like(masks), spacing, ["a", "b/im", "c"], names, seeds)


def pixels(path):
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.mark.parametrize(("format", "ending"), [("png", ".png"), ("nifti", ".nii.gz")])
def test_files_hold_the_pixels_and_labels(images, tmp_path, format, ending):
    table = export_images(images, tmp_path / "out", format=format)
    assert table["image"].tolist() == [f"images/{case}{ending}" for case in ("a", "b/im", "c")]
    for row in table.itertuples():
        for path, planes in (
            (row.image, images.images),
            (row.label_map, images.masks),
            (row.sector, images.sectors),
        ):
            found = pixels(tmp_path / "out" / path)
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, planes[row.Index])


def test_nifti_has_the_size_of_a_pixel_and_the_table_what_is_known(images, tmp_path):
    export_images(images, tmp_path, format="nifti")
    table = pd.read_csv(tmp_path / "cases.csv", dtype={"seed": "uint64"})
    for case, expected in (("a", (0.75, 0.5)), ("c", (1.0, 1.0))):  # x before y
        for folder in ("images", "labels", "sectors"):
            spacing = sitk.ReadImage(str(tmp_path / folder / f"{case}.nii.gz")).GetSpacing()
            assert spacing == pytest.approx(expected)
    assert table["row_mm"].isna().tolist() == [False, False, True]
    assert table["seed"].tolist() == images.seed.tolist()
    assert set(table["model"]) == {"fast"} and set(table["dataset"]) == {"vscan"}


def test_an_earlier_export_is_replaced_as_a_whole_and_nothing_else_is(images, tmp_path):
    export_images(images, tmp_path / "out", format="png")
    export_images(images.select(["a"]), tmp_path / "out", format="nifti")
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["out/cases.csv", "out/images/a.nii.gz", "out/labels/a.nii.gz", "out/sectors/a.nii.gz"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(OutputError, match=r"mine: expected an empty folder or one of an earlier run with cases\.csv"):
        export_images(images, tmp_path / "mine", format="png")
    with pytest.raises(InputError, match="vscan: expected cases to export, found none"):
        export_images(images.select([]), tmp_path / "none", format="png")


def test_a_file_that_cannot_be_written_leaves_nothing(images, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise RuntimeError("Exception thrown in SimpleITK WriteImage\nITK ERROR: failed to write")

    monkeypatch.setattr(sitk, "WriteImage", full)
    with pytest.raises(OutputError, match="ITK ERROR: failed to write"):
        export_images(images, tmp_path / "out", format="nifti")
    assert list(tmp_path.iterdir()) == []


def test_command_exports_one_subset(run_echodiff, write_image_set, tmp_path):
    data = write_image_set(cases=4)
    cases = read_image_set(data).case_id
    split = pd.DataFrame({"case_id": cases, "patient": cases, "group": cases, "frame_hash": pd.NA, "fold": 0})
    split = split.assign(subset=["train", "train", "validation", "train"], stratum="")
    split.to_parquet(tmp_path / "split.parquet")
    done = run_echodiff("export", "--images", data, "--output", tmp_path / "out", "--split", tmp_path / "split.parquet")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out" / "labels").iterdir()) == [
        f"{case}.nii.gz" for case in (cases[0], cases[1], cases[3])
    ]
    done = run_echodiff("export", "--images", tmp_path / "no.h5", "--output", tmp_path / "other")
    assert done.returncode == 1 and "no.h5: expected an image set, found no such file" in done.stderr
