"""The cardiac cycle: how far the ventricle has contracted and how far the mitral valve is open, over the phase.

Phase 0 is end-diastole (ED, the R wave, the largest LV), END_SYSTOLE its smallest, 1 the next ED.
"""

import numpy as np

END_SYSTOLE = 0.4
# Knots of a normal cycle: ejection, isovolumic relaxation, rapid filling, diastasis, atrial kick.
_PHASE = np.array([0.0, 0.06, 0.16, 0.28, 0.40, 0.46, 0.56, 0.66, 0.80, 0.90, 1.0])
_CONTRACTION = np.array([0.0, 0.10, 0.45, 0.85, 1.0, 0.97, 0.55, 0.30, 0.22, 0.12, 0.0])
_VALVE = np.array([0.12, 0.0, 0.0, 0.0, 0.0, 0.1, 1.0, 0.6, 0.35, 0.75, 0.12])


def contraction(phase: float) -> float:
    """0 at ED (phase 0) .. 1 at end-systole; strictly above 0 everywhere else, so that ED is the largest LV."""
    return float(np.interp(phase % 1.0, _PHASE, _CONTRACTION))


def valve_opening(phase: float) -> float:
    """Opening of the mitral leaflets, 0 closed .. 1 wide open."""
    return float(np.interp(phase % 1.0, _PHASE, _VALVE))


def phases(frames: int, ed_frame: int, beat: int) -> np.ndarray:
    """Phase (frames,) of every frame of a cine with `beat` frames a heartbeat and end-diastole at `ed_frame`."""
    return ((np.arange(frames) - ed_frame) / beat) % 1.0
