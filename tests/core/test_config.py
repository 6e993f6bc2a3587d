"""The configuration is checked as a whole: unknown keys are named by their path, contradictions are refused."""

from pathlib import Path

import pytest
import yaml

from echodiff.config import load_config, write_config
from echodiff.config.load import merge
from echodiff.config.manual import in_readme
from echodiff.errors import ConfigError

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
        ({"datasets": {"camus": {"foldr": "x"}}}, "unknown key 'datasets.camus.camus.foldr'"),
        ({"models": {"fast": {"training": {"epoch": 3}}}}, "unknown key 'models.fast.training.epoch'"),
        ({"split": {"validation_fraction": 1.5}}, "'split.validation_fraction'.*less than 1.*found 1.5"),
        ({"split": {"folds": 5, "fold": 5}}, "fold must be below folds = 5, found 5"),
        ({"image": {"size": 100}}, "'image.size'.*multiple of 32.*found 100"),
        ({"training_dataset": "nowhere"}, "training_dataset: expected one of the datasets camus.*found 'nowhere'"),
        ({"report": {"model": "best"}}, "report.model: expected one of the models fast, found 'best'"),
        ({"datasets": {"a/b": {"format": "camus", "folder": "x"}}}, "datasets.a/b"),
        ({"datasets": {"camus": {"folder": "x"}}}, "folder.*phantom"),
        ({"datasets": {"new": {"format": "jpeg", "folder": "x"}}}, "'datasets.new'.*'camus'.*'volume'"),
    ],
)
def test_a_wrong_key_or_value_is_named(overrides, sentence):
    with pytest.raises(ConfigError, match=f"(?s)config/config.yaml: .*{sentence}"):
        load_config("config/config.yaml", overrides)


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


def test_command_checks_and_prints_defaults(run_echodiff):
    result = run_echodiff("config", "check", "config/config.yaml")
    assert result.returncode == 0, result.stderr
    assert yaml.safe_load(result.stdout)["split"]["validation_fraction"] == 0.1


def test_a_users_error_is_one_line_without_traceback(run_echodiff, tmp_path):
    result = run_echodiff("config", "check", tmp_path / "none.yaml")
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("echodiff: error: ")
