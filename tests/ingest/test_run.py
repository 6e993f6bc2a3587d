"""The stage as a whole: every case has a row, whatever happens to it, and the result depends on nothing else."""

import importlib
import subprocess
import sys
from dataclasses import replace
from multiprocessing.context import ForkServerProcess

import numpy as np
import pytest
import SimpleITK as sitk
import yaml

from echodiff.config.datasets import CamusDataset, DicomDataset, EchonetDataset, VolumeDataset
from echodiff.config.image import Image
from echodiff.errors import EchodiffError, InputError
from echodiff.ingest.case import CaseReference
from echodiff.ingest.case_table.row import COLUMNS
from echodiff.ingest.identity.names import KEY_VARIABLE, Names, read_or_make_key
from echodiff.ingest.processes.journal import Journal
from echodiff.ingest.processes.work import CaseWork
from echodiff.ingest.processes.workers import Lost, Workers
from echodiff.ingest.readers.camus import CamusReader
from echodiff.ingest.run import ingest_dataset, reasons
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table

from .conftest import heart, plane, write_camus_patient, write_echonet
from .dicom_files import HEIGHT, WIDTH, write_gray
from .test_volume import write_volume

CAMUS = CamusDataset(format="camus", folder="anywhere", scanner="GE Vivid E95")
IMAGE = Image(size=64)
WHOLE = heart(HEIGHT, WIDTH)


def test_kept_and_rejected_cases_have_a_row_each(camus_folder, tmp_path):
    counts = ingest_dataset("camus", CAMUS, IMAGE, camus_folder, tmp_path / "out", processes=0)
    assert counts == {"kept": 2, "rejected": 1}
    table = read_table(tmp_path / "out" / "cases.parquet")
    assert list(table.columns) == list(COLUMNS)
    assert table["case_id"].tolist() == ["patient0001", "patient0002", "patient0003"]
    assert table["status"].tolist() == ["kept", "kept", "rejected"]
    assert table["reason"][0] == "" and "label map patient0003_4CH_ED_gt" in table["reason"][2]
    first = table.iloc[0]
    assert (first["quality"], first["ef"], first["frames"]) == ("Good", 55.5, 20)
    assert table["scanner"].isna().all()  # the files do not say; the report has the configuration's
    images = read_image_set(tmp_path / "out" / "images.h5")
    assert images.case_id == ["patient0001", "patient0002"] and images.images.shape == (2, 64, 64)
    assert images.attributes["kind"] == "dataset" and "anywhere" not in images.attributes["provenance"]


def test_equal_frames_have_equal_hashes_whatever_was_labelled(tmp_path):
    """The second patient has the first one's frame, and labels in a corner outside the sector besides."""
    content, other = plane(seed=1), plane(seed=3)
    labels = content.labels.copy()
    labels[-3:, :3] = 3
    for number, written in enumerate((content, replace(content, labels=labels), other), start=1):
        write_camus_patient(tmp_path / "camus", number, written)
    ingest_dataset("camus", CAMUS, IMAGE, tmp_path / "camus", tmp_path / "out", processes=0)
    first, second, third = read_table(tmp_path / "out" / "cases.parquet")["frame_hash"]
    assert first == second != third and len(first) == 16
    images = read_image_set(tmp_path / "out" / "images.h5").images
    assert (images[0] != images[1]).any()  # the crop follows the labels


def test_the_number_of_processes_does_not_matter(tmp_path):
    for number in range(1, 6):
        write_camus_patient(tmp_path / "camus", number)
    for processes in (0, 2):
        ingest_dataset("camus", CAMUS, IMAGE, tmp_path / "camus", tmp_path / str(processes), processes=processes)
    none, two = ((tmp_path / name / "images.h5").read_bytes() for name in ("0", "2"))
    assert none == two


def test_echonet_is_completed(tmp_path):
    source = write_echonet(tmp_path / "echonet")
    dilated = EchonetDataset(format="echonet", folder="anywhere", completion="dilation")
    counts = ingest_dataset("echonet", dilated, IMAGE, source, tmp_path / "out", processes=0)
    assert counts == {"kept": 2, "rejected": 1}
    table = read_table(tmp_path / "out" / "cases.parquet")
    assert table["label_source"].tolist()[:2] == ["completed"] * 2 and table["ed_frame"].tolist()[:2] == [7, 7]
    assert {0, 1, 2, 3} == set(np.unique(read_image_set(tmp_path / "out" / "images.h5").masks))


