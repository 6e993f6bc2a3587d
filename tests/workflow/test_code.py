"""Every rule names the code that its command runs, so that a change of the code runs the rule again."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from workflow_rules import workflow_rules

from echodiff.cli import COMMANDS
from echodiff.report.table_commands import TABLES

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "echodiff"
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


# Rule -> parts that its function names where its param `code` is one.
CHOSEN = {"ingest": ["labels.py", "ingest", "segment"]}


@cache
def rules() -> dict[str, tuple[frozenset[str], str]]:
    """Rule -> the parts of the package that it names, and its command; of rules that call the package."""
    found = {}
    for name, rule in workflow_rules().items():
        command = re.search(r"^(?:echodiff lease .*-- )?echodiff ([\w-]+(?: (?!-)[\w-]+)?)", rule.shell)
        if command:
            parts = rule.code or CHOSEN.get(name)
            assert parts, f"rule {name}: expected the param `code`, found none"
            found[name] = (frozenset(parts), command[1])
    assert {"train", "use_table", "figure2", "table2"} <= set(found)
    return found


def of_report() -> dict[str, str]:
    """Rule -> command, of the report's."""
    return {rule: command for rule, (_, command) in rules().items() if command.startswith("report ")}


def left_out_of(rule: str) -> dict[str, str]:
    """A rule that is another with other files (`use rule pixel as pixel_of_trivial`) leaves out the same."""
    return LEFT_OUT.get(rule.split("_of_")[0], {})


def function_of(command: str) -> ast.AST:
    """The code behind a subcommand, parsed."""
    stage, _, inner = command.partition(" ")
    module, function, _ = COMMANDS[stage]
    if stage == "report":
        return function_of_report(inner.replace("-", "_"))
    return function_in(module, inner.replace("-", "_") if function == "app" else function)


def function_of_report(name: str) -> ast.AST:
    """One of the functions; or what is run for a table of TABLES, with the table's module."""
    tables, figures = "echodiff.report.table_commands", "echodiff.report.figure_commands"
    if name not in TABLES:
        return function_in(tables, name) or function_in(figures, name)
    imports = ast.parse(f"from echodiff.report import {TABLES[name].module or name}")
    return ast.Module([function_in(tables, "write_table"), *imports.body], [])


def function_in(module: str, name: str) -> ast.FunctionDef | None:
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


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


def test_every_rule_names_the_code_that_its_command_runs():
    metrics = {part for rule, (parts, _) in rules().items() if rule not in of_report() for part in parts}
    missing = {}
    for rule, (named, command) in rules().items():
        left_out = {*NEVER, *left_out_of(rule)}
        if rule in of_report():
            left_out |= {part for part in metrics if part.startswith((METRICS, "ingest"))} - named
        missing[rule] = sorted(name for name in reached(function_of(command), left_out) if not within(name, named))
    assert not {rule: names for rule, names in missing.items() if names}, "expected in `code`, or in LEFT_OUT"


def functions_used(command: str) -> set[str]:
    """Files of metrics of which modules of the report take a function, which is computed with, not a name."""
    found = set()
    for name in reached(function_of(command), {*NEVER, METRICS}):
        for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))):
            of_metrics = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"echodiff.{METRICS}.")
            if of_metrics and any(alias.name.islower() for alias in node.names):
                found.add(file_of(node.module).relative_to(PACKAGE).as_posix())
    return found


def test_every_table_names_the_metrics_that_it_computes_itself():
    """What its inputs alone are made by runs it again anyway, as they are made anew."""
    missing = {
        rule: [name for name in functions_used(command) if not within(name, rules()[rule][0])]
        for rule, command in of_report().items()
    }
    assert not {rule: names for rule, names in missing.items() if names}


def test_rows_follow_the_order_of_the_configuration():
    """Snakemake compares the inputs of a rule as a set: models in another order alone would run no table again."""
    assert {name for name in of_report() if not workflow_rules()[name].ordered} == {"kept"}  # a picture a dataset


def test_no_rule_names_code_that_is_not_there():
    absent = {rule: [part for part in parts if not (PACKAGE / part).exists()] for rule, (parts, _) in rules().items()}
    assert not {rule: parts for rule, parts in absent.items() if parts}


def test_no_shell_command_takes_the_variable_of_a_loop():
    """Snakemake looks at the text of `shell` once more when a job runs: every rule of the loop would have its last."""
    looked_up = {rule.name: rule.looked_up for rule in workflow_rules().values() if rule.shell}
    assert not {rule: names for rule, names in looked_up.items() if not set(names) <= {"shell", "SHOWN_TOO"}}
