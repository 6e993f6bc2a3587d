"""The command line of the report: what its list of tables says of their modules, and that it starts without them."""

import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from inspect import signature

import pytest

from echodiff.report.inputs import KINDS
from echodiff.report.table_commands import TABLES

HEAVY = ("torch", "pandas", "matplotlib", "numpy")


@pytest.mark.parametrize("name", TABLES)
def test_a_module_has_what_the_list_of_tables_says(name):
    module = import_module(f"echodiff.report.{TABLES[name].module or name}")
    several = isinstance(module.COLUMNS, Mapping)
    assert not several or (set(module.COLUMNS) <= set(KINDS) and next(iter(module.COLUMNS)) == "pixel")
    for columns in module.COLUMNS.values() if several else [module.COLUMNS]:
        assert len(set(columns)) == len(columns) and all(isinstance(column, str) for column in columns)
    given = list(signature(getattr(module, name)).parameters)
    assert given[1:] == (["cases", "config"] if TABLES[name].cases else ["config"])


def test_names_and_help_of_the_commands_need_nothing_that_computes():
    code = f"import sys, echodiff.report.command; print(sorted({{*{HEAVY}}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n", done.stderr


def test_every_table_has_its_own_help(run_echodiff):
    """Commands are made in a loop: none may have the help or the table of the last."""
    listed = run_echodiff("report", "--help").stdout
    assert all(f"  {name.replace('_', '-')} " in listed for name in TABLES)
    helps = [" ".join(run_echodiff("report", name, "--help").stdout.split()) for name in ("table1", "table3")]
    assert TABLES["table1"].help in helps[0] and "CASES..." in helps[0] and "--cases" not in helps[0]
    assert TABLES["table3"].help in helps[1] and "METRICS..." in helps[1] and "--cases" in helps[1]
