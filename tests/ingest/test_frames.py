"""Format `frames`: stills and cines in 2D out of pictures, NIfTI, MetaImage, NRRD and videos, with label maps."""

import shutil

import cv2
import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from PIL import Image as Pillow
from PIL import ImageSequence, PngImagePlugin

from echodiff.config.datasets import CamusDataset, DicomDataset, FramesDataset
from echodiff.config.image import Image
from echodiff.config.load import load_config
from echodiff.errors import InputError
from echodiff.export.cases import cases_of
from echodiff.export.files import export_cases
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.patients import with_patients_on_trial
from echodiff.ingest.check.trial import Trial, find_cases
from echodiff.ingest.identity.privacy import identity_found
from echodiff.ingest.readers.camus import CamusReader
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.frames import FramesReader
from echodiff.ingest.readers.frames_file import read_recording
from echodiff.ingest.readers.itk import read_itk
from echodiff.ingest.run import ingest_dataset
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table

from .conftest import ED, FRAMES, Plane, echonet_planes, plane, write_itk, write_video
from .dicom_files import HEIGHT, WIDTH, write_gray
from .reading import read_all


def options(**more) -> FramesDataset:
    return FramesDataset(format="frames", folder="x", **more)


def write(path, values, spacing=(1.0, 1.0, 1.0)):
    """Values (H, W), (F, H, W) or (H, W, 3) as a file of the kind that its ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".png", ".jpg", ".bmp", ".tif"):
        assert cv2.imwrite(str(path), values)
    else:
        write_itk(values, path, spacing[: values.ndim])
    return path


def pairs(folder, image="{}.png", label="{}_gt.png", count=3) -> list[Plane]:
    """Images and label maps of cases p0, p1, ..."""
    planes = [plane(seed=number) for number in range(count)]
    for number, content in enumerate(planes):
        write(folder / image.format(f"p{number}"), content.image)
        write(folder / label.format(f"p{number}"), content.labels)
    return planes


def read(folder, **more):
    """Case's name -> its frame, or the sentence by which it is rejected."""
    return read_all(FramesReader(options(**more)), folder)


def only(folder, **more):
    (found,) = read(folder, **more).values()
    return found


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "nii.gz", "nii", "mha", "mhd", "nrrd"])
def test_every_kind_of_file_holds_the_frame_and_its_labels(tmp_path, ending):
    contents = pairs(tmp_path, f"{{}}.{ending}", f"{{}}_gt.{ending}")
    for frame, content in zip(read(tmp_path).values(), contents, strict=True):
        np.testing.assert_array_equal(frame.image, content.image)
        np.testing.assert_array_equal(frame.mask, content.labels)
        assert (frame.ed_rule, frame.frames, frame.label_source) == ("still", 1, "file")
        assert (frame.sector == content.sector).mean() > 0.98 and np.isnan(frame.spacing_mm).all()


def test_jpeg_palettes_and_gray_in_colour_are_gray(tmp_path):
    content = plane()
    write(tmp_path / "jpeg.jpg", content.image)
    write(tmp_path / "colour.png", np.repeat(content.image[..., None], 4, axis=2))
    palette = Pillow.fromarray(content.image).convert("P")
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "gif.gif")
    nearly = np.repeat(content.image[..., None], 3, axis=2).astype(int) + np.array([-2, 0, 2])
    write(tmp_path / "nearly.png", np.clip(nearly, 0, 255).astype(np.uint8))
    found = read(tmp_path, labels="none")
    assert {name: int(np.abs(frame.image - content.image.astype(int)).mean()) for name, frame in found.items()} == {
        name: 0 for name in ("colour", "gif", "nearly", "palette")
    } | {"jpeg": pytest.approx(3, abs=3)}


