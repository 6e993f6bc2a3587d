"""MetaImage and NRRD headers that lie are refused before their pixels are reserved."""

import numpy as np
import pytest
import SimpleITK as sitk

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.itk import read_itk

IMAGE = sitk.GetImageFromArray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


def changed(path, old: bytes, new: bytes, compressed: bool = False):
    """The image written to `path`, with a piece of its header replaced."""
    sitk.WriteImage(IMAGE, str(path), compressed)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd", "a.nii.gz"])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_tells_the_truth_is_read(tmp_path, name, compressed):
    sitk.WriteImage(IMAGE, str(tmp_path / name), compressed)
    assert sitk.GetArrayFromImage(read_itk(tmp_path / name, "it")).tolist() == sitk.GetArrayFromImage(IMAGE).tolist()


@pytest.mark.parametrize("number", [b"-1", b"0", b"65535", b"1000000000", b"x", b""])
def test_dimensions_that_crash_the_library(tmp_path, number):
    with pytest.raises(Reject, match="it: expected an image of 2 to 4 dimensions, found"):
        read_itk(changed(tmp_path / "a.mha", b"NDims = 3", b"NDims = " + number), "it")
    with pytest.raises(Reject, match="it: expected an image of 2 to 4 dimensions, found"):
        read_itk(changed(tmp_path / "a.nrrd", b"dimension: 3", b"dimension: " + number), "it")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("a.mha", b"DimSize = 4 3 2", b"DimSize = 400 300 200"), ("a.nrrd", b"sizes: 4 3 2", b"sizes: 400 300 200")],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_sizes_that_the_file_cannot_hold(tmp_path, name, old, new, compressed):
    with pytest.raises(Reject, match="it: expected 24000000 bytes of pixels, found it cut short"):
        read_itk(changed(tmp_path / name, old, new, compressed), "it")
    with pytest.raises(Reject, match="it: expected an image that fits into memory, found a size of 40000x30000x20000"):
        read_itk(changed(tmp_path / name, old, new.replace(b"00", b"0000"), compressed), "it")


def test_a_header_without_its_file_of_pixels(tmp_path):
    sitk.WriteImage(IMAGE, str(tmp_path / "a.mhd"))
    (tmp_path / "a.raw").unlink()
    with pytest.raises(Reject, match="it: expected beside the header the file of pixels that it names, found no such"):
        read_itk(tmp_path / "a.mhd", "it")
