"""Case tables, metrics and image sets of a run with two datasets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from echodiff.config.load import parse_config
from echodiff.evaluate.comparisons import COMPARISONS
from echodiff.evaluate.pixel_table import pixel_table

CONFIG = {
    "training_dataset": "camus",
    "datasets": {
        "camus": {"format": "camus", "folder": "x", "title": "CAMUS"},
        "vscan": {"format": "dicom", "folder": "y", "title": "Vscan", "scanner": "GE Vscan Extend"},
    },
    "models": {"small": {"preset": "fast"}},
}


@pytest.fixture(scope="session")
def config():
    return parse_config(CONFIG, origin="test")


@pytest.fixture
def cases():
    """Four kept cases and two rejected ones a dataset."""
    rows = []
    for dataset in ("vscan", "camus"):
        for i in range(6):
            kept = i < 4
            rows.append(
                {
                    "case_id": f"{dataset}{i}",
                    "dataset": dataset,
                    "patient": f"p{i // 2}",
                    "status": "kept" if kept else "rejected",
                    "reason": "" if kept else "no end-diastolic frame",
                    "original_height": 240 + 10 * i * (dataset == "camus") if kept else None,
                    "original_width": 416 if kept else None,
                    "label_source": "file" if dataset == "camus" or i else "predicted",
                    "scanner": "E95",
                    "quality": ("Good", "Poor", "Good", None)[i % 4],
                    "ef": 50.0 + 10 * (i % 2) if kept and dataset == "camus" else None,
                    "ed_rule": ("ecg" if i else "r_wave") if dataset == "vscan" else "explicit",
                    "ed_confidence": 0.75 + 0.05 * i if dataset == "vscan" else 1.0,
                    "plane_confidence": None,
                    "frame_hash": f"{dataset}{i}" if kept else None,
                    "identity_found": "patient_name dates" if dataset == "vscan" and i else "",
                    "private_tags": 3 * (i == 5),
                    "burned_in": {1: "YES", 2: "NO"}.get(i),
                    "outside_sector": 0.4 if kept else None,
                    "outside_lit": 0.02 * i if kept else None,
                }
            )
    frame = pd.DataFrame(rows)
    return frame.astype({"original_height": "Int64", "original_width": "Int64"})


@pytest.fixture
def with_rows_of():
    """Case tables with a row for each case of a table of metrics that they lack, a patient of its own."""

    def add(cases, *tables):
        keys = ["dataset", "case_id"]
        wanted = pd.concat([table[keys] for table in tables]).drop_duplicates()
        known = set(zip(cases["dataset"], cases["case_id"], strict=True))
        more = wanted[[key not in known for key in zip(wanted["dataset"], wanted["case_id"], strict=True)]]
        return pd.concat([cases, more.assign(patient="of " + more["case_id"], frame_hash=None)], ignore_index=True)

    return add


@pytest.fixture
def distances():
    """Vscan falls from 120 to 40; CAMUS has its floor."""
    values = {
        "vscan": {"before": 120.0, "after": 40.0},
        "camus": {"before": 14.0, "after": 30.0},
    }
    floors = {"floor_validation": 14.0, "floor_halves": 6.0, "floor_same_n": 15.0}
    rows = []
    for dataset, own in values.items():
        for metric, scale in (("fd_efficientnet_lite0", 1.0), ("kd_efficientnet_lite0", 1e-3)):
            for name, value in (own | floors).items():
                rows.append(
                    {
                        "dataset": dataset,
                        "model": "small",
                        "metric": metric,
                        "set": name,
                        "reference": "training",
                        "n": 20,
                        "n_reference": 100,
                        "value": value * scale,
                        "low": (value - 5) * scale,
                        "high": (value + 5) * scale,
                        "extractor": "efficientnet_lite0",
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture
def image_sets(small_image_set):
    """Original and translation of both datasets; synthetic case i differs from its original by gray i + 1."""
    sets = []
    for dataset in ("camus", "vscan"):
        attributes = {"dataset": dataset, "kind": "dataset"}
        original = replace(small_image_set, attributes=attributes)
        changed = original.images // 2 + np.arange(1, 7, dtype=np.uint8)[:, None, None]
        attributes = {"dataset": dataset, "kind": "translation", "model": "small"}
        sets += [original, replace(original, images=changed, attributes=attributes)]
    return sets


@pytest.fixture
def pixel(image_sets):
    """Pixel metrics of both datasets."""
    tables = []
    for original, synthetic in (image_sets[:2], image_sets[2:]):
        cases = pd.DataFrame({"case_id": original.case_id, "patient": original.case_id, "frame_hash": ""})
        tables.append(pixel_table(original, synthetic, cases, model="small", seed=0))
    table = pd.concat(tables, ignore_index=True)
    assert set(table["comparison"]) == set(COMPARISONS)
    return table
