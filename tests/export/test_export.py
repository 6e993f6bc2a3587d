"""Export: what other programs read is what the image set holds, and no folder of other things is overwritten."""

import json
from dataclasses import replace

import highdicom as hd
import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image

from echodiff.errors import InputError, OutputError
from echodiff.export.cases import cases_of, side_of
from echodiff.export.dicom import ultrasound_image
from echodiff.export.dicom_seg import CODES
from echodiff.export.files import export_cases
from echodiff.export.nnunet import patient_folds
from echodiff.ingest.labels.dicom_seg import read_segmentation
from echodiff.labels import STRUCTURES
from echodiff.store.image_set import ImageSet, read_image_set
from echodiff.translate.sample_ids import guide_of

TRANSLATION = {"dataset": "vscan", "kind": "translation", "model": "fast"}


def image_set(case_ids, attributes=TRANSLATION, size=32):
    random = np.random.default_rng(len(case_ids))
    frames = random.integers(0, 256, (len(case_ids), size, size), dtype=np.uint8)
    masks = random.integers(0, 4, frames.shape, dtype=np.uint8)
    spacing = np.tile(np.float32([0.5, 0.75]), (len(case_ids), 1))
    seeds = np.arange(len(case_ids), dtype=np.uint64) if attributes["kind"] == "translation" else None
    return ImageSet(frames, masks, np.ones_like(masks), spacing, list(case_ids), attributes, seeds)


@pytest.fixture
def images():
    """Three cases of a translation, pixels of unknown size in the last, an id with a slash in the second."""
    content = image_set(["a", "b/im", "c"])
    content.spacing_mm[2] = np.nan
    content.seed[1] = 2**63 + 1
    return content


@pytest.fixture
def write_split(tmp_path):
    """A split of the cases p1 to pN of as many patients, of which the last is held out."""

    def write(patients=6):
        cases = [f"p{number}" for number in range(1, patients + 1)]
        table = pd.DataFrame({"case_id": cases, "patient": cases, "group": cases, "frame_hash": pd.NA, "fold": 0})
        table.assign(subset=["train"] * (patients - 1) + ["validation"], stratum="").to_parquet(tmp_path / "s.parquet")
        return tmp_path / "s.parquet"

    return write


def export_images(images, output, *, format):
    return export_cases(cases_of([images], None), output, format=format)


def pixels(path):
    if path.suffix == ".dcm":
        return pydicom.dcmread(path).pixel_array
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


