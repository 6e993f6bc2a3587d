"""The configuration is checked as a whole: unknown keys are named by their path, contradictions are refused."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args
from unittest.mock import Mock

import numpy as np
import pytest
import yaml

from echodiff.config import Config, load_config, root, write_config
from echodiff.config.datasets import CamusDataset, DicomDataset, EchonetDataset, FramesDataset, VolumeDataset
from echodiff.config.load import merge
from echodiff.config.manual import in_readme, manual
from echodiff.errors import ConfigError
from echodiff.evaluate.trivial import TRANSLATORS
from echodiff.evaluate.use import REAL
from echodiff.ingest.case import CaseReference
from echodiff.ingest.ed.by_picture import picture_rules
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.titles import RULE_TITLES
from echodiff.ingest.ed.volume_curve import UNKNOWN
from echodiff.ingest.readers import READERS, reader_of
from echodiff.ingest.readers.dicom import ed_rules
from echodiff.ingest.readers.dicom_tags import Tags

FORMATS = {
    "camus": CamusDataset,
    "echonet": EchonetDataset,
    "dicom": DicomDataset,
    "volume": VolumeDataset,
    "frames": FramesDataset,
}

CONFIGURATIONS = [["config.yaml"], ["paper.yaml"], ["config.yaml", "compare.yaml"], ["paper.yaml", "compare.yaml"]]


def test_no_shipped_configuration_is_left_out():
    assert {name for files in CONFIGURATIONS for name in files} == {path.name for path in Path("config").glob("*.yaml")}


@pytest.mark.parametrize("files", CONFIGURATIONS, ids=" ".join)
def test_every_shipped_configuration_is_valid(files):
    config = load_config([Path("config") / name for name in files])
    assert config.training_dataset in config.datasets
    assert config.training_dataset not in config.source_datasets
    assert config.headline_model in config.models


def test_the_papers_configuration_has_the_papers_values():
    config = load_config("config/paper.yaml")
    assert len(config.datasets) == 6 and len(config.source_datasets) == 5
    assert config.image.size == 256 and config.image.fit == "stretch"
    model = config.models["paper"]
    assert model.diffusion.steps == 4 and model.training.epochs == 500 and model.training.steps is None


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"trainng": 1}, "unknown key 'trainng'"),
        ({"pathvars": {"results": "/mnt/My Disk/out"}}, "'pathvars.results': expected a folder's path without spaces"),
        ({"pathvars": {"results": "~/out"}}, "'pathvars.results': expected .*, found '~/out'"),
        ({"datasets": {"camus": {"foldr": "x"}}}, "unknown key 'datasets.camus.foldr'"),
        ({"models": {"fast": {"training": {"epoch": 3}}}}, "unknown key 'models.fast.training.epoch'"),
        ({"split": {"validation_fraction": 1.5}}, "'split.validation_fraction': expected a number below 1, found 1.5"),
        ({"split": {"folds": 5, "fold": 5}}, "fold must be below folds = 5, found 5"),
        ({"split": {"fold": 1}}, "fold 1 is given, but no number of folds"),
        ({"image": {"size": 100}}, "'image.size': expected a multiple of 32, found 100"),
        (
            {"training_dataset": "nowhere"},
            "training_dataset: expected one of the datasets camus.*found 'nowhere'",
        ),
        ({"report": {"model": "best"}}, "report.model: expected one of the models fast, found 'best'"),
        ({"report": {"ablation": {"against": "best"}}}, "report.ablation.against: expected one of the models fast"),
        (
            {"datasets": {"vscan": {"labels": "predicted"}}, "segmenter": {"seed": 2024}},
            "segmenter.seed: expected another seed than evaluate.segmentation.seed.*found 2024 for both",
        ),
        (
            {"datasets": {"a/b": {"format": "camus", "folder": "x"}}},
            "'datasets': expected a text.* as a key, found 'a/b'",
        ),
        (
            {"datasets": {"camus": {"folder": "x"}}},
            "'datasets.camus': expected either a folder or a phantom, found both.*write `phantom: null`",
        ),
        ({"datasets": {"camus": {"phantom": None}}}, "'datasets.camus': expected a folder or a phantom, found neither"),
        (
            {"datasets": {"camus": {"format": "dicom"}}},
            r"'datasets.camus': expected a phantom whose files are of this format \(phantom.machine: vscan or "
            r"vscan_air or 2d_t\), found camus; set format: camus, or another machine",
        ),
        (
            {"datasets": {"vscan": {"phantom": {"layout": "nnunet"}}}},
            "'datasets.vscan.phantom': expected `layout` with machine: epiq alone, found it with vscan; remove it",
        ),
        (
            {"datasets": {"new": {"format": "DICOM", "folder": "x"}}},
            "'datasets.new.format': expected one of 'camus', 'echonet', 'dicom', 'volume', 'frames', found 'DICOM'",
        ),
        ({"datasets": {"new": {"folder": "x"}}}, "'datasets.new.format' is missing"),
        (
            {"datasets": {"vscan": {"label_values": {"lv": 1}}}},
            "label_values': expected a whole number as a key, found 'lv'",
        ),
        ({"datasets": {"vscan": {"label_values": None}}}, "label_values': expected keys and values, found nothing"),
        (
            {"datasets": {"vscan": {"label_pattern": "{name}_gt.png"}}},
            "label_pattern': expected {stem} or {id} or {folders} or {structure} as placeholders, found {name}",
        ),
        ({"datasets": {"vscan": {"label_pattern": "{stem_gt.png"}}}, "as placeholders, found {stem_gt.png"),
        (
            {"datasets": {"vscan": {"label_pattern": "mask_{id}.png"}}},
            "datasets.vscan': expected {id} in image_pattern as in label_pattern, found it in label_pattern alone",
        ),
        ({"datasets": {"vscan": {"image_pattern": "{stem}.png"}}}, "expected {id} as placeholders, found {stem}"),
        ({"datasets": {"vscan": {"image_pattern": "{id}/{id}.png"}}}, "expected {id} once in image_pattern"),
        (
            {"datasets": {"vscan": {"label_pattern": "{stem}_{structure}.json"}}},
            "expected {structure} in the names of masks, found it in that of outlines",
        ),
        (
            {"datasets": {"vscan": {"ed": "segmented_area"}}},
            "expected `labels: predicted` with `ed: segmented_area`, found labels: file",
        ),
        (
            {"datasets": {"3d_spatial": {"label_pattern": "{stem}_{structure}.nii.gz"}}},
            "label_pattern': expected the name of one label volume, found {structure}",
        ),
        ({"datasets": {"3d_spatial": {"label_pattern": "{id}_gt.nii.gz"}}}, "label volumes, found {id} or outlines"),
        ({"datasets": {"3d_spatial": {"label_pattern": "{stem}.JSON"}}}, "label volumes, found {id} or outlines"),
        ({"datasets": {"vscan": {"case_seconds": 0}}}, "case_seconds': expected a number above 0, found 0"),
        ({"evaluate": {"trivial": "perhaps"}}, "'evaluate.trivial': expected true or false, found 'perhaps'"),
        ({"models": {"fast": {"generator": {"widths": []}}}}, "'models.fast.generator.widths': expected 1 or more"),
        ({"models": {"fast": {"discriminator": {"chanels": 3}}}}, "unknown key 'models.fast.discriminator.chanels'"),
        ({"models": {"fast": {"discriminator": "no"}}}, "'models.fast.discriminator': expected 'none', found 'no'"),
        ({"pathvars": {"result": "x"}}, "unknown key 'pathvars.result'"),
        ({"datasets": {"vscan": {"label_values": {60: "LV"}}}}, "label_values.60': expected 0, 1, 2 or 3, found 'LV'"),
        ({"datasets": {"vscan": {"label_values": {60: 2}}}}, "vscan.label_values: expected one value.*1, the LV"),
        ({"datasets": {"vscan": {"label_pattern": ""}}}, "'datasets.vscan.label_pattern': expected a text"),
        ({"datasets": {"vscan": {"ed": "rwave"}}}, "'datasets.vscan.ed'.*'r_wave'.*found 'rwave'"),
        ({"datasets": {"camus": {"ed": "r_wave"}}}, "'datasets.camus.ed'.*'auto' or 'explicit', found 'r_wave'"),
        ({"datasets": {"3d_spatial": {"ed": "label"}}}, "'datasets.3d_spatial.ed'.*'lv_volume', found 'label'"),
        ({"models": {"real": {"preset": "fast"}}}, "models.real: expected another name"),
        ({"models": {"nearest_mask": {"preset": "fast"}}}, "models.nearest_mask: expected another name"),
        ({"training_dataset": "vscan", "datasets": {"vscan": {"labels": "none"}}}, "vscan.labels: .*found 'none'"),
        (
            {"datasets": {"camus": {"completion": "shape"}}},
            "camus.completion: expected a training dataset with LV, MYO and LA.*found `shape`",
        ),
        ({"training_dataset": "echonet"}, "echonet.completion: .*train on another one, or set `dilation`"),
    ],
)
def test_a_wrong_key_or_value_is_named(overrides, sentence):
    with pytest.raises(ConfigError, match=f"(?s)config/config.yaml: .*{sentence}"):
        load_config("config/config.yaml", overrides)


def test_a_fault_of_the_whole_configuration_has_no_path():
    with pytest.raises(ConfigError, match="^config/config.yaml: training_dataset: expected"):
        load_config("config/config.yaml", {"training_dataset": "nowhere"})


def test_a_dataset_or_model_that_is_null_is_left_out():
    """In a file on top of another; what it is named by has to be there still."""
    config = load_config("config/config.yaml", {"datasets": {"vscan": None}, "models": {"fast": None, "one": {}}})
    assert "vscan" not in config.datasets and len(config.datasets) == 5 and list(config.models) == ["one"]
    with pytest.raises(ConfigError, match="training_dataset: expected one of the datasets vscan, .*found 'camus'"):
        load_config("config/config.yaml", {"datasets": {"camus": None}})


def test_figures_show_the_first_model_and_tests_are_against_it_unless_others_are_named():
    models = {"models": {"one": {}}}
    config = load_config("config/config.yaml", models)
    assert (config.headline_model, config.ablation_reference) == ("fast", "fast")
    named = {"report": {"model": "one", "ablation": {"against": "one"}}}
    config = load_config("config/config.yaml", models | named)
    assert (config.headline_model, config.ablation_reference) == ("one", "one")


def test_seeds_of_segmenters_may_be_equal_where_no_labels_are_predicted():
    load_config("config/config.yaml", {"segmenter": {"seed": 2024}})


def test_use_without_any_synthetic_image_is_refused(tmp_path):
    content = yaml.safe_load(Path("config/config.yaml").read_text())
    content["datasets"] = {"camus": content["datasets"]["camus"]}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="evaluate.use.training_guides: expected true.*found false"):
        load_config(tmp_path / "one.yaml")


def test_a_dataset_without_labels_is_not_translated():
    config = load_config("config/config.yaml", {"datasets": {"vscan": {"labels": "none"}}})
    assert "vscan" in config.datasets and "vscan" not in config.labelled_datasets + config.source_datasets


def test_the_names_that_models_may_not_have_are_those_of_the_metrics():
    assert tuple(TRANSLATORS) == root.TRIVIAL and root.REAL == REAL


def test_rules_for_the_ed_frame_are_those_of_the_readers():
    known = {format: set(get_args(of.model_fields["ed"].annotation)) for format, of in FORMATS.items()}
    cine, tags = np.zeros((2, 8, 8), np.uint8), Tags([], None, np.array([]), None, None)
    rules = ed_rules(tags, CaseReference("a", "a", {}, {}), cine, cine[0] > 0, None, predictor=Mock())
    assert known["dicom"] == {"auto", *rules}
    assert known["camus"] == known["echonet"] == {"auto", "explicit"}


def test_every_rule_for_the_ed_frame_has_a_title():
    configured = {name for of in FORMATS.values() for name in get_args(of.model_fields["ed"].annotation)}
    by_picture = picture_rules(Cine(np.zeros((2, 8, 8), np.uint8), np.ones((8, 8), bool), UNKNOWN), Mock())
    assert (configured | set(by_picture)) - {"auto"} <= set(RULE_TITLES)


def test_every_format_has_a_reader():
    assert set(READERS) == set(FORMATS)
    for name, options in FORMATS.items():
        reader = reader_of(options(format=name, folder="anywhere"))
        assert type(reader).__name__ == f"{name.capitalize()}Reader"
    with pytest.raises(ConfigError, match="format: expected one of camus, .*found jpeg"):
        reader_of(CamusDataset.model_construct(format="jpeg"))


def test_labels_of_the_ventricle_alone_can_be_completed():
    completion = {name: options.model_fields["completion"].default for name, options in FORMATS.items()}
    assert completion == {"camus": "none", "echonet": "shape", "dicom": "none", "volume": "none", "frames": "none"}


def test_the_home_folder_can_be_written_as_in_a_shell(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    over = {"datasets": {"camus": {"folder": "~/camus", "phantom": None}}, "evaluate": {"inception_weights": "~/w.pth"}}
    config = load_config("config/config.yaml", over)
    assert config.datasets["camus"].folder == Path("/home/somebody/camus")
    assert config.evaluate.inception_weights == Path("/home/somebody/w.pth")


def test_weights_that_are_not_there_are_named(run_echodiff, tmp_path):
    (tmp_path / "weights.yaml").write_text(yaml.safe_dump({"evaluate": {"inception_weights": "no/such.pth"}}))
    result = run_echodiff("config", "check", "config/config.yaml", tmp_path / "weights.yaml")
    assert result.returncode == 1
    assert "evaluate.inception_weights: expected a file with the Inception weights, found none at no/such.pth" in (
        result.stderr
    )


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError, match="unknown key 'one'.*unknown key 'two'"):
        load_config("config/config.yaml", {"one": 1, "two": 2})


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="none.yaml: expected a configuration in YAML, found no such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("datasets: [")
    with pytest.raises(ConfigError, match="broken.yaml: expected a configuration in YAML, could not read it"):
        load_config(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- one\n- two\n")
    with pytest.raises(ConfigError, match="expected keys and values at the top level, found list"):
        load_config(tmp_path / "list.yaml")


def test_later_files_override_earlier_ones_key_by_key(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"split": {"seed": 7}}))
    config = load_config(["config/config.yaml", tmp_path / "mine.yaml"])
    assert config.split.seed == 7
    assert config.split.validation_fraction == load_config("config/config.yaml").split.validation_fraction


def test_merge_replaces_all_but_mappings():
    assert merge({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}}
    assert merge({"a": {"b": 1}}, {"a": None}) == {"a": None}


def test_a_checked_configuration_is_read_back_the_same(tmp_path):
    config = load_config("config/config.yaml")
    path = write_config(config, tmp_path)
    assert load_config(path) == config
    assert write_config(config, tmp_path) == path
    other = write_config(load_config("config/config.yaml", {"split": {"seed": 9}}), tmp_path)
    assert other != path and load_config(path) == config


def test_the_manual_has_the_keys_of_today():
    text = Path("config/README.md").read_text(encoding="utf-8")
    assert in_readme(text) == text, "run `echodiff config manual --readme config/README.md`"


def test_the_manual_has_every_section():
    text = manual()
    assert [name for name in Config.model_json_schema()["$defs"] if f"### `{name}`\n" not in text] == []


def test_command_checks_and_prints_defaults(run_echodiff):
    result = run_echodiff("config", "check", "config/config.yaml")
    assert result.returncode == 0, result.stderr
    assert yaml.safe_load(result.stdout)["split"]["validation_fraction"] == 0.1


@pytest.mark.parametrize("command", [("config", "check", "config/config.yaml"), ("config", "schema"), ("--help",)])
def test_an_output_that_cannot_be_written_is_a_sentence(command):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "echodiff", *command]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert result.returncode == 1
    assert re.fullmatch(
        "echodiff: error: standard output: expected .* 'No space left on device'; free .*\n", result.stderr
    )


def test_a_reader_that_goes_away_ends_a_command_without_a_word():
    command = f"{sys.executable} -m echodiff config schema | true"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=300)
    assert (result.returncode, result.stderr) == (1, "")


def test_a_users_error_is_one_line_without_traceback(run_echodiff, tmp_path):
    result = run_echodiff("config", "check", tmp_path / "none.yaml")
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("echodiff: error: ")
