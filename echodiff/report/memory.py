"""The table of memory with its verdict, and the gallery of the closest pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.config.models import Augmentation
from echodiff.errors import InputError
from echodiff.evaluate.interval import QUANTILE
from echodiff.evaluate.memory import CORRELATION, SPACES
from echodiff.evaluate.memory_table import HELD_OUT, MOTION, SYNTHETIC
from echodiff.evaluate.share import share_interval
from echodiff.report import label_sources, trivial
from echodiff.report.inputs import dataset_title, in_order, model_heading, model_names
from echodiff.report.patients import PATIENT, effective_patients, with_patients
from echodiff.report.sheet import Row
from echodiff.report.table import NOTHING, Column, ReportTable, format_interval
from echodiff.store.image_set import ImageSet

MOVED_BY = tuple(f"{MOTION}{name}" for name in ("rotation_degrees", "scale", "right", "down"))
COLUMNS = ("dataset", "model", "kind", "case_id", "flagged", *(f"{space}_distance" for space in SPACES), *MOVED_BY)
FIT, UNFIT = "fit", "unfit for release"
NONE_FOUND, FEW_FOUND = "none found, too few patients", "few found, too few patients"
MOVED = "unknown, copies may be moved"
GALLERY, PAIRS_A_ROW = 10, 2
GALLERY_COLUMNS = ("Synthetic", "Nearest training") * PAIRS_A_ROW
GALLERY_GROUPS = (("", 2),) * PAIRS_A_ROW  # a wider gap between two pairs
# As far as moved copies were measured to be found (benchmarks/memory_copies.py, docs/metrics.md).
FOUND = Augmentation(rotation_degrees=10, scale=0.1, shift=0.05, elastic=0.02)
_NO_VERDICT = (
    "Trivial translators have no verdict: none of them is for release. A re-sectored image is the original patient's "
    "own one, which this test does not look for."
)
_FARTHEST = (
    f"{FOUND.rotation_degrees:g} degrees, {100 * FOUND.scale:g} % of size, a shift of {100 * FOUND.shift:g} % and an "
    f"elastic change of {FOUND.elastic:g}"
)
_MOVED_EXPLAINED = (
    f"{MOVED[0].upper()}{MOVED[1:]}: the model's augmentation turns, scales, shifts or bends training images by more "
    f"than {_FARTHEST}, up to which copies were measured to be found (docs/metrics.md). No share shows that there are "
    "none; look at the gallery."
)
_FOUND_EXPLAINED = (
    "Some models' augmentation turns, scales, shifts or bends training images. Copies that were moved so are looked "
    f"for, up to {_FARTHEST}; docs/metrics.md has the shares that are found."
)


def memory(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Flagged images of every dataset and model, and whether the synthetic dataset is fit for release.

    Trivial translators get no verdict: what they make is not for release. `cases`: the case tables, which say whose
    images they are: several of one patient show no more than one.
    """
    rows = with_patients(rows, cases)
    # Held-out images are beside every translation by a model: once is enough.
    held_out = rows[rows["kind"] == HELD_OUT].drop_duplicates(["model", "case_id"])
    rows = rows[rows["kind"] == SYNTHETIC]
    limit = config.evaluate.memory.max_flagged_share
    moving = {name: model.augmentation for name, model in config.models.items() if model.augmentation.moves_pixels}
    beyond = {name for name, augmentation in moving.items() if _beyond(augmentation)}
    data = []
    for model in model_names(config, rows["model"]):
        for dataset in in_order(config, rows["dataset"]):
            own = rows[(rows["model"] == model) & (rows["dataset"] == dataset)]
            if len(own):
                summary = _summary(own, held_out[held_out["model"] == model], limit, moved=model in beyond)
                data.append({"dataset": dataset, "model": model} | summary)
    table = pd.DataFrame(data)
    shares = 100 * table[["share", "share_low", "share_high"]].to_numpy()
    cells = pd.DataFrame(
        {
            "group": [model_heading(model) for model in table["model"]],
            "title": [dataset_title(config, dataset) for dataset in table["dataset"]],
            "n": table["n"].astype(str),
            "patients": table["patients"].astype(str),
            "flagged": table["flagged"].astype(str),
            "share": [format_interval(*values) for values in shares],
            "verdict": table["verdict"].fillna(NOTHING),
            "held_out": [f"{f} of {n}" for f, n in zip(table["held_out_flagged"], table["held_out_n"], strict=True)],
            **{
                space: [NOTHING if pd.isna(ratio) else f"{ratio:.2f}" for ratio in table[f"{space}_ratio"]]
                for space in SPACES
            },
        }
    )
    return ReportTable(
        name="memory",
        title="Memory: synthetic images that lie too close to a training image",
        subtitle=f"Fit: shown to have at most {100 * limit:g} % flagged; alarm rate between real patients "
        f"{100 * config.evaluate.memory.alarm_rate:g} %",
        columns=(
            Column("title", "Dataset", align="left"),
            Column("n", "N"),
            Column("patients", "Patients"),
            Column("flagged", "Flagged"),
            Column("share", "Share, %"),
            Column("verdict", "Verdict", align="left"),
            Column("held_out", "Held-out real images flagged"),
            *(Column(space, space, "Distance to training / to held-out, median") for space in SPACES),
        ),
        cells=cells,
        data=table,
        group="group",
        highlight=[i for i, verdict in enumerate(table["verdict"]) if verdict == UNFIT],
        notes=(
            "Flagged: closer to a training image than the threshold in at least one of the three spaces; the threshold "
            "is set by the distances between different training patients. Square brackets: 95 % interval of the share "
            "(Wilson) for this number of patients, wider where a few of them have most of the images.",
            _verdicts_explained(limit),
            "Distance to the nearest training image, divided by that to the nearest held-out one: about 1 for images "
            "that owe nothing to single training images, lower if there are more training than held-out images, and "
            "far lower for copies.",
            *([_FOUND_EXPLAINED] if (moving.keys() - beyond).intersection(table["model"]) else []),
            *([_MOVED_EXPLAINED] if beyond.intersection(table["model"]) else []),
            *_trivial_explained(table["model"]),
        ),
    )