class TestDicom:
    def test_every_structure_has_a_code(self):
        assert CODES.keys() == STRUCTURES.keys()

    def test_frame_and_segmentation_hold_the_pixels_and_labels(self, images, tmp_path):
        images.masks[0][images.masks[0] == STRUCTURES["LA"]] = 0
        images.masks[2] = 0
        table = export_images(images, tmp_path / "out", format="dicom")
        for row in table.itertuples():
            image = pydicom.dcmread(tmp_path / "out" / row.image)
            np.testing.assert_array_equal(image.pixel_array, images.images[row.Index])
            path = tmp_path / "out" / row.label_map
            segments = hd.seg.segread(path)
            assert [one.SegmentLabel for one in segments.SegmentSequence] == ["LV", "MYO", "LA"]
            assert segments.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == (
                image.SOPInstanceUID
            )
            np.testing.assert_array_equal(read_segmentation(path, "map", 1, (32, 32))[0], images.masks[row.Index])

    def test_it_says_what_is_synthetic_how_large_pixels_are_and_nothing_of_a_patient(self, images, tmp_path):
        export_images(images, tmp_path / "synthetic", format="dicom")
        known, unknown = (pydicom.dcmread(tmp_path / "synthetic" / "images" / f"{case}.dcm") for case in "ac")
        assert known.SyntheticData == "YES" and "fast" in known.DerivationDescription
        region = known.SequenceOfUltrasoundRegions[0]
        assert (region.PhysicalDeltaY, region.PhysicalDeltaX) == pytest.approx((0.05, 0.075))  # cm
        assert known.PixelSpacing == [0.5, 0.75]
        assert "SequenceOfUltrasoundRegions" not in unknown and "PixelSpacing" not in unknown
        real = image_set(["a"], {"dataset": "camus", "kind": "dataset"})
        export_images(real, tmp_path / "real", format="dicom")
        frame = pydicom.dcmread(tmp_path / "real" / "images" / "a.dcm")
        assert "SyntheticData" not in frame and frame.PatientIdentityRemoved == "YES"
        assert (str(frame.PatientName), frame.PatientID, frame.PatientBirthDate, frame.StudyDate) == ("", "a", "", "")

    def test_the_same_content_has_the_same_uids_and_other_content_others(self, images, tmp_path):
        export_images(images, tmp_path / "one", format="dicom")
        export_images(images, tmp_path / "two", format="dicom")
        images.images[0, 0, 0] ^= 1
        export_images(images, tmp_path / "three", format="dicom")
        for folder in ("images", "labels"):
            one, two, three = (pydicom.dcmread(tmp_path / n / folder / "a.dcm") for n in ("one", "two", "three"))
            assert one.SOPInstanceUID == two.SOPInstanceUID != three.SOPInstanceUID

    def test_uids_differ_by_level_and_by_all_that_the_file_holds(self, images):
        case = cases_of([images], None)[0]
        changes = ({}, {"case_id": "z"}, {"seed": 9}, {"origin": case.origin | {"model": "m"}}, {"image": case.mask})
        made = [ultrasound_image(replace(case, **change)) for change in changes]
        uids = {uid for ds in made for uid in (ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID)}
        assert len(uids) == 3 * len(changes)

    def test_an_odd_number_of_pixels_is_padded_and_the_region_is_the_whole_frame(self):
        (case,) = cases_of([image_set(["a"], size=31)], None)
        ds = ultrasound_image(case)
        assert ds.PixelData == case.image.tobytes() + b"\0"  # PS3.5 8.1.1: values have an even length
        assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation) == (8, 8, 7, 0)
        region = ds.SequenceOfUltrasoundRegions[0]
        assert (region.RegionSpatialFormat, region.RegionDataType) == (1, 1)  # 2D, tissue
        assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (3, 3)  # cm
        assert (region.RegionLocationMinX0, region.RegionLocationMinY0) == (0, 0)
        assert (region.RegionLocationMaxX1, region.RegionLocationMaxY1) == (30, 30)


class TestSeveralSets:
    def test_cases_lie_in_a_folder_of_their_dataset_and_model(self, tmp_path):
        sets = [image_set(["p1"], {"dataset": "camus", "kind": "dataset"}), image_set(["p1"])]
        sets[1].seed[0] = 2**63 + 1  # beside cases without a seed
        table = export_cases(cases_of(sets, None), tmp_path / "out", format="png")
        assert table["image"].tolist() == ["images/camus/p1.png", "images/fast_vscan/p1.png"]
        assert table["seed"].isna().tolist() == [True, False]
        found = pd.read_csv(tmp_path / "out" / "cases.csv", dtype={"seed": "UInt64"})["seed"]
        assert pd.isna(found[0]) and found[1] == 2**63 + 1
        with pytest.raises(
            InputError, match="fast_vscan: expected image sets of different datasets or models, found 2"
        ):
            cases_of([image_set(["a"]), image_set(["b"])], None)

    def test_a_split_counts_for_its_own_dataset_and_what_that_guided(self, write_split):
        real = image_set([f"p{number}" for number in range(1, 7)], {"dataset": "camus", "kind": "dataset"})
        samples = image_set(
            [f"p{number}_s{s}" for number in (1, 6) for s in (1, 2)], TRANSLATION | {"dataset": "camus"}
        )
        other = image_set(["x", "y"])
        cases = cases_of([real, samples, other], write_split())
        train = [case.name for case in side_of(cases, "train")]
        assert "camus/p5" in train and "fast_camus/p1_s2" in train and "fast_vscan/x" in train
        assert [case.name for case in side_of(cases, "validation")] == [
            "camus/p6",
            "fast_camus/p6_s1",
            "fast_camus/p6_s2",
        ]
        assert {case.name for case in side_of(cases, None)} == {*train, "camus/p6"}
        with pytest.raises(InputError, match=r"s.parquet: expected all cases of camus or none, found 6 of 7, not q"):
            cases_of([image_set([*real.case_id, "q"], real.attributes)], write_split())
        with pytest.raises(InputError, match=r"s.parquet: expected cases of the image sets, found none"):
            cases_of([other], write_split())


