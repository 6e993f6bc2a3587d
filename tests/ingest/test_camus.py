"""CAMUS: both releases, cfg in both spellings, half sequences in either direction, absent files."""

import numpy as np
import pytest

from echodiff.config.datasets import CamusDataset
from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.frame import fit_frame
from echodiff.ingest.readers.camus import CamusReader

from .conftest import plane, write_camus_patient, write_itk


@pytest.fixture
def reader() -> CamusReader:
    return CamusReader(CamusDataset(format="camus", folder="anywhere"))


def test_new_release(reader, tmp_path):
    info = "ED: 3\nNbFrame: 20\nImageQuality: Poor\nEF: 48.5\nAge: 70\nSex: M\n"
    content = write_camus_patient(tmp_path, 1, info=info)
    frame = reader.read(next(reader.find(tmp_path)))
    np.testing.assert_array_equal(frame.image, content.image)
    np.testing.assert_array_equal(frame.mask, content.labels)
    assert frame.spacing_mm == pytest.approx((0.308, 0.308))
    assert (frame.ed_frame, frame.ed_rule, frame.frames) == (2, "explicit", 20)
    assert dict(frame.details) == {"quality": "Poor", "ef": 48.5, "sex": "M", "age": 70.0, "frame_rate_hz": None}


def test_a_cfg_that_an_editor_of_windows_saved(reader, tmp_path):
    write_camus_patient(tmp_path, 1)
    (tmp_path / "patient0001" / "Info_4CH.cfg").write_bytes(b"\xef\xbb\xbfED: 3\r\nNBFRAME: 20\r\nef: 48.5\r\n")
    frame = reader.read(next(reader.find(tmp_path)))
    assert (frame.ed_frame, frame.frames, frame.details["ef"]) == (2, 20, 48.5)


@pytest.mark.parametrize("depth", [False, True])
def test_old_release_has_anisotropic_pixels_and_a_third_axis(reader, tmp_path, depth):
    content = plane()
    tall = [np.repeat(part, 2, 0) for part in (content.image, content.labels)]
    for array, name in zip(tall, ("patient0001_4CH_ED", "patient0001_4CH_ED_gt"), strict=True):
        spacing = (0.308, 0.154, 1.0) if depth else (0.308, 0.154)
        write_itk(array[None] if depth else array, tmp_path / "patient0001" / f"{name}.mhd", spacing)
    (tmp_path / "patient0001" / "Info_4CH.cfg").write_text("ED: 1\nLVedv: 100.1\nLVesv: 50\nLVef: 50.1\n")
    frame = reader.read(next(reader.find(tmp_path)))
    assert frame.spacing_mm == pytest.approx((0.154, 0.308)) and frame.details["ef"] == 50.1
    write_camus_patient(tmp_path / "new", 1, content)
    new = reader.read(next(reader.find(tmp_path / "new")))
    assert (fit_frame(frame, 128, "pad").mask == fit_frame(new, 128, "pad").mask).mean() > 0.99


@pytest.mark.parametrize("ed", [1, 4])
def test_ed_is_taken_from_the_file_in_a_half_sequence_of_either_direction(reader, tmp_path, ed):
    content = write_camus_patient(tmp_path, 1, info=f"ED: {ed}\nES: {5 - ed}\nNbFrame: 4\n")
    folder = tmp_path / "patient0001"
    (folder / "patient0001_4CH_ED.nii.gz").unlink()
    cine = np.stack([content.image if frame == ed - 1 else content.image // 2 for frame in range(4)])
    write_itk(cine, folder / "patient0001_4CH_half_sequence.nii.gz", (0.308, 0.154, 1.0))
    write_itk(content.labels, folder / "patient0001_4CH_ED_gt.nii.gz", (0.308, 0.154))
    frame = reader.read(next(reader.find(tmp_path)))
    np.testing.assert_array_equal(frame.image, content.image)
    assert (frame.ed_frame, frame.frames) == (ed - 1, 4) and frame.spacing_mm == pytest.approx((0.154, 0.308))
    (folder / "Info_4CH.cfg").write_text("ED: 5\nNbFrame: 4\n")
    with pytest.raises(Reject, match="expected frame 5 of the half sequence, found a size of 220x180x4"):
        reader.read(next(reader.find(tmp_path)))


def test_absent_files_are_rejects_that_say_what_is_missing(reader, camus_folder):
    (camus_folder / "patient0002" / "patient0002_4CH_ED.nii.gz").unlink()
    cases = list(reader.find(camus_folder))
    reader.read(cases[0])
    with pytest.raises(Reject, match="ED frame patient0002_4CH_ED"):
        reader.read(cases[1])
    with pytest.raises(Reject, match="label map patient0003_4CH_ED_gt"):
        reader.read(cases[2])


def test_a_gap_in_the_numbering_of_a_whole_archive_is_an_absent_patient(reader, tmp_path):
    for number in range(1, 13):
        (tmp_path / f"patient{number:04d}").mkdir()
    (tmp_path / "patient0005").rmdir()
    cases = {case.name: case for case in reader.find(tmp_path)}
    assert len(cases) == 12
    with pytest.raises(Reject, match="no such folder"):
        reader.read(cases["patient0005"])
    (tmp_path / "patient0400").mkdir()
    assert len(list(reader.find(tmp_path))) == 12, "a selection has gaps that mean nothing"


def test_end_systole_is_never_taken(reader, tmp_path):
    write_camus_patient(tmp_path, 1)
    for suffix in ("", "_gt"):
        file = tmp_path / "patient0001" / f"patient0001_4CH_ED{suffix}.nii.gz"
        file.rename(file.with_name(f"patient0001_4CH_ES{suffix}.nii.gz"))
    with pytest.raises(Reject, match="ED frame"):
        reader.read(next(reader.find(tmp_path)))


def test_faults_of_files_are_rejects(reader, tmp_path):
    write_camus_patient(tmp_path, 1)
    file = tmp_path / "patient0001" / "patient0001_4CH_ED.nii.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Reject, match="cut short"):
        reader.read(next(reader.find(tmp_path)))
    write_itk(plane(100, 120).image, file, (0.308, 0.308))
    with pytest.raises(Reject, match="label map of the frame's size"):
        reader.read(next(reader.find(tmp_path)))
    file.write_bytes(whole)
    write_itk(plane().labels, file.with_name("patient0001_4CH_ED_gt.nii.gz"), (0.308, 0.31))
    with pytest.raises(Reject, match=r"expected the label map's pixels to be \(0.30.* found \(0.31"):
        reader.read(next(reader.find(tmp_path)))
    write_itk(plane().labels + 2, file.with_name("patient0001_4CH_ED_gt.nii.gz"), (0.308, 0.308))
    with pytest.raises(Reject, match=r"expected the labels 0, 1, 2, 3, found also 4, 5"):
        reader.read(next(reader.find(tmp_path)))


def test_another_folder_is_refused(reader, tmp_path):
    with pytest.raises(InputError, match="expected CAMUS"):
        list(reader.find(tmp_path))
