"""A patient before a machine: the heart, the tissue's looks, and the settings that the examiner chose."""

from dataclasses import dataclass, replace

import numpy as np

from echodiff.phantom.anatomy import Anatomy, sample_anatomy
from echodiff.phantom.machines import Machine
from echodiff.phantom.scene import Appearance, sample_appearance
from echodiff.phantom.sector import Sector


@dataclass(frozen=True)
class Patient:
    """Everything that stays the same over a patient's cine."""

    seed: int
    anatomy: Anatomy  # at end-diastole
    look: Appearance
    sector: Sector
    dynamic_range: float  # dB
    gain: float  # dB
    tgc: tuple[float, ...]  # dB at even steps of depth


def sample_patient(machine: Machine, seed: int, anatomy: Anatomy | None = None) -> Patient:
    """The patient of a seed before a machine: heart, tissue, and the settings that the examiner chose."""
    rng = np.random.default_rng([seed, 0])
    heart = sample_anatomy(rng) if anatomy is None else anatomy
    look = sample_appearance(rng)
    depth = _depth(heart, rng)
    other = float(rng.uniform(30, 45))
    half_angle = other if rng.uniform() < machine.other_angles else machine.half_angle
    half_angle = float(np.radians(half_angle))
    sector = Sector(depth, half_angle, machine.virtual_apex, machine.pixel)
    if machine.rows:
        sector = replace(sector, pixel=(depth - sector.top) / machine.rows)
    return Patient(
        seed=seed,
        anatomy=heart,
        look=look,
        sector=sector,
        dynamic_range=machine.dynamic_range + machine.dynamic_range_sd * float(np.clip(rng.normal(), -2, 2)),
        gain=machine.gain + machine.gain_sd * float(np.clip(rng.normal(), -2.2, 2.2)),
        tgc=tuple(machine.tgc * rng.normal(0, 1, 6)),
    )


def _depth(heart: Anatomy, rng: np.random.Generator) -> float:
    """Depth in mm, in the steps of 10 mm that machines have: most examiners show the whole atrium."""
    needed = heart.apex_depth + heart.lv_length + 0.85 * heart.la_length + rng.normal(2.0, 12.0)
    return float(np.clip(10 * np.ceil(needed / 10), 110, 220))
