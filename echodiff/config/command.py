"""`echodiff config ...`: check a configuration, print its defaults, its JSON schema and the manual's tables."""

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from echodiff.config import load_config

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Files = Annotated[list[Path], typer.Argument(help="Configuration files; later ones override earlier ones.")]


@app.command()
def check(files: Files) -> None:
    """Check a configuration and print it with all defaults filled in."""
    options = load_config(files)
    options.refuse_absent_files()
    print(yaml.safe_dump(options.model_dump(mode="json"), sort_keys=False), end="")


@app.command()
def schema() -> None:
    """Print the JSON schema, for editors that validate YAML as you type."""
    from echodiff.config.root import Config

    print(json.dumps(Config.model_json_schema(), indent=2))


@app.command()
def manual(
    readme: Annotated[
        Path | None,
        typer.Option(help="File whose tables between the markers are updated; without it they are printed."),
    ] = None,
) -> None:
    """Print the manual's tables of keys."""
    from echodiff.config import manual as tables

    if readme is None:
        print(tables.manual())
    else:
        readme.write_text(tables.in_readme(readme.read_text(encoding="utf-8")), encoding="utf-8")
