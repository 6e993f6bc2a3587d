"""Arrays of NumPy as frames and as label maps."""

import io
import zipfile

import numpy as np
import pytest

from echodiff.config.datasets import FramesDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses, remedy
from echodiff.ingest.readers.arrays import IMAGES, read_array
from echodiff.ingest.readers.frames import FramesReader

from .conftest import ED, FRAMES, echonet_planes, plane

CONTENT = plane()


def read(folder):
    """Options that check proposes, and the frames that are read with them."""
    guess = next(guesses(folder))
    reader = FramesReader(FramesDataset(format="frames", folder="x", **guess.options))
    return guess, [reader.read(case) for case in reader.find(folder)]


@pytest.mark.parametrize(
    ("image", "label"),
    [(np.uint8, np.uint8), (np.float32, np.int64), (np.float16, np.float64), (np.uint16, bool)],
)
def test_arrays_are_frames_and_label_maps(tmp_path, image, label):
    scale = {np.float32: 1 / 255, np.float16: 1 / 255, np.uint16: 257}.get(image, 1)
    labels = (CONTENT.labels == 1) if label is bool else CONTENT.labels
    for number in range(2):
        np.save(tmp_path / f"p{number}.npy", (CONTENT.image * np.float64(scale)).astype(image))
        np.save(tmp_path / f"p{number}_mask.npy", labels.astype(label)[..., None])
    guess, frames = read(tmp_path)
    assert guess.options == {"label_pattern": "{stem}_mask.*"} and guess.evidence.startswith("2 pictures")
    for frame in frames:
        assert np.abs(frame.image - CONTENT.image.astype(int)).max() <= (image is np.float16)
        np.testing.assert_array_equal(frame.mask, labels)


def test_an_archive_holds_image_and_label_map(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", Image=CONTENT.image, label=CONTENT.labels, id="p0")
    cine = echonet_planes(0)
    np.savez(tmp_path / "b.npz", frames=[moment.image for moment in cine], masks=[moment.labels for moment in cine])
    guess, (still, moving) = read(tmp_path)
    assert guess.options == {} and guess.evidence == "2 pictures, planes or cines, 2 of labels"
    np.testing.assert_array_equal(still.image, CONTENT.image)
    np.testing.assert_array_equal(still.mask, CONTENT.labels)
    assert (moving.frames, moving.ed_frame) == (FRAMES, ED)
    np.testing.assert_array_equal(moving.mask, cine[ED].labels)


def of_header(shape, dtype="|u1", content=b""):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": False, "descr": dtype})
    return file.getvalue() + content


def write_bomb(path):
    """An archive whose array says that it is larger than it is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.npy", of_header((2**14, 2**14, 8)))


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("a.npy", lambda path: path.write_bytes(b""), "found an empty file"),
        ("a.npy", lambda path: path.write_bytes(b"\x93NUMPY"), "found it damaged or cut short"),
        (
            "a.npy",
            lambda path: path.write_bytes(of_header((9, 9), content=b"1")),
            "expected 81 bytes of values, found it",
        ),
        (
            "a.npy",
            lambda path: path.write_bytes(of_header((2**20, 2**20))),
            "fits into memory, found 1048576 x 1048576",
        ),
        ("a.npy", lambda path: np.save(path, np.array([{}, 1], object)), "an array of numbers, found values of object"),
        ("a.npy", lambda path: np.save(path, np.zeros((9, 8, 3))), "rows and columns, found a shape of 9 x 8 x 3"),
        ("a.npy", lambda path: np.save(path, np.zeros(9)), "found a shape of 9; save gray values, frames first"),
        ("a.npz", lambda path: np.savez(path, a=CONTENT.image, b=1), "or one named image, found a, b; save image and"),
        ("a.npz", lambda path: path.write_bytes(b"PK\x03\x04"), "found it damaged or cut short"),
        ("a.npz", write_bomb, "fits into memory, found 16384 x 16384 x 8|bytes of values, found it cut short"),
    ],
)
def test_arrays_that_cannot_be_used_say_why(tmp_path, name, write, sentence):
    write(tmp_path / name)
    with pytest.raises(Reject, match=f"the image: .*{sentence}"):
        read_array(tmp_path / name, "the image", IMAGES)


def test_files_of_matlab_are_told_how_to_convert(tmp_path):
    (tmp_path / "a.mat").touch()
    assert next(guesses(tmp_path), None) is None and "scipy.io.loadmat, numpy.save" in remedy(tmp_path)
