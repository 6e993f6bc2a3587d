"""Every shipped configuration plans the jobs it should, with the GPUs it should."""

import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml

from echodiff.config.load import merge

REPOSITORY = Path(__file__).parents[2]


def planned(result) -> dict[str, int]:
    """Rule -> number of jobs, as Snakemake's dry run lists them."""
    table = result.stdout[result.stdout.index("Job stats:") :]
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, flags=re.M)}


@pytest.mark.parametrize("name", ["config.yaml", "paper.yaml"])
def test_shipped_configurations(run_snakemake, tmp_path, name):
    result = run_snakemake(tmp_path, "--dry-run", configuration=REPOSITORY / "config" / name)
    assert result.returncode == 0, result.stderr
    jobs = planned(result)
    assert jobs["ingest"] == jobs["translate"] == 6
    assert jobs["train"] == jobs["split"] == jobs["shape_model"] == 1
    assert jobs["frechet"] == jobs["pixel"] == jobs["memory"] == 1
    assert jobs["trivial"] == jobs["frechet_of_trivial"] == jobs["pixel_of_trivial"] == jobs["memory_of_trivial"] == 1
    assert jobs.get("phantom", 0) == (6 if name == "config.yaml" else 0)


def test_the_models_to_compare_with_go_through_everything(run_snakemake, tmp_path):
    folder = REPOSITORY / "config"
    result = run_snakemake(tmp_path, "--dry-run", configuration=[folder / "config.yaml", folder / "compare.yaml"])
    assert result.returncode == 0, result.stderr
    jobs = planned(result)
    models = len(yaml.safe_load((folder / "compare.yaml").read_text())["models"])
    assert jobs["train"] == models == 7 and jobs["translate"] == 6 * models
    assert jobs["ingest"] == 6 and jobs["paired_tests"] == 1


def test_completed_label_maps_need_the_shapes_of_the_training_dataset(run_snakemake, tmp_path):
    """In every format; variants of them too, whatever completes them."""
    other = tmp_path / "completed.yaml"
    completion = {"vscan": {"completion": "shape"}, "3d_spatial": {"completion": "dilation"}}
    other.write_text(yaml.safe_dump({"datasets": completion, "variants": {"samples": 2}}))
    configuration = [REPOSITORY / "config" / "config.yaml", other]
    result = run_snakemake(tmp_path, "--dry-run", "--printshellcmds", "variants_all", configuration=configuration)
    assert result.returncode == 0, result.stderr
    shapes = "--shape-model results/shape_model/camus.npz"
    for name, needed in (("vscan", True), ("echonet", True), ("3d_spatial", False)):
        (ingest,) = re.findall(rf"echodiff ingest .*--dataset {name} .*", result.stdout)
        (variants,) = re.findall(rf"echodiff variants .*--dataset {name} .*", result.stdout)
        assert (shapes in ingest) == needed and shapes in variants


def test_the_paper_on_four_gpus(run_snakemake, tmp_path):
    paper = REPOSITORY / "config" / "paper.yaml"
    result = run_snakemake(tmp_path, "--dry-run", "--printshellcmds", "--resources", "gpu=4", configuration=paper)
    assert result.returncode == 0, result.stderr
    train = result.stdout[result.stdout.index("rule train:") :]
    assert "gpu=4" in train.split("Shell command")[0]
    assert re.search(r"echodiff lease --gpus 4 --launch torchrun --nodes 1 .*-- echodiff train", train)
    assert "results-paper/models/paper" in train
    leased = re.findall(r"echodiff lease --gpus 1 -- echodiff translate .*--output (\S+)/", result.stdout)
    assert sorted(leased) == ["results-paper/samples/paper"] + 6 * ["results-paper/translations/paper"]


def test_the_profile_of_a_cluster(run_snakemake, tmp_path):
    """A machine of its own for each job; several of them are asked for by resources alone."""
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs `pip install -e .[slurm]`")
    machines = ["train:gpu=8", "train:nodes=2", "train:tasks=2", "train:tasks_per_gpu=0", "train:mpi=srun"]
    profile = ["--profile", REPOSITORY / "profiles" / "slurm", "--set-resources", *machines]
    result = run_snakemake(tmp_path, "--dry-run", "--printshellcmds", *profile)
    assert result.returncode == 0, result.stderr
    assert "echodiff lease --gpus 8 --launch torchrun --nodes 2 --cores" in result.stdout


