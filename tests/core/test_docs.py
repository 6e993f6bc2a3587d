"""The commands that README and docs show, against the command line."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from echodiff.cli import app

PAGES = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]


def _commands(text):
    """Lines of code that call echodiff, continued lines joined, brackets of optional parts taken away."""
    text = text.replace("\\\n", " ")
    for line in re.findall(r"^(?: {4,})?(echodiff .*)$", text, re.MULTILINE):
        yield re.sub(r"[\[\]]", "", line)


def _parse(words):
    """The command that the words name, and the options that they give it."""
    command = typer.main.get_command(app)
    while hasattr(command, "get_command"):
        command = command.get_command(typer.Context(command), words.pop(0))
        assert command is not None
    return command, [word for word in words if word.startswith("--")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_the_docs_exist_with_their_options(page):
    for line in _commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True)[1:]
        assert "echodiff" not in words, f"{page}: two commands in one line: {line}"
        command, options = _parse(words)
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert set(options) <= known, f"{page}: {line}"
