"""No identity leaves ingest: not in tables, images, names of files, or what is printed, whatever goes wrong."""

import gzip
import importlib
import json
import os
import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk
import yaml
from leaks import leaks
from PIL import ExifTags
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from echodiff.config.datasets import CamusDataset, DicomDataset, EchonetDataset, VolumeDataset
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference
from echodiff.ingest.case_table.row import COLUMNS
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.report import summary
from echodiff.ingest.check.trial import find_cases, read_on_trial
from echodiff.ingest.identity.names import Names
from echodiff.ingest.identity.privacy import BURNED_IN, KEYWORDS, KINDS, identity_found
from echodiff.ingest.processes.work import CaseWork
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.run import ingest_dataset
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table

from .conftest import heart, write_camus_patient, write_echonet
from .dicom_files import HEIGHT, WIDTH, write_gray
from .test_volume import write_volume

MACHINE = "vscan"
PERSON, BORN = "Quillfeather", "19381224"


@pytest.fixture(scope="module")
def run(run_echodiff, tmp_path_factory):
    """Folder of a phantom run through ingest as a foreign folder, all secret strings, and all that was printed.

    Each patient has a folder and files of the patient's name, private tags and a label map that name the patient, and
    there are files that cannot be read, which are named so too.
    """
    folder = tmp_path_factory.mktemp("privacy")
    models = {"training_dataset": MACHINE, "models": {"fast": {"preset": "fast"}}}
    phantom = {MACHINE: {"format": "dicom", "phantom": {"machine": MACHINE, "patients": 3, "frames": 8, "seed": 5}}}
    foreign = {MACHINE: {"format": "dicom", "folder": str(folder / "files")}}
    for name, datasets in (("phantom", phantom), ("foreign", foreign)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**models, "datasets": datasets, "image": {"size": 128}}))
    options = ("--dataset", MACHINE, "--output")
    done = run_echodiff("phantom", "--config", folder / "phantom.yaml", *options, folder / "phantom")
    assert done.returncode == 0, done.stderr
    truth = pd.read_parquet(folder / "phantom" / "truth.parquet")
    secrets = {text for row in truth["identity"] for text in json.loads(row)}
    secrets |= {word for text in secrets for word in text.replace("Dr ", "").split() if len(word) > 4}
    for row in truth.itertuples():
        secrets |= name_after_patient(folder, row.file, row.label_file, json.loads(row.identity))
    add_broken_files(folder / "files")
    environment = {**os.environ, "ECHODIFF_KEY_FILE": str(folder / "key")}
    config = ("--config", folder / "foreign.yaml", "--source", folder / "files")
    done = run_echodiff("ingest", *config, *options, folder / "out", env=environment)
    assert done.returncode == 0, done.stderr
    (folder / "out" / "log.txt").write_text(done.stdout + done.stderr)
    return folder, secrets | {PERSON, PERSON.upper(), BORN}


def name_after_patient(folder: Path, file: str, label_file: str, strings: list[str]) -> set[str]:
    """Move a phantom's files into a folder of the patient's name, with tags that say more; gives the new names."""
    family, _, birth_date = strings[:3]
    place = folder / "files" / f"{family}^{birth_date}"
    place.mkdir(parents=True, exist_ok=True)
    header = pydicom.dcmread(folder / "phantom" / file)
    block = header.private_block(0x0099, f"{family} PRIVATE", create=True)
    block.add_new(0x01, "LO", f"seen by {family}")
    header.ImageComments = f"{family} was restless"
    # pydicom's warning of a value that does not fit its kind quotes it.
    value = family.encode() + b" " * (len(family) % 2)
    header._dict[Tag("HeartRate")] = RawDataElement(Tag("HeartRate"), "IS", len(value), value, 0, False, True)
    header.save_as(place / f"{family}_echo.dcm")
    shutil.copy(folder / "phantom" / label_file, place / f"{family}_echo_gt{Path(label_file).suffix}")
    return {place.name, f"{family}_echo"}