def test_the_profile_of_another_cluster_knows_all_that_its_command_names_of_every_job(run_snakemake, tmp_path):
    profile = yaml.safe_load((REPOSITORY / "profiles" / "cluster-generic" / "config.yaml").read_text())
    named = set(re.findall(r"{resources\.(\w+)}", profile["cluster-generic-submit-cmd"]))
    assert {"gpu", "mem_mb", "runtime"} <= named
    defaults = [f"{name}={value}" for name, value in profile["default-resources"].items()]
    result = run_snakemake(tmp_path, "--dry-run", "--default-resources", *defaults)
    assert result.returncode == 0, result.stderr
    jobs = dict(re.findall(r"^rule (\w+):.*?^    resources: (.*?)$", result.stdout, flags=re.M | re.S))
    assert "gpu=0" in jobs["split"] and "gpu=4" in jobs["train"]
    assert [name for name, asked in jobs.items() if not named <= set(re.findall(r"(\w+)=", asked))] == []


@pytest.mark.parametrize("cores, threads", [(1, 1), (2, 1), (4, 2), (64, 4)])
def test_short_jobs_of_torch_take_half_of_the_cores(run_snakemake, tmp_path, cores, threads):
    """Two run side by side on a small machine; a training takes what there is."""
    result = run_snakemake(tmp_path, "--dry-run", "--printshellcmds", "--cores", cores)
    assert result.returncode == 0, result.stderr
    translations = re.findall(r"-- echodiff translate .*--threads (\d+)", result.stdout)
    assert translations and set(translations) == {str(threads)}
    assert re.findall(r"-- echodiff train .*--threads (\d+)", result.stdout) == [str(min(cores, 16))]


def test_two_models_are_both_trained_and_evaluated(run_snakemake, tmp_path):
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["models"] = {"fast": {"preset": "fast"}, "one_step": {"preset": "fast", "diffusion": {"steps": 1}}}
    content["models"]["one_step"]["loss"] = {"transition_probabilities": None, "transition_weights": None}
    content["evaluate"]["use"] = {"enabled": True, "percent": [10, 50]}
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(content))
    jobs = planned(run_snakemake(tmp_path, "--dry-run", configuration=tmp_path / "two.yaml"))
    assert jobs["train"] == 2 and jobs["translate"] == 12 and jobs["ingest"] == 6
    assert jobs["paired_tests"] == 1 and jobs["extreme"] == 2 and jobs["physics"] == 3
    # Real at 10, 50 and 100 %; each model's synthetic images alone, and with 10 and 50 %.
    assert jobs["use"] == 3 + 2 * 3 and jobs["use_guides"] == 2


def test_what_is_switched_off_is_not_run(run_snakemake, tmp_path):
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["evaluate"] = {name: {"enabled": False} for name in ("memory", "physics", "diversity", "segmentation")}
    content["evaluate"]["trivial"] = False
    content["report"] = {"subgroups": False, "ablation": {"enabled": False}}
    (tmp_path / "off.yaml").write_text(yaml.safe_dump(content))
    jobs = planned(run_snakemake(tmp_path, "--dry-run", configuration=tmp_path / "off.yaml"))
    off = {
        "memory",
        "physics",
        "diversity",
        "samples",
        "segmenter",
        "fidelity",
        "extreme",
        "use",
        "subgroups",
        "ablation",
    }
    assert not off & set(jobs) and not [name for name in jobs if "trivial" in name] and jobs["frechet"] == 1


