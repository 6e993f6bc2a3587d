"""End-diastole: each rule by itself on cines whose ED is known, and the cascade."""

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence

from echodiff.errors import InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.ed.cascade import find_ed
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.ecg_trace import by_ecg_trace
from echodiff.ingest.ed.explicit import by_cycle_position, by_table
from echodiff.ingest.ed.label_agreement import by_label_agreement
from echodiff.ingest.ed.largest_ventricle import by_largest_ventricle
from echodiff.ingest.ed.r_wave import by_r_wave
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.ed.table import read_table
from echodiff.ingest.ed.volume_curve import Measure, Pace, fit_volume_curve, nearest_frame, volume_curve

from .conftest import fan, heart, picture

SIZE = (150, 180)
SECTOR = fan(*SIZE)


def beating(ed: int, frames: int = 24, beat: float = 24.0, systole: float = 0.38) -> tuple[np.ndarray, np.ndarray]:
    """Frames and label maps (F, H, W) of a heart whose LV follows the volume curve, its apex at rest."""
    volume = volume_curve((np.arange(frames) - ed) / beat, systole)
    scales = 0.75 + 0.25 * volume
    labels = np.stack([heart(*SIZE, scale=scale, base=0.28 + 0.32 * scale) * SECTOR for scale in scales])
    labels = labels.astype(np.uint8)
    return np.stack([picture(part, SECTOR, seed) for seed, part in enumerate(labels)]), labels


@pytest.mark.parametrize("ed", [2, 9, 17])
def test_rules_of_the_picture_on_a_beating_heart(ed):
    frames, labels = beating(ed)
    assert abs(by_self_similarity(Cine(frames, SECTOR)).frame - ed) <= 1
    assert abs(by_label_agreement(Cine(frames, SECTOR), labels[ed]).frame - ed) <= 1
    assert by_largest_ventricle(labels) == Choice(ed, 1.0)


def test_stills_and_cines_without_motion_have_no_ed_by_the_picture():
    frames, labels = beating(3)
    still = np.repeat(frames[:1], 9, axis=0)
    assert by_self_similarity(Cine(still, SECTOR)) is None and by_self_similarity(Cine(frames[:1], SECTOR)) is None
    assert by_label_agreement(Cine(still, SECTOR), labels[0]) is None
    assert by_label_agreement(Cine(frames, SECTOR), np.zeros(SIZE, np.uint8)) is None
    assert by_largest_ventricle(labels[:1]) is None and by_largest_ventricle(None) is None


def test_the_only_labelled_frame_of_a_stack_is_the_one():
    _, labels = beating(5)
    alone = np.zeros_like(labels)
    alone[8] = labels[8]
    assert by_largest_ventricle(alone) == Choice(8, 1.0)


def test_areas_that_hardly_differ_leave_doubt():
    labels = np.zeros((4, 10, 20), np.uint8)
    for frame, area in zip(labels, (90, 100, 0, 100), strict=True):
        frame.flat[:area] = 1
        frame.flat[area:] = 3  # more of it in the smallest ventricle
    found = by_largest_ventricle(labels)
    assert found.frame == 1 and found.confidence == pytest.approx(0.5), "a tenth smaller, of the fifth of a whole beat"
    assert by_largest_ventricle(labels[[1, 3]]) is None


@pytest.mark.parametrize("systole", [0.32, 0.38, 0.45])
@pytest.mark.parametrize("place", [0.0, 5.25, 13.0])
def test_the_volume_curve_is_found_again_in_noise(place, systole):
    time = np.arange(40)
    course = 3 * volume_curve((time - place) / 28, systole) + np.random.default_rng(1).normal(0, 0.3, 40) - 7
    for known in ((None, None), (1000 / 28, 60), (1000 / 28, 140)):  # the last rate is wrong
        fit = fit_volume_curve([Measure(course)], Pace(*known))
        error = abs((fit.place - place + 14) % 28 - 14)
        assert error <= 2 * fit.spread and fit.spread < 1.2 and fit.correlation > 0.9


def test_a_drift_and_persistence_do_not_move_the_curve():
    """A drift of the size of the beat, and a share of 0.6, which delays by 1.5 frames."""
    time = np.arange(-40, 36)
    volume = volume_curve((time - 14) / 30, 0.42)
    for index in range(1, len(time)):
        volume[index] = 0.6 * volume[index - 1] + 0.4 * volume[index]
    drifting = Measure(volume[40:] + np.linspace(0, 1, 36), drifts=True)
    fit = fit_volume_curve([drifting], persistence=0.6)
    assert abs(fit.place - 14) < 0.3 and fit.correlation > 0.99
    assert fit_volume_curve([drifting._replace(drifts=False)], persistence=0.6).correlation < 0.9
    assert fit_volume_curve([drifting]).place - fit.place > 1


def test_what_follows_no_beat_leaves_the_place_unsure():
    noise = np.random.default_rng(3).normal(size=(2, 36))
    fit = fit_volume_curve([Measure(noise[0]), Measure(noise[1])])
    assert not fit.sure and fit.correlation < 0.5
    one_peak = np.array([0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 1, 0.5, 0.5])
    assert fit_volume_curve([Measure(one_peak)]).spread > 1


def test_the_nearest_frame_is_the_earlier_of_two():
    assert [nearest_frame(place, 30) for place in (-0.2, 7.5, 7.51, 29.7)] == [0, 7, 8, 29]


def test_volume_curve_runs_from_one_to_nought():
    curve = volume_curve(np.linspace(0, 1, 201), 0.4)
    assert curve[0] == curve[-1] == 1 and curve.argmin() == 80 and curve.min() == 0
    assert all(fit_volume_curve([Measure(course)]) is None for course in (np.ones(20), np.arange(4.0)))


