"""A configuration without network and the files of one dataset and its translation."""

import numpy as np
import pandas as pd
import pytest
import yaml

from echodiff.store.image_set import new_image_set, read_image_set


@pytest.fixture
def config(tmp_path):
    """A configuration of two datasets that needs no network."""
    path = tmp_path / "config.yaml"
    content = {
        "training_dataset": "camus",
        "datasets": {name: {"format": "camus", "folder": str(tmp_path)} for name in ("camus", "vscan")},
        "models": {"small": {"preset": "fast"}},
        "evaluate": {"features": "efficientnet_lite0", "draws": 4},
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def files(tmp_path, write_image_set):
    """A dataset, its case table, a split, and a translation with one case less."""
    data = write_image_set("data.h5", cases=8)
    original = read_image_set(data)
    frame = pd.DataFrame({"case_id": original.case_id, "patient": original.case_id, "quality": "Good"})
    frame["frame_hash"] = ""
    frame.to_parquet(tmp_path / "cases.parquet")
    frame["subset"] = ["train"] * 6 + ["validation"] * 2
    frame.assign(fold=0, stratum="", group=frame["patient"]).to_parquet(tmp_path / "split.parquet")
    rng = np.random.default_rng(1)
    attributes = {"kind": "translation", "dataset": "test", "model": "small"}
    with new_image_set(tmp_path / "translation.h5", size=64, attributes=attributes, with_seed=True) as writer:
        for i in range(7):
            image = rng.integers(0, 256, (64, 64), dtype=np.uint8)
            row = (original.masks[i], original.sectors[i], original.spacing_mm[i], original.case_id[i])
            writer.append(image, *row, seed=i)
    return tmp_path