def test_the_training_dataset_alone_has_a_report_of_its_own(run_snakemake, tmp_path):
    """Whoever has CAMUS alone is told how well it is redrawn; what shows other datasets is left out."""
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["datasets"] = {"camus": content["datasets"]["camus"]}
    content["evaluate"]["use"]["training_guides"] = True
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(content))
    result = run_snakemake(tmp_path, "--dry-run", configuration=tmp_path / "one.yaml")
    assert result.returncode == 0, result.stderr
    jobs = planned(result)
    of_sources = {"table2", "distances", "distribution", "figure3", "figure4", "frechet", "features_of_translations"}
    of_sources |= {"memory", "memory_table", "memory_gallery", "physics", "physics_table", "depth_gain"}
    assert not of_sources & set(jobs) and not [name for name in jobs if "trivial" in name]
    assert jobs["translate"] == jobs["table3"] == jobs["figure2"] == jobs["fidelity_table"] == jobs["use_table"] == 1


def test_a_dataset_without_labels_is_read_and_shown_but_not_translated(run_snakemake, tmp_path):
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["datasets"]["vscan"]["labels"] = "none"
    (tmp_path / "none.yaml").write_text(yaml.safe_dump(content))
    result = run_snakemake(tmp_path, "--dry-run", "--printshellcmds", configuration=tmp_path / "none.yaml")
    jobs = planned(result)
    assert jobs["ingest"] == 6 and jobs["translate"] == 5
    images = re.findall(r"echodiff (\w+ \w+) .*data/vscan/images.h5", result.stdout)
    assert images == ["report kept"] and "vscan.h5" not in result.stdout


def test_variants_are_drawn_and_translated_where_they_are_asked_for(run_snakemake, tmp_path):
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    (tmp_path / "some.yaml").write_text(yaml.safe_dump(content | {"variants": {"samples": 3}}))
    for configuration, count in ((REPOSITORY / "config" / "config.yaml", None), (tmp_path / "some.yaml", 1)):
        jobs = planned(run_snakemake(tmp_path, "--dry-run", configuration=configuration))
        assert jobs.get("variants") == jobs.get("translate_variants") == count and jobs["translate"] == 6


def test_an_unknown_key_ends_the_run_with_its_path(run_snakemake, tmp_path):
    (tmp_path / "wrong.yaml").write_text("training_dataset: a\ndatasets: {}\nmodels: {}\nsplit: {sead: 3}\n")
    result = run_snakemake(tmp_path, "--dry-run", configuration=tmp_path / "wrong.yaml")
    assert result.returncode != 0
    assert "unknown key 'split.sead'" in result.stdout + result.stderr


def test_a_fault_of_the_command_line_is_not_blamed_on_the_file_alone(run_snakemake, tmp_path):
    result = run_snakemake(tmp_path, "--dry-run", "--config", "sead=3")
    assert result.returncode != 0
    assert "small.yaml + --config: unknown key 'sead'" in result.stdout + result.stderr


@pytest.mark.parametrize(("own", "ingested"), [(False, 6), (True, 1)])
def test_the_default_is_found_from_any_folder(run_snakemake, alone, tmp_path, own, ingested):
    """The folder's own, where it has one; else that beside the workflow."""
    if own:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(alone))
    result = run_snakemake(tmp_path, "--dry-run", configuration=[])
    assert result.returncode == 0, result.stderr
    assert planned(result)["ingest"] == ingested