def add_broken_files(folder: Path) -> None:
    """Each file fails at another step, under a name that must not be told."""
    (folder / f"{PERSON}^{BORN}").mkdir()
    place = folder / f"{PERSON}^{BORN}"
    (place / f"{PERSON}_report.dcm").write_bytes(b"nothing")
    whole = next(path for path in folder.rglob("*_echo.dcm")).read_bytes()
    (place / f"{PERSON}_short.dcm").write_bytes(whole[: len(whole) // 2])
    write_gray(place / f"{PERSON}_other.dcm", Modality=PERSON[:16].upper())
    write_gray(place / f"{PERSON}_unlabelled.dcm", PatientName=PERSON)
    write_gray(place / f"{PERSON}_picture.dcm")
    (place / f"{PERSON}_picture_gt.png").write_bytes(b"no picture")
    write_gray(place / f"{PERSON}_map.dcm", PatientBirthDate=BORN)
    (place / f"{PERSON}_map_gt.nii.gz").write_bytes(b"no map")


def test_no_name_is_in_any_output_or_line(run):
    folder, secrets = run
    table = read_table(folder / "out" / "cases.parquet")
    assert len(secrets) > 20 and table["status"].value_counts().to_dict() == {"rejected": 6, "kept": 3}
    assert table.loc[table["status"] == "rejected", "reason"].nunique() >= 5
    assert leaks(folder / "out", secrets) == []


def test_the_search_would_find_them(run):
    """They are in the files that were read, and the same search finds them there."""
    folder, secrets = run
    found = "\n".join(leaks(folder / "files", secrets))
    assert all(f": {secret}" in found for secret in (PERSON, BORN)) and found.count("\n") > 30


def test_the_table_has_the_allowed_columns_alone(run):
    table = pd.read_parquet(run[0] / "out" / "cases.parquet")
    assert set(table.columns) <= set(COLUMNS)
    assert table["case_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert table["patient"].str.fullmatch("[0-9a-f]{16}").all()


def test_the_account_of_identity_has_kinds_and_counts_alone(run):
    table = read_table(run[0] / "out" / "cases.parquet")
    kept = table[table["status"] == "kept"]
    for kinds in kept["identity_found"]:
        assert {"patient_name", "patient_id", "birth_date", "place", "staff_name", "dates", "text"} <= set(
            kinds.split()
        )
    assert set(" ".join(table["identity_found"].dropna()).split()) <= set(KINDS)
    assert kept["private_tags"].tolist() == [2, 2, 2] and kept["burned_in"].tolist() == ["YES"] * 3
    assert ((kept["outside_lit"] > 0.001) & (kept["outside_lit"] < kept["outside_sector"])).all()
    rejected = table.loc[table["status"] == "rejected", "identity_found"]
    assert sum("patient_name" in kinds for kinds in rejected) == 5  # all but the one that is no DICOM


def test_nothing_is_left_outside_the_sector(run):
    images = read_image_set(run[0] / "out" / "images.h5")
    assert not images.images[images.sectors == 0].any()
    # Text and ECG lie beside the sector, whose corners at the top are therefore empty.
    assert not images.images[:, :20, :40].any() and not images.images[:, :20, -40:].any()
    assert 0.45 < images.sectors.mean() < 0.65
    assert np.isfinite(images.spacing_mm).all()


def test_the_key_lies_outside_the_results(run):
    folder, _ = run
    key = (folder / "key").read_text().strip()
    assert leaks(folder / "out", [key, bytes.fromhex(key).decode("latin-1")]) == []
    assert (folder / "key").stat().st_mode & 0o077 == 0


def volumes(folder: Path) -> VolumeDataset:
    write_volume(folder, f"{PERSON}_a")
    for number, ending in enumerate((".nii.gz", ".nii", ".mha", ".nrrd")):
        for role in ("", "_label"):
            (folder / f"{PERSON}_{number}{role}{ending}").write_bytes(b"broken" * 99)
    return VolumeDataset(format="volume", folder="anywhere")


def videos(folder: Path) -> EchonetDataset:
    write_echonet(folder)
    for name in ("FileList.csv", "VolumeTracings.csv"):
        (folder / name).write_text((folder / name).read_text().replace("0XA", f"{PERSON}_1").replace("0XB", PERSON))
    (folder / "Videos" / "0XA.avi").rename(folder / "Videos" / f"{PERSON}_1.avi")
    whole = (folder / "Videos" / "0XB.avi").read_bytes()
    (folder / "Videos" / f"{PERSON}.avi").write_bytes(whole[:3000])
    return EchonetDataset(format="echonet", folder="anywhere", completion="dilation", case_ids="hashed")


def frames(folder: Path) -> CamusDataset:
    for number in range(1, 5):
        write_camus_patient(folder, number)
    (folder / "patient0002" / "patient0002_4CH_ED.nii.gz").write_bytes(b"broken")
    (folder / "patient0003" / "patient0003_4CH_ED_gt.nii.gz").unlink()
    return CamusDataset(format="camus", folder="anywhere", case_ids="hashed")


@pytest.mark.parametrize("written", [volumes, videos, frames])
def test_no_format_tells_the_name_of_a_broken_file(written, tmp_path, monkeypatch, capfd):
    """What decoders in C write to standard error counts too: it would be in the log."""
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "in").mkdir()
    dataset = written(tmp_path / "in")
    (tmp_path / "out").mkdir()
    ingest_dataset("ours", dataset, Image(size=64), tmp_path / "in", tmp_path / "out", processes=0)
    printed = capfd.readouterr()
    (tmp_path / "out" / "log.txt").write_text(printed.out + printed.err)
    secrets = ["patient000"] if written is frames else [PERSON]
    table = read_table(tmp_path / "out" / "cases.parquet")
    assert {"kept", "rejected"} == set(table["status"]) and table["reason"].str.len().max() > 30
    assert leaks(tmp_path / "out", secrets) == [] and leaks(tmp_path / "in", secrets)


def test_names_of_files_may_have_any_bytes(tmp_path, monkeypatch, capsys):
    """Latin-1 of an old archive, and signs that mean something in patterns: no traceback, which would tell them."""
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "in").mkdir()
    for name in (b"M\xfcller", b"Quillfeather**", b"Quill[1]?"):
        write_gray(Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name + b".dcm")))
        labels = Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name + b"_gt.png"))
        labels.write_bytes(cv2.imencode(".png", heart(HEIGHT, WIDTH))[1].tobytes())
    for style in ("hashed", "source"):
        dataset = DicomDataset(format="dicom", folder="anywhere", case_ids=style)
        ingest_dataset("ours", dataset, Image(size=64), tmp_path / "in", tmp_path / style, processes=0)
    assert leaks(tmp_path / "hashed", ["Quill", "ller"]) == []
    table = read_table(tmp_path / "source" / "cases.parquet")
    assert set(table["case_id"]) == {"M\\udcfcller", "Quillfeather**", "Quill[1]?"}
    kept = table.set_index("case_id")["status"] == "kept"
    assert kept["Quillfeather**"] and kept["Quill[1]?"], table["reason"].tolist()
    assert table["reason"].max() == "expected the path of each file in UTF-8, found other bytes in one; rename it"
    guess = next(guesses(tmp_path / "in"))
    trials = read_on_trial(guess, find_cases(guess), 1)
    summary(guess, trials, 3).encode()


