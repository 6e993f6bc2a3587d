"""The table of pixel metrics: one row a case and comparison, for one dataset and model."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.evaluate import comparisons as c
from echodiff.evaluate.patients import patients_of
from echodiff.evaluate.pixel import pair_metrics
from echodiff.progress import track
from echodiff.store.image_set import ImageSet

KEYS = ("case_id", "dataset", "model", "comparison")
SUBGROUPS = ("patient", "quality", "scanner", "ef")


def pixel_table(original: ImageSet, synthetic: ImageSet, cases: pd.DataFrame, *, model: str, seed: int) -> pd.DataFrame:
    """Metrics of every synthetic image and of the floors and ceilings against the original of the same case.

    Args:
        original: the dataset; another patient and the mean grays are taken from all of its cases.
        synthetic: its translation, or a part of it; H x W as `original`.
        cases: the dataset's case table (`patients.CASE_COLUMNS`; quality, scanner and ef where known come along).
        model: name written into the rows.
        seed: of the draw of another patient.

    Raises:
        InputError: the sets differ in size, or a synthetic case has no original or no row in `cases`.
    """
    if not len(synthetic):
        raise InputError(f"{model}: expected synthetic images to measure, found an empty translation")
    if original.images.shape[1:] != synthetic.images.shape[1:]:
        raise InputError(
            f"{model}: expected synthetic images of {original.images.shape[1:]} pixels as the originals, "
            f"found {synthetic.images.shape[1:]}; translate again with this configuration"
        )
    patients = patients_of([*original.case_id, *synthetic.case_id], cases)[: len(original)]
    rows = list(
        track(
            _rows(original, synthetic, patients, seed),
            len(synthetic) * len(c.COMPARISONS),
            description=f"pixel metrics {model}",
            unit="pairs",
        )
    )
    table = pd.DataFrame(rows)
    table["dataset"] = original.attributes.get("dataset", "")
    table["model"] = model
    known = cases.set_index("case_id")
    for name in SUBGROUPS:
        if name in known.columns:
            table[name] = known.loc[table["case_id"], name].to_numpy()
    keys = [key for key in (*KEYS, *SUBGROUPS, "compared_case") if key in table]
    return table[keys + [name for name in table if name not in keys]]


def _rows(original: ImageSet, synthetic: ImageSet, patients: Sequence[str], seed: int) -> Iterator[dict]:
    place = {case: i for i, case in enumerate(original.case_id)}
    means = c.LabelMeans.of(original, patients)
    others = c.OtherPatients(original.case_id, patients, seed=seed)
    for row, case in enumerate(synthetic.case_id):
        if case not in place:
            raise InputError(
                f"synthetic images: expected only cases of the dataset, found {case}; "
                "the translation belongs to another ingest, so translate again"
            )
        i = place[case]
        donor = others.of(case)
        stand_ins: Mapping[str, NDArray[np.uint8] | None] = {
            c.SYNTHETIC: synthetic.images[row],
            c.ALL_BLACK: np.zeros_like(original.images[i]),
            c.ANOTHER_PATIENT: None if donor is None else original.images[place[donor]],
            c.LABEL_MEAN: means.paint(i, original),
            c.REAL_ITSELF: original.images[i],
        }
        for comparison in c.COMPARISONS:
            image = stand_ins[comparison]
            metrics = {}
            if image is not None:
                metrics = pair_metrics(image, original.images[i], mask=original.masks[i], sector=original.sectors[i])
            compared = donor if comparison == c.ANOTHER_PATIENT else None
            yield {"case_id": case, "comparison": comparison, "compared_case": compared, **metrics}
