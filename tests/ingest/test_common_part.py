"""Images and label maps that are paired by a part of their names, `{id}`."""

import cv2
import numpy as np
import pytest

from echodiff.config.datasets import FramesDataset
from echodiff.errors import InputError
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.trial import dataset_of
from echodiff.ingest.folder.image_pattern import ImagePattern
from echodiff.ingest.folder.source_files import state_of_files
from echodiff.ingest.readers import reader_of
from echodiff.ingest.readers.dicom import DicomReader

from .conftest import plane
from .dicom_files import HEIGHT, WIDTH, write_gray


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), values)


@pytest.mark.parametrize(
    ("image", "label", "options"),
    [
        ("image_{}.png", "mask_{}.png", ("image_{id}.png", "mask_{id}.png")),
        ("{}_img.jpg", "{}_mask.png", ("{id}_img.jpg", "{id}_mask.png")),
        ("images/img-{}.png", "masks/mask-{}.png", ("img-{id}.png", "../masks/mask-{id}.png")),
        ("images/q{}.png", "Masks/Pq{}.png", ("q{id}.png", "../Masks/Pq{id}.png")),
        ("p{}/image_{}.png", "p{}/mask_{}.png", ("image_{id}.png", "mask_{id}.png")),
    ],
)
def test_check_proposes_both_patterns_and_ingest_reads_the_pairs(tmp_path, image, label, options):
    top = tmp_path / "a" / "b" / "c" / "in"
    planes = [plane(seed=number) for number in range(12)]
    for number, content in enumerate(planes):
        write(top / image.format(number, number), content.image)
        write(top / label.format(number, number), content.labels)
    guess = next(guesses(top))
    assert guess.options == {"image_pattern": options[0], "label_pattern": options[1]} and guess.remarks == ()
    assert guess.evidence == "12 pictures, planes or cines, 12 of labels"
    dataset = dataset_of(guess)
    cases = {case.name: case for case in reader_of(dataset).find(top)}
    assert len(cases) == 12
    frame = reader_of(dataset).read(cases[image.format(3, 3).rsplit(".", 1)[0]])
    np.testing.assert_array_equal(frame.mask, planes[3].labels)
    before = state_of_files(dataset, top)
    write(top / label.format(3, 3), planes[4].labels[:99])
    assert state_of_files(dataset, top) != before


def test_a_pattern_of_images_leaves_other_files_out(tmp_path):
    for name in ("p1/4ch.png", "p1/2ch.png", "p2/4ch.png", "gt/p1.png", "gt/p2.png"):
        write(tmp_path / name, plane().image if "ch" in name else plane().labels)
    dataset = FramesDataset(
        format="frames", folder="x", image_pattern="{id}/4ch.*", label_pattern="../gt/{id}.png", case_ids="source"
    )
    found = {case.name: case.files["label"].name for case in reader_of(dataset).find(tmp_path)}
    assert found == {"p1/4ch": "p1.png", "p2/4ch": "p2.png"}
    wrong = dataset.model_copy(update={"image_pattern": "{id}_4ch.png"})
    with pytest.raises(
        InputError, match=r"expected images named \{id\}_4ch.png, found none among 5 files, such as gt/p1"
    ):
        list(reader_of(wrong).find(tmp_path))


def test_dicom_has_it_too(tmp_path):
    for number in range(2):
        write_gray(tmp_path / f"IM_{number}")
        write(tmp_path / f"mask_{number}.png", plane(HEIGHT, WIDTH).labels)
    guess = next(guesses(tmp_path))
    assert (guess.evidence, guess.remarks) == ("2 DICOM files", ())
    assert guess.options == {"image_pattern": "IM_{id}", "label_pattern": "mask_{id}.png"}
    cases = DicomReader(dataset_of(guess)).find(tmp_path)
    assert [case.files["label"].name for case in cases] == ["mask_0.png", "mask_1.png"]


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("image_{id}.png", "x/image_12.png", "12"),
        ("image_{id}.png", "x/image_.png", None),
        ("{id}/*.p?g", "x/a+b/c.png", "a+b"),
        ("a[1]_{id}.png", "a[1]_7.png", "7"),
        ("", "x/c.png", ""),
    ],
)
def test_what_a_pattern_says_of_a_path(tmp_path, pattern, path, found):
    images = ImagePattern(pattern)
    assert (images.id_of(tmp_path / path) if images.names(tmp_path / path) else None) == found
