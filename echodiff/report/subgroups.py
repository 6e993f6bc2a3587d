"""The table of subgroups: the scores of synthetic images by image quality, scanner and ejection fraction."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.paired import MINIMUM, mean_interval
from echodiff.report import label_sources
from echodiff.report.inputs import in_order, model_names, model_title, with_scanners
from echodiff.report.patients import PATIENT, with_patients
from echodiff.report.scores import INFINITE_PSNR, PIXEL_SCORES, SCORE_COLUMNS, Score, case_scores, with_floors
from echodiff.report.table import Column, ReportTable, format_interval, with_known

COLUMNS = SCORE_COLUMNS
FACTORS: Mapping[str, str] = {"quality": "Quality", "scanner": "Scanner", "ef": "EF"}
# Bands of ejection fraction in %, the lower end belongs to the band.
EF_BANDS = (("below 40 %", 0, 40), ("40 to 49 %", 40, 50), ("50 % and more", 50, float("inf")))
ALL = "All cases"
FEW = f"fewer than {MINIMUM} patients"


def subgroups(tables: Mapping[str, pd.DataFrame], cases: pd.DataFrame, config: Config) -> ReportTable:
    """Mean and 95 % interval of every score in every subgroup that cases of a dataset and model are known to fall in,
    the pixel metrics beside another patient's image in the place of the same cases' synthetic ones.

    A factor with a single known group in a dataset says nothing and has no rows; cases whose group is unknown stand
    in the row of all cases alone.

    Args:
        tables: by kind, as of `case_scores`.
        cases: the case tables, which say whose images they are and where label maps come from.
    """
    rows, scores = case_scores(tables)
    rows, floors = with_floors(rows, tables["pixel"])
    scores = (*PIXEL_SCORES, *floors, *scores[len(PIXEL_SCORES) :])
    rows = with_patients(rows, cases)
    if "scanner" in rows:
        rows = with_scanners(rows, config)
    data, cells = [], []
    for model in model_names(config, rows["model"]):
        for dataset in in_order(config, rows["dataset"]):
            own = rows[(rows["model"] == model) & (rows["dataset"] == dataset)]
            heading = f"{label_sources.marked_title(cases, config, dataset)}, {model_title(model)}"
            for factor, group, members in _groups(own):
                numbers, texts = _row(members, scores)
                data.append({"dataset": dataset, "model": model, "factor": factor, "group": group} | numbers)
                title = f"{FACTORS[factor]}: {group}" if factor else ALL
                cells.append({"heading": heading, "title": title} | texts)
    return ReportTable(
        name="subgroups",
        title="Subgroups: synthetic images by quality, scanner and ejection fraction of the original",
        subtitle="Mean over cases with its 95 % interval (Student's t over patients)",
        columns=(
            Column("title", "", align="left"),
            Column("n", "N"),
            *(Column(score.key, score.label, score.heading) for score in scores),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="heading",
        highlight=[i for i, row in enumerate(cells) if row["title"] == ALL],
        notes=(
            f"Groups of {FEW} have no interval and cannot be judged. Subgroups were not tested against one "
            "another: a difference between them is an observation, not a finding.",
            "Floor: a real image of another patient of the dataset in the place of each synthetic one. Groups whose "
            "floors differ would differ without a model too: read a score as its distance from the floor beside it.",
            "N in brackets: cases whose guide has the structure, where fewer. The table of mask fidelity has what the "
            "segmenter reaches on real held-out images, the ceiling of Dice.",
            "Where a factor is not known, or all cases fall into one group, it has no rows.",
            INFINITE_PSNR,
            *label_sources.note(cases, config),
        ),
    )


def _groups(own: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(factor, group, its cases), all cases first."""
    if own.empty:
        return
    yield "", ALL, own
    for factor in FACTORS:
        if factor not in own:
            continue
        known = _ef_bands(own["ef"]) if factor == "ef" else own[factor]
        present = known.dropna().unique().tolist()
        if len(present) > 1:
            order = [name for name, *_ in EF_BANDS if name in present] if factor == "ef" else sorted(present)
            for group in order:
                yield factor, str(group), own[(known == group).fillna(False)]


def _ef_bands(ef: pd.Series) -> pd.Series:
    bands = pd.Series(pd.NA, index=ef.index, dtype="string")
    for name, low, high in EF_BANDS:
        bands[(ef >= low) & (ef < high)] = name
    return bands


def _row(members: pd.DataFrame, scores: Sequence[Score]) -> tuple[dict[str, float], dict[str, str]]:
    few = f", {FEW}" if members[PATIENT].nunique() < MINIMUM else ""
    numbers: dict[str, float] = {"n": len(members)}
    texts = {"n": f"{len(members)}{few}"}
    for score in scores:
        found = mean_interval(members[score.key].to_numpy(dtype=float), members[PATIENT])
        numbers |= {f"{score.key}{end}": value for end, value in zip(("", "_low", "_high"), found, strict=True)}
        numbers[f"{score.key}_n"] = int(members[score.key].notna().sum())
        texts[score.key] = with_known(format_interval(*found, digits=score.digits), members[score.key])
    return numbers, texts