def test_an_unforeseen_error_is_told_without_its_text(tmp_path, monkeypatch):
    """Its text may quote a tag; where names are public it helps, and stays."""
    write_gray(tmp_path / "a.dcm")

    def fail(*_):
        raise ValueError(f"could not convert {PERSON}")

    for style, told in (("hashed", False), ("source", True)):
        work = CaseWork(DicomDataset(format="dicom", folder="anywhere", case_ids=style), Image(size=64), None)
        monkeypatch.setattr(work, "_read", fail)
        (case,) = DicomReader(work.dataset).find(tmp_path)
        reason = work(case).row["reason"]
        assert "ValueError" in reason and (PERSON in reason) is told


def test_a_fault_in_the_search_for_identity_is_a_reject(tmp_path, monkeypatch):
    """Without the account of what was found a case is not kept, and the run goes on."""
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_gray(tmp_path / "in" / f"{name}.dcm")
    work = importlib.import_module("echodiff.ingest.processes.work")
    real = work.identity_found

    def fail(files):
        if any(path.stem == "b" for path in files):
            raise RecursionError(f"too deep at {PERSON}")
        return real(files)

    monkeypatch.setattr(work, "identity_found", fail)
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    dataset = DicomDataset(format="dicom", folder="anywhere", labels="none")
    counts = ingest_dataset("ours", dataset, Image(size=64), tmp_path / "in", tmp_path / "out", processes=0)
    assert counts == {"kept": 1, "rejected": 1}
    table = read_table(tmp_path / "out" / "cases.parquet")
    assert table["reason"].max() == "expected a readable case, found an unforeseen fault (RecursionError)"


