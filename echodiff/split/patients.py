"""Division of patients, kept in proportion over strata of image quality and ejection fraction."""

import numpy as np
import pandas as pd

from echodiff.config.split import Split
from echodiff.errors import InputError
from echodiff.split.twins import groups_of

CASE_COLUMNS = ("case_id", "patient", "status", "quality", "ef", "frame_hash")

SUBSETS = ("train", "validation")

# Bands of the ejection fraction in %: reduced, mildly reduced, preserved (ESC guideline for heart failure, 2021).
EF_BANDS = ((41.0, "reduced"), (50.0, "mildly_reduced"), (np.inf, "preserved"))


def split_patients(cases: pd.DataFrame, options: Split) -> pd.DataFrame:
    """Divide the patients of a case table.

    Patients are put in order by stratum, at random within it (by `options.seed` and the patient's name alone, so
    that the order of the table does not matter), and taken at equal distances: every stratum is represented in
    proportion, to within one patient. Patients with an identical frame count as one, in the stratum of the first.

    Args:
        cases: the case table of one dataset (`CASE_COLUMNS`); only kept cases are divided.
        options: fraction or folds, and the seed.

    Returns:
        One row a kept case, sorted by case_id: case_id, patient, subset ("train" or "validation"), fold (the fold
        whose validation the patient is in; 0 without folds), stratum, group (the patient; of patients with an
        identical frame the first), frame_hash.

    Raises:
        InputError: too few patients for the fraction or the folds.
    """
    kept = cases[cases["status"] == "kept"].sort_values("case_id")
    group = groups_of(kept["patient"], kept["frame_hash"])
    groups = kept.assign(group=group).groupby("group", sort=True).first()
    _require_enough(len(groups), options)
    groups["stratum"] = [stratum(row.quality, row.ef) for row in groups.itertuples()]
    rng = np.random.default_rng(options.seed)
    order = groups.assign(draw=rng.permutation(len(groups))).sort_values(["stratum", "draw"]).index
    fold = pd.Series(_folds(len(order), options, rng), index=order)
    rows = kept[["case_id", "patient"]].assign(
        fold=group.map(fold), stratum=group.map(groups["stratum"]), group=group, frame_hash=kept["frame_hash"]
    )
    validation = rows["fold"] == options.fold
    rows.insert(2, "subset", np.where(validation, "validation", "train"))
    if options.folds is None:
        rows["fold"] = 0
    return rows.reset_index(drop=True)


def stratum(quality: str | None, ef: float | None) -> str:
    """The stratum of a patient, `<quality>/<band of the EF>`, "unknown" where the files do not say."""
    name = "unknown" if quality is None or pd.isna(quality) or not quality else str(quality).lower()
    if ef is None or pd.isna(ef):
        return f"{name}/unknown"
    return f"{name}/{next(band for limit, band in EF_BANDS if ef < limit)}"


def check_split(split: pd.DataFrame, origin: str) -> None:
    """Refuse a split that would make validation meaningless.

    Raises:
        InputError: a patient or a frame is on both sides, a case is listed twice, a subset has another name or is
            empty.
    """
    repeated = split["case_id"][split["case_id"].duplicated()]
    if len(repeated):
        raise InputError(f"{origin}: expected each case once, found {repeated.iloc[0]} twice; run the split again")
    strange = set(split["subset"]) - set(SUBSETS)
    if strange:
        raise InputError(
            f"{origin}: expected the subsets {' and '.join(SUBSETS)}, found {', '.join(sorted(strange))}; "
            "run the split again"
        )
    for subset in SUBSETS:
        if not (split["subset"] == subset).any():
            raise InputError(
                f"{origin}: expected at least one case of the subset '{subset}', found none; "
                "change split.validation_fraction or add patients"
            )
    sides = split.groupby("patient")["subset"].nunique()
    if (sides > 1).any():
        raise InputError(
            f"{origin}: expected every patient on one side, found patient {sides[sides > 1].index[0]} in training "
            "and in validation; run the split again"
        )
    known = split[split["frame_hash"].notna() & (split["frame_hash"] != "")]
    sides = known.groupby("frame_hash")["subset"].nunique()
    if (sides > 1).any():
        cases = known.loc[known["frame_hash"] == sides[sides > 1].index[0], "case_id"]
        raise InputError(
            f"{origin}: expected every frame on one side, found the identical frames of {' and '.join(cases)} in "
            "training and in validation; run the split again"
        )


def _require_enough(patients: int, options: Split) -> None:
    if patients < (options.folds or 2):
        wanted = f"{options.folds} folds" if options.folds else "training and validation"
        raise InputError(
            f"split: expected at least {options.folds or 2} patients for {wanted}, found {patients}; "
            "look at the rejects in cases.parquet"
        )


def _folds(count: int, options: Split, rng: np.random.Generator) -> np.ndarray:
    """The fold of each patient along the ordered line; without folds, 0 is validation and 1 training."""
    if options.folds is not None:
        return (np.arange(count) + rng.integers(options.folds)) % options.folds
    wanted = min(max(round(options.validation_fraction * count), 1), count - 1)
    chosen = np.floor((np.arange(wanted) + rng.random()) * count / wanted).astype(int)
    fold = np.ones(count, dtype=int)
    fold[chosen] = 0
    return fold
