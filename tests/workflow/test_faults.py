"""What goes wrong around a command: every command of the workflow, each fault in one sentence that names the file."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from warm import run_module

TO_LOG = re.compile(r"\s*(2>&1 \| \(trap '' TERM INT; exec tee \S+\)|> \S+ 2>&1)$")
KIB = 1024  # the most that a file may hold on a disk that is nearly full


@dataclass(frozen=True)
class Job:
    """One job of each rule, as Snakemake would start it in `folder`."""

    rule: str
    inputs: list[Path]
    outputs: list[Path]
    command: str
    folder: Path

    def run(self, file_bytes: int | None = None, **replaced: str) -> subprocess.CompletedProcess:
        """Run the command, its words with the names of `replaced` exchanged; file_bytes: the most in one file."""
        command = self.command
        for option, value in replaced.items():
            command, count = re.subn(rf"--{option} \S+", f"--{option} {value}", command, count=1)
            assert count, f"{self.rule}: expected --{option} in {self.command}"
        return run_module(*shlex.split(command), cwd=self.folder, file_bytes=file_bytes)


def read_jobs(folder: Path, plan: str) -> list[Job]:
    """The first job of each rule in the text of a dry run."""
    jobs: dict[str, Job] = {}
    for block in re.split(r"\n(?=(?:local)?rule )", plan)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1]
        command = re.search(r"^Shell command: (.*)$", block, flags=re.M)
        if command and command[1] != "None" and rule not in jobs:
            inputs, outputs = (_paths(block, word) for word in ("input", "output"))
            jobs[rule] = Job(rule, inputs, outputs, TO_LOG.sub("", command[1]), folder)
    return list(jobs.values())


def _paths(block: str, word: str) -> list[Path]:
    line = re.search(rf"^    {word}: (.*)$", block, flags=re.M)
    return [Path(path) for path in line[1].split(", ")] if line else []


@pytest.fixture(scope="module")
def jobs(small_run, run_snakemake, tmp_path_factory) -> list[Job]:
    """One job a rule over a copy of the small run, so that faults harm nobody else."""
    plan = run_snakemake(small_run, "--dry-run", "--printshellcmds", "--forceall").stdout
    folder = tmp_path_factory.mktemp("faults")
    shutil.copytree(small_run / "results", folder / "results")
    found = read_jobs(folder, plan)
    assert {"phantom", "ingest", "split", "train", "translate", "pixel", "table1"} <= {job.rule for job in found}
    return found


# One command of each stage, for the faults that every command meets alike.
STAGES = ("phantom", "ingest", "split", "train", "translate", "features", "frechet", "table1", "figure2")


def of_stages(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if job.rule in STAGES]


def complaints(jobs: list[Job], check: Callable[[Job], list[str]]) -> str:
    """What `check` says of the jobs, two of which run at a time."""
    with ThreadPoolExecutor(2) as pool:
        return "\n".join(
            f"{job.rule}: {text}" for job, said in zip(jobs, pool.map(check, jobs), strict=True) for text in said
        )


def fault(result: subprocess.CompletedProcess, names: list[str]) -> list[str]:
    """Complaints unless the command failed with one sentence that holds one of `names`."""
    sentences = [line for line in result.stderr.splitlines() if line.startswith("echodiff: error: ")]
    if result.returncode == 0 or "Traceback" in result.stderr:
        return [f"expected one sentence, found status {result.returncode} and {result.stderr[-1500:]}"]
    if len(sentences) != 1 or not any(name in sentences[0] for name in names):
        return [f"expected one sentence with one of {names}, found {sentences}"]
    return []


def content(folder: Path, paths: list[Path]) -> dict[Path, bytes]:
    files = [
        file
        for path in paths
        for file in ([folder / path] if (folder / path).is_file() else (folder / path).rglob("*"))
    ]
    return {file: file.read_bytes() for file in files if file.is_file()}


some_or_all = pytest.mark.parametrize(
    "chosen", [of_stages, pytest.param(list, marks=pytest.mark.slow)], ids=["stages", "all"]
)


@some_or_all
def test_a_full_disk_leaves_the_last_good_output(jobs, chosen):
    def check(job: Job) -> list[str]:
        before = content(job.folder, job.outputs)
        result = job.run(file_bytes=KIB)
        if max(map(len, before.values())) <= KIB:
            return []
        changed = content(job.folder, job.outputs) != before
        return fault(result, ["results/"]) + (["its last good output is no longer there"] if changed else [])

    said = complaints(chosen(jobs), check)
    assert not said, said


def test_without_a_folder_for_temporary_files_nothing_begins(jobs):
    said = complaints(jobs[:2], lambda job: fault(job.run(file_bytes=0), ["TMPDIR"]))
    assert not said, said


@some_or_all
def test_a_folder_that_cannot_be_made_is_named(jobs, chosen):
    (jobs[0].folder / "blocked").touch()

    def check(job: Job) -> list[str]:
        return fault(job.run(output=f"blocked/output{job.outputs[0].suffix}"), ["blocked"])

    said = complaints(chosen(jobs), check)
    assert not said, said


@some_or_all
def test_an_input_cut_short_is_named(jobs, chosen):
    """The damaged file is a copy, the first of each kind that a rule reads."""

    def check(job: Job) -> list[str]:
        kinds = {path.suffix: path for path in reversed(job.inputs) if (job.folder / path).is_file()}
        said = []
        for path in kinds.values():
            damaged = job.folder / "damaged" / job.rule / path.name
            damaged.parent.mkdir(parents=True, exist_ok=True)
            whole = (job.folder / path).read_bytes()
            damaged.write_bytes(whole[: len(whole) // 2])
            command = re.sub(rf"(?<!\S){re.escape(str(path))}(?!\S)", str(damaged), job.command)
            other = Job(job.rule, job.inputs, job.outputs, command, job.folder)
            said += fault(other.run(), [str(damaged)])
        return said

    said = complaints(chosen(jobs), check)
    assert not said, said
