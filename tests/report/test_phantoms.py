"""Phantoms are named as such wherever their dataset is, and are looked up by their key all the same."""

import pytest

from echodiff.config.load import parse_config
from echodiff.report.inputs import dataset_title
from echodiff.report.published import published_dataset
from echodiff.report.table1 import table1


@pytest.fixture
def config():
    """CAMUS's own files, a phantom of the Vscan with a title and one without."""
    datasets = {
        "camus": {"format": "camus", "folder": "x", "title": "CAMUS"},
        "vscan": {"format": "dicom", "title": "Vscan", "phantom": {"machine": "vscan"}},
        "echonet": {"format": "echonet", "phantom": {"machine": "echonet"}},
    }
    content = {"training_dataset": "camus", "datasets": datasets, "models": {"small": {"preset": "fast"}}}
    return parse_config(content, origin="test")


def test_the_title_of_a_phantom_says_so(config):
    titles = [dataset_title(config, name) for name in ("camus", "vscan", "echonet", "unknown")]
    assert titles == ["CAMUS", "Vscan (phantom)", "echonet (phantom)", "unknown"]


def test_table_1_has_the_phantom_s_scanner_beside_the_published_one(cases, config):
    cells = table1(cases, config).cells.set_index("title")
    assert cells.loc["Vscan (phantom)", "scanner"] == "phantom of E95" and cells.loc["CAMUS", "scanner"] == "E95"
    assert cells.loc["Vscan (phantom)", "published_scanner"] == published_dataset("vscan")["scanner"]
    unknown = table1(cases.assign(scanner=None), config).cells.set_index("title")
    assert unknown.loc["Vscan (phantom)", "scanner"] == "phantom" and unknown.loc["CAMUS", "scanner"] == "-"