@pytest.mark.parametrize("factor", [257, 16])
def test_16_bits_are_scaled_by_their_own_range(tmp_path, factor):
    content = plane()
    write(tmp_path / "gray.png", content.image.astype(np.uint16) * factor)
    assert np.abs(only(tmp_path, labels="none").image - content.image.astype(int)).max() <= 1


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.avi"])
def test_colour_flow_is_rejected_and_calipers_are_painted_over(tmp_path, name):
    content = plane()
    coloured = np.repeat(content.image[..., None], 3, axis=2)
    caliper = coloured.copy()
    caliper[100:103, 100:130] = 0, 220, 220
    coloured[90:150, 90:150] = 200, 30, 30
    for folder, picture in (("flow", coloured), ("caliper", caliper)):
        (tmp_path / folder).mkdir()
        if name == "a.avi":
            writer = cv2.VideoWriter(str(tmp_path / folder / name), cv2.VideoWriter_fourcc(*"MJPG"), 20, (220, 180))
            for moment in range(4):
                writer.write(np.roll(picture, moment, axis=0))
            writer.release()
        else:
            write(tmp_path / folder / name, picture)
    assert "of the sector in colour" in only(tmp_path / "flow", labels="none", ed="auto")
    painted = only(tmp_path / "caliper", labels="none")
    line, beside = (np.roll(painted.image, -painted.ed_frame, axis=0)[rows, 100:130] for rows in (101, [97, 106]))
    assert abs(line.mean() - beside.mean()) < 30 < 195 - beside.mean(), "195 is the luminance of the line"


def write_pages(path, pages=None):
    pages = pages or [plane().image, plane(90, 110).image]
    first, *others = (Pillow.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=others)
    assert len(list(ImageSequence.Iterator(Pillow.open(path)))) == len(pages)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "a.tif",
            write_pages,
            "expected pages of one size, found 220 x 180 and 110 x 90; save them as files of their own",
        ),
        ("a.tif", lambda path: write_pages(path, [np.zeros((2**12, 2**12), np.uint8)] * 17), "found 17 of 4096 x 4096"),
        ("a.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "expected a readable picture, found it damaged"),
        ("a.png", lambda path: path.touch(), "expected a file with content, found an empty file"),
        ("a.png", lambda path: write(path, np.full((90, 90), 7, np.uint8)), "found one value, 7, everywhere"),
        ("a.mp4", lambda path: path.write_bytes(b"no video"), "expected a video, found a file that cannot be opened"),
        ("a.nii.gz", lambda path: path.write_bytes(b"none"), "expected a readable image, found it damaged"),
        ("a.png", lambda path: path.symlink_to("nowhere"), "expected a file, found a link without a target"),
    ],
)
def test_files_that_cannot_be_used_say_why(tmp_path, name, content, sentence):
    content(tmp_path / name)
    assert sentence in only(tmp_path, labels="none")


def test_pictures_that_are_turned_when_shown_are_rejected(tmp_path):
    tags = Pillow.Exif()
    tags[0x0112] = 6
    Pillow.fromarray(plane().image).save(tmp_path / "a.jpg", exif=tags)
    assert "expected an upright picture" in only(tmp_path, labels="none")


def test_a_name_that_is_an_ending_alone_is_a_case_of_that_name(tmp_path):
    """It ended the run."""
    write(tmp_path / "a.nii.gz", plane().image).rename(tmp_path / ".nii.gz")
    assert read(tmp_path, labels="none")[".nii.gz"].ed_rule == "still"


def test_a_volume_is_no_cine(tmp_path):
    half = 100 * np.sin(np.linspace(0.1, np.pi - 0.1, 20))[:, None, None]
    write(tmp_path / "v.nii.gz", np.where(np.abs(np.arange(220) - 110) < half, plane().image, 0).astype(np.uint8))
    assert "planes whose sectors differ, as those of a volume; put it into" in only(tmp_path, labels="none")


def test_label_maps_that_are_missing_doubled_or_of_another_kind_are_told(tmp_path):
    pairs(tmp_path, count=4)
    (tmp_path / "p0_gt.png").unlink()
    shutil.copy(tmp_path / "p1_gt.png", tmp_path / "p1_gt.bmp")
    (tmp_path / "p2_gt.png").unlink()
    write(tmp_path / "p2_gt.jpg", plane().labels)
    write(tmp_path / "p3_gt.png", plane().labels.T)
    found = read(tmp_path)
    assert found.keys() == {"p0", "p1", "p2", "p3"}
    assert "expected a label map beside it, named {stem}_gt.*, found none" in found["p0"]
    assert "found p1_gt.bmp and p1_gt.png; move one away" in found["p1"]
    assert "found p2_gt.jpg: JPEG changes label values" in found["p2"]
    assert "rows and columns are exchanged" in found["p3"]