class TestNnunet:
    def test_it_is_the_layout_of_nnunet_with_held_out_patients_as_test(self, tmp_path, write_split, run_echodiff):
        real = image_set([f"p{number}" for number in range(1, 7)], {"dataset": "camus", "kind": "dataset"})
        synthetic = image_set([f"p{number}" for number in range(1, 7)], TRANSLATION | {"dataset": "camus"})
        table = export_cases(
            side_of(cases_of([real, synthetic], write_split()), None), tmp_path / "out", format="nnunet"
        )
        names = {path.name for path in (tmp_path / "out" / "imagesTr").iterdir()}
        assert names == {f"{kind}_p{n}_0000.nii.gz" for kind in ("camus", "fast_camus") for n in range(1, 6)}
        assert [path.name for path in (tmp_path / "out" / "labelsTs").iterdir()] == ["camus_p6.nii.gz"]
        for row in table.itertuples():
            source = synthetic if row.kind == "translation" else real
            place = source.case_id.index(row.case_id)
            image, labels = (sitk.ReadImage(str(tmp_path / "out" / file)) for file in (row.image, row.label_map))
            np.testing.assert_array_equal(sitk.GetArrayFromImage(image), source.images[place])
            np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), source.masks[place])
            assert image.GetSpacing() == labels.GetSpacing() == pytest.approx((0.75, 0.5))
        dataset = json.loads((tmp_path / "out" / "dataset.json").read_text())
        assert dataset["numTraining"] == len(names) and dataset["file_ending"] == ".nii.gz"
        assert dataset["labels"] == {"background": 0, "LV": 1, "MYO": 2, "LA": 3}
        found = run_echodiff("check", tmp_path / "out").stdout
        assert "fine: 11 of 11" in found, found

    def test_folds_keep_patients_and_what_their_maps_guided_apart(self, write_split):
        patients = [f"p{number}" for number in range(1, 14)]
        real = image_set(patients, {"dataset": "camus", "kind": "dataset"})
        samples = image_set([f"{p}_s{s}" for p in patients for s in (1, 2)], TRANSLATION | {"dataset": "camus"})
        training = side_of(cases_of([real, samples, image_set(["x"])], write_split(13)), None)
        training = [case for case in training if not case.held_out]
        folds = patient_folds(training)
        assert len(folds) == 5
        judged = [name for fold in folds for name in fold["val"]]
        assert sorted(judged) == sorted(f"camus_{p}" for p in patients[:-1])  # each once, real ones alone
        for fold in folds:
            of_val = {name.removeprefix("camus_") for name in fold["val"]}
            assert "fast_vscan_x" in fold["train"]
            assert not {guide_of(name).split("_")[-1] for name in fold["train"]} & of_val
            assert len(fold["train"]) == 3 * (12 - len(of_val)) + 1

    def test_without_a_split_there_are_no_folds_and_the_command_says_so(self, tmp_path, write_image_set, run_echodiff):
        done = run_echodiff(
            "export", "--images", write_image_set(cases=3), "--output", tmp_path / "out", "--format", "nnunet"
        )
        assert done.returncode == 0 and "without --split nnU-Net chooses folds by itself" in done.stdout
        assert not (tmp_path / "out" / "splits_final.json").exists()

    def test_ids_that_become_the_same_name_are_refused(self, tmp_path):
        with pytest.raises(InputError, match="a b: expected ids that differ in letters and digits, found two .* a-b"):
            export_images(image_set(["a-b", "a b"]), tmp_path / "out", format="nnunet")
        assert list(tmp_path.iterdir()) == []


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
    done = run_echodiff("export", "--images", data, "--output", tmp_path / "other", "--subset", "train")
    assert done.returncode == 1 and "--subset train: expected --split" in done.stderr
