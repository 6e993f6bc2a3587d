"""The table of paired tests: each model against one of them, over the same cases."""

import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate.paired import holm, paired_test
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.scores import case_scores
from echodiff.report.table import NOTHING, Column, ReportTable

ALL = "all"
SIGNIFICANT = 0.05


def paired_tests(pixel: pd.DataFrame, fidelity: pd.DataFrame | None, config: Config) -> ReportTable:
    """Wilcoxon tests of every other model against `report.ablation.against`, a row a dataset, model and score.

    Raises:
        InputError: there are rows of one model only, or none of the model to compare with.
    """
    rows, scores = case_scores(pixel, fidelity)
    models, against = model_names(config, rows["model"]), config.ablation_reference
    if against not in models or len(models) < 2:
        raise InputError(
            f"paired tests: expected metrics of {against} and of another model, found {', '.join(models) or 'none'}; "
            "give the tables of all models"
        )
    data = []
    for dataset in (*in_order(config, rows["dataset"]), ALL):
        own = rows if dataset == ALL else rows[rows["dataset"] == dataset]
        own = own if dataset != ALL else own[own["dataset"] != config.training_dataset]
        base = own[own["model"] == against].set_index(["dataset", "case_id"])
        for model in models:
            if model == against or own.empty:
                continue
            other = own[own["model"] == model].set_index(["dataset", "case_id"]).reindex(base.index)
            for score in scores:
                found = paired_test(other[score.key].to_numpy(float), base[score.key].to_numpy(float))
                names = {"dataset": dataset, "model": model, "against": against, "score": score.key}
                data.append(names | vars(found))
    table = pd.DataFrame(data)
    table["p_holm"] = holm(table["p"])
    labels = {score.key: f"{score.heading}: {score.label}" for score in scores}
    digits = {score.key: score.digits for score in scores}
    cells = pd.DataFrame(
        {
            "group": [
                "All translated datasets" if name == ALL else dataset_title(config, name) for name in table["dataset"]
            ],
            "title": [model_title(model) for model in table["model"]],
            "score": table["score"].map(labels),
            "n": table["n"].astype(str),
            "difference": [
                NOTHING if pd.isna(value) else f"{value:+.{digits[score]}f}"
                for value, score in zip(table["difference"], table["score"], strict=True)
            ],
            "effect": [NOTHING if pd.isna(value) else f"{value:+.2f}" for value in table["effect"]],
            "p": table["p"].map(format_p),
            "p_holm": table["p_holm"].map(format_p),
        }
    )
    return ReportTable(
        name="paired_tests",
        title=f"Models against {model_title(against)}, case by case",
        subtitle="Wilcoxon signed rank test over the same cases, two-sided, corrected after Holm over this table",
        columns=(
            Column("title", "", align="left"),
            Column("score", "Score", align="left"),
            Column("n", "Pairs"),
            Column("difference", "Median difference"),
            Column("effect", "Effect"),
            Column("p", "p"),
            Column("p_holm", "p, corrected"),
        ),
        cells=cells,
        data=table,
        group="group",
        highlight=[i for i, p in enumerate(table["p_holm"]) if p < SIGNIFICANT],
        notes=(
            f"Difference: the model less {model_title(against)}; higher is better for every score. Effect: "
            "rank-biserial correlation, from -1 (lower in every case) to 1 (higher in every case). Bold: corrected "
            f"p below {SIGNIFICANT}.",
            "Each model is one training: a test over cases says nothing of how much a second training would differ.",
        ),
    )


def format_p(p: float) -> str:
    """A p value as printed."""
    if pd.isna(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
