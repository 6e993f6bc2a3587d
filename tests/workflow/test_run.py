"""The small run from end to end, and what is done again after a change."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from leaks import leaks

from echodiff.store.image_set import read_image_set

REPOSITORY = Path(__file__).parents[2]
SMALL = Path(__file__).with_name("small.yaml")
SOURCES = ("vscan", "echonet", "3d_spatial")
SPLIT = "results/split/camus.parquet"


def reruns(result) -> set[str]:
    """The rules that a dry run would run, without the target and the report that collects what is new."""
    if "Job stats:" not in result.stdout:
        assert "Nothing to be done" in result.stdout + result.stderr
        return set()
    table = result.stdout[result.stdout.index("Job stats:") :]
    return {name for name, _ in re.findall(r"^(\w+)\s+(\d+)$", table, flags=re.M)} - {"total", "all", "archive"}


@pytest.fixture
def changed(tmp_path):
    """The small configuration with other options."""

    def write(**changes) -> Path:
        path = tmp_path / "changed.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(SMALL.read_text()), **changes}, sort_keys=False))
        return path

    return write


def test_everything_lies_where_the_readme_says(small_run):
    results = small_run / "results"
    for dataset in ("camus", *SOURCES):
        assert len(read_image_set(results / "data" / dataset / "images.h5")) > 0
        assert (results / "data" / dataset / "cases.parquet").is_file()
        assert (results / "metrics" / "tiny" / f"{dataset}.pixel.parquet").is_file()
    for name in ("generator.pt", "history.parquet", "samples.png"):
        assert (results / "models" / "tiny" / name).is_file()
    for table in ("table1_datasets", "table2_fid", "table3_pixel", "rejects", "privacy"):
        for ending in ("csv", "html", "tex"):
            assert (results / "tables" / f"{table}.{ending}").stat().st_size > 100
    for dataset in ("camus", *SOURCES):
        assert (results / "figures" / f"kept_{dataset}.png").stat().st_size > 10000
    for figure in ("figure2_validation", "figure3_best", "figure4_worst_median_best"):
        assert (results / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_every_case_is_accounted_for(small_run):
    for dataset, patients in {"camus": 16, "vscan": 3, "echonet": 3, "3d_spatial": 2}.items():
        cases = pd.read_parquet(small_run / "results" / "data" / dataset / "cases.parquet")
        assert len(cases) == patients
        kept = cases[cases["status"] == "kept"]
        assert list(kept["case_id"]) == read_image_set(small_run / "results" / "data" / dataset / "images.h5").case_id


def test_translations_follow_their_guides(small_run):
    for dataset in SOURCES:
        source = read_image_set(small_run / "results" / "data" / dataset / "images.h5")
        synthetic = read_image_set(small_run / "results" / "translations" / "tiny" / f"{dataset}.h5")
        assert synthetic.case_id == source.case_id
        assert (synthetic.masks == source.masks).all()
        assert synthetic.attributes["model"] == "tiny" and len(set(synthetic.seed.tolist())) == len(source)


def test_the_report_holds_tables_and_figures(small_run):
    with zipfile.ZipFile(small_run / "results" / "report.zip") as archive:
        names = archive.namelist()
        page = b"".join(archive.read(name) for name in names if name.endswith((".html", ".js")))
    for name in ("table1_datasets.html", "table2_fid.html", "table3_pixel.html", "figure4_worst_median_best.png"):
        assert any(entry.endswith(name) for entry in names), name
    assert b"Docutils System Messages" not in page


def test_no_identity_is_in_anything_that_the_run_left(small_run):
    """Results, logs, configuration, report.zip and Snakemake's own records; the scanner files themselves have it."""
    truth = pd.read_parquet(small_run / "results" / "phantom" / "vscan" / "truth.parquet")
    secrets = {text for row in truth["identity"] for text in json.loads(row)} | {name[:-4] for name in truth["file"]}
    assert len(secrets) > 15
    assert leaks(small_run, secrets, without=["results/phantom"]) == []
    assert leaks(small_run / "results" / "phantom", secrets)


def test_a_second_run_has_nothing_to_do(small_run, run_snakemake):
    assert reruns(run_snakemake(small_run, "--dry-run")) == set()


def test_a_metric_option_reruns_evaluation_and_what_follows(small_run, run_snakemake, changed):
    path = changed(evaluate={**yaml.safe_load(SMALL.read_text())["evaluate"], "draws": 5})
    rules = reruns(run_snakemake(small_run, "--dry-run", configuration=path))
    assert {"frechet", "table2"} <= rules
    earlier = {"phantom", "ingest", "split", "train", "translate", "samples", "features", "extractor", "table1"}
    assert not rules & (earlier | {"memory", "physics", "diversity"})


def test_an_option_of_the_model_reruns_training_and_what_follows(small_run, run_snakemake, changed):
    path = changed(models={"tiny": {"preset": "fast", "training": {"batch_size": 2, "steps": 5}}})
    rules = reruns(run_snakemake(small_run, "--dry-run", configuration=path))
    assert {"train", "translate", "pixel", "frechet", "figure2"} <= rules
    assert not rules & {"phantom", "ingest", "split", "shape_model", "table1"}


