"""Invented people: names and numbers that belong to nobody, so that a search for them shows what leaks."""

from dataclasses import dataclass

import numpy as np

_FAMILY = ("Quill", "Brack", "Thorn", "Wexel", "Ostra", "Grim", "Ludo", "Fenn", "Marsk", "Ysold")
_ENDING = ("feather", "wyne", "bottomly", "kraft", "havn", "snipe", "gander", "moorel")
_GIVEN = ("Zelda", "Ignatz", "Ottoline", "Barnabas", "Perpetua", "Leopolda", "Caspian", "Wilhelmine")
_HOSPITAL = ("St. Nowhere Infirmary", "Utopia General Clinic", "Lake Nonesuch Heart Centre")


@dataclass(frozen=True)
class Identity:
    """A person on paper; `strings` are what no later stage may show."""

    family: str
    given: str
    patient_id: str
    birth_date: str  # YYYYMMDD
    accession: str
    hospital: str
    physician: str
    study_date: str  # YYYYMMDD
    sex: str
    age: int  # years

    @property
    def strings(self) -> tuple[str, ...]:
        return (self.family, self.patient_id, self.birth_date, self.accession, self.hospital, self.physician)


def invent_identity(seed: int) -> Identity:
    """The person of a seed."""
    rng = np.random.default_rng([seed, 7])

    def pick(words: tuple[str, ...]) -> str:
        return words[int(rng.integers(len(words)))]

    age = int(rng.integers(24, 90))
    return Identity(
        family=pick(_FAMILY) + pick(_ENDING),
        given=pick(_GIVEN),
        patient_id=f"PID-{int(rng.integers(10**7, 10**8))}",
        birth_date=f"{2019 - age}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}",
        accession=f"ACC{int(rng.integers(10**8, 10**9))}",
        hospital=pick(_HOSPITAL),
        physician="Dr " + pick(_FAMILY) + pick(_ENDING),
        study_date=f"2019{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}",
        sex="FM"[int(rng.integers(2))],
        age=age,
    )
