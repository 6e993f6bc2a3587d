"""The rules of the default run as Snakemake has them after reading the workflow, those that are made in loops too."""

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Rule:
    name: str
    shell: str  # the command before its braces are filled in, except for `{params.command}`; empty: none
    code: list[str] | None  # the parts of the package in the param `code`; None: there is none, or a function of it
    shown: list[list[str | None]]  # of outputs in the report: caption, heading, title; None: known after the run
    ordered: (
        bool  # whether the order of its inputs is among its params; not by a function of them, which is not recorded
    )
    looked_up: list[str]  # what the run function looks up when a job runs
    threads: int | None  # at most; None: a function says how many
    mem_mb: int | None  # None: the profile's default


@cache
def workflow_rules() -> dict[str, Rule]:
    """Rule name -> rule, read in a process of its own: Snakemake changes what it is imported into."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, __file__], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {rule["name"]: Rule(**rule) for rule in json.loads(done.stdout)}


def _rules() -> list[Rule]:
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

    from echodiff.store import source_code

    source_code.code_fingerprint = lambda *parts: parts  # before the workflow imports it
    settings = ConfigSettings(configfiles=[REPOSITORY / "config" / "config.yaml"])
    with SnakemakeApi(OutputSettings()) as api:
        workflow = api.workflow(ResourceSettings(cores=1), settings, snakefile=REPOSITORY / "Snakefile")
        return [_described(rule) for rule in workflow._workflow.rules]


def _described(rule) -> Rule:
    params, reports = dict(rule.params.items()), [path.flags.get("report") for path in rule.output]
    code = params.get("code")
    shown = [
        [Path(str(entry.caption)).stem, entry.category, None if callable(entry.labels) else entry.labels["What"]]
        for entry in reports
        if entry
    ]
    return Rule(
        name=rule.name,
        shell=(rule.shellcmd or "").replace("{params.command}", params.get("command", "")),
        code=list(code) if isinstance(code, tuple) else None,
        shown=shown,
        ordered=isinstance(params.get("order"), list),
        looked_up=list(rule.run_func.__code__.co_names),
        threads=_number(rule.resources["_cores"]),
        mem_mb=_number(rule.resources.get("mem_mb")),
    )


def _number(resource) -> int | None:
    value = getattr(resource, "value", resource)
    return value if isinstance(value, int) else None


if __name__ == "__main__":
    print(json.dumps([asdict(rule) for rule in _rules()]))
