"""EchoNet-Dynamic: the CSV pair, ED by the larger polygon, videos without tracing, the children's archive refused."""

import numpy as np
import pytest

from echodiff.config.datasets import EchonetDataset
from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.readers.echonet import EchonetReader
from echodiff.ingest.readers.tracings import (
    largest_tracing,
    polygon,
    polygon_area,
    polygon_mask,
    read_tracings,
)
from echodiff.ingest.readers.video import read_frame

from .conftest import ED, FRAMES, chords, echonet_planes, heart, write_echonet, write_video


@pytest.fixture
def reader() -> EchonetReader:
    return EchonetReader(EchonetDataset(format="echonet", folder="anywhere"))


@pytest.mark.parametrize("suffix", ["", ".avi", ".AVI"])
@pytest.mark.parametrize("chord_count", [20, 11])
def test_ed_is_the_larger_polygon(reader, tmp_path, suffix, chord_count):
    cases = list(reader.find(write_echonet(tmp_path, suffix=suffix, chord_count=chord_count)))
    assert [case.name for case in cases] == ["0XA", "0XB", "0XC"]
    frame, truth = reader.read(cases[0]), echonet_planes(0)[ED]
    assert (frame.ed_frame, frame.frames, frame.lv_only) == (ED, FRAMES, True)
    assert np.abs(frame.image.astype(int) - truth.image)[truth.sector].mean() < 12
    lv, traced = truth.labels == 1, frame.mask == 1
    assert 2 * (lv & traced).sum() / (lv.sum() + traced.sum()) > 0.95
    assert frame.details == {"ef": 55.1, "frame_rate_hz": 50.0} and np.isnan(frame.spacing_mm).all()


def test_a_contour_is_filled_with_the_pixels_under_it():
    """Pixels' centres lie at whole numbers."""
    corners = np.array([[2.0, 3.0], [6.0, 3.0], [6.0, 8.0], [2.0, 8.0]])
    expected = np.zeros((12, 20), np.uint8)
    expected[3:9, 2:7] = 1
    np.testing.assert_array_equal(polygon_mask(corners, expected.shape), expected)
    np.testing.assert_array_equal(polygon_mask(corners + (0.25, -0.25), expected.shape)[4:8, 3:6], 1)


def test_a_video_of_another_size_than_its_tracing_is_a_reject(reader, tmp_path):
    write_echonet(tmp_path)
    table = tmp_path / "FileList.csv"
    table.write_text(table.read_text().replace(",112,112,", ",128,112,"))
    with pytest.raises(Reject, match="expected a video of 128 x 112 pixels, found 112 x 112"):
        reader.read(next(reader.find(tmp_path)))


@pytest.mark.parametrize("name", ["0012", "1e5", "NA"])
def test_names_of_digits_stay_as_they_are_written(reader, tmp_path, name):
    write_echonet(tmp_path, videos=2)
    (tmp_path / "Videos" / "0XA.avi").rename(tmp_path / "Videos" / f"{name}.avi")
    for table in ("FileList.csv", "VolumeTracings.csv"):
        text = (tmp_path / table).read_text().replace("0XA.avi", name).replace("0XA", name)
        (tmp_path / table).write_text("\n".join(line for line in text.splitlines() if "0XB" not in line))
    cases = {case.name: case for case in reader.find(tmp_path)}
    assert set(cases) == {name, "0XB"} and reader.read(cases[name]).ed_frame == ED


def test_rows_that_a_spreadsheet_left_empty_are_no_cases(reader, tmp_path):
    write_echonet(tmp_path)
    for table, commas in (("FileList.csv", 8), ("VolumeTracings.csv", 5)):
        (tmp_path / table).write_text((tmp_path / table).read_text() + "," * commas + "\n")
    cases = list(reader.find(tmp_path))
    assert [case.name for case in cases] == ["0XA", "0XB", "0XC"] and reader.read(cases[1]).ed_frame == ED


def test_a_video_without_tracing_is_a_reject(reader, tmp_path):
    with pytest.raises(Reject, match="tracing of the left ventricle"):
        reader.read(list(reader.find(write_echonet(tmp_path)))[2])


def test_videos_and_rows_that_miss_one_another_are_rejects(reader, tmp_path):
    write_echonet(tmp_path)
    (tmp_path / "Videos" / "0XA.avi").rename(tmp_path / "Videos" / "0XZ.avi")
    cases = {case.name: case for case in reader.find(tmp_path)}
    with pytest.raises(Reject, match="found no such file"):
        reader.read(cases["0XA"])
    with pytest.raises(Reject, match="row for this video in FileList.csv"):
        reader.read(cases["0XZ"])


