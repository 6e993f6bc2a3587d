"""Patients with an identical frame: archives hold some, and to divide them would be to train on validation images."""

import pandas as pd


def groups_of(patients: pd.Series, frames: pd.Series) -> pd.Series:
    """The group of each case: patients that share a frame, directly or through others, have the same.

    Args:
        patients: each case's patient.
        frames: the hash of each case's frame (`frame_hash` of the case table); an unknown one equals no other.

    Returns:
        The name that comes first among the group's patients, with the index of `patients`; most groups are one
        patient.
    """
    parents = {patient: patient for patient in patients}

    def root(patient: str) -> str:
        while parents[patient] != patient:
            parents[patient] = parents[parents[patient]]
            patient = parents[patient]
        return patient

    known = frames.notna() & (frames != "")
    for _, sharing in patients[known].groupby(frames[known]):
        first, *others = sharing.unique()
        for other in others:
            kept, joined = sorted((root(first), root(other)))
            parents[joined] = kept
    return patients.map(root)


def twins(split: pd.DataFrame) -> list[list[str]]:
    """The patients of every group of more than one, in order, from a table with the columns patient and group."""
    members = (sorted(own["patient"].unique()) for _, own in split.groupby("group"))
    return [names for names in members if len(names) > 1]
