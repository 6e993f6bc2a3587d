"""Segmentations of 3D Slicer: names of segments, layers, and segmentations that were cropped."""

import gzip

import numpy as np
import pytest

from echodiff.config.datasets import FramesDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.labels_on_trial import with_labels_on_trial
from echodiff.ingest.check.trial import find_cases, read_on_trial
from echodiff.ingest.labels.beside import read_label_stack
from echodiff.ingest.readers.frames import FramesReader

from .conftest import plane, write_itk

CONTENT = plane()
SHAPE = CONTENT.labels.shape
PARTS = {"LV": (1,), "MYO": (2,), "EPI": (1, 2), "LA": (3,)}


def write_segments(path, layers, segments, offset=(0, 0, 0)):
    """Layers (L, H, W) as 3D Slicer writes them; a segment is (name, value, layer)."""
    layers = np.asarray(layers, np.uint8)
    sizes = [layers.shape[2], layers.shape[1], 1]
    kinds, directions = ["domain"] * 3, ["(0.3,0,0)", "(0,0.3,0)", "(0,0,1)"]
    if len(layers) > 1:
        sizes, kinds, directions = [len(layers), *sizes], ["list", *kinds], ["none", *directions]
    head = [
        "NRRD0004",
        "type: unsigned char",
        f"dimension: {len(sizes)}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {' '.join(directions)}",
        f"kinds: {' '.join(kinds)}",
        "encoding: gzip",
        "space origin: (0,0,0)",
        f"Segmentation_ReferenceImageExtentOffset:={offset[0]} {offset[1]} {offset[2]}",
    ]
    for number, (name, value, layer) in enumerate(segments):
        head += [f"Segment{number}_Name:={name}", f"Segment{number}_LabelValue:={value}"]
        head += [f"Segment{number}_Layer:={layer}", f"Segment{number}_ID:=Segment_{number + 1}"]
    pixels = gzip.compress(np.moveaxis(layers, 0, -1).tobytes())
    path.write_bytes("\n".join(head).encode() + b"\n\n" + pixels)
    return path


def of(*structures):
    return np.isin(CONTENT.labels, [value for name in structures for value in PARTS[name]]).astype(np.uint8)


ONE_LAYER = [("Myocardium", 1, 0), ("Left atrium", 2, 0), ("LV", 7, 0), ("RV", 9, 0)]
VALUES = np.array((0, 7, 1, 2), np.uint8)[CONTENT.labels]


def test_names_of_segments_say_what_their_values_mean(tmp_path):
    path = write_segments(tmp_path / "a.seg.nrrd", [VALUES], ONE_LAYER)
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, {})[0], CONTENT.labels)
    swapped = read_label_stack(path, 1, SHAPE, {1: 1, 2: 2, 7: 3})[0]
    np.testing.assert_array_equal(swapped, np.array((0, 3, 1, 2))[CONTENT.labels])


def test_layers_overlap(tmp_path):
    segments = [("Epicardium", 1, 0), ("LV endo", 1, 1), ("LA", 2, 1)]
    path = write_segments(tmp_path / "a.seg.nrrd", [of("EPI"), of("LV") + 2 * of("LA")], segments)
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, {})[0], CONTENT.labels)
    with pytest.raises(Reject, match="found label_values, which tell no layers apart; rename the segments"):
        read_label_stack(path, 1, SHAPE, {1: 1})


def test_cropped_segmentations_are_put_back(tmp_path):
    rows, columns = (np.flatnonzero(VALUES.any(axis)) for axis in (1, 0))
    part = VALUES[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    path = write_segments(tmp_path / "a.seg.nrrd", [part], ONE_LAYER, (columns[0], rows[0], 0))
    np.testing.assert_array_equal(read_label_stack(path, 1, SHAPE, {})[0], CONTENT.labels)
    outside = write_segments(tmp_path / "b.seg.nrrd", [part], ONE_LAYER, (columns[0] + 200, rows[0], 0))
    with pytest.raises(Reject, match="expected the image's size 220 x 180"):
        read_label_stack(outside, 1, SHAPE, {})


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ([("Segment_1", 1, 0), ("LA", 1, 1)], "named LV .*, found 'Segment_1'; rename the segments in 3D Slicer"),
        ([("LV", 1, 0), ("endo", 1, 1)], "expected one segment a structure, found a second one of LV"),
        ([("LV", 1, 0), ("LA", 1, 2)], "expected layers up to 2, found 2"),
        ([("epi", 1, 0), ("LA", 1, 1)], "expected the LV's cavity beside its epicardium"),
        ([], "expected segments in several layers to be named LV"),
    ],
)
def test_segmentations_that_cannot_be_used_say_why(tmp_path, segments, sentence):
    path = write_segments(tmp_path / "a.seg.nrrd", [of("LV"), of("LA")], segments)
    with pytest.raises(Reject, match=sentence):
        read_label_stack(path, 1, SHAPE, {})


def test_a_header_that_lies_about_its_layers_takes_no_memory(tmp_path):
    path = write_segments(tmp_path / "a.seg.nrrd", [of("LV"), of("LA")], [])
    path.write_bytes(path.read_bytes().replace(b"sizes: 2 220 180 1", b"sizes: 2 22000 18000 1"))
    with pytest.raises(Reject, match="the label map: expected 792000000 bytes of pixels, found it cut short"):
        read_label_stack(path, 1, SHAPE, {})


@pytest.mark.parametrize("names", [True, False])
def test_check_and_ingest_read_them(tmp_path, names):
    """Without names what the values mean is told by their places."""
    for stem in "ab":
        write_itk(CONTENT.image[None], tmp_path / f"{stem}.nrrd", (0.3, 0.3, 1.0))
        segments = [(name if names else f"Segment_{value}", value, 0) for name, value, _ in ONE_LAYER[:3]]
        write_segments(tmp_path / f"{stem}.seg.nrrd", [VALUES], segments)
    guess = next(guesses(tmp_path))
    guess = with_labels_on_trial(guess, read_on_trial(guess, find_cases(guess), 1))
    assert guess.options["label_pattern"] == "{stem}.seg.nrrd" and ("label_values" in guess.options) != names
    reader = FramesReader(FramesDataset(format="frames", folder="x", **guess.options))
    for case in reader.find(tmp_path):
        np.testing.assert_array_equal(reader.read(case).mask, CONTENT.labels)