def test_the_polygon_is_one_ends_then_the_other_ends_reversed():
    rows = np.array([[5, 0, 5, 9], [4, 1, 6, 1], [3, 4, 7, 4], [4, 8, 6, 8]], float)
    np.testing.assert_array_equal(polygon(rows), [[4, 1], [3, 4], [4, 8], [6, 8], [7, 4], [6, 1]])
    assert polygon_area(polygon(rows)) == pytest.approx((2 + 4) / 2 * 3 + (4 + 2) / 2 * 4)
    assert polygon_area(np.array([[0, 0], [4, 0], [5, 3], [1, 7]])) == pytest.approx(6 + 16), "two triangles"
    frame, _ = largest_tracing({50: rows, 3: rows * 0.9, 70: rows[:2]})
    assert frame == 50
    assert largest_tracing({9: rows, 4: rows + 1})[0] == 4, "the earlier one where two are alike"
    assert largest_tracing({2: rows * 0, 5: rows})[0] == 5
    with pytest.raises(Reject, match="counted from 0 in the tracing, found frame -1"):
        largest_tracing({-1: rows, 3: rows * 0.9})


def test_rows_of_a_traced_frame_keep_the_order_of_the_file_wherever_they_lie(tmp_path):
    path, head = tmp_path / "VolumeTracings.csv", "FileName,X1,Y1,X2,Y2,Frame\n"
    path.write_text(head + "B.avi,9,1,1,1,7\nA.avi,5,2,2,2,4\nB,7,3,3,,7\nA,3,4,4,4,2\nA,8,5,5,5,4\nA,0,0,0,0,\n")
    found = read_tracings(path)
    assert {name: sorted(frames) for name, frames in found.items()} == {"B": [7], "A": [2, 4]}
    np.testing.assert_array_equal(found["B"][7], [[9, 1, 1, 1], [7, 3, 3, np.nan]])
    np.testing.assert_array_equal(found["A"][4], [[5, 2, 2, 2], [8, 5, 5, 5]])
    path.write_text(head)
    assert read_tracings(path) == {}


@pytest.mark.parametrize("text", ["ED", "1.7", "inf"])
def test_a_traced_frame_that_is_no_whole_number_is_refused(tmp_path, text):
    path = tmp_path / "VolumeTracings.csv"
    path.write_text(f"FileName,X1,Y1,X2,Y2,Frame\nA.avi,5,2,2,2,4\nA.avi,5,2,2,2,4.0\nA.avi,5,2,2,2,{text}\n")
    with pytest.raises(InputError, match=f"expected a whole number as Frame, found '{text}' in row 4"):
        read_tracings(path)


def test_tracings_with_numbers_missing_or_outside_the_frame_are_rejects():
    rows = chords(heart(112, 112))
    rows[4, 2] = np.nan
    with pytest.raises(Reject, match="traced frame with a long axis"):
        largest_tracing({0: rows})
    with pytest.raises(Reject, match="inside the frame"):
        polygon_mask(polygon(chords(heart(112, 112)) + 500), (112, 112))


def test_each_frame_of_a_video_can_be_read_alone(tmp_path):
    frames = [np.full((64, 64), 20 * index, np.uint8) for index in range(12)]
    write_video(tmp_path / "steps.avi", frames)
    for index in (0, 5, 11):
        image, count = read_frame(tmp_path / "steps.avi", index)
        assert count == 12 and abs(int(np.median(image)) - 20 * index) <= 2
    with pytest.raises(Reject, match="traced frame 12"):
        read_frame(tmp_path / "steps.avi", 12)


def test_a_damaged_video_is_a_reject(tmp_path):
    (tmp_path / "text.avi").write_bytes(b"no video at all" * 40)
    with pytest.raises(Reject, match="cannot be opened"):
        read_frame(tmp_path / "text.avi", 0)


def test_pediatric_is_refused_by_name(reader, tmp_path):
    write_echonet(tmp_path)
    tracings = tmp_path / "VolumeTracings.csv"
    tracings.write_text("FileName,X,Y,Frame\nCR32.avi,51,22,No Systolic\n")
    with pytest.raises(InputError, match="EchoNet-Pediatric"):
        list(reader.find(tmp_path))
    (tmp_path / "FileList.csv").write_text("FileName,EF,Sex,Age,Weight,Height,Split\nCR32.avi,61,F,5,20,110,3\n")
    with pytest.raises(InputError, match="EchoNet-Pediatric"):
        list(reader.find(tmp_path))


def test_a_folder_without_the_tables_is_refused(reader, tmp_path):
    with pytest.raises(InputError, match="FileList.csv"):
        list(reader.find(tmp_path))
