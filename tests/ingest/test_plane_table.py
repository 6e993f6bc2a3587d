"""planes.csv: names are text, numbers are numbers, and a slip of the pen is told by row and column."""

import re

import numpy as np
import pytest

from echodiff.config.datasets import VolumeDataset
from echodiff.errors import InputError
from echodiff.ingest.readers.plane_table import COORDINATES, read_planes
from echodiff.ingest.readers.volume import VolumeReader

from .test_volume import write_volume

HEAD = "name," + ",".join(f"{column}_mm" for column in COORDINATES)
ROW = ",".join(f"{number}.5" for number in range(9))


def written(tmp_path, *rows: str, head: str = HEAD):
    (tmp_path / "planes.csv").write_text("\n".join([head, *rows]) + "\n")
    return tmp_path / "planes.csv"


@pytest.mark.parametrize("name", ["001", "1e5", "NA", "12", "null", "1.5"])
def test_names_of_digits_stay_as_they_are_written(tmp_path, name):
    write_volume(tmp_path, name)
    (case,) = VolumeReader(VolumeDataset(format="volume", folder="anywhere")).find(tmp_path)
    assert case.name == name and case.known["plane"] is not None


def test_spaces_empty_rows_and_missing_cells(tmp_path):
    path = written(tmp_path, "", f" a.nii.gz , {ROW},,,", ",,,,,,,,,,", "b,NA,nan,", head=HEAD + ",frame")
    planes = read_planes(path)
    assert list(planes) == ["a", "b"] and list(planes["a"].values())[:9] == [number + 0.5 for number in range(9)]
    assert np.isnan(planes["a"]["frame"]) and np.isnan(list(planes["b"].values())).all()


@pytest.mark.parametrize("text", ["ED", "1.7", "#1", "1e0", "inf"])
def test_a_frame_that_is_no_whole_number_is_refused(tmp_path, text):
    path = written(tmp_path, f"a,{ROW},", f"b,{ROW},{text}", head=HEAD + ",frame")
    with pytest.raises(
        InputError, match=f"planes.csv: expected a whole number as frame, found '{text}' in row 3; mend"
    ):
        read_planes(path)


@pytest.mark.parametrize(("text", "frame"), [("2", 2), ("2.0", 2), ("-1", -1)])
def test_whole_numbers_are_frames(tmp_path, text, frame):
    assert read_planes(written(tmp_path, f"a,{ROW},{text}", head=HEAD + ",frame"))["a"]["frame"] == frame


@pytest.mark.parametrize("text", ['"1,5"', "inf", "5 mm", "1_0"])
def test_a_coordinate_that_is_no_number_is_refused(tmp_path, text):
    path = written(tmp_path, "a,1,2,3,4,5,6,7,8,9", "", f"b,1,{text},3,4,5,6,7,8,9")
    found = re.escape(text.strip('"'))
    with pytest.raises(InputError, match=f"a number with a decimal point as apex_y, found '{found}' in row 4"):
        read_planes(path)


def test_decimal_commas_that_part_columns_are_refused(tmp_path):
    path = written(tmp_path, "a," + ROW.replace(".", ","))
    with pytest.raises(
        InputError, match="expected 10 columns and numbers with a decimal point, found 19 columns in row 2"
    ):
        read_planes(path)


def test_a_row_without_a_name_and_bytes_of_another_kind_are_refused(tmp_path):
    with pytest.raises(InputError, match="the name of a volume, found none in row 2"):
        read_planes(written(tmp_path, f",{ROW}"))
    (tmp_path / "planes.csv").write_bytes(b"name,\xff\xfe")
    with pytest.raises(InputError, match="expected a CSV in UTF-8"):
        read_planes(tmp_path / "planes.csv")