LAST_WORDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), print("stopped, saved", flush=True), sys.exit(143)))
print("begun", flush=True)
time.sleep(60)
"""


def test_the_log_has_the_last_words_of_a_training_that_is_stopped(run_snakemake, tmp_path):
    """What ends a job signals all of its processes, also the one that writes the log."""
    plan = run_snakemake(tmp_path, "--dry-run", "--printshellcmds", "train_all").stdout
    to_log = re.search(r"echodiff train .*?(2>&1 \|.*)$", plan, flags=re.M)[1]
    (tmp_path / "results/logs/train").mkdir(parents=True)
    (tmp_path / "job.py").write_text(LAST_WORDS)
    command = ["bash", "-c", f"{sys.executable} job.py {to_log}"]
    job = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert job.stdout.readline() == "begun\n"
    os.killpg(job.pid, signal.SIGTERM)
    assert job.communicate(timeout=60)[0] == "stopped, saved\n"
    assert (tmp_path / "results/logs/train/tiny.log").read_text() == "begun\nstopped, saved\n"


NO_RECORDS = "expected Snakemake's records of this run's results in"


def test_results_without_records_are_told(finished, alone, tmp_path):
    """They count as up to date whatever the options; nothing is said of a fresh run, nor of one that goes on."""
    run = finished(alone)
    quiet = [run("--dry-run")]
    (tmp_path / "results").rename(tmp_path / "moved")
    quiet.append(run("--dry-run"))
    assert not [result.stderr for result in quiet if NO_RECORDS in result.stderr]
    content = alone | {"pathvars": {"results": "moved"}}
    (tmp_path / "finished.yaml").write_text(yaml.safe_dump(content))
    told = run("--dry-run", "split_all")
    assert told.returncode == 0 and told.stderr.count(f"moved/data/camus/images.h5: {NO_RECORDS} {tmp_path}") == 1
    touched = run("--touch", "--forceall")
    assert touched.returncode == 0 and NO_RECORDS not in touched.stderr + run("--dry-run").stderr


def test_weights_that_are_not_there_end_the_run_before_it_begins(run_snakemake, tmp_path):
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["evaluate"]["inception_weights"] = "no/such.pth"
    (tmp_path / "weights.yaml").write_text(yaml.safe_dump(content))
    result = run_snakemake(tmp_path, "--dry-run", configuration=tmp_path / "weights.yaml")
    assert result.returncode != 0
    assert "evaluate.inception_weights: expected a file" in result.stdout + result.stderr


@pytest.fixture
def captions(tmp_path):
    """The folder of captions of a copy of the workflow."""
    shutil.copy(REPOSITORY / "Snakefile", tmp_path)
    shutil.copytree(REPOSITORY / "workflow", tmp_path / "workflow")
    return tmp_path / "workflow" / "report"


@pytest.fixture
def finished(run_snakemake, tmp_path):
    """A run whose files are all empty, and whose jobs are not run but noted as finished: call it with its options."""

    def make(content: dict, *arguments: object):
        (tmp_path / "finished.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        run = partial(run_snakemake, tmp_path, *arguments, configuration=tmp_path / "finished.yaml")
        for line in re.findall(r"^    output: (.+)$", run("--dry-run").stdout, flags=re.M):
            for file in line.split(", "):
                (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / file).touch() if Path(file).suffix else (tmp_path / file).mkdir()
        assert run("--touch", "--forceall").returncode == 0
        return run

    return make


@pytest.fixture
def alone():
    """The default configuration with its training dataset alone."""
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["datasets"], content["evaluate"] = {"camus": content["datasets"]["camus"]}, {"use": {"enabled": False}}
    return content


def test_a_report_that_cannot_be_made_says_why(finished, captions, alone, tmp_path):
    run = finished(alone, "--snakefile", tmp_path / "Snakefile")
    (tmp_path / "results" / "report.zip").unlink()
    (captions / "table1.rst").write_text("{{ no such template")
    result = run("--show-failed-logs")
    assert result.returncode != 0 and "table1.rst" in result.stdout + result.stderr
    assert not (tmp_path / "results" / "report.zip").exists()


def test_a_report_is_made_again_where_nothing_else_is_to_be_done(finished, alone, tmp_path):
    """One that was deleted, and one that shows more than is wanted now."""
    run, fewer = finished(alone), alone | {"evaluate": {**alone["evaluate"], "extreme": {"enabled": False}}}
    again = run("--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr
    (tmp_path / "finished.yaml").write_text(yaml.safe_dump(fewer))
    assert set(planned(run("--dry-run"))) == {"archive", "all", "total"}
    (tmp_path / "finished.yaml").write_text(yaml.safe_dump(alone))
    (tmp_path / "results" / "report.zip").unlink()
    assert set(planned(run("--dry-run"))) == {"archive", "all", "total"}


def test_models_in_another_order_redraw_what_shows_them(finished, alone, tmp_path):
    models = {"fast": {"preset": "fast"}, "other": {"preset": "fast", "seed": 1}}
    run = finished(alone | {"models": models})
    turned = dict(reversed(models.items()))
    (tmp_path / "finished.yaml").write_text(yaml.safe_dump(alone | {"models": turned}, sort_keys=False))
    jobs = planned(run("--dry-run"))
    assert {"figure2", "diversity_sheet", "bland_altman", "paired_tests"} <= set(jobs) and "train" not in jobs
    # Their rows are in the order of the configuration.
    assert {"table3", "ablation", "subgroups", "models", "fidelity_table", "extreme_table"} <= set(jobs)


def test_an_option_of_the_report_rewrites_what_shows_it_alone(finished, tmp_path):
    content = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    content["datasets"] = {name: content["datasets"][name] for name in ("camus", "vscan")}
    run = finished(content)
    for changed, again in (
        ({"report": {"subgroups": False}}, set()),
        ({"report": {"validation_cases": 5}}, {"figure2"}),
        ({"evaluate": {"memory": {"max_flagged_share": 0.02}}}, {"memory_table"}),
        ({"datasets": {"vscan": {"scanner": "Another one"}}}, {"table1", "subgroups"}),
    ):
        (tmp_path / "finished.yaml").write_text(yaml.safe_dump(merge(content, changed), sort_keys=False))
        assert set(planned(run("--dry-run"))) - {"archive", "all", "total"} == again, changed


def test_a_missing_caption_ends_the_run_before_it_begins(run_snakemake, captions, tmp_path):
    (captions / "depth_gain.rst").unlink()
    result = run_snakemake(tmp_path, "--dry-run", "--snakefile", tmp_path / "Snakefile")
    assert result.returncode != 0
    assert "workflow/report/depth_gain.rst: expected a caption for the report, found no file" in result.stdout


def redraw_a_label_map_outside_the_folder(folder):
    (folder / "labels" / "a.png").write_bytes(b"redrawn")


def change_a_file_behind_a_link(folder):
    (folder / "elsewhere" / "b.dcm").write_bytes(b"another")


def add_a_label_map_of_no_image(folder):
    (folder / "labels" / "c.png").touch()


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (redraw_a_label_map_outside_the_folder, True),
        (change_a_file_behind_a_link, True),
        (add_a_label_map_of_no_image, False),
    ],
)
def test_what_ingest_looks_at_runs_it_again(run_snakemake, tmp_path, change, again):
    """After an ingest that is not run but noted as finished."""
    for place in ("images/a.dcm", "elsewhere/b.dcm", "labels/a.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    (tmp_path / "images" / "linked").symlink_to(tmp_path / "elsewhere")
    dataset = {"format": "dicom", "folder": "images", "label_pattern": "../labels/{stem}.png"}
    content = {"training_dataset": "clinic", "datasets": {"clinic": dataset}, "models": {"fast": {"preset": "fast"}}}
    (tmp_path / "clinic.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "results/data/clinic").mkdir(parents=True)
    for name in ("images.h5", "cases.parquet"):
        (tmp_path / "results/data/clinic" / name).touch()
    run = partial(run_snakemake, tmp_path, configuration=tmp_path / "clinic.yaml")
    assert run("--touch", "--forceall", "results/data/clinic/images.h5").returncode == 0
    change(tmp_path)
    result = run("--dry-run", "results/data/clinic/images.h5")
    assert result.returncode == 0 and ("Nothing to be done" in result.stdout + result.stderr) is not again


def test_a_missing_folder_is_named_by_ingest(run_snakemake, tmp_path):
    content = {
        "training_dataset": "camus",
        "datasets": {"camus": {"format": "camus", "folder": "no/such/folder"}},
        "models": {"fast": {"preset": "fast"}},
    }
    (tmp_path / "absent.yaml").write_text(yaml.safe_dump(content))
    result = run_snakemake(tmp_path, "--show-failed-logs", "--until", "ingest", configuration=tmp_path / "absent.yaml")
    assert result.returncode != 0
    assert re.search(r"echodiff: error: .*no/such/folder: expected", result.stdout + result.stderr)
