"""No identity leaves ingest: not in tables, images, names of files, or what is printed."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import yaml

from echodiff.ingest.row import COLUMNS
from echodiff.store.image_set import read_image_set

MACHINE = "vscan"


@pytest.fixture(scope="module")
def run(run_echodiff, tmp_path_factory):
    """Folder of a phantom run through ingest as a foreign folder, its truth, and all that was printed."""
    folder = tmp_path_factory.mktemp("privacy")
    models = {"training_dataset": MACHINE, "models": {"fast": {"preset": "fast"}}}
    phantom = {MACHINE: {"format": "dicom", "phantom": {"machine": MACHINE, "patients": 3, "frames": 8, "seed": 5}}}
    foreign = {MACHINE: {"format": "dicom", "folder": str(folder / "files")}}
    for name, datasets in (("phantom", phantom), ("foreign", foreign)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**models, "datasets": datasets, "image": {"size": 128}}))
    options = ("--dataset", MACHINE, "--output")
    done = run_echodiff("phantom", "--config", folder / "phantom.yaml", *options, folder / "files")
    assert done.returncode == 0, done.stderr
    truth = pd.read_parquet(folder / "files" / "truth.parquet")
    # A file that carries a name, and is rejected.
    person = json.loads(truth["identity"][0])[0]
    (folder / "files" / f"{person}_report.dcm").write_bytes(b"nothing")
    environment = {**os.environ, "ECHODIFF_KEY_FILE": str(folder / "key")}
    config = ("--config", folder / "foreign.yaml", "--source", folder / "files")
    done = run_echodiff("ingest", *config, *options, folder / "out", env=environment)
    assert done.returncode == 0, done.stderr
    return folder, truth, done.stdout + done.stderr


def test_no_name_is_in_any_output_or_line(run):
    folder, truth, printed = run
    strings = {text for row in truth["identity"] for text in json.loads(row)}
    strings |= {word for text in strings for word in text.replace("Dr ", "").split() if len(word) > 4}
    strings |= set(truth["file"]) | {name.removesuffix(".dcm") for name in truth["file"]}
    table = pd.read_parquet(folder / "out" / "cases.parquet")
    content = printed + table.to_csv() + " ".join(path.name for path in (folder / "out").rglob("*"))
    raw = b"".join(path.read_bytes() for path in sorted((folder / "out").rglob("*")) if path.is_file())
    assert len(strings) > 15 and len(table) == 4 and sorted(table["status"]) == ["kept"] * 3 + ["rejected"]
    for text in strings:
        assert text not in content and text.encode() not in raw, text


def test_the_table_has_the_allowed_columns_alone(run):
    table = pd.read_parquet(run[0] / "out" / "cases.parquet")
    assert set(table.columns) <= set(COLUMNS)
    assert table["case_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert table["patient"].str.fullmatch("[0-9a-f]{16}").all()


def test_nothing_is_left_outside_the_sector(run):
    images = read_image_set(run[0] / "out" / "images.h5")
    assert not images.images[images.sectors == 0].any()
    # Text and ECG lie beside the sector, whose corners at the top are therefore empty.
    assert not images.images[:, :20, :40].any() and not images.images[:, :20, -40:].any()
    assert 0.45 < images.sectors.mean() < 0.65
    assert np.isfinite(images.spacing_mm).all()
