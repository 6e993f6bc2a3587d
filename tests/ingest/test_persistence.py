"""Persistence of the scanner: told by the noise of a cine, and end-diastole is not late by it."""

import numpy as np
import pytest

from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.label_agreement import by_label_agreement
from echodiff.ingest.ed.persistence import persistence
from echodiff.ingest.ed.self_similarity import by_self_similarity

from .test_ed import SECTOR, SIZE, beating


def averaged(frames: np.ndarray, share: float) -> np.ndarray:
    """Frames as a scanner shows that keeps a share of the frame before."""
    shown = [frames[0].astype(float)]
    for frame in frames[1:]:
        shown.append(share * shown[-1] + (1 - share) * frame)
    return np.rint(shown).astype(np.uint8) * SECTOR


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("count", [24, 60])
def test_the_share_is_told_by_the_noise_of_a_beating_heart(share, count):
    frames = averaged(beating(9, count)[0], share)
    assert persistence(frames, SECTOR) == pytest.approx(share, abs=0.08)


def test_without_persistence_nothing_is_late():
    frames, _ = beating(9, 60)
    jittered = np.random.default_rng(1).normal(0, 3, frames.shape)  # noise that comes after, as of compression
    for cine in (frames, np.clip(frames + jittered, 1, 255).astype(np.uint8) * SECTOR, averaged(frames, 0.1)):
        assert persistence(cine, SECTOR) == 0


def test_cines_that_cannot_tell_are_not_late():
    frames, _ = beating(9)
    assert persistence(frames[:7], SECTOR) == 0
    assert persistence(np.repeat(frames[:1], 20, axis=0), SECTOR) == 0
    assert persistence(np.zeros_like(frames), SECTOR) == 0
    smooth = np.linspace(50, 150, 20)[:, None, None] * np.ones(SIZE)
    assert persistence(smooth.astype(np.uint8), SECTOR) == 0


@pytest.mark.parametrize("ed", [4, 9, 17])
def test_end_diastole_is_not_late_on_a_scanner_that_averages(ed):
    """A share of 0.7 delays motion by more than two frames."""
    frames, labels = beating(ed, 48, 48.0)
    frames = averaged(frames, 0.7)
    assert abs(by_self_similarity(Cine(frames, SECTOR)).frame - ed) <= 1
    assert abs(by_label_agreement(Cine(frames, SECTOR), labels[ed]).frame - ed) <= 1
