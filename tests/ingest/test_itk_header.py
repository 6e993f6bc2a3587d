"""MetaImage and NRRD headers that lie are refused before their pixels are reserved."""

import gzip
import struct

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


@pytest.mark.parametrize("ending", [".mha", ".nrrd", ".nii", ".nii.gz"])
def test_a_byte_that_is_missing_is_told_of_values_of_every_type(tmp_path, ending):
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"):
        values, path = np.arange(1, 25).reshape(2, 3, 4).astype(dtype), tmp_path / f"{dtype}{ending}"
        sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_itk(path, "it")), values)
        content = path.read_bytes()
        path.write_bytes(gzip.compress(gzip.decompress(content)[:-1]) if ending == ".nii.gz" else content[:-1])
        with pytest.raises(Reject, match=f"it: expected {24 * values.itemsize} bytes of pixels, found it cut short"):
            read_itk(path, "it")


def test_of_two_nifti_files_of_one_name_each_has_its_own_pixels(tmp_path):
    """ITK by itself reads both from the one that is not compressed."""
    for number, name in enumerate(("a.nii", "a.nii.gz", "A.NII", "A.NII.GZ"), 1):
        sitk.WriteImage(IMAGE * number, str(tmp_path / f"b{name[1:].lower()}"))
        (tmp_path / f"b{name[1:].lower()}").rename(tmp_path / name)
    for number, name in enumerate(("a.nii", "a.nii.gz", "A.NII", "A.NII.GZ"), 1):
        found = sitk.GetArrayFromImage(read_itk(tmp_path / name, "it"))
        np.testing.assert_array_equal(found, number * sitk.GetArrayFromImage(IMAGE))


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


@pytest.mark.parametrize(
    "name", ["a.MHA", "a.Mha", "a.MHD", "a.Mhd", "a.NII", "a.NII.GZ", "a.NRRD", "a.Nrrd", "a.NHDR"]
)
def test_endings_in_capitals_are_read(tmp_path, name):
    sitk.WriteImage(IMAGE, str(tmp_path / name.lower()))
    (tmp_path / name.lower()).rename(tmp_path / name)
    assert sitk.GetArrayFromImage(read_itk(tmp_path / name, "it")).tolist() == sitk.GetArrayFromImage(IMAGE).tolist()


@pytest.mark.parametrize(("name", "ending"), [("a.Nii.gz", ".nii.gz"), ("a.Nii", ".nii"), ("a.nii.GZ", ".nii.gz")])
def test_nifti_in_mixed_letters_has_to_be_renamed(tmp_path, name, ending):
    sitk.WriteImage(IMAGE, str(tmp_path / f"b{ending}"))
    (tmp_path / f"b{ending}").rename(tmp_path / name)
    with pytest.raises(Reject, match=f"it: expected {ending} or .* as ending, found {name[1:]}; rename the file"):
        read_itk(tmp_path / name, "it")


@pytest.mark.parametrize(("kind", "dtype"), [("MET_UCHAR", np.uint8), ("MET_FLOAT", np.float32)])
def test_metaimage_in_digits_is_read(tmp_path, kind, dtype):
    head = f"NDims = 3\nBinaryData = False\nDimSize = 4 3 2\nElementType = {kind}\nElementDataFile = LOCAL\n"
    (tmp_path / "a.mha").write_text(head + " ".join(map(str, range(24))) + "\n")
    values = sitk.GetArrayFromImage(read_itk(tmp_path / "a.mha", "it"))
    assert values.dtype == dtype and values.ravel().tolist() == list(range(24))
    (tmp_path / "a.mha").write_text(head + " ".join(map(str, range(9))) + "\n")
    with pytest.raises(Reject, match="it: expected a readable image, found it damaged or cut short"):
        read_itk(tmp_path / "a.mha", "it")


def test_a_sheared_orientation_is_told_as_such(tmp_path):
    sitk.WriteImage(IMAGE, str(tmp_path / "a.nii"))
    content = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<hh", content, 252, 0, 1)  # qform_code, sform_code
    struct.pack_into("<12f", content, 280, 1, 0.2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(Reject, match="it: expected axes at right angles, found a sheared or rounded orientation"):
        read_itk(tmp_path / "a.nii", "it")


def test_a_file_that_is_gone_is_told_as_such(tmp_path):
    with pytest.raises(Reject, match="it: expected a file, found .* no file"):
        read_itk(tmp_path / "a.mha", "it")
