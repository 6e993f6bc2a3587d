"""Every rule names the code that its command runs, so that a change of the code runs the rule again."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from echodiff.cli import COMMANDS

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "echodiff"
EVERYBODYS = {"labels.py"}  # `code` adds it to every rule's
# What no rule names, and why.
NEVER = {
    "config": "options stand in the rule's other params",
    "errors.py": "what is said of an error",
    "progress.py": "what is said meanwhile",
    "store": "how files are written and read, whatever is in them",
    "devices": "where is computed, not what",
}
MADE_BEFORE = "computes the features, which the rule takes as inputs: a change makes them anew"
FEATURES = dict.fromkeys(
    (f"evaluate/{name}.py" for name in ("features", "extractors", "weights", "names", "torchvision_ops", "polar")),
    MADE_BEFORE,
)
# What a rule leaves out of its list, and why.
LEFT_OUT = {
    "frechet": FEATURES,
    "memory": FEATURES,
    "diversity": FEATURES,
    "train": {"report": "pictures of samples, of no weight", "evaluate": "a distance to look at, of no weight"},
    "variants": {"segment": "draws labels that are missing; a case has variants for its own labels alone"},
}
METRICS = "evaluate"  # a table of the report takes names from the modules whose rules made its inputs


@cache
def workflow() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "workflow").glob("rules/*.smk")))


@cache
def rules() -> dict[str, tuple[frozenset[str], str]]:
    """Rule -> the parts of the package that it names, and its command; of rules that call the package."""
    lists = re.findall(r"^([A-Z]+) = (\[[^\]]*\])$", workflow(), flags=re.M)
    names = {name: eval(text) for name, text in lists if name in ("COUNTING", "DRAWING", "EXTRACTORS")}
    found = {}
    for name, block in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", workflow(), flags=re.M | re.S):
        command = re.search(r'"echodiff (?!lease)([\w-]+(?: (?!-)[\w-]+)?)', block)
        if command:
            parts = re.search(r"^        code=(.*?),\n(?=    \S|        \w+=)", block, flags=re.M | re.S)
            assert parts, f"rule {name}: expected the param `code`, found none"
            text = parts[1] if parts[1] != "ingest_code" else 'code("ingest", "segment")'
            found[name] = (frozenset(eval(text, {"code": lambda *listed: listed, **names})), command[1])
    return found


def function_of(command: str) -> ast.AST:
    """The function behind a subcommand, parsed."""
    stage, _, inner = command.partition(" ")
    module, function, _ = COMMANDS[stage]
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    wanted = inner.replace("-", "_") if function == "app" else function
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == wanted)


def file_of(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def imported_by(name: str) -> list[Path]:
    return list(imported(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))))


def imported(tree: ast.AST) -> Iterator[Path]:
    """Files of the package that the code imports, also inside its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("echodiff"):
            for alias in node.names:
                yield file_of(f"{node.module}.{alias.name}") or file_of(node.module)


def reached(tree: ast.AST, without: set[str]) -> set[str]:
    """All files that the code imports directly or through others, none of `without` and none through these."""
    waiting, seen = list(imported(tree)), set()
    while waiting:
        name = waiting.pop().relative_to(PACKAGE).as_posix()
        if name not in seen and not within(name, without):
            seen.add(name)
            waiting += imported_by(name)
    return seen


def within(name: str, parts: set[str]) -> bool:
    return any(name == part or name.startswith(f"{part}/") for part in parts)


@pytest.mark.parametrize("rule", rules())
def test_a_rule_names_the_code_that_its_command_runs(rule):
    named, command = rules()[rule]
    left_out = {*NEVER, *LEFT_OUT.get(rule, {})}
    if command.startswith("report"):
        metrics = {part for parts, other in rules().values() if not other.startswith("report") for part in parts}
        left_out |= {part for part in metrics if part.startswith((METRICS, "ingest"))} - named
    missing = {name for name in reached(function_of(command), left_out) if not within(name, named | EVERYBODYS)}
    assert not missing, f"rule {rule}: expected {sorted(missing)} in its `code(...)`, or in LEFT_OUT with the reason"


def functions_used(command: str) -> set[str]:
    """Files of metrics of which modules of the report take a function, which is computed with, not a name."""
    found = set()
    for name in reached(function_of(command), {*NEVER, METRICS}):
        for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))):
            of_metrics = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"echodiff.{METRICS}.")
            if of_metrics and any(alias.name.islower() for alias in node.names):
                found.add(file_of(node.module).relative_to(PACKAGE).as_posix())
    return found


@pytest.mark.parametrize("rule", [rule for rule, (_, command) in rules().items() if command.startswith("report")])
def test_a_table_names_the_metrics_that_it_computes_itself(rule):
    """What its inputs alone are made by runs it again anyway, as they are made anew."""
    named, command = rules()[rule]
    missing = {name for name in functions_used(command) if not within(name, named)}
    assert not missing, f"rule {rule}: expected {sorted(missing)} in its `code(...)`"


@pytest.mark.parametrize("rule", rules())
def test_a_rule_names_no_code_that_is_not_there(rule):
    assert not [part for part in rules()[rule][0] if not (PACKAGE / part).exists()]
