"""Frames of phantoms, from the configuration to the image set, against their truth."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from echodiff.config.load import load_config
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.readers import reader_of
from echodiff.ingest.run import ingest_dataset
from echodiff.phantom import MACHINES
from echodiff.phantom.cine import Cine
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table

FRAMES = 12
ENTRIES = {
    "screens": {"format": "frames"},
    "nnunet": {"format": "frames", "label_pattern": "../labelsTr/{stem}.nii.gz"},
}


@pytest.fixture(scope="module")
def give(run_echodiff, tmp_path_factory):
    """Function of a layout: the configuration, the folder of its phantom with six patients, and their truth by file."""
    made = {}

    def written(layout: str):
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp(layout)
            source = {"machine": "epiq", "patients": 6, "frames": FRAMES, "seed": 3, "layout": layout}
            datasets = {"own": ENTRIES[layout] | {"phantom": source}}
            content = {"training_dataset": "own", "datasets": datasets, "models": {"fast": {"preset": "fast"}}}
            (made[layout] / "my.yaml").write_text(yaml.safe_dump(content))
            options = ("--config", made[layout] / "my.yaml", "--dataset", "own", "--output", made[layout] / "files")
            done = run_echodiff("phantom", *options)
            assert done.returncode == 0, done.stderr
        truth = read_table(made[layout] / "files" / "truth.parquet").set_index("file")
        return load_config([made[layout] / "my.yaml"]), made[layout] / "files", truth

    return written


@pytest.fixture(params=ENTRIES)
def written(request, give):
    return give(request.param)


def cases(config, folder: Path, truth):
    """Each case as it is read, its row of the truth, and the cine behind it."""
    reader = reader_of(config.datasets["own"])
    for case in reader.find(folder):
        row = truth.loc[case.files["image"].relative_to(folder).as_posix()]
        yield case, reader.read(case), row, Cine(MACHINES["epiq"], int(row.seed), FRAMES)


def on_screen(plane: np.ndarray, row) -> np.ndarray:
    """A plane of the sector in its place in the picture."""
    whole = np.zeros((row.height, row.width), plane.dtype)
    whole[row.sector_row : row.sector_row + plane.shape[0], row.sector_column :][:, : plane.shape[1]] = plane
    return whole


def test_every_case_is_read_as_it_was_made(written):
    found = list(cases(*written))
    assert len(found) == len(written[2]) == 6
    for case, frame, row, cine in found:
        assert (case.name, case.patient) == (row.case, row.patient)
        assert (frame.frames, frame.ed_frame) == (row.frames, row.ed_frame)
        assert frame.spacing_mm == pytest.approx((row.spacing_row_mm, row.spacing_column_mm), rel=1e-5)
        np.testing.assert_array_equal(frame.mask, on_screen(cine.labels(cine.timing.ed_frame), row))
        sector = on_screen(cine.sector, row) > 0
        assert (sector & frame.sector).sum() > 0.98 * (sector | frame.sector).sum()
        image = on_screen(list(cine.images())[cine.timing.ed_frame], row)
        loss = np.abs(frame.image.astype(int) - image)[frame.sector]
        if case.files["image"].suffix == ".avi":  # JPEG; and what stands still is painted over, of echoes a few pixels
            assert loss.mean() < 1 and np.quantile(loss, 0.99) <= 6
        else:
            assert loss.max() == 0


@pytest.mark.parametrize(
    ("layout", "rules"), [("screens", {"": {"still"}, "cine": {"ecg", "table"}}), ("nnunet", {"": {"still"}})]
)
def test_end_diastole_is_found_by_what_the_layout_has(give, layout, rules):
    found = {}
    for _, frame, row, _ in cases(*give(layout)):
        found.setdefault("cine" if row.frames > 1 else "", set()).add(frame.ed_rule)
    assert found == rules


def test_the_tree_of_label_maps_is_found_by_a_pattern_too(give):
    config, folder, truth = give("screens")
    options = {"table": "none.csv", "label_pattern": "../../masks/{folders}/{stem}.png"}
    reader = reader_of(config.datasets["own"].model_copy(update=options))
    found = {case.files["image"]: case.files["label"] for case in reader.find(folder)}
    assert found == {folder / file: folder / label for file, label in truth.label_file.items()}


def test_check_proposes_what_the_layout_needs(written):
    config, folder, _ = written
    (guess,) = guesses(folder)
    assert {"format": guess.format, **guess.options} == ENTRIES[config.datasets["own"].phantom.layout]


def test_the_image_set_has_all_of_them(written, tmp_path):
    config, folder, truth = written
    counts = ingest_dataset("own", config.datasets["own"], config.image, folder, tmp_path, processes=0)
    images, table = read_image_set(tmp_path / "images.h5"), read_table(tmp_path / "cases.parquet")
    assert counts == {"kept": 6, "rejected": 0} and len(images.case_id) == table.patient.nunique() == 6
    areas = (images.masks == 1).sum(axis=(1, 2)) * images.spacing_mm.astype(float).prod(axis=1)
    np.testing.assert_allclose(sorted(areas), sorted(truth.lv_mm2), rtol=0.01)
