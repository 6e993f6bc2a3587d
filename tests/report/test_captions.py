"""Captions are RST that Snakemake renders: a fault in one shows up on the report's front page."""

from pathlib import Path

import pytest
from docutils.core import publish_doctree
from docutils.utils import SystemMessage
from jinja2 import Environment, StrictUndefined

FOLDER = Path(__file__).parents[2] / "workflow" / "report"
CAPTIONS = sorted(FOLDER.glob("*.rst"))


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_caption_is_sound_rst(path):
    text = Environment(undefined=StrictUndefined).from_string(path.read_text(encoding="utf-8")).render()
    try:
        tree = publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 2})
    except SystemMessage as message:
        pytest.fail(str(message))
    assert tree.astext().strip()


def test_every_table_and_figure_has_a_caption():
    expected = {"workflow", "rejects", *(f"table{i}" for i in (1, 2, 3)), *(f"figure{i}" for i in (2, 3, 4))}
    assert expected <= {path.stem for path in CAPTIONS}


def test_a_broken_link_would_be_found():
    with pytest.raises(SystemMessage):
        publish_doctree("See `nothing`_.", settings_overrides={"report_level": 1, "halt_level": 2})