def test_a_label_map_that_fits_two_images_is_rejected(tmp_path):
    """Whatever the format, and but for a copy of the image in another format."""
    for folder in ("a", "b"):
        content = plane(HEIGHT, WIDTH)
        write(tmp_path / folder / "image.png", content.image)
        write(tmp_path / folder / "label.nrrd", content.labels)
        write_gray(tmp_path / folder / "one.dcm")
    assert all(frame.label_source == "file" for frame in read(tmp_path, label_pattern="label.nrrd").values())
    write(tmp_path / "a" / "other.png", plane(seed=5).image)
    found = read(tmp_path, label_pattern="label.nrrd")
    assert "found label.nrrd to fit image.png and other.png; narrow label_pattern" in found["a/image"]
    assert found["b/image"].label_source == "file"
    dicom = DicomReader(DicomDataset(format="dicom", folder="x", label_pattern="../a/label.nrrd"))
    for case in dicom.find(tmp_path):
        with pytest.raises(Reject, match="found label.nrrd to fit .*one.dcm"):
            dicom.read(case)


def test_the_table_says_patients_sizes_labels_and_names(tmp_path):
    contents = pairs(tmp_path, "{}.png", "drawn/{}.png")
    (tmp_path / "cases.csv").write_text(
        "file,patient,label,row_mm,column_mm\np0.png,A,drawn/p0.png,0.3,0.4\np1.png,A,drawn/p1.png,,\n"
        "p2.png,,drawn/p2.png,,\n"
    )
    patients = {case.name: case.patient for case in FramesReader(options()).find(tmp_path)}
    assert patients == {"p0": "A", "p1": "A", "p2": "p2"}
    found = read(tmp_path, pixel_mm=0.2)
    assert found["p0"].spacing_mm == (0.3, 0.4) and found["p1"].spacing_mm == (0.2, 0.2)
    for frame, content in zip(found.values(), contents, strict=True):
        np.testing.assert_array_equal(frame.mask, content.labels)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image,patient\nno.png,A\n", "expected names of files in this folder, found none for 'no.png'"),
        ("patient\nA\n", "expected the columns file, found none named file"),
        ("file\np0.png\np0.png\n", "expected each file once, found one again in row 3"),
        ("file,row_mm,column_mm\np0.png,x,1\n", "expected a number with a decimal point as row_mm, found 'x' in row 2"),
        ("file,row_mm,column_mm\np0.png,0.3,\n", "expected row_mm and column_mm above 0 .* or both empty"),
        ("file,frame\np0.png,1.5\n", "expected a whole number as frame, found '1.5'"),
        ("file,label\np0.png,no.png\n", "found none for 'no.png'"),
        (
            "file;row_mm;column_mm\np0.png;0,3,1;0,3\n",
            "a number with a decimal point as row_mm, found '0,3,1' in row 2",
        ),
        ("file,label,mask\np0.png,p0_gt.png,\n", "expected one column a name, found several for label; remove all but"),
    ],
)
def test_a_table_that_is_wrong_is_refused(tmp_path, text, sentence):
    pairs(tmp_path)
    (tmp_path / "cases.csv").write_text(text)
    with pytest.raises(InputError, match=f"cases.csv: .*{sentence}"):
        list(FramesReader(options()).find(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "file;patient;label;row_mm;column_mm\np0.png;A;drawn/p0.png;0,3;0,4\np1.png;A;drawn/p1.png;;\n",
        "\ufeffFile\tPatient ID\tMask\tRow mm\tColumn mm\np0.png\tA\tdrawn/p0.png\t0,3\t.4\np1.png\tA\tdrawn/p1.png\n",
        "filename,patient_id,mask,row_mm,column_mm\n.\\p0.png,A,.\\drawn\\p0.png,0.3,0.4\n./p1.png,A,drawn//p1.png,,\n",
    ],
)
def test_tables_as_spreadsheets_and_windows_write_them(tmp_path, text):
    contents = pairs(tmp_path, "{}.png", "drawn/{}.png", count=2)
    (tmp_path / "cases.csv").write_text(text, encoding="utf-8")
    assert {case.patient for case in FramesReader(options()).find(tmp_path)} == {"A"}
    found = read(tmp_path)
    assert found["p0"].spacing_mm == (0.3, 0.4) and np.isnan(found["p1"].spacing_mm).all()
    for frame, content in zip(found.values(), contents, strict=True):
        np.testing.assert_array_equal(frame.mask, content.labels)


