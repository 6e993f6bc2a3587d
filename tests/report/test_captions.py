"""Captions are RST that Snakemake renders: a fault in one shows up on the report's front page."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils.core import publish_doctree
from docutils.utils import SystemMessage
from jinja2 import Environment, StrictUndefined
from typer.main import get_command
from workflow_rules import workflow_rules

from echodiff.report.command import app

FOLDER = Path(__file__).parents[2] / "workflow" / "report"
CAPTIONS = sorted(FOLDER.glob("*.rst"))
PHANTOM = {"format": "camus", "phantom": {"machine": "camus"}}
FILES = {"format": "camus", "folder": "x", "phantom": None}


def rendered(path, **datasets):
    """The text as Snakemake renders it, with the configuration of a run."""
    snakemake = SimpleNamespace(config={"datasets": datasets or {"camus": FILES}})
    return (
        Environment(undefined=StrictUndefined).from_string(path.read_text(encoding="utf-8")).render(snakemake=snakemake)
    )


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_caption_is_sound_rst(path):
    try:
        tree = publish_doctree(rendered(path), settings_overrides={"report_level": 1, "halt_level": 2})
    except SystemMessage as message:
        pytest.fail(str(message))
    assert tree.astext().strip()


def shown():
    """Caption, heading and title of every table and figure in the report."""
    return [tuple(entry) for rule in workflow_rules().values() for entry in rule.shown]


def test_every_caption_is_a_table_s_or_a_figure_s():
    assert {path.stem for path in CAPTIONS} == {caption for caption, *_ in shown()} | {"workflow"}


def test_every_command_of_the_report_has_the_caption_of_its_name():
    """A rule makes it, and shows it."""
    names = {command.name.replace("-", "_") for command in get_command(app).commands.values()}
    assert names == {caption for caption, *_ in shown()}


def test_the_report_s_headings_are_in_the_order_of_their_numbers():
    """Snakemake sorts them by their letters: ten would come before two."""
    headings = sorted({heading for _, heading, _ in shown()})
    assert [heading[:2] for heading in headings] == [f"{i} " for i in range(1, 9)]


def test_every_entry_of_the_report_has_a_title_of_its_own():
    titles = [title for *_, title in shown() if title]
    assert len(set(titles)) == len(titles) == len(shown()) - 1  # Table 2's is known after the run


def test_the_start_page_begins_with_the_phantoms_where_there_are_some():
    page = FOLDER / "workflow.rst"
    assert rendered(page, camus=FILES, vscan=PHANTOM).startswith("All images of datasets marked *(phantom)*")
    assert rendered(page, camus=FILES).startswith("Echocardiography images")
    assert "phantom" not in rendered(page, camus={"format": "camus", "folder": "x"})


def test_a_broken_link_would_be_found():
    with pytest.raises(SystemMessage):
        publish_doctree("See `nothing`_.", settings_overrides={"report_level": 1, "halt_level": 2})