def _beyond(augmentation: Augmentation) -> bool:
    """Whether training images are moved farther than copies were measured to be found."""
    return any(
        getattr(augmentation, name) > getattr(FOUND, name) for name in ("rotation_degrees", "scale", "shift", "elastic")
    )


def _summary(synthetic: pd.DataFrame, held_out: pd.DataFrame, limit: float, *, moved: bool) -> dict:
    share = float(synthetic["flagged"].mean())
    patients = synthetic[PATIENT].nunique()
    low, high = share_interval(share, effective_patients(synthetic))
    verdict = _verdict(share, high, limit)
    if trivial.is_trivial(synthetic["model"].iloc[0]):
        verdict = None
    elif moved and verdict == FIT:
        verdict = MOVED
    return {
        "n": len(synthetic),
        "patients": patients,
        "flagged": int(synthetic["flagged"].sum()),
        "share": share,
        "share_low": low,
        "share_high": high,
        "verdict": verdict,
        "held_out_n": len(held_out),
        "held_out_flagged": int(held_out["flagged"].sum()),
        **{f"{space}_ratio": _ratio(synthetic, space) for space in SPACES},
    }


def _verdict(share: float, high: float, limit: float) -> str:
    """`high`: upper end of the share's interval; where it lies above the limit, too few patients were looked at."""
    if share > limit:
        return UNFIT
    if high <= limit:
        return FIT
    return FEW_FOUND if share else NONE_FOUND


def _verdicts_explained(limit: float) -> str:
    percent = f"{100 * limit:g} %"
    enough = f"; where none is flagged it takes {_smallest_n(limit)} of equally many images" if limit > 0 else ""
    return (
        f"Unfit for release: the share is above {percent}. Fit: the upper end of its interval is at most {percent}. "
        f"Too few patients: the share is at most {percent}, but the upper end is above, so that so many cannot show a "
        f"rate of at most {percent}{enough}."
    )


def _smallest_n(limit: float) -> int:
    """Patients of equally many images, none flagged, from which on the interval's upper end, z² / (N + z²), is at most
    the limit.
    """
    return int(np.ceil(QUANTILE**2 * (1 / limit - 1)))


def _trivial_explained(models: pd.Series) -> tuple[str, ...]:
    lines = trivial.notes(models)
    return (*lines, _NO_VERDICT) if lines else ()


def _ratio(synthetic: pd.DataFrame, space: str) -> float:
    held_out = f"{space}_held_out_distance"
    if held_out not in synthetic:
        return float("nan")
    return float(np.median(synthetic[f"{space}_distance"] / synthetic[held_out]))


def gallery(
    rows: pd.DataFrame, reference: ImageSet, synthetic: Sequence[ImageSet], cases: pd.DataFrame, config: Config
) -> list[Row]:
    """The ten synthetic images closest to a training image for their threshold, each beside that image.

    Two such pairs stand in a row. `cases`: the case tables, which say where label maps come from.

    Raises:
        InputError: a row has no synthetic image.
    """
    own = rows[rows["kind"] == SYNTHETIC].copy()
    own["closeness"] = own[f"{CORRELATION}_distance"] / own[f"{CORRELATION}_threshold"]
    sets = {(s.attributes["dataset"], s.attributes["model"]): s for s in synthetic}
    pairs = []
    for _, row in own.sort_values(["closeness", "dataset", "case_id"]).head(GALLERY).iterrows():
        key = (row["dataset"], row["model"])
        if key not in sets:
            raise InputError(f"gallery: expected the translation of {key[0]} by {key[1]}, found it not")
        images = (
            sets[key].select([row["case_id"]]).images[0],
            reference.select([row[f"{CORRELATION}_training"]]).images[0],
        )
        title = label_sources.marked_title(cases, config, row["dataset"])
        pairs.append((images, _captions(row, title)))
    sheet = []
    for start in range(0, len(pairs), PAIRS_A_ROW):
        shown = pairs[start : start + PAIRS_A_ROW]
        gaps = len(GALLERY_COLUMNS) - 2 * len(shown)
        images = [image for pair, _ in shown for image in pair] + gaps * [None]
        captions = (*(caption for _, pair in shown for caption in pair), *gaps * [""])
        sheet.append(Row(_ranks(start + 1, start + len(shown)), images, captions))
    return sheet


def _ranks(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} and {last}"


def _captions(row: pd.Series, title: str) -> tuple[str, str]:
    """Lines under a synthetic image and under its training image: whose they are, how close, and how it was moved."""
    synthetic = [title, row["case_id"], *(["flagged"] if row["flagged"] else [])]
    training = [row[f"{CORRELATION}_training"], f"{row['closeness']:.1f} x limit", *_moved(row)]
    return "\n".join(synthetic), "\n".join(training)


def _moved(row: pd.Series) -> list[str]:
    """The motion of the training image in words; what rounds to none is left out."""
    angle, scale, right, down = row[list(MOVED_BY)]
    turned = ([f"turned {angle:+.0f}°"] if round(angle) else []) + ([f"x {scale:.2f}"] if round(scale, 2) != 1 else [])
    shifted = [f"shift {100 * right:+.0f}, {100 * down:+.0f} %"] if round(100 * right) or round(100 * down) else []
    return ([", ".join(turned)] if turned else []) + shifted
