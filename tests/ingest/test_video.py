"""Frames of damaged videos: never another one in their place."""

import struct
from pathlib import Path

import numpy as np
import pytest

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.video import read_cine, read_frame

from .conftest import write_video

FRAMES, STEP = 40, 6


def stairs(path: Path) -> Path:
    """A video whose frames are brighter by `STEP` each."""
    write_video(path, [np.full((64, 64), STEP * index, np.uint8) for index in range(FRAMES)])
    return path


def streams(content: bytes) -> list[tuple[int, int]]:
    """Place and length of each frame's bytes in an AVI."""
    place, found = content.find(b"movi") + 4, []
    while content[place : place + 4] == b"00dc":
        (length,) = struct.unpack_from("<I", content, place + 4)
        found.append((place + 8, length))
        place += 8 + length + length % 2
    return found


def damage(path: Path, frame: int) -> Path:
    content = bytearray(path.read_bytes())
    place, length = streams(content)[frame]
    content[place : place + length] = bytes(length)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("damaged", [0, 1, 9, 38, 39])
def test_a_damaged_frame_puts_no_other_in_its_place(tmp_path, damaged):
    path = damage(stairs(tmp_path / "a.avi"), damaged)
    read = 0
    for index in range(FRAMES):
        try:
            image, _ = read_frame(path, index)
        except Reject as error:
            assert str(error).startswith("expected frame ") and "damaged or cut short" in str(error)
            continue
        read += 1
        assert abs(int(np.median(image)) - STEP * index) < STEP / 2, index
    assert read == 0 if damaged == 0 else read >= min(damaged, 20)


def test_a_cine_with_a_damaged_frame_is_rejected(tmp_path):
    with pytest.raises(Reject, match="expected frame 9 of the video, found it or one before it damaged"):
        read_cine(damage(stairs(tmp_path / "a.avi"), 9), 256)
    assert len(read_cine(tmp_path / "a.avi", 9)[0]) == 9


def test_a_cine_that_was_cut_is_rejected(tmp_path):
    content = stairs(tmp_path / "a.avi").read_bytes()
    place, _ = streams(content)[FRAMES // 2]
    (tmp_path / "a.avi").write_bytes(content[:place])
    with pytest.raises(Reject, match="expected frame 20 of the video"):
        read_cine(tmp_path / "a.avi", 256)


def test_a_header_that_counts_one_frame_too_many_loses_no_video(tmp_path):
    path = damage(stairs(tmp_path / "a.avi"), FRAMES - 1)
    frames, count = read_cine(path, 256)
    assert len(frames) == count == FRAMES - 1
    levels = np.median(frames, axis=(1, 2))
    np.testing.assert_allclose(levels, STEP * np.arange(FRAMES - 1), atol=STEP / 2)
