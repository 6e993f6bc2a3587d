"""Cines as numbered pictures of a folder, `cine: folder`, with label maps beside some or all of them."""

import json
import shutil

import cv2
import numpy as np
import pytest

from echodiff.config.datasets import FramesDataset
from echodiff.errors import InputError
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.trial import dataset_of, find_cases
from echodiff.ingest.readers.frames import FramesReader
from echodiff.ingest.readers.frames_folder import read_frames_folder

from .conftest import ED, FRAMES, echonet_planes
from .outline_files import coco, labelme, write
from .reading import read_all


def write_cine(folder, name="frame_{:03d}.png", labels="", only=range(FRAMES), first=0, seed=0):
    """A cine's frames, and label maps of some of them."""
    folder.mkdir(parents=True, exist_ok=True)
    cine = echonet_planes(seed)
    for index, moment in enumerate(cine):
        assert cv2.imwrite(str(folder / name.format(index + first)), moment.image)
        if labels and index in only:
            assert cv2.imwrite(str(folder / labels.format(index + first)), moment.labels)
    return cine


def read(folder, **more):
    """Case's name -> its frame, or the sentence by which it is rejected."""
    options = FramesDataset(format="frames", folder="x", **{"cine": "folder", **more})
    return read_all(FramesReader(options), folder)


def test_a_folder_is_a_cine_and_a_label_map_beside_a_frame_is_that_frame_s(tmp_path):
    one = write_cine(tmp_path / "p1", labels="frame_{:03d}_gt.png", only=[ED])
    both = write_cine(tmp_path / "p2", "{}.png", labels="{}_gt.png", only=[3, ED], first=5, seed=1)
    every = write_cine(tmp_path / "p3" / "s1", labels="frame_{:03d}_gt.png", seed=2)
    found = read(tmp_path)
    assert {name: (frame.ed_rule, frame.frames) for name, frame in found.items()} == {
        "p1": ("labelled", FRAMES),
        "p2": ("labelled", FRAMES),
        "p3/s1": ("largest_lv", FRAMES),
    }
    for frame, cine in zip(found.values(), (one, both, every), strict=True):
        assert frame.ed_frame == ED
        np.testing.assert_array_equal(frame.mask, cine[ED].labels)
    frames = read_frames_folder(sorted((tmp_path / "p1").glob("frame_???.png"))).frames
    np.testing.assert_array_equal(frames, [moment.image for moment in one])
    assert len(read(tmp_path, cine="file")) == 3 * FRAMES


def test_patients_and_names_are_those_of_folders(tmp_path):
    write_cine(tmp_path / "images" / "p1")
    write_cine(tmp_path / "images" / "p2", "a{}.png")
    write_cine(tmp_path / "images" / "p2", "b-{}.png")
    write_cine(tmp_path / "images" / "p2", "b-{}.bmp")
    write_cine(tmp_path / "top", "x_{}.png")
    reader = FramesReader(FramesDataset(format="frames", folder="x", cine="folder", labels="none"))
    cases = {case.name: case for case in reader.find(tmp_path)}
    assert {name: case.patient for name, case in cases.items()} == {
        "images/p1": "p1",
        "images/p2/a": "p2",
        "images/p2/b": "p2",
        "images/p2/b-0.png": "p2",
        "top": "top",
    }
    assert all(len(case.files) == FRAMES for case in cases.values())
    assert [case.name for case in reader.find(tmp_path / "top")] == ["x"]


def test_one_label_map_of_all_frames_and_outlines_of_some(tmp_path):
    cine = write_cine(tmp_path / "p1")
    cv2.imwrite(str(tmp_path / "p1_gt.png"), cine[ED].labels)
    pattern = {"image_pattern": "{id}/frame_*.png", "label_pattern": "../{id}_gt.png"}
    found = read(tmp_path, ed="label", **pattern)
    assert isinstance(found["p1"], str) or (found["p1"].mask == cine[ED].labels).all()
    (tmp_path / "p1_gt.png").unlink()
    write(tmp_path / "p1" / f"frame_{ED:03d}.json", labelme(cine[ED].labels))
    assert read(tmp_path, label_pattern="{stem}.json")["p1"].ed_frame == ED
    write(tmp_path / "coco.json", coco({f"p1/frame_{index:03d}.png": cine[index].labels for index in (3, ED)}))
    found = read(tmp_path, label_pattern="../coco.json")["p1"]
    assert (found.ed_frame, found.ed_rule) == (ED, "labelled")
    np.testing.assert_array_equal(found.mask, cine[ED].labels)


