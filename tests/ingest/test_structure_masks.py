"""Masks of single structures beside an image, and the names by which structures are known."""

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from echodiff.config.datasets import DicomDataset, FramesDataset, VolumeDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.trial import dataset_of
from echodiff.ingest.labels.structure_names import label_map_of, numbering, structure_of
from echodiff.ingest.readers import reader_of
from echodiff.ingest.readers.dicom import DicomReader

from .conftest import ED, FRAMES, echonet_planes, heart, plane, write_itk, write_video
from .dicom_files import HEIGHT, WIDTH, write_gray
from .reading import read_all
from .test_volume import write_volume

PARTS = {"LV": (1,), "MYO": (2,), "EPI": (1, 2), "LA": (3,), "RV": (9,)}


@pytest.mark.parametrize(
    ("structure", "names"),
    [
        (
            "LV",
            "LV lv_mask endo LVendo leftVentricle left-ventricle LV_cavity Endocardium lv.seg LV_1 maskLV lv_endo_gt",
        ),
        ("MYO", "MYO Myocardium lvWall LV_Myo myo-label"),
        ("EPI", "epi LVepi LV_EPI Epicardium epi_mask"),
        ("LA", "LA la Left_Atrium LeftAtrium atrium"),
        ("", "RV right_ventricle background Aorta"),
        (None, "image ED mask label 001 laser lvedv slav 4CH Segment_1 lv_la"),
    ],
)
def test_names_of_structures(structure, names):
    assert {name: structure_of(name) for name in names.split()} == dict.fromkeys(names.split(), structure)
    assert structure_of("left ventricle") == "LV" and structure_of("Left atrium ") == "LA"


def test_a_numbering_needs_all_three_names_once():
    names = {0: "background", 1: "LA", 2: "LV", 3: "MYO", 4: "RV"}
    assert numbering(names) == {0: 0, 1: 3, 2: 1, 3: 2, 4: 0}
    for wrong in ({1: "LV"}, {**names, 5: "endo"}, {**names, 5: "thing"}, {**names, 3: "EPI"}):
        assert numbering(wrong) is None


def test_regions_that_overlap():
    labels = heart(90, 110)
    regions = {name: np.isin(labels, values) for name, values in PARTS.items()}
    for chosen in (("LV", "MYO", "LA"), ("LV", "EPI", "LA"), ("LV", "EPI", "MYO", "LA")):
        found = label_map_of({name: regions[name] for name in chosen}, "the masks")
        np.testing.assert_array_equal(found, labels)
    with pytest.raises(Reject, match="the masks: expected the LV's cavity beside its epicardium, found none"):
        label_map_of({"EPI": regions["EPI"]}, "the masks")
    with pytest.raises(Reject, match="found background alone"):
        label_map_of({"LV": regions["LV"] & False}, "the masks")


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".nii.gz"):
        write_itk(values, path, (1.0, 1.0))
    else:
        assert cv2.imwrite(str(path), values)


def write_masks(folder, pattern, stem, labels, structures=("LV", "MYO", "LA"), value=255):
    for name in structures:
        mask = (np.isin(labels, PARTS[name]) * value).astype(np.uint8)
        write(folder / pattern.format(stem=stem, structure=name), mask)


def read(folder):
    """The pattern that check proposes, and what the reader then makes of each case."""
    guess = next(guesses(folder))
    return guess.options.get("label_pattern"), read_all(reader_of(dataset_of(guess)), folder)


