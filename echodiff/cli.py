"""The console command `echodiff`: one subcommand a stage, each of which reads and writes explicit files.

Every stage's `command.py` is imported only when its subcommand is called, so that `echodiff --help` and the
small commands do not wait for torch.
"""

import importlib
import sys
import tempfile
import traceback
from typing import NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from echodiff import __version__
from echodiff.devices.launch import end, leave_sentence
from echodiff.errors import EchodiffError
from echodiff.standard_output import flush_output, give_up_output, tell_of_output
from echodiff.store.atomic import writing

# Subcommand -> (module, its typer app or function, one line of help).
COMMANDS: dict[str, tuple[str, str, str]] = {
    "check": ("echodiff.ingest.check.command", "check", "Look through a folder of unknown content before a run."),
    "phantom": ("echodiff.phantom.command", "phantom", "Write a phantom dataset as the files of a scanner."),
    "ingest": ("echodiff.ingest.command", "ingest", "Read scanner files into an image set and a case table."),
    "shape-model": ("echodiff.ingest.command", "shape_model", "Learn the shape model that completes label maps."),
    "variants": ("echodiff.ingest.variants.command", "variants", "Draw label maps that fit a left ventricle."),
    "split": ("echodiff.split.command", "split", "Divide patients into training and validation."),
    "segmenter": ("echodiff.segment.command", "segmenter", "Train a segmenter on the training dataset."),
    "train": ("echodiff.train.command", "train", "Train a model."),
    "translate": ("echodiff.translate.command", "translate", "Redraw an image set in the training data's style."),
    "export": ("echodiff.export.command", "export", "Write image sets as NIfTI, PNG, DICOM or for nnU-Net."),
    "evaluate": ("echodiff.evaluate.command", "app", "Metrics of synthetic images."),
    "report": ("echodiff.report.command", "app", "Tables and figures."),
    "lease": ("echodiff.devices.command", "lease", "Run a command on free GPUs of this machine."),
    "config": ("echodiff.config.command", "app", "Check a configuration, print its schema and defaults."),
}


class LazyGroup(TyperGroup):
    """A group whose subcommands are imported when they are needed."""

    def list_commands(self, ctx: typer.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        target = getattr(importlib.import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            target = _single(target, cmd_name)
        command = get_command(target)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: typer.Context, formatter) -> None:
        with formatter.section("Stages and tools"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


def _single(function, name: str) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings = getattr(function, "context_settings", None)
    app.command(name, context_settings=settings)(function)
    return app


app = typer.Typer(
    cls=LazyGroup, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _print_version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit()


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Echocardiography images redrawn in another scanner's style, from raw files to the paper's tables."""


def main() -> None:
    """Entry point; a user's error becomes one line on standard error and exit status 1."""
    try:
        with writing("the folder of temporary files (TMPDIR)"):
            tempfile.gettempdir()  # which libraries ask for, in places where nobody could explain the failure
        _run()
    except EchodiffError as error:
        if not leave_sentence(str(error)):
            print(f"echodiff: error: {error}", file=sys.stderr)
        _fail()
    except BrokenPipeError:
        _fail()
    except Exception:
        traceback.print_exc()
        _fail()


def _fail() -> NoReturn:
    give_up_output()
    end(1)


def _run() -> None:
    """Run the command; what it printed is written before its end counts as a good one."""
    tell_of_output()
    try:
        app()
    except SystemExit:  # typer's end of every command
        flush_output()
        raise
