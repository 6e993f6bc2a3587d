"""What identity the files of each dataset held, and what of it the case tables have: counts, never a value."""

import pandas as pd

from echodiff.config import Config
from echodiff.ingest.identity.privacy import BURNED_IN, KINDS
from echodiff.report.inputs import dataset_title, in_order
from echodiff.report.table import NOTHING, Column, ReportTable

COLUMNS = (
    "case_id",
    "dataset",
    "status",
    "identity_found",
    "private_tags",
    "burned_in",
    "outside_sector",
    "outside_lit",
    "sex",
    "age",
)

LABELS = {
    "patient_name": "Name",
    "patient_id": "ID",
    "birth_date": "Birth date",
    "contact": "Address, phone",
    "body": "Sex, age, size",
    "numbers": "Study numbers",
    "place": "Place, station",
    "uids": "UIDs",
    "text": "Free text",
    "staff_name": "Staff",
    "dates": "Other dates",
}
FOUND, BURNED, BLANKED = "Cases whose files have", "Burned-in annotation", "Pixels blanked, mean %"
PASSED_ON = ("sex", "age")
_SAID = ("yes", "no", "not_said")
_TAGS = ("private", *(f"burned_in_{said}" for said in _SAID))
NAMES = {"hashed": "keyed hashes", "source": "as in the source"}


def privacy(cases: pd.DataFrame, config: Config) -> ReportTable:
    """One row a dataset of the case tables `cases`: kinds of identity that were found, and what was blanked."""
    rows = [_row(cases[cases["dataset"] == name], name, config) for name in in_order(config, cases["dataset"])]
    data = pd.DataFrame(rows).astype(dict.fromkeys((*KINDS, *_TAGS), "Int64"))
    cells = data.astype(object).where(data.notna(), NOTHING).astype(str)
    cells["title"] = [dataset_title(config, name) for name in data["dataset"]]
    for column in ("outside_sector", "outside_lit"):
        cells[column] = [NOTHING if pd.isna(share) else f"{100 * share:.1f}" for share in data[column]]
    return ReportTable(
        name="privacy",
        title="Identity in the files, and what of it ingest passes on",
        subtitle="Counts over all cases that were found, kept or rejected",
        columns=(
            Column("title", "Dataset", align="left"),
            Column("names", "Names in outputs", align="left"),
            Column("cases", "Cases"),
            *(Column(kind, LABELS[kind], FOUND) for kind in KINDS),
            Column("private", "Private tags", FOUND),
            *(Column(f"passed_on_{key}", key.capitalize(), "Passed on, cases") for key in PASSED_ON),
            *(Column(f"burned_in_{said}", said.replace("_", " ").capitalize(), BURNED) for said in _SAID),
            Column("outside_sector", "outside the sector", BLANKED),
            Column("outside_lit", "that showed something", BLANKED),
        ),
        cells=cells,
        data=data,
        notes=(
            "A dash: files of this kind have no such tags, or are not searched (videos).",
            "Passed on to the case table: sex and age, of CAMUS only, whose Info_4CH.cfg has them and no identity "
            "(counted over kept cases, as found and as passed on). Nothing else is passed on: the columns of the case "
            "table are fixed, and an image set has only pixels and ids. Names as in the source: in public archives "
            "without identities, or where the configuration asks for them.",
            "Burned-in annotation: what the files state (0028,0301). All that lies outside the sector is blanked, "
            "whatever they state.",
        ),
    )


def _row(cases: pd.DataFrame, dataset: str, config: Config) -> dict:
    """Counts of a dataset; none where no file is of a kind that is looked into."""
    looked_into, dicom = cases["identity_found"].notna(), cases["private_tags"].notna()
    found = cases["identity_found"].fillna("").str.split()
    said = cases["burned_in"].map({value: value.lower() for value in BURNED_IN}).fillna("not_said")[dicom]
    counts = {kind: int(found.map(lambda kinds, kind=kind: kind in kinds).sum()) for kind in KINDS}
    known = cases[list(PASSED_ON)].notna()
    if not dicom.any():  # headers of volumes have free text alone, and CAMUS has sex and age beside them
        counts = {kind: counts["text"] if kind == "text" and looked_into.any() else None for kind in KINDS}
        counts["body"] = int(known.any(axis=1).sum()) if known.any(axis=None) else None
    tags = {"private": int((cases["private_tags"].fillna(0) > 0).sum())}
    tags |= {f"burned_in_{answer}": int((said == answer).sum()) for answer in _SAID}
    return {
        "dataset": dataset,
        "names": NAMES[config.datasets[dataset].case_ids],
        "cases": len(cases),
        **counts,
        **(tags if dicom.any() else dict.fromkeys(tags)),
        **{f"passed_on_{key}": int(known[key].sum()) for key in PASSED_ON},
        "outside_sector": cases["outside_sector"].mean(),
        "outside_lit": cases["outside_lit"].mean(),
    }