@pytest.mark.parametrize(
    ("image", "mask", "pattern"),
    [
        ("{}.png", "{stem}_{structure}.png", "{stem}_{structure}.*"),
        ("{}.nii.gz", "{stem}-{structure}_seg.nii.gz", "{stem}-{structure}.*"),
        ("{}.jpg", "masks/{structure}/{stem}.png", "masks/{structure}/{stem}.png"),
        ("images/{}.png", "{structure}/{stem}.png", "../{structure}/{stem}.png"),
        ("images/{}.png", "masks/{structure}/{stem}.png", "../masks/{structure}/{stem}.png"),
        ("images/{}.png", "masks/{stem}_{structure}.png", "../masks/{stem}_{structure}.*"),
        ("{}/image.png", "{stem}/{structure}.png", "{structure}.*"),
    ],
)
@pytest.mark.parametrize("structures", [("LV", "MYO", "LA"), ("LV", "EPI", "LA", "RV")])
def test_check_finds_masks_of_structures_and_ingest_joins_them(tmp_path, image, mask, pattern, structures):
    contents = [plane(seed=number) for number in range(3)]
    for number, content in enumerate(contents):
        write(tmp_path / image.format(f"p{number}"), content.image)
        write_masks(tmp_path, mask, f"p{number}", content.labels, structures)
    proposed, found = read(tmp_path)
    assert proposed == pattern and len(found) == 3
    for frame, content in zip(found.values(), contents, strict=True):
        np.testing.assert_array_equal(frame.mask, content.labels)


def test_masks_that_cannot_be_joined_say_why(tmp_path):
    content = plane()
    for stem in "abcdef":
        write(tmp_path / f"{stem}.png", content.image)
        write_masks(tmp_path, "{stem}_{structure}.png", stem, content.labels)
    (tmp_path / "b_MYO.png").unlink()
    write_masks(tmp_path, "{stem}_{structure}.bmp", "c", content.labels, ["LA"])
    write(tmp_path / "d_LA.png", content.labels)
    write(tmp_path / "e_LA.png", content.labels[:90])
    write(tmp_path / "f_LA.png", content.labels * 0)
    _, found = read(tmp_path)
    np.testing.assert_array_equal(found["a"].mask, content.labels)
    assert "expected masks of LA, LV, MYO as other images have them, found none of MYO" in found["b"]
    assert "expected one label map beside it, found c_LA.bmp and c_LA.png" in found["c"]
    assert "the mask of LA: expected a mask of one structure, 0 and one other value, found 1, 2, 3" in found["d"]
    assert "the mask of LA: expected the image's size" in found["e"]
    np.testing.assert_array_equal(found["f"].mask, content.labels * (content.labels != 3))


def test_masks_of_a_cine_have_one_plane_or_all(tmp_path):
    cine = echonet_planes(1)
    write_video(tmp_path / "a.avi", [moment.image for moment in cine])
    stack = np.stack([moment.labels for moment in cine])
    for name in ("LV", "EPI"):
        write_itk(np.isin(stack, PARTS[name]).astype(np.uint8), tmp_path / f"a_{name}.mha", (1.0, 1.0, 1.0))
    write_masks(tmp_path, "{stem}_{structure}.png", "a", cine[ED].labels, ["LA"])
    (frame,) = read(tmp_path)[1].values()
    assert (frame.ed_frame, frame.ed_rule, frame.frames) == (ED, "largest_lv", FRAMES)
    np.testing.assert_array_equal(frame.mask[frame.mask != 3], cine[ED].labels[frame.mask != 3])


def test_masks_beside_dicom(tmp_path):
    labels = heart(HEIGHT, WIDTH)
    write_gray(tmp_path / "a.dcm")
    write_masks(tmp_path, "{stem}_{structure}.png", "a", labels, ("LV", "EPI", "LA"), value=1)
    reader = DicomReader(DicomDataset(format="dicom", folder="x", label_pattern="{stem}_{structure}.*"))
    (case,) = reader.find(tmp_path)
    np.testing.assert_array_equal(reader.read(case).mask, labels)


def test_patterns_that_cannot_name_structures_are_refused(tmp_path):
    for pattern in ("{structure}/{structure}.png", "{structure}/../{stem}.png", "{structure}/**/{stem}.png"):
        with pytest.raises(ValidationError, match="expected {structure} once and nothing but names after it"):
            FramesDataset(format="frames", folder="x", label_pattern=pattern)
    with pytest.raises(ValidationError, match="join the structures' masks into one label volume"):
        VolumeDataset(format="volume", folder="x", label_pattern="{stem}_{structure}.*")
    for number in range(2):
        write_volume(tmp_path, f"v{number}")
        (tmp_path / f"v{number}_label.nii.gz").rename(tmp_path / f"v{number}_LV.nii.gz")
    guess = next(guesses(tmp_path))
    assert guess.format == "volume" and any("found one mask a structure" in remark for remark in guess.remarks)
