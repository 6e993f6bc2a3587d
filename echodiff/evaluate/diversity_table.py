"""The table of diversity: the samples of every guide, and as many real patients drawn at random."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.evaluate.diversity import deviation_map, pairwise_distance, pairwise_ms_ssim
from echodiff.evaluate.features import FeatureSet, check_same_extractor
from echodiff.progress import track
from echodiff.store.image_set import ImageSet
from echodiff.store.intensity import to_unit
from echodiff.translate.sample_ids import guide_of

SAMPLES, PATIENTS = "samples", "patients"


def guides_of(case_ids: list[str]) -> dict[str, list[int]]:
    """Guide -> positions of its samples, in the order of the image set."""
    guides: dict[str, list[int]] = {}
    for place, case in enumerate(case_ids):
        guides.setdefault(guide_of(case), []).append(place)
    return guides


def diversity_table(
    synthetic: ImageSet,
    synthetic_features: FeatureSet,
    reference: ImageSet,
    reference_features: FeatureSet,
    groups: Sequence[str],
    *,
    seed: int,
) -> pd.DataFrame:
    """Likeness of the samples of each guide, and of as many real patients for each guide.

    Args:
        synthetic: a translation with at least two samples a guide.
        reference: real training images; patients are drawn from them.
        groups: the patient of each of them; patients that share a frame count as one (`group` of the split).
        seed: of the draw.

    Returns:
        One row a guide and kind (samples, patients): `case_id` of the guide, `count`, `ms_ssim` and
        `feature_distance` (means over pairs), `deviation` (standard deviation over the samples, mean over the
        sector, gray values in [0, 1]).

    Raises:
        InputError: only one sample a guide, fewer real patients than samples, or features of two extractors.
    """
    check_same_extractor({"synthetic": synthetic_features, "training": reference_features})
    guides = guides_of(synthetic.case_id)
    count = min(len(places) for places in guides.values()) if guides else 0
    patients = np.asarray(groups)
    if count < 2 or len(np.unique(patients)) < count:
        raise InputError(
            f"{synthetic.attributes.get('model')}: expected at least two samples a guide and as many real patients, "
            f"found {count} and {len(np.unique(patients))}; translate with --samples"
        )
    rows = track(
        _rows(guides, (synthetic, synthetic_features), (reference, reference_features), patients, seed),
        2 * len(guides),
        description="diversity",
        unit="guides",
    )
    table = pd.DataFrame(list(rows))
    table.insert(0, "dataset", synthetic.attributes.get("dataset", ""))
    table.insert(1, "model", synthetic.attributes.get("model", ""))
    return table


def _rows(
    guides: dict[str, list[int]],
    synthetic: tuple[ImageSet, FeatureSet],
    reference: tuple[ImageSet, FeatureSet],
    patients: NDArray,
    seed: int,
) -> Iterator[dict]:
    rng = np.random.default_rng(seed)
    for guide, places in guides.items():
        drawn = [
            rng.choice(np.flatnonzero(patients == patient))
            for patient in rng.choice(np.unique(patients), len(places), replace=False)
        ]
        for kind, (images, features), chosen in ((SAMPLES, synthetic, places), (PATIENTS, reference, drawn)):
            frames = to_unit(images.images[chosen])
            sector = images.sectors[chosen].all(axis=0)
            vectors = features.select([images.case_id[place] for place in chosen]).features
            yield {
                "kind": kind,
                "case_id": guide,
                "count": len(places),
                "ms_ssim": pairwise_ms_ssim(frames),
                "feature_distance": pairwise_distance(vectors.astype(np.float64)),
                "deviation": float(deviation_map(frames)[sector].mean()) if sector.any() else float("nan"),
            }