def test_a_run_without_a_usable_case_tells_no_name(tmp_path, monkeypatch):
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / f"{PERSON}.dcm").write_bytes(b"nothing")
    dataset = DicomDataset(format="dicom", folder="anywhere")
    with pytest.raises(InputError) as error:
        ingest_dataset("ours", dataset, Image(size=64), tmp_path, tmp_path / "out", processes=0)
    assert PERSON not in str(error.value) and "another kind of file" in str(error.value)


def test_headers_of_volumes_with_free_text_are_counted(tmp_path):
    image = sitk.GetImageFromArray(np.zeros((4, 4), np.uint8))
    sitk.WriteImage(image, str(tmp_path / "plain.mha"))
    sitk.WriteImage(image, str(tmp_path / "plain.nii.gz"))
    header = bytearray(gzip.decompress((tmp_path / "plain.nii.gz").read_bytes()))
    header[148 : 148 + len(PERSON)] = PERSON.encode()  # descrip
    (tmp_path / "told.nii.gz").write_bytes(gzip.compress(header))
    raw = (tmp_path / "plain.mha").read_bytes()
    (tmp_path / "told.mha").write_bytes(raw.replace(b"NDims", b"Comment = Quillfeather\nNDims", 1))
    found = {path.name: identity_found([path])["identity_found"] for path in sorted(tmp_path.iterdir())}
    assert found == {"plain.mha": "", "plain.nii.gz": "", "told.mha": "text", "told.nii.gz": "text"}


def kinds(path: Path) -> str:
    return identity_found([path])["identity_found"]


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
def test_tags_of_dicom_that_were_passed_on_to_a_volume_are_counted(tmp_path, ending):
    image = sitk.GetImageFromArray(np.zeros((4, 4), np.uint8))
    for number in range(200):  # a long header
        image.SetMetaData(f"0018|{0x1000 + number:04x}", "1")
    image.SetMetaData("0010|0010", "Quillfeather^Jane")
    sitk.WriteImage(image, str(tmp_path / f"a.{ending}"))
    assert kinds(tmp_path / f"a.{ending}") == "text"


def test_extensions_of_nifti_are_counted(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 4), np.uint8)), str(tmp_path / "a.nii"))
    content = bytearray((tmp_path / "a.nii").read_bytes())
    assert kinds(tmp_path / "a.nii") == ""
    content[348] = 1
    (tmp_path / "a.nii").write_bytes(content)
    assert kinds(tmp_path / "a.nii") == "text"


@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_2_is_judged_by_its_own_places(tmp_path, order):
    header = bytearray(544)
    struct.pack_into(f"{order}i4s", header, 0, 540, b"n+2\0")
    struct.pack_into(f"{order}8d", header, 104, *[1.5] * 8)  # pixdim lies where NIfTI-1 has descrip
    (tmp_path / "a.nii").write_bytes(header)
    assert kinds(tmp_path / "a.nii") == ""
    for place in (240, 320, 508, 540):  # descrip, aux_file, intent_name, extension
        told = bytearray(header)
        told[place : place + 3] = b"Doe"
        (tmp_path / "a.nii").write_bytes(told)
        assert kinds(tmp_path / "a.nii") == "text"


def test_text_of_pictures_is_counted(tmp_path):
    told, exif = PngInfo(), Picture.Exif()
    told.add_text("Comment", PERSON)
    exif[ExifTags.Base.Artist] = PERSON
    picture = Picture.new("L", (4, 4))
    for ending in ("png", "tif", "bmp"):
        picture.save(tmp_path / f"plain.{ending}")
        assert kinds(tmp_path / f"plain.{ending}") == ""
    picture.save(tmp_path / "chunk.png", pnginfo=told)
    picture.save(tmp_path / "exif.png", exif=exif)
    picture.save(tmp_path / "artist.tif", tiffinfo=exif)
    picture.save(tmp_path / "xmp.tif", tiffinfo={700: PERSON.encode()})
    content = (tmp_path / "plain.png").read_bytes()
    chunk = (tmp_path / "chunk.png").read_bytes()
    chunk = chunk[chunk.index(b"tEXt") - 4 : chunk.index(b"IDAT") - 4]
    (tmp_path / "behind.png").write_bytes(content.replace(content[-12:], chunk + content[-12:]))  # as ImageMagick does
    for name in ("chunk.png", "exif.png", "artist.tif", "xmp.tif", "behind.png"):
        assert kinds(tmp_path / name) == "text", name