def test_a_report_option_redraws_figures_alone(small_run, run_snakemake, changed):
    path = changed(report={"validation_cases": 2, "dpi": 70})
    figures = {
        "figure2",
        "figure3",
        "figure4",
        "memory_gallery",
        "depth_gain",
        "diversity_sheet",
        "bland_altman",
        "kept",
        "extreme_sheet",
        "use_plot",
    }
    assert reruns(run_snakemake(small_run, "--dry-run", configuration=path)) == figures


def test_a_title_rewrites_what_prints_it_alone(small_run, run_snakemake, changed):
    datasets = yaml.safe_load(SMALL.read_text())["datasets"]
    datasets["vscan"] |= {"title": "Pocket scanner", "scanner": "A pocket scanner", "case_seconds": 300}
    tables = {"table1", "table2", "table3", "rejects", "privacy", "distances", "distribution", "audit", "subgroups"}
    tables |= {"ablation", "use_table", "use_tests"}
    tables |= {f"{name}_table" for name in ("memory", "physics", "diversity", "fidelity", "extreme")}
    figures = {"kept", "figure3", "figure4", "memory_gallery", "depth_gain", "bland_altman"}
    assert reruns(run_snakemake(small_run, "--dry-run", configuration=changed(datasets=datasets))) == tables | figures


def test_the_epochs_of_the_segmenter_that_judges_train_no_other(small_run, run_snakemake, changed):
    evaluate = yaml.safe_load(SMALL.read_text())["evaluate"]
    evaluate["segmentation"] |= {"epochs": 3}
    rules = reruns(run_snakemake(small_run, "--dry-run", configuration=changed(evaluate=evaluate)))
    assert {"segmenter", "fidelity"} <= rules and not rules & {"use", "train", "ingest"}


def test_a_stage_can_be_forced_and_can_be_the_last(small_run, run_snakemake):
    forced = reruns(run_snakemake(small_run, "--dry-run", "-R", "train"))
    assert {"train", "translate"} <= forced and not forced & {"phantom", "ingest", "split"}
    assert reruns(run_snakemake(small_run, "--dry-run", "--forceall", "--until", "split")) <= {
        "phantom",
        "ingest",
        "split",
    }


def test_a_killed_run_continues(run_snakemake, tmp_path):
    """Killed in the middle with all its jobs, the workflow goes on with what is missing."""
    command = [sys.executable, "-m", "snakemake", SPLIT, "--snakefile", REPOSITORY / "Snakefile", "--cores", "2"]
    command += ["--directory", tmp_path, "--workflow-profile", "none", "--configfile", SMALL]
    running = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    first = tmp_path / "results" / "phantom"
    while not (first.is_dir() and any(first.iterdir())):
        assert running.poll() is None
        time.sleep(0.05)
    subprocess.run(["pkill", "-KILL", "-s", str(running.pid)], check=False)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (tmp_path / SPLIT).exists()
    run_snakemake(tmp_path, "--unlock")
    result = run_snakemake(tmp_path, "--rerun-incomplete", SPLIT)
    assert result.returncode == 0, result.stderr[-4000:]
    assert (tmp_path / SPLIT).is_file()
    shutil.rmtree(tmp_path / "results")


@pytest.fixture
def unlabelled(small_run, tmp_path):
    """A copy of the small run, and its configuration with the Vscan's files, their label maps taken away.

    Snakemake's records of options and inputs come along: by the files' times alone, a plan would depend on which of
    two jobs of the small run had ended first.
    """
    for part in ("results", ".snakemake/metadata"):
        shutil.copytree(small_run / part, tmp_path / part)
    shutil.copytree(small_run / "results" / "phantom" / "vscan", tmp_path / "clinic")
    for label in tmp_path.glob("clinic/*_gt.*"):
        label.unlink()
    content = yaml.safe_load(SMALL.read_text())
    content["datasets"]["vscan"] = {
        "title": "Clinic",
        "format": "dicom",
        "folder": str(tmp_path / "clinic"),
        "labels": "predicted",
        "case_ids": "source",
    }
    content["segmenter"] = {"size": 64, "epochs": 60, "learning_rate": 5.0e-3}
    (tmp_path / "unlabelled.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return tmp_path


def test_cines_without_labels_are_labelled(unlabelled, run_snakemake):
    configuration = unlabelled / "unlabelled.yaml"
    planned = reruns(run_snakemake(unlabelled, "--dry-run", configuration=configuration))
    assert {"segmenter", "ingest", "translate", "fidelity"} <= planned
    assert not planned & {"phantom", "split", "train", "shape_model"}
    result = run_snakemake(unlabelled, "--show-failed-logs", "ingest_all", configuration=configuration)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-6000:]
    assert (unlabelled / "results" / "segmenter" / "labels.pt").is_file()
    cases = pd.read_parquet(unlabelled / "results" / "data" / "vscan" / "cases.parquet")
    kept = cases[cases["status"] == "kept"]
    assert len(cases) == 3 and len(kept) >= 1
    assert set(kept["label_source"]) == {"predicted"} and kept["label_confidence"].between(0.5, 1).all()
    images = read_image_set(unlabelled / "results" / "data" / "vscan" / "images.h5")
    assert ((images.masks == 1).sum(axis=(1, 2)) > 0.03 * images.sectors.sum(axis=(1, 2))).all()
