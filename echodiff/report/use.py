"""Use: the table of what segmenters reach that learned from real, synthetic or both, and their tests."""

from collections.abc import Iterator

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.overlap import OUTLINES
from echodiff.evaluate.paired import paired_test
from echodiff.evaluate.use import ALL_PERCENT, BOTH, REAL, SYNTHETIC
from echodiff.report import label_sources
from echodiff.report.fidelity import KEYS, LABELS, METRIC_COLUMNS, METRICS, NOT_FOUND
from echodiff.report.inputs import model_heading, model_names, model_title
from echodiff.report.paired_table import PATIENTS, SIGNIFICANT, paired_table
from echodiff.report.patients import PATIENT, with_patients
from echodiff.report.table import NOTHING, Column, ReportTable, mean_sd_of_known, means_and_sds

COLUMNS = ("dataset", "case_id", "arm", "model", "percent", "n_real", "n_synthetic", *KEYS)
TITLES = {REAL: "Real only", SYNTHETIC: "Synthetic only", BOTH: "Both"}
# Synthetic images alone, another published model: Dice of LV, LV + MYO, LA (1000-step semantic diffusion, CAMUS, 2023).
PEER = (0.886, 0.919, 0.852)
ALL_PATIENTS = (
    "The model that drew the images has learned from all training patients at every share: what it adds to half of "
    "the patients holds information about the other half, so that a gain is not one that so few patients would give."
)


def use(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Mean and standard deviation over the held-out real patients, a row an arm and share of real patients.

    `cases`: the case tables, which say where label maps come from; an arm that learns from some that no file gave is
    marked.
    """
    data, cells = [], []
    for arm, model, percent, own in _arms(rows, config):
        first = own.iloc[0]
        names = {"arm": arm, "model": model, "percent": percent}
        counts = {key: int(first[key]) for key in ("n_real", "n_synthetic")}
        data.append(names | counts | {"n": len(own)} | means_and_sds(own, KEYS))
        texts = {key: mean_sd_of_known(own[key], digits) for keys, _, digits in METRICS for key in keys}
        share = f"{percent} %" if arm != SYNTHETIC else NOTHING
        group = TITLES[arm] if arm == REAL else f"{TITLES[arm]}, {model_title(model)}"
        group = label_sources.marked(group, cases, learned_from(arm, config))
        texts |= {key: str(value) for key, value in counts.items()}
        cells.append({"group": group, "share": share, "n": str(len(own))} | texts)
    peer = ", ".join(f"{LABELS[name]} {value}" for name, value in zip(OUTLINES, PEER, strict=True))
    return ReportTable(
        name="use",
        title="Segmenters that learned from real images, synthetic images or both",
        subtitle="Tested on the same held-out real patients, mean ± standard deviation; distances in mm",
        columns=(
            Column("share", "Real patients", align="left"),
            Column("n_real", "real", "Images to learn from"),
            Column("n_synthetic", "synthetic", "Images to learn from"),
            Column("n", "N"),
            *METRIC_COLUMNS,
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        notes=(
            f"Every segmenter was trained for {config.evaluate.use.steps} steps, rounded to whole passes through its "
            "images. Smaller shares of the patients are contained in larger ones. Of the images drawn from training "
            "label maps, only those of the chosen patients are used; without real images, all are.",
            ALL_PATIENTS,
            NOT_FOUND,
            f"Published for synthetic images alone on CAMUS (semantic diffusion, 2023): Dice {peer}.",
            *label_sources.note(cases, config),
        ),
    )


def learned_from(arm: str, config: Config) -> list[str]:
    """The datasets whose label maps an arm learns from or is tested on."""
    return [config.training_dataset, *([] if arm == REAL else config.source_datasets)]


def use_tests(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Wilcoxon tests over the held-out patients: both against real at each share, synthetic against all real images.

    `cases`: as for `use`.
    """
    rows, data = with_patients(rows, cases), []
    for arm, model, percent, own in _arms(rows, config):
        base = rows[(rows["arm"] == REAL) & (rows["percent"] == (percent if arm == BOTH else ALL_PERCENT))]
        if arm == REAL or base.empty:
            continue
        title = f"both against real, {percent} %" if arm == BOTH else "synthetic only against real, 100 %"
        base = base.set_index("case_id")
        own = own.set_index("case_id").reindex(base.index)
        for keys, heading, digits in METRICS:
            for key, name in zip(keys, OUTLINES, strict=True):
                found = paired_test(own[key].to_numpy(float), base[key].to_numpy(float), base[PATIENT])
                names = {"arm": arm, "model": model, "percent": percent, "score": key}
                group = label_sources.marked(model_heading(model), cases, learned_from(arm, config))
                printed = {"group": group, "title": title}
                printed |= {"label": f"{heading}: {LABELS[name]}", "digits": digits}
                data.append(names | printed | vars(found))
    return paired_table(
        data,
        name="use_tests",
        title="Does it help to learn from synthetic images?",
        subtitle="Wilcoxon signed rank test over held-out real patients, two-sided, corrected after Holm",
        notes=(
            "Difference: with synthetic images less without; a higher Dice and a lower distance are better. Effect: "
            f"rank-biserial correlation. Bold: corrected p below {SIGNIFICANT}. Each arm is one training.",
            "A structure that is not segmented has a Dice of 0 and no distance: the tests of distances leave out the "
            "images in which either segmenter does not find it, however often that is.",
            ALL_PATIENTS,
            PATIENTS,
            *label_sources.note(cases, config),
        ),
    )


def _arms(rows: pd.DataFrame, config: Config) -> Iterator[tuple[str, str, int, pd.DataFrame]]:
    """(arm, model, percent, its held-out patients): real first, then each model's arms."""
    models = [
        (REAL, REAL),
        *((model, arm) for model in model_names(config, rows["model"]) for arm in (SYNTHETIC, BOTH)),
    ]
    for model, arm in models:
        own = rows[(rows["arm"] == arm) & (rows["model"] == model)]
        for percent in sorted(own["percent"].unique()):
            yield arm, model, int(percent), own[own["percent"] == percent]