def test_patients_and_end_systole_are_told_by_folders_and_names(tmp_path):
    for name in ("images/p1/a", "images/p1/b", "images/p2/a", "images/x_ED", "images/x_ES"):
        write(tmp_path / f"{name}.png", plane().image)
    cases = {case.name: case for case in FramesReader(options(labels="none")).find(tmp_path)}
    assert {name: case.patient for name, case in cases.items()} == {
        "images/p1/a": "p1",
        "images/p1/b": "p1",
        "images/p2/a": "p2",
        "images/x_ED": "x_ED",
        "images/x_ES": "x_ED",
    }
    assert "found an image named ES beside one" in read(tmp_path, labels="none")["images/x_ES"]


def test_numbered_stills_of_a_patient_are_no_certain_end_diastole(tmp_path):
    """They are the frames of a cine, as videos are often unpacked; those of many patients are not."""
    folder = tmp_path / "a" / "b" / "c" / "d"  # beside which no other test's label maps are
    for number in range(8):
        write(folder / "p1" / f"frame_{number:03d}.png", plane(seed=number).image)
        write(folder / "p2" / f"p{number}" / "frame_000.png", plane(seed=number).image)
        write(folder / "p3" / f"{'abcdefgh'[number]}.png", plane(seed=number).image)
    found = read(folder, labels="none")
    assert {name: frame.ed_confidence for name, frame in found.items()} == {
        name: 1 / 8 if name.startswith("p1/") else 1.0 for name in found
    }
    guess = next(guesses(folder))
    remarks = with_patients_on_trial(guess, [Trial(case, {}) for case in find_cases(guess)]).remarks
    assert "found 8 numbered stills of one patient in one folder, such as p1/frame_000.png" in remarks[-1]
    (folder / "cases.csv").write_text("file,frame\np1/frame_003.png,0\n")
    assert read(folder, labels="none")["p1/frame_003"].ed_confidence == 1
    write(folder / "p1" / "frame_002_gt.png", plane().labels)
    assert read(folder)["p1/frame_002"].ed_confidence == 1


def write_cine(path, cine) -> None:
    frames = np.stack([moment.image for moment in cine])
    if path.suffix == ".avi":
        write_video(path, list(frames))
    elif path.suffix == ".nii":  # as NIfTI has it: x, y, one plane, time
        sitk.WriteImage(sitk.GetImageFromArray(frames[:, None], isVector=False), str(path))
    else:
        write(path, frames, (0.5, 0.4, 1.0))


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".mha", ".nrrd", ".avi"])
def test_cines_have_their_ed_frame_by_the_rules_of_dicom(tmp_path, ending):
    cine = echonet_planes(3)
    write_cine(tmp_path / f"a{ending}", cine)
    free = only(tmp_path, labels="none")
    assert free.frames == FRAMES and free.ed_rule == "self_similarity"
    assert free.label_source == "none"
    known = ending in (".nii.gz", ".mha", ".nrrd")
    assert free.spacing_mm == pytest.approx((0.4, 0.5) if known else (np.nan, np.nan), nan_ok=True)
    (tmp_path / "cases.csv").write_text(f"file,frame\na{ending},2\n")
    assert (only(tmp_path, labels="none").ed_frame, only(tmp_path, labels="none").ed_rule) == (2, "table")
    (tmp_path / "cases.csv").unlink()
    write(tmp_path / "a_gt.mha", np.stack([moment.labels for moment in cine]))
    labelled = only(tmp_path)
    assert (labelled.ed_frame, labelled.ed_rule) == (ED, "largest_lv")
    np.testing.assert_array_equal(labelled.mask, cine[ED].labels)
    (tmp_path / "a_gt.mha").unlink()
    write(tmp_path / "a_gt.png", cine[ED].labels)
    np.testing.assert_array_equal(only(tmp_path).mask, cine[ED].labels)