def test_masks_of_a_frame_that_lack_a_structure_are_told(tmp_path):
    cine = write_cine(tmp_path / "p1")
    for index, structures in ((3, ("LV", "MYO", "LA")), (ED, ("LV", "LA"))):
        for label, name in enumerate(("LV", "MYO", "LA"), 1):
            if name in structures:
                path = tmp_path / "p1" / f"frame_{index:03d}_{name}.png"
                assert cv2.imwrite(str(path), (cine[index].labels == label).astype(np.uint8))
    found = read(tmp_path, label_pattern="{stem}_{structure}.*")["p1"]
    assert "expected masks of LA, LV, MYO as other images have them, found none of MYO" in found


def test_the_table_names_the_folder(tmp_path):
    write_cine(tmp_path / "p1", labels="frame_{:03d}_gt.png")
    (tmp_path / "cases.csv").write_text("file,patient,frame,row_mm,column_mm\np1,q,4,0.5,0.5\n")
    (case,) = FramesReader(FramesDataset(format="frames", folder="x", cine="folder")).find(tmp_path)
    found = read(tmp_path)["p1"]
    assert (case.patient, found.ed_frame, found.ed_rule, found.spacing_mm) == ("q", 4, "table", (0.5, 0.5))
    (tmp_path / "cases.csv").write_text("file,frame\np1/frame_003.png,0\n")
    with pytest.raises(InputError, match="found none for 'p1/frame_003.png'"):
        read(tmp_path)


def test_frames_that_are_missing_or_of_another_size_are_told(tmp_path):
    for name in ("gap", "twice", "size", "cut", "maps"):
        write_cine(tmp_path / name)
    (tmp_path / "gap" / "frame_004.png").unlink()
    shutil.copy(tmp_path / "twice" / "frame_004.png", tmp_path / "twice" / "frame_4.png")
    cv2.imwrite(str(tmp_path / "size" / "frame_006.png"), np.arange(3500, dtype=np.uint8).reshape(50, 70))
    (tmp_path / "cut" / "frame_002.png").write_bytes((tmp_path / "cut" / "frame_002.png").read_bytes()[:900])
    found = read(tmp_path, labels="none")
    assert "expected frames numbered at even distances, found 5 after 3" in found["gap"]
    assert "expected frames numbered at even distances, found 4 after 4" in found["twice"]
    assert "expected frames of one size, found 112 x 112 and 70 x 50 (frame_006.png)" in found["size"]
    assert "found it damaged or cut short (frame_002.png)" in found["cut"]
    assert "expected a label map beside it, named {stem}_gt.*, found none" in read(tmp_path)["maps"]


def test_check_proposes_it_where_some_frames_are_labelled_or_none(tmp_path):
    """Beside folders of other tests label maps would be looked for."""
    top = tmp_path / "a" / "b" / "c" / "d"
    for number in range(2):
        write_cine(top / "some" / f"p{number}", labels="frame_{:03d}_gt.png", only=[ED], seed=number)
        write_cine(top / "x" / "y" / "none" / f"p{number}", seed=number)
        write_cine(top / "z" / "every" / f"p{number}", labels="frame_{:03d}_gt.png", seed=number)
    found = {name: next(guesses(top / name)) for name in ("some", "x/y/none", "z/every")}
    assert {name: guess.options for name, guess in found.items()} == {
        "some": {"cine": "folder"},
        "x/y/none": {"labels": "predicted", "cine": "folder"},
        "z/every": {},
    }
    assert "found numbered pictures in 2 folders, such as p0/frame_000.png" in found["some"].remarks[-1]
    assert [case.name for case in find_cases(found["some"])] == ["p0", "p1"]
    assert json.loads(dataset_of(found["some"]).model_dump_json())["cine"] == "folder"