def screen(ed: int, frames: int, beat: float, *, marker: bool = True, trace: bool = True) -> np.ndarray:
    """Frames (F, H, W) with an ECG under the sector and a marker that moves along it."""
    height, width = 200, 260
    columns = np.arange(10, 250)
    when = (columns - 10) / 239 * (frames - 1)
    wave = np.exp(-0.5 * (((when - ed + beat / 2) % beat - beat / 2) / 0.6) ** 2)
    cine = np.zeros((frames, height, width), np.uint8)
    for index, frame in enumerate(cine):
        rng = np.random.default_rng(index)
        frame[:150, 40:220] = np.where(SECTOR, rng.integers(5, 200, SIZE), 0)
        if trace:
            points = np.stack([columns, 190 - 25 * wave], 1).round().astype(np.int32)
            cv2.polylines(frame, [points], False, 220, 1)
        if marker:
            column = round(10 + 239 * index / (frames - 1))
            frame[193:199, column - 1 : column + 2] = 255
    return cine


def embedded() -> np.ndarray:
    sector = np.zeros((200, 260), bool)
    sector[:150, 40:220] = SECTOR
    return sector


@pytest.mark.parametrize(("ed", "frames", "beat"), [(7, 30, 40.0), (0, 20, 22.0), (11, 60, 31.0)])
def test_the_drawn_ecg_tells_the_frame(ed, frames, beat):
    choice = by_ecg_trace(screen(ed, frames, beat), embedded())
    assert min(abs(choice.frame - ed), abs(choice.frame - ed - beat)) <= 1 and choice.confidence > 0.6


def test_without_trace_marker_or_peak_the_ecg_says_nothing():
    assert by_ecg_trace(screen(7, 30, 40.0, marker=False), embedded()) is None
    assert by_ecg_trace(screen(7, 30, 40.0, trace=False), embedded()) is None
    assert by_ecg_trace(screen(70, 30, 200.0), embedded()) is None
    assert by_ecg_trace(screen(2, 30, 40.0)[:3], embedded()) is None


def test_r_waves_choose_the_frame_that_they_hit_best():
    times = np.arange(20) * 33.0
    assert by_r_wave(times, np.array([118.0, 297.0])).frame == 9
    assert by_r_wave(times, np.array([66.0])) == Choice(2, 1.0)
    assert by_r_wave(times, np.array([66.0, 627.0])).frame == 2, "of two that are hit as well the first"
    beside, last = by_r_wave(times, np.array([74.25])), by_r_wave(times, np.array([19.5 * 33]))
    assert (beside.frame, last.frame) == (2, 19) and (beside.confidence, last.confidence) == pytest.approx((0.75, 0.5))
    assert by_r_wave(times, np.array([20.5 * 33])) is None and by_r_wave(times, np.array([5000.0])) is None
    assert by_r_wave(None, np.array([66.0])) is None and by_r_wave(times, np.empty(0)) is None


def test_cycle_position_of_images_and_of_frames():
    header = pydicom.Dataset()
    assert by_cycle_position(header, 1) is None
    header.CardiacCyclePosition = "END_DIASTOLE"
    assert by_cycle_position(header, 1) == Choice(0, 1.0) and by_cycle_position(header, 5) is None
    header.CardiacCyclePosition = "END_SYSTOLE"
    with pytest.raises(Reject, match="end-systolic"):
        by_cycle_position(header, 1)
    groups = []
    for position in ("UNDETERMINED", "END_SYSTOLE", "END_DIASTOLE", "END_DIASTOLE"):
        inner, group = pydicom.Dataset(), pydicom.Dataset()
        inner.CardiacCyclePosition = position
        group.CardiacSynchronizationSequence = Sequence([inner])
        groups.append(group)
    header.PerFrameFunctionalGroupsSequence = Sequence(groups)
    assert by_cycle_position(header, 4) == Choice(2, 1.0) and by_cycle_position(header, 7) is None


def test_a_table_of_frames(tmp_path):
    path = tmp_path / "ed_frames.csv"
    assert read_table(path) == {}
    path.write_text("\ufefffile,frame,reader\na/b.dcm,12,Smith\nc.dcm,0,Jones\n", encoding="utf-8")
    assert read_table(path) == {"a/b.dcm": 12, "c.dcm": 0}
    assert by_table(0, 12) == Choice(0, 1.0) and by_table(11, 12) == Choice(11, 1.0) and by_table(None, 20) is None
    for frame in (-1, 12):
        with pytest.raises(Reject, match=f"frames 0 to 11 .* found {frame}"):
            by_table(frame, 12)
    for wrong, reason in (
        ("name,frame\na,1", "row 2"),
        ("file,frame\na,x", "row 2"),
        ("file,frame\na,1\na,2", "one again"),
    ):
        path.write_text(wrong + "\n")
        with pytest.raises(InputError, match=reason):
            read_table(path)


def test_the_cascade_asks_in_turn_and_can_be_forced():
    asked = []

    def rule(name, answer):
        return lambda: (asked.append(name), answer)[1]

    rules = {"a": rule("a", None), "b": rule("b", Choice(4, 0.5)), "c": rule("c", Choice(9, 1.0))}
    assert find_ed(rules, "auto") == ("b", Choice(4, 0.5)) and asked == ["a", "b"]
    assert find_ed(rules, "c") == ("c", Choice(9, 1.0))
    with pytest.raises(Reject, match="found none by the rules a"):
        find_ed(rules, "a")
    with pytest.raises(Reject, match="one of the ED rules a, b, c, found ed: d"):
        find_ed(rules, "d")
