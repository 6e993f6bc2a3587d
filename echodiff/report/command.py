"""`echodiff report ...`: one table or figure from explicit files."""

import typer

from echodiff.report import figure_commands, table_commands

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Tables and figures.",
)
app.add_typer(table_commands.app)
app.add_typer(figure_commands.app)
