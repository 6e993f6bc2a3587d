"""Captions are RST that Snakemake renders: a fault in one shows up on the report's front page."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils.core import publish_doctree
from docutils.utils import SystemMessage
from jinja2 import Environment, StrictUndefined

FOLDER = Path(__file__).parents[2] / "workflow" / "report"
CAPTIONS = sorted(FOLDER.glob("*.rst"))
RULES = FOLDER.parent / "rules"
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


def test_every_table_and_figure_has_a_caption():
    captions = {path.stem for path in CAPTIONS}
    listed = {caption for caption, *_ in shown().values()} | {"workflow", "kept"}
    assert captions == listed


def shown():
    """Table or figure -> caption, category and title, as the rules list them."""
    text = (RULES / "shown.smk").read_text(encoding="utf-8")
    names = dict(re.findall(r'^([A-Z]+) = "(.*)"$', text, flags=re.M))
    listed = re.search(r"^SHOWN = (\{.*?^\})", text, flags=re.M | re.S)[1]
    return eval(listed, {**names, "distance_name": None})


def test_the_report_s_headings_are_in_the_order_of_their_numbers():
    """Snakemake sorts them by their letters: ten would come before two."""
    headings = list(dict.fromkeys(category for _, category, _ in shown().values()))
    assert headings == sorted(headings) and [heading[:2] for heading in headings] == [f"{i} " for i in range(1, 9)]


def test_every_entry_of_the_report_has_a_title_of_its_own():
    titles = [title for _, _, title in shown().values() if title]
    assert len(set(titles)) == len(titles) == len(shown()) - 1  # Table 2's is known after the run


def test_every_table_and_figure_of_the_rules_is_listed():
    text = (RULES / "report.smk").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:table_files|figure_file)\("(\w+)"', text)) == set(shown())


def test_the_start_page_begins_with_the_phantoms_where_there_are_some():
    page = FOLDER / "workflow.rst"
    assert rendered(page, camus=FILES, vscan=PHANTOM).startswith("All images of datasets marked *(phantom)*")
    assert rendered(page, camus=FILES).startswith("Echocardiography images")
    assert "phantom" not in rendered(page, camus={"format": "camus", "folder": "x"})


def test_a_broken_link_would_be_found():
    with pytest.raises(SystemMessage):
        publish_doctree("See `nothing`_.", settings_overrides={"report_level": 1, "halt_level": 2})
