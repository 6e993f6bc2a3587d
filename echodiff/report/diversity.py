"""The table of diversity, and a sheet of the samples of a few guides with their deviation."""

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.diversity import deviation_map
from echodiff.evaluate.diversity_table import PATIENTS, SAMPLES, guides_of
from echodiff.report.guides import draw_guide
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.sheet import Row
from echodiff.report.table import Column, ReportTable, mean_sd, means_and_sds
from echodiff.spread import at_even_distances
from echodiff.store.image_set import ImageSet
from echodiff.store.intensity import to_unit

COLUMNS = ("dataset", "model", "kind", "case_id", "count", "ms_ssim", "feature_distance", "deviation")
MEASURES = {"ms_ssim": ("MS-SSIM", 3), "feature_distance": ("Feature distance", 2), "deviation": ("Deviation", 3)}
TITLES = {SAMPLES: "Samples of one guide", PATIENTS: "Real patients"}
SHOWN = 4
DEVIATION_WHITE = 0.25  # standard deviation, gray values in [0, 1], that is drawn white


def diversity(rows: pd.DataFrame, config: Config) -> ReportTable:
    """Mean and standard deviation over guides, samples and real patients one below the other."""
    data, cells = [], []
    for model in model_names(config, rows["model"]):
        for dataset in in_order(config, rows["dataset"]):
            for kind, title in TITLES.items():
                own = rows[(rows["model"] == model) & (rows["dataset"] == dataset) & (rows["kind"] == kind)]
                if own.empty:
                    continue
                numbers = means_and_sds(own, MEASURES)
                counts = {"guides": len(own), "samples": int(own["count"].min())}
                data.append({"dataset": dataset, "model": model, "kind": kind} | counts | numbers)
                texts = {key: mean_sd(own[key], digits) for key, (_, digits) in MEASURES.items()}
                group = f"{dataset_title(config, dataset)}, {model_title(model)}"
                texts |= {key: str(value) for key, value in counts.items()}
                cells.append({"group": group, "title": title} | texts)
    return ReportTable(
        name="diversity",
        title="Diversity of the samples of one guide",
        subtitle="Mean over the pairs of a guide's samples, then mean ± standard deviation over guides",
        columns=(
            Column("title", "", align="left"),
            Column("guides", "Guides"),
            Column("samples", "Samples a guide"),
            *(Column(key, label) for key, (label, _) in MEASURES.items()),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        notes=(
            "MS-SSIM: 1 for identical images; deviation: standard deviation of a pixel over samples, mean over the "
            "sector. Real patients differ in anatomy too, so that samples of one guide stay more alike; a "
            "generator that ignores its noise has an MS-SSIM near 1 and a deviation near 0.",
        ),
    )


def diversity_sheet(synthetic: ImageSet, *, shown: int = SHOWN) -> tuple[list[Row], list[str]]:
    """Rows of guide, samples and deviation map for guides at even distances; the headings of the columns."""
    guides = guides_of(synthetic.case_id)
    count = min(SHOWN, *(len(places) for places in guides.values()))
    rows = []
    for name in at_even_distances(sorted(guides), shown):
        places = guides[name]
        deviation = deviation_map(to_unit(synthetic.images[places])) / DEVIATION_WHITE
        drawn = np.rint(255 * np.clip(deviation, 0, 1)).astype(np.uint8)
        images = [draw_guide(synthetic.masks[places[0]]), *synthetic.images[places[:count]], drawn]
        rows.append(Row(name, images))
    return rows, ["Guide", *(f"Sample {i + 1}" for i in range(count)), "Deviation"]
