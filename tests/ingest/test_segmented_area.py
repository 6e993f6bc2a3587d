"""End-diastole by the course of the segmented ventricle's area."""

import numpy as np
import pytest

from echodiff.config.datasets import DicomDataset
from echodiff.ingest.ed import by_picture, cine
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.segmented_area import MOST_SEGMENTED, by_segmented_area
from echodiff.ingest.ed.volume_curve import volume_curve
from echodiff.ingest.readers.dicom import DicomReader

from .dicom_files import write_gray
from .test_ed import SECTOR, SIZE, beating


class Numbered(Cine):
    """Frames (F, 1, 1) that hold their own number, and nothing that moves in them."""

    motion, persistence = None, 0.0

    def __init__(self, count: int):
        super().__init__(np.arange(count, dtype=np.uint8)[:, None, None], np.ones((1, 1), bool))


class Areas:
    """Areas of frames that hold their own number, and which frames were asked for."""

    def __init__(self, areas: np.ndarray):
        self.areas, self.asked = areas, []

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        self.asked = frames[:, 0, 0].tolist()
        return self.areas[self.asked]


def course(count: int, ed: int, beat: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Areas in pixels: a third is ejected."""
    curve = volume_curve((np.arange(count) - ed) / beat, 0.38)
    return 4000 * (2 / 3 + curve / 3) * (1 + noise * np.random.default_rng(seed).normal(size=count))


@pytest.mark.parametrize(("count", "ed", "beat"), [(12, 3, 12), (30, 17, 30), (90, 40, 45), (240, 70, 60)])
def test_ed_is_the_top_of_the_course(count, ed, beat):
    areas = Areas(course(count, ed, beat, noise=0.02))
    choice = by_segmented_area(Numbered(count), areas)
    distance = min(abs(choice.frame - peak) for peak in range(ed % beat, count, beat))
    assert distance <= max(1, count // MOST_SEGMENTED) and 0.8 < choice.confidence <= 1
    assert len(areas.asked) <= MOST_SEGMENTED and areas.asked[0] == 0


def test_single_badly_segmented_frames_do_not_matter():
    areas = course(30, 12, 30, noise=0.01)
    areas[[4, 20]] = 9000, 0
    assert abs(by_segmented_area(Numbered(30), Areas(areas)).frame - 12) <= 1


def test_areas_that_follow_no_beat_give_no_answer():
    noise = np.random.default_rng(1).normal(4000, 400, 40)
    for areas in (noise, np.full(40, 4000.0), np.zeros(40)):
        assert by_segmented_area(Numbered(40), Areas(areas)) is None
    assert by_segmented_area(Numbered(6), Areas(course(6, 2, 6))) is None


class Known:
    """In place of a segmenter: the areas that the frames were drawn with."""

    def __init__(self, labels: np.ndarray):
        self._areas = (labels == 1).sum(axis=(1, 2)).astype(float)

    def ventricle_areas(self, frames: np.ndarray, sector: np.ndarray) -> np.ndarray:
        assert sector.shape == SIZE and len(frames) == len(self._areas)
        return self._areas


def test_motion_and_persistence_of_a_cine_are_worked_out_once_for_all_rules(monkeypatch):
    frames, labels = beating(9)
    worked_out = []
    for name in ("motion", "persistence"):
        function = getattr(cine, name)
        monkeypatch.setattr(cine, name, lambda *at, name=name, of=function: worked_out.append(name) or of(*at))
    rules = by_picture.picture_rules(Cine(frames, SECTOR), Known(labels))
    assert [rule() is not None for rule in rules.values()] == [True, True]
    assert sorted(worked_out) == ["motion", "persistence"]


def test_it_can_be_forced_and_is_asked_last(tmp_path, monkeypatch):
    frames, labels = beating(9)
    path = write_gray(tmp_path / "a.dcm", frames, Rows=SIZE[0], Columns=SIZE[1])
    write_gray(tmp_path / "b.dcm", frames, Rows=SIZE[0], Columns=SIZE[1], RWaveTimeVector=[80.0])
    assert SECTOR.shape == SIZE and path.is_file()
    reader = DicomReader(DicomDataset(format="dicom", folder="x", labels="predicted"), Known(labels))
    cases = list(reader.find(tmp_path))
    assert [reader.read(case).ed_rule for case in cases] == ["self_similarity", "r_wave"]
    monkeypatch.setattr(by_picture, "by_self_similarity", lambda *_: None)
    first = reader.read(cases[0])
    assert first.ed_rule == "segmented_area" and abs(first.ed_frame - 9) <= 1
    assert first.label_source == "none" and not first.mask.any()
    forced = DicomReader(
        DicomDataset(format="dicom", folder="x", labels="predicted", ed="segmented_area"), Known(labels)
    )
    assert abs(forced.read(cases[1]).ed_frame - 9) <= 1
