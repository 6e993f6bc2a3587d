"""The fingerprint of the package's code: what changes it, and what does not."""

import pytest

from echodiff.store import source_code

# Of all kinds of statement whose trees differ between versions of Python: functions, classes, calls, f-strings, None.
SOURCE = '''
"""A module."""
import numpy as np

class Half(Base, frozen=True):
    """Half of it."""

    rate: float = 0.5

    def of(self, x, *rest, unit=None, **more):
        """Half of x."""
        return f"{x * self.rate:.1f} {unit}" if x else [*rest, None, {**more}]  # a comment

def both(first, /): return lambda second: (first, [second for second in first if second], ...)
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of one folder `part`: writes a file in it and gives the folder's fingerprint."""
    monkeypatch.setattr(source_code, "PACKAGE", tmp_path)
    (tmp_path / "part").mkdir()

    def write(content: str, name: str = "code.py") -> str:
        (tmp_path / "part" / name).write_text(content)
        source_code._content_of.cache_clear()
        return source_code.code_fingerprint("part")

    return write


def test_every_python_has_the_same_fingerprint(package):
    """Found with Python 3.11 and 3.13: another Python is no reason to train again."""
    assert package(SOURCE) == "031b42b385fa"


def test_code_and_tables_change_it_and_words_do_not(package):
    first = package(SOURCE)
    assert package(SOURCE.replace("# a comment", "").replace("Half of x.", "x / 2.")) == first
    assert package(SOURCE.replace("0.5", "0.25")) != first
    package(SOURCE)
    with_table = package("dataset,mean\nvscan,1\n", "published.csv")
    assert len({first, with_table, package("dataset,mean\nvscan,2\n", "published.csv")}) == 3


def test_a_folder_without_code_is_an_error(package, tmp_path):
    (tmp_path / "part" / "published.csv").touch()
    with pytest.raises(FileNotFoundError, match="part: expected Python code, found none"):
        source_code.code_fingerprint("part")


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("return x / 2", "return x / 3"),
        ("return x / 2", "return x // 2"),
        ("steps: int = 3", "steps: int = None"),
        ('["a"]', '["b"]'),
        ("1.0", "1"),
        ("x > 1.0 and steps", "x > 1.0 or steps"),
        ("    return {", "        return {"),
    ],
    ids=["number", "operator", "default", "text", "type", "logic", "place"],
)
def test_every_change_of_the_code_changes_it(package, code, other):
    source = """
def half(x: float, *, steps: int = 3) -> float:
    if x > 1.0 and steps:
        "at once"
        return x / 2
    return {"a": x}["a"]
"""
    assert package(source.replace(code, other)) != package(source)
    assert package(source.replace("at once", "in a moment")) == package(source)


def test_each_file_is_read_once(monkeypatch):
    """A run asks for the parts of every rule, which overlap: reading them anew took most of a plan's time."""
    folders, read = ("ingest", "report", "evaluate", "train"), []
    monkeypatch.setattr(source_code, "_dump", lambda tree: read.append(tree) or "")
    source_code._content_of.cache_clear()
    for _ in range(2):
        source_code.code_fingerprint(*folders)
    source_code._content_of.cache_clear()
    files = [path for folder in folders for path in (source_code.PACKAGE / folder).rglob("*.py")]
    assert len(read) == len(files) > 128