@pytest.mark.parametrize("completion", ["none", "dilation"])
def test_label_maps_with_the_ventricle_alone_are_completed_where_that_is_asked_for(tmp_path, monkeypatch, completion):
    """The first of three DICOM files has a whole label map, which is never changed; the last an empty one."""
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "secret" / "key"))
    for number, structures in enumerate([(1, 2, 3), (1,), ()]):
        write_gray(tmp_path / "in" / f"1.2.{number}")
        labels = np.where(np.isin(WHOLE, structures), WHOLE, 0).astype(np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "in" / f"1.2.{number}_gt.nii.gz"))
    dataset = DicomDataset(format="dicom", folder="anywhere", case_ids="source", completion=completion)
    ingest_dataset("d", dataset, IMAGE, tmp_path / "in", tmp_path / "out", processes=0)
    rows = read_table(tmp_path / "out" / "cases.parquet").set_index("case_id")
    images = read_image_set(tmp_path / "out" / "images.h5")
    whole, lone = (images.masks[images.case_id.index(f"1.2.{number}")] for number in range(2))
    assert set(np.unique(whole)) == {0, 1, 2, 3} and rows.loc["1.2.0", "label_source"] == "file"
    assert "found background alone" in rows.loc["1.2.2", "reason"]
    if completion == "none":
        assert set(np.unique(lone)) == {0, 1} and rows.loc["1.2.1", "label_source"] == "file"
    else:
        assert set(np.unique(lone)) == {0, 1, 2, 3} and rows.loc["1.2.1", "label_source"] == "completed"
        for label in (2, 3):
            both = ((whole == label) & (lone == label)).sum()
            assert 2 * both / ((whole == label).sum() + (lone == label).sum()) > 0.4


def test_label_volumes_with_the_ventricle_alone_are_completed(tmp_path):
    write_volume(tmp_path / "in", "v")
    path = next((tmp_path / "in").glob("*_label*"))
    labels = sitk.ReadImage(str(path))
    sitk.WriteImage(sitk.Cast(labels == 1, sitk.sitkUInt8), str(path))
    dataset = VolumeDataset(format="volume", folder="anywhere", case_ids="source", completion="dilation")
    ingest_dataset("v", dataset, IMAGE, tmp_path / "in", tmp_path / "out", processes=0)
    assert set(np.unique(read_image_set(tmp_path / "out" / "images.h5").masks)) == {0, 1, 2, 3}
    assert read_table(tmp_path / "out" / "cases.parquet")["label_source"].tolist() == ["completed"]


def test_echonet_without_a_shape_model_is_refused(tmp_path):
    source = write_echonet(tmp_path / "echonet")
    with pytest.raises(InputError, match="--shape-model"):
        ingest_dataset("echonet", EchonetDataset(format="echonet", folder="x"), IMAGE, source, tmp_path / "out")


def test_volumes_have_hashed_names(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "secret" / "key"))
    write_volume(tmp_path / "in", "Doe_Jane")
    (tmp_path / "in" / "Roe_Richard.nrrd").write_bytes(b"NRRD0004\n")
    dataset = VolumeDataset(format="volume", folder="anywhere")
    ingest_dataset("3d", dataset, IMAGE, tmp_path / "in", tmp_path / "out", processes=0)
    content = (tmp_path / "out" / "cases.parquet").read_bytes() + (tmp_path / "out" / "images.h5").read_bytes()
    table = read_table(tmp_path / "out" / "cases.parquet")
    assert sorted(table["status"]) == ["kept", "rejected"] and (table["case_id"].str.len() == 16).all()
    text = table.to_csv().encode() + content
    assert not any(name in text for name in (b"Doe", b"Jane", b"Roe", b"Richard"))
    assert oct((tmp_path / "secret" / "key").stat().st_mode & 0o777) == "0o600"
    ingest_dataset("3d", dataset, IMAGE, tmp_path / "in", tmp_path / "again", processes=0)
    assert read_table(tmp_path / "again" / "cases.parquet")["case_id"].tolist() == table["case_id"].tolist()


def test_names_depend_on_the_key_and_the_dataset(tmp_path):
    case = CaseReference("a", "p")
    keys = [read_or_make_key(tmp_path / name) for name in ("one", "two")]
    ids = {Names(dataset, "hashed", key).case(case) for dataset in ("x", "y") for key in keys}
    assert len(ids) == 4 and keys[0] == read_or_make_key(tmp_path / "one")
    (tmp_path / "bad").write_text("hello")
    with pytest.raises(InputError, match="expected a key"):
        read_or_make_key(tmp_path / "bad")


