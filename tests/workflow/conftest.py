"""The workflow as a user starts it, in a folder of its own."""

import subprocess
from pathlib import Path

import pytest
from warm import run_module

REPOSITORY = Path(__file__).parents[2]
SMALL = Path(__file__).with_name("small.yaml")


@pytest.fixture(scope="session")
def run_snakemake():
    """Call Snakemake in a process of its own; the results lie below `folder`."""

    def run(folder: Path, *arguments: object, configuration: Path | list[Path] = SMALL) -> subprocess.CompletedProcess:
        files = configuration if isinstance(configuration, list) else [configuration]
        words = ["--snakefile", REPOSITORY / "Snakefile", "--cores", "2"]
        words += ["--directory", folder, "--workflow-profile", "none"]
        words += [*(["--configfile", *files] if files else []), *arguments]
        return run_module("snakemake", *words, timeout=1200)

    return run


@pytest.fixture(scope="session")
def small_run(run_snakemake, tmp_path_factory) -> Path:
    """The folder of a finished small run."""
    folder = tmp_path_factory.mktemp("run")
    result = run_snakemake(folder, "--show-failed-logs")
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-8000:]
    return folder