@pytest.mark.parametrize("ending", [".tif", ".gif"])
def test_pages_are_the_frames_of_a_cine(tmp_path, ending):
    cine = echonet_planes(3)
    write_pages(tmp_path / f"a{ending}", [moment.image for moment in cine])
    write_pages(tmp_path / "a_gt.tif", [moment.labels for moment in cine])
    found = only(tmp_path)
    assert (found.frames, found.ed_frame, found.ed_rule) == (FRAMES, ED, "largest_lv")
    np.testing.assert_array_equal(found.mask, cine[ED].labels)
    frames = read_recording(tmp_path / f"a{ending}").frames
    np.testing.assert_array_equal(frames, [moment.image for moment in cine])
    flow = [np.repeat(moment.image[..., None], 3, axis=2) for moment in cine]
    for page in flow:
        page[50:90, 40:70] = 200, 30, 30
    write_pages(tmp_path / f"a{ending}", flow)
    assert "of the sector in colour" in only(tmp_path)
    whole = (tmp_path / f"a{ending}").read_bytes()
    (tmp_path / f"a{ending}").write_bytes(whole[: len(whole) // 2])
    assert "found it damaged or cut short" in only(tmp_path) or "expected one plane or the image's" in only(tmp_path)


def check(folder, run_echodiff, monkeypatch, tmp_path):
    """Format and options of the entry that the command proposes, and what ingest makes of it, unchanged."""
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    done = run_echodiff("check", folder, "--name", "ours")
    assert done.returncode == 0, done.stdout + done.stderr
    pasted = yaml.safe_load(done.stdout.split("in the configuration:")[1])
    (tmp_path / "c.yaml").write_text(
        yaml.safe_dump({"training_dataset": "ours", "models": {"m": {"preset": "fast"}}, **pasted})
    )
    dataset = load_config(tmp_path / "c.yaml").datasets["ours"]
    counts = ingest_dataset("ours", dataset, Image(size=64), dataset.folder, tmp_path / "out", processes=0)
    table = read_table(tmp_path / "out" / "cases.parquet")
    assert set(table["label_source"].dropna()) == {"file"}, done.stdout
    entry = pasted["datasets"]["ours"]
    return entry["format"], entry.get("label_pattern"), counts["kept"], table


@pytest.mark.parametrize(
    ("image", "label", "pattern"),
    [
        ("{}.png", "{}_mask.png", "{stem}_mask.*"),
        ("{}.jpg", "{}.png", "{stem}.png"),
        ("images/{}.png", "masks/{}.png", "../masks/{stem}.png"),
        ("images/{}.png", "masks/{}.nii.gz", "../masks/{stem}.nii.gz"),
        ("imagesTr/{}_0000.nii.gz", "labelsTr/{}.nii.gz", "../labelsTr/{stem}.nii.gz"),
        ("imagesTr/{}_0000.png", "labelsTr/{}.png", "../labelsTr/{stem}.png"),
        ("images/{}/x.png", "masks/{}/x.png", "../../masks/{folders}/{stem}.png"),
        ("images/{}/s1/x.png", "masks/{}/s1/x_seg.png", "../../../masks/{folders}/{stem}_seg.*"),
        ("{}/image.nrrd", "{}/label.nrrd", "label.nrrd"),
    ],
)
def test_check_proposes_an_entry_that_reads_the_folder(tmp_path, run_echodiff, monkeypatch, image, label, pattern):
    pairs(tmp_path / "in", image, label)
    found = check(tmp_path / "in", run_echodiff, monkeypatch, tmp_path)
    assert found[:3] == ("frames", pattern, 3)
    assert found[3]["patient"].nunique() == 3


def test_check_finds_masks_of_dicom_in_a_tree_like_theirs(tmp_path, run_echodiff, monkeypatch):
    for number in range(3):
        write_gray(tmp_path / "in" / "scans" / f"p{number}" / "IM_0001")
        write(tmp_path / "in" / "masks" / f"p{number}" / "IM_0001.png", plane(HEIGHT, WIDTH).labels)
    found = check(tmp_path / "in", run_echodiff, monkeypatch, tmp_path)
    assert found[:3] == ("dicom", "../../masks/{folders}/{stem}.png", 3)


def test_check_proposes_frames_for_cines_in_nifti_and_for_videos(tmp_path):
    for ending in (".nii.gz", ".avi"):
        for number in range(2):
            write_cine(tmp_path / ending[1:] / f"c{number}{ending}", echonet_planes(number))
        guess = next(guesses(tmp_path / ending[1:]))
        assert guess.format == "frames" and guess.options == {"labels": "predicted"}
        assert guess.evidence == "2 pictures, planes or cines, 0 of labels"


@pytest.mark.parametrize("format", ["png", "nifti"])
@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_an_export_reads_back_as_it_was(tmp_path, camus_folder, run_echodiff, monkeypatch, format, fit):
    """Of two cases, the second without a size of its pixels; resampling took the first row of a sector."""
    image = Image(size=96, fit=fit)
    ingest_dataset("a", CamusDataset(format="camus", folder="x"), image, camus_folder, tmp_path / "a", processes=0)
    before = read_image_set(tmp_path / "a" / "images.h5")
    before.spacing_mm[1] = np.nan
    export_cases(cases_of([before], None), tmp_path / "export", format=format)
    assert check(tmp_path / "export", run_echodiff, monkeypatch, tmp_path)[:3] == ("frames", None, 2)
    ingest_dataset("b", options(case_ids="source"), image, tmp_path / "export", tmp_path / "b", processes=0)
    after = read_image_set(tmp_path / "b" / "images.h5")
    assert after.case_id == before.case_id
    for name in ("images", "masks", "sectors"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_allclose(after.spacing_mm, before.spacing_mm, rtol=1e-6)


def test_text_in_files_is_counted(tmp_path):
    content, names = Pillow.fromarray(plane().image), {}
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "Quillfeather")
    content.save(names.setdefault("png", tmp_path / "a.png"), pnginfo=text)
    content.save(names.setdefault("jpeg", tmp_path / "a.jpg"), comment=b"Quillfeather")
    tags = Pillow.Exif()
    tags[0x010E] = "Quillfeather"
    content.save(names.setdefault("exif", tmp_path / "b.jpg"), exif=tags)
    content.save(names.setdefault("tiff", tmp_path / "a.tif"), description="Quillfeather")
    assert {name: identity_found([path])["identity_found"] for name, path in names.items()} == dict.fromkeys(
        names, "text"
    )
    for ending in ("png", "jpg", "tif", "bmp", "gif"):
        content.save(tmp_path / f"none.{ending}")
        assert identity_found([tmp_path / f"none.{ending}"])["identity_found"] == ""


def test_real_frames_as_pictures_are_those_of_camus(sample_data, tmp_path):
    """Frame, label map and sector are the same but for the rounding of gray values, which CAMUS has none of."""
    reader = CamusReader(CamusDataset(format="camus", folder="x"))
    cases = {case.name: case for case in reader.find(sample_data / "camus") if case.name.endswith("50")}
    for name, case in cases.items():
        frame = reader.read(case)
        write(tmp_path / f"{name}.png", frame.image)
        write(tmp_path / f"{name}_gt.png", frame.mask)
        header = read_itk(case.files["image"], "the image")
        with open(tmp_path / "cases.csv", "a", encoding="utf-8") as table:
            if not table.tell():
                table.write("file,row_mm,column_mm\n")
            table.write(f"{name}.png,{header.GetSpacing()[1]},{header.GetSpacing()[0]}\n")
        for role, ending in (("image", ".nii.gz"), ("label", "_gt.nii.gz")):
            target = tmp_path / "nifti" / f"{name}{ending}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(case.files[role], target)
    found = read(tmp_path)
    assert len(found) == 2 * len(cases) >= 8
    for name, frame in found.items():
        expected = reader.read(cases[name.removeprefix("nifti/")])
        for part in ("image", "mask", "sector"):
            np.testing.assert_array_equal(getattr(frame, part), getattr(expected, part))
        assert frame.spacing_mm == pytest.approx(expected.spacing_mm)