def test_nothing_is_written_where_no_case_can_be_kept(camus_folder, tmp_path):
    for patient in camus_folder.iterdir():
        (patient / f"{patient.name}_4CH_ED.nii.gz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="none among 3: 3 x expected a readable image|none among 3: 3 x .*damaged"):
        ingest_dataset("camus", CAMUS, IMAGE, camus_folder, tmp_path / "out", processes=0)
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("kinds", "end"), [(5, "1 x e"), (6, "1 x f"), (7, "1 x e; and 2 other reasons")])
def test_few_reasons_are_named_and_the_rest_counted(kinds, end):
    told = reasons([{"status": "rejected", "reason": letter} for letter in "abcdefg"[:kinds]])
    assert told.startswith("1 x a; 1 x b") and told.endswith(end)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        ingest_dataset("camus", CAMUS, IMAGE, tmp_path / "none", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found none"):
        ingest_dataset("3d", VolumeDataset(format="volume", folder="x"), IMAGE, tmp_path / "empty", tmp_path / "out")


def test_an_unforeseen_fault_of_a_case_is_a_reject(camus_folder, monkeypatch):
    def fault(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(CamusReader, "read", fault)
    result = CaseWork(CAMUS, IMAGE, None)(CaseReference("patient0001", "patient0001"))
    assert result.frame is None and "unforeseen fault (ZeroDivisionError: by zero)" in result.row["reason"]


DEEDS = """
import os, time

def deed(case):
    if case == 3:
        os.kill(os.getpid(), 9)
    if case == 5:
        time.sleep(1000)
    return case * case
"""


@pytest.fixture
def deed(tmp_path, monkeypatch):
    """What a worker does in these tests: most answer, one kills its process, one never ends."""
    (tmp_path / "echodiff_test_deeds.py").write_text(DEEDS)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("echodiff_test_deeds").deed


@pytest.mark.parametrize("processes", [1, 2])
def test_crashing_and_hanging_cases_are_lost_alone(deed, processes):
    results = list(Workers(deed, processes, limit_s=3.0).results(range(8)))
    assert [r for r in results if not isinstance(r, Lost)] == [0, 1, 4, 16, 36, 49]
    assert "crashes" in results[3].reason and "within 3 s" in results[5].reason


def test_processes_that_cannot_be_started_are_a_sentence(monkeypatch):
    """Where memory is short, the process that the others are forked from may end while it imports."""

    def fault(process):
        raise EOFError("unexpected EOF")

    monkeypatch.setattr(ForkServerProcess, "start", fault)
    with pytest.raises(EchodiffError, match="end when they start; run it with one"):
        list(Workers(abs, 1, limit_s=3.0).results([1]))


def test_a_killed_run_continues_to_the_same_bytes(tmp_path):
    """The reading of the fourth case kills the run; the second run reads the rest alone."""
    for number in range(1, 7):
        write_camus_patient(tmp_path / "camus", number)
    ingest_dataset("camus", CAMUS, IMAGE, tmp_path / "camus", tmp_path / "whole", processes=0)
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    killed = subprocess.run([sys.executable, script, tmp_path / "camus", tmp_path / "again"], timeout=120)
    assert killed.returncode == -9 and not (tmp_path / "again" / "images.h5").exists()
    left = tmp_path / "again" / ".unfinished"
    left.write_bytes(left.read_bytes()[:-7])
    with Journal(left, "") as journal:
        assert len(journal._places) == 2, "of three records the last is cut short"
    ingest_dataset("camus", CAMUS, IMAGE, tmp_path / "camus", tmp_path / "again", processes=0)
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["cases.parquet", "images.h5"]
    for name in ("images.h5", "cases.parquet"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from echodiff.config.datasets import CamusDataset
from echodiff.config.image import Image
from echodiff.ingest.processes.journal import Journal
from echodiff.ingest.run import ingest_dataset

append = Journal.append

def append_three(self, *arguments):
    append(self, *arguments)
    append_three.count += 1
    if append_three.count == 3:
        os.kill(os.getpid(), signal.SIGKILL)

append_three.count = 0
Journal.append = append_three
if __name__ == "__main__":
    dataset = CamusDataset(format="camus", folder="anywhere", scanner="GE Vivid E95")
    ingest_dataset("camus", dataset, Image(size=64), Path(sys.argv[1]), Path(sys.argv[2]), processes=0)
"""


def test_a_journal_forgets_cases_whose_files_or_options_changed(tmp_path):
    file = tmp_path / "a.nii.gz"
    file.write_bytes(b"1")
    case = CaseReference("a", "a", {"image": file})
    with Journal(tmp_path / "j", "size 64") as journal:
        journal.append(journal.key(case), {"status": "rejected", "reason": "x"}, None)
    with Journal(tmp_path / "j", "size 64") as journal:
        assert journal.read(journal.key(case)) == ({"status": "rejected", "reason": "x"}, None)
        file.write_bytes(b"12")
        assert journal.key(case) not in journal
        file.write_bytes(b"1")
    with Journal(tmp_path / "j", "size 128") as journal:
        assert journal.key(case) not in journal


def test_command(run_echodiff, camus_folder, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "training_dataset": "camus",
                "image": {"size": 64},
                "datasets": {"camus": {"format": "camus", "folder": str(camus_folder)}},
                "models": {"fast": {"preset": "fast"}},
            }
        )
    )
    options = ("ingest", "--config", config, "--source", camus_folder, "--output", tmp_path / "out")
    done = run_echodiff(*options, "--dataset", "camus")
    assert done.returncode == 0 and "2 kept, 1 rejected" in done.stdout
    refused = run_echodiff(*options, "--dataset", "other")
    assert refused.returncode == 1 and "expected one of the datasets camus" in refused.stderr