def test_pictures_that_cannot_be_read_stop_nothing(tmp_path):
    for name in ("a.png", "a.tif", "a.bmp"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\0")
        assert kinds(tmp_path / name) == "" and kinds(tmp_path / f"no_{name}") == ""


def test_dicom_under_the_name_of_a_picture_is_looked_into_as_dicom(tmp_path):
    assert "patient_id" in kinds(write_gray(tmp_path / "a.png", PatientID="7")).split()


@pytest.mark.parametrize(
    ("keyword", "kind"),
    [
        ("IssuerOfPatientID", "patient_id"),
        ("InsurancePlanIdentification", "patient_id"),
        ("PatientInstitutionResidence", "contact"),
        ("CurrentPatientLocation", "contact"),
        ("PersonTelephoneNumbers", "contact"),
        ("Occupation", "body"),
        ("PatientState", "body"),
        ("PatientReligiousPreference", "body"),
        ("AdmissionID", "numbers"),
    ],
)
def test_attributes_of_identity_are_counted(tmp_path, keyword, kind):
    without = kinds(write_gray(tmp_path / "a.dcm")).split()
    assert set(kinds(write_gray(tmp_path / "b.dcm", **{keyword: PERSON})).split()) - set(without) <= {kind}
    assert kind in kinds(write_gray(tmp_path / "c.dcm", PatientID="", **{keyword: PERSON})).split()


def test_all_keywords_are_of_the_dictionary():
    assert [keyword for known in KEYWORDS.values() for keyword in known if tag_for_keyword(keyword) is None] == []


def test_what_is_not_looked_into_is_not_said_to_be_clean(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"RIFF")
    assert identity_found([tmp_path / "a.avi"]) == {"identity_found": None, "private_tags": None, "burned_in": None}
    assert identity_found([]) == {"identity_found": None, "private_tags": None, "burned_in": None}


def test_a_flag_that_is_no_flag_is_not_passed_on(tmp_path):
    write_gray(tmp_path / "a.dcm", BurnedInAnnotation=PERSON)
    assert identity_found([tmp_path / "a.dcm"])["burned_in"] is None
    write_gray(tmp_path / "b.dcm", BurnedInAnnotation="NO")
    assert identity_found([tmp_path / "b.dcm"])["burned_in"] in BURNED_IN


def cleaned(sentence: str, file: str, name: str = "case", patient: str = "someone") -> str:
    reference = CaseReference(name, patient, {"image": Path("/data/Zyx") / file})
    return Names("ours", "hashed", b"key").clean(sentence, reference)


@pytest.mark.parametrize(
    "sentence",
    [
        "expected the patient's label map beside it, found none",
        "expected frames of 1256 x 1024 pixels, found 256000 bytes",
        "expected the modality US, found 12 others and a report",
    ],
)
@pytest.mark.parametrize("stem", ["pat", "lab", "eside", "256", "a", "12", "US"])
def test_words_that_hold_a_name_by_chance_stay(sentence, stem):
    assert cleaned(sentence, f"{stem}.dcm") == sentence


@pytest.mark.parametrize("file", ["Quill.dcm", "quill.dcm", "QUILL.nii.gz", "Quill"])
@pytest.mark.parametrize(
    "found",
    [
        "Quill",
        "quill",
        "QUILL",
        "Quill.dcm",
        "Quill_gt.png",
        "QuillHans",
        "quill2",
        "xQuill",
        "(Quill)",
        "/data/Zyx/Quill",
    ],
)
def test_a_name_is_hidden_however_it_is_written(file, found):
    for patient in ("Quill", "someone"):
        told = cleaned(f"expected a map, found {found}, which is none", file, "Quill", patient)
        assert "quill" not in told.lower() and "which is none" in told


def test_names_of_several_words_and_of_other_scripts_are_hidden():
    for name in ("Quill^Hans", "Hans Quill", "Q. (old)", "\u674e\u660e", "\u674e", "M\u00fcller", "1.2.840.99"):
        told = cleaned(f"expected a map, found {name} and {name}.dcm", f"{name}.dcm")
        assert name not in told and told == "expected a map, found the file and the file"
    assert cleaned("expected a, found the file", "file.dcm") == "expected a, found the the file"
