"""The table of paired tests: each model against one of them, over the same cases."""

from collections.abc import Mapping

import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate.paired import paired_test
from echodiff.report import label_sources
from echodiff.report.inputs import in_order, model_names, model_title
from echodiff.report.paired_table import PATIENTS, SIGNIFICANT, paired_table
from echodiff.report.patients import PATIENT, with_patients
from echodiff.report.scores import INFINITE_PSNR, SCORE_COLUMNS, case_scores, which_is_better
from echodiff.report.table import ReportTable

COLUMNS = SCORE_COLUMNS
ALL = "all"


def paired_tests(tables: Mapping[str, pd.DataFrame], cases: pd.DataFrame, config: Config) -> ReportTable:
    """Wilcoxon tests of every other model against `report.ablation.against`, a row a dataset, model and score, and of
    all translated datasets together where there are several.

    Args:
        tables: by kind, as of `case_scores`.
        cases: the case tables, which say whose images they are and where label maps come from.

    Raises:
        InputError: there are rows of one model only, or none of the model to compare with.
    """
    rows, scores = case_scores(tables)
    rows = with_patients(rows, cases)
    models, against = model_names(config, rows["model"]), config.ablation_reference
    if against not in models or len(models) < 2:
        raise InputError(
            f"paired tests: expected metrics of {against} and of another model, found {', '.join(models) or 'none'}; "
            "give the tables of all models"
        )
    data = []
    present = in_order(config, rows["dataset"])
    sources = [name for name in present if name != config.training_dataset]
    blocks = [(name, label_sources.marked_title(cases, config, name), [name]) for name in present]
    if len(sources) > 1:  # of one they would be its tests once more, and correct each other
        blocks.append((ALL, label_sources.marked_title_of_all(cases, sources), sources))
    for dataset, group, datasets in blocks:
        own = rows[rows["dataset"].isin(datasets)]
        base = own[own["model"] == against].set_index(["dataset", "case_id"])
        for model in models:
            if model == against or own.empty:
                continue
            other = own[own["model"] == model].set_index(["dataset", "case_id"]).reindex(base.index)
            for score in scores:
                values = (scored[score.key].to_numpy(float) for scored in (other, base))
                found = paired_test(*values, base[PATIENT])
                names = {"dataset": dataset, "model": model, "against": against, "score": score.key}
                printed = {"group": group, "title": model_title(model)}
                printed |= {"label": score.title, "digits": score.digits}
                data.append(names | printed | vars(found))
    return paired_table(
        data,
        name="paired_tests",
        title=f"Models against {model_title(against)}, case by case",
        subtitle="Wilcoxon signed rank test over the same cases, two-sided, corrected after Holm over this table",
        notes=(
            f"Difference: the model less {model_title(against)}; {which_is_better(scores)}. Effect: "
            "rank-biserial correlation, from -1 (lower in every case) to 1 (higher in every case). Bold: corrected "
            f"p below {SIGNIFICANT}.",
            PATIENTS,
            INFINITE_PSNR,
            "Each model is one training: a test over cases says nothing of how much a second training would differ.",
            *label_sources.note(cases, config),
        ),
    )
