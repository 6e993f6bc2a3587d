"""What the commands of tables and figures have in common on the command line."""

import typer

ConfigFiles = typer.Option(
    ..., "--config", help="Configuration file; may be repeated, later files override earlier ones."
)
Stem = typer.Option(..., "--output", help="Path without ending; .csv, .html and .tex are written.")
Picture = typer.Option(..., "--output", help="PNG.")
CaseTables = typer.Argument(..., metavar="CASES...", help="Case tables, cases.parquet, of the datasets.")
Metrics = typer.Argument(..., metavar="METRICS...", help="Tables of the metric, of all datasets and models.")
ScoreFiles = typer.Argument(
    ..., metavar="METRICS...", help="Tables of pixel metrics, and of mask fidelity where there are."
)
AllMetrics = typer.Argument(..., metavar="METRICS...", help="Tables of every metric, of all datasets and models.")
LabelSources = typer.Option(..., "--cases", help="Case table, cases.parquet, of each dataset; repeat for each.")
