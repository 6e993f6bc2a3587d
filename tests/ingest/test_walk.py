"""Every file below a folder is a case or is told of: behind links, without a target, closed."""

import builtins
import os

import pytest

from echodiff.config.datasets import DicomDataset, EchonetDataset, VolumeDataset
from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.folder.source_files import state_of_files
from echodiff.ingest.folder.walk import files_below
from echodiff.ingest.labels.beside import read_label_stack
from echodiff.ingest.readers.dicom import DicomReader
from echodiff.ingest.readers.video import read_frame
from echodiff.ingest.readers.volume import VolumeReader

from .dicom_files import write_gray
from .reading import read_all
from .test_volume import write_volume

READER = DicomReader(DicomDataset(format="dicom", folder="anywhere", labels="none"))


def reasons(reader, folder) -> dict[str, str]:
    """Case -> why it is rejected, empty where it is kept."""
    return {name: case if isinstance(case, str) else "" for name, case in read_all(reader, folder).items()}


@pytest.fixture
def no_listing(monkeypatch):
    """Function that closes a folder, which permissions alone do not do for root."""

    def close(folder):
        real = os.listdir

        def listdir(path="."):
            if os.fspath(path) == os.fspath(folder):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(os, "listdir", listdir)

    return close


def test_folders_behind_links_are_entered_once(tmp_path):
    for place in ("elsewhere/deep/b.dcm", "all/z_own/a.dcm"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    folder = tmp_path / "all"
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "linked_again").symlink_to(tmp_path / "elsewhere" / "deep")
    (folder / "a_link_to_z").symlink_to(folder / "z_own")
    (folder / "z_own" / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    found = [path.relative_to(folder).as_posix() for path in files_below(folder)]
    assert found == ["linked/deep/b.dcm", "z_own/a.dcm"]


def test_dicom_behind_links_and_links_without_a_target_are_cases(tmp_path):
    write_gray(tmp_path / "elsewhere" / "a.dcm")
    folder = tmp_path / "all"
    write_gray(folder / "own")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    for name in ("b.dcm", "IM_0007", "c_gt.png"):
        (folder / name).symlink_to(tmp_path / "moved" / name)
    (folder / "round").symlink_to(folder / "round")
    found = reasons(READER, folder)
    assert [name for name, reason in found.items() if not reason] == ["linked/a", "own"]
    assert found["b"] == found["IM_0007"] and "found a link without a target" in found["b"]
    assert "expected a file that can be opened" in found["round"] and len(found) == 5


def test_closed_folders_are_cases(tmp_path, no_listing):
    write_gray(tmp_path / "a.dcm")
    write_gray(tmp_path / "closed" / "b.dcm")
    no_listing(tmp_path / "closed")
    found = reasons(READER, tmp_path)
    assert set(found) == {"a", "closed"} and found["a"] == ""
    assert found["closed"].startswith("expected a folder that can be opened, found one that cannot")
    no_listing(tmp_path)
    with pytest.raises(InputError, match="found one that cannot be listed"):
        files_below(tmp_path)


def test_closed_files_are_cases(tmp_path):
    for name in ("a", "b"):
        write_gray(tmp_path / name)
    (tmp_path / "b").chmod(0)
    if os.access(tmp_path / "b", os.R_OK):
        pytest.skip("this account may read everything")
    (tmp_path / "closed").mkdir(mode=0)
    found = reasons(READER, tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert set(found) == {"a", "b", "closed"} and found["a"] == ""
    assert "(Permission denied); check its permissions" in found["b"] and "a folder that" in found["closed"]


@pytest.fixture
def no_opening(monkeypatch):
    """Function that closes a file, which permissions alone do not do for root."""

    def close(file):
        real = builtins.open

        def opened(path, *arguments, **options):
            if isinstance(path, (str, os.PathLike)) and os.fspath(path) == os.fspath(file):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *arguments, **options)

        monkeypatch.setattr(builtins, "open", opened)

    return close


LABELS = ("a.png", "a.nii.gz", "a.mha", "a.dcm")


@pytest.mark.parametrize("name", LABELS)
def test_a_closed_label_map_is_told_in_the_systems_words(tmp_path, no_opening, name):
    (tmp_path / name).write_bytes(b"content")
    no_opening(tmp_path / name)
    with pytest.raises(Reject, match=r"^the label map: .* one that cannot \(Permission denied\); check its"):
        read_label_stack(tmp_path / name, 1, (9, 9), {})


@pytest.mark.parametrize("name", LABELS)
def test_an_empty_label_map_is_told_as_such(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(Reject, match="^the label map: expected a file with content, found an empty file"):
        read_label_stack(tmp_path / name, 1, (9, 9), {})


def test_an_empty_image_is_told_as_such(tmp_path):
    (tmp_path / "empty.dcm").touch()
    assert "found an empty file; copy or export it again" in reasons(READER, tmp_path)["empty"]
    (tmp_path / "empty.avi").touch()
    with pytest.raises(Reject, match="found an empty file"):
        read_frame(tmp_path / "empty.avi", 0)


def dicom(pattern: str = "{stem}_gt.*") -> DicomDataset:
    return DicomDataset(format="dicom", folder="anywhere", label_pattern=pattern)


def test_the_state_of_files_follows_all_that_is_looked_at(tmp_path):
    """Behind links, outside the folder; not what lies beside it and is named by nothing."""
    for place in ("in/a.dcm", "linked/b.dcm", "labels/a.png", "labels/b.png", "labels/other.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    (tmp_path / "in" / "more").symlink_to(tmp_path / "linked")
    (tmp_path / "in" / "lost.dcm").symlink_to(tmp_path / "moved")
    outside = dicom("../labels/{stem}.png").model_copy(update={"ed_table": "../frames.csv"})
    known = [state_of_files(outside, tmp_path / "in")]
    for place in ("labels/a.png", "linked/b.dcm", "frames.csv"):
        (tmp_path / place).write_bytes(b"redrawn")
        known.append(state_of_files(outside, tmp_path / "in"))
    (tmp_path / "labels" / "a.png").unlink()
    known.append(state_of_files(outside, tmp_path / "in"))
    assert len(set(known)) == 5
    (tmp_path / "labels" / "other.png").write_bytes(b"of another dataset")
    assert state_of_files(outside, tmp_path / "in") == known[-1]
    assert state_of_files(dicom(), tmp_path / "in") != known[-1]


@pytest.mark.parametrize("pattern", ["{stem}_gt.*", "../labels/{stem}.png"])
def test_a_folder_that_is_not_there_has_a_state(tmp_path, pattern):
    assert state_of_files(dicom(pattern), tmp_path / "none")
    assert state_of_files(EchonetDataset(format="echonet", folder="anywhere"), tmp_path / "none")


def test_volumes_behind_links(tmp_path):
    write_volume(tmp_path / "elsewhere", "v")
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "planes.csv").write_text((tmp_path / "elsewhere" / "planes.csv").read_text())
    (folder / "w.nii.gz").symlink_to(tmp_path / "moved")
    (folder / "IM_0007").symlink_to(tmp_path / "moved")
    found = reasons(VolumeReader(VolumeDataset(format="volume", folder="anywhere")), folder)
    assert found.pop("linked/v") == "" and set(found) == {"w", "IM_0007"}
    assert all("found a link without a target" in reason for reason in found.values())


def test_check_looks_behind_links_and_tells_what_it_cannot_open(tmp_path, no_listing):
    write_gray(tmp_path / "elsewhere" / "a.dcm")
    folder = tmp_path / "all"
    (folder / "closed").mkdir(parents=True)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    no_listing(folder / "closed")
    guess = next(guesses(folder))
    assert guess.evidence == "1 DICOM file"
    assert any("found 1 file or folder that cannot be opened, such as closed" in remark for remark in guess.remarks)
