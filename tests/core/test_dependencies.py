"""What is imported is declared in pyproject.toml, and what is declared is used."""

import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
IMPORT = re.compile(r"^\s*(?:import|from(?= [\w.]+ import )) (\w+)", flags=re.M)
OWN = {"echodiff", "tests"} | {path.stem for path in (REPOSITORY / "tests").rglob("*.py")}
# Modules that are not named like the distribution that brings them.
BROUGHT_BY = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "gdcm": "python-gdcm",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
# Used without an import that names them, and why.
NOT_IMPORTED = {
    "torchvision": "loaded by name in echodiff/evaluate/torchvision_ops.py",
    "pyarrow": "pandas reads and writes Parquet with it",
    "tensorboard": "torch.utils.tensorboard writes with it",
    "snakemake": "the command, and what the workflow imports",
    "pydicom-data": "pydicom finds its files by name",
    "pyjpegls": "pydicom encodes JPEG-LS with it",
    "pytest-timeout": "a plugin",
    "pytest-xdist": "a plugin",
    "ruff": "a command",
    "snakefmt": "a command",
    "snakemake-executor-plugin-slurm": "a plugin",
}


@cache
def declared(*extras: str) -> set[str]:
    """Distributions that the package needs, and those of its extras besides."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])
    return {re.match(r"[\w-]+", line)[0].lower() for line in lines}


@cache
def imported(folder: str) -> set[str]:
    """Distributions of other projects that the Python files of the folder import."""
    modules = {name for path in (REPOSITORY / folder).rglob("*.py") for name in IMPORT.findall(path.read_text("utf-8"))}
    assert "numpy" in modules
    return {BROUGHT_BY.get(name, name.lower().replace("_", "-")) for name in modules - sys.stdlib_module_names - OWN}


@pytest.mark.parametrize(("folder", "extras"), [("echodiff", ()), ("benchmarks", ()), ("tests", ("test",))])
def test_what_is_imported_is_declared(folder, extras):
    """What another package alone brings can go with that one's next release."""
    assert not imported(folder) - declared(*extras)


def test_what_is_declared_is_used():
    used = imported("echodiff") | imported("tests")
    assert declared("test") == used | set(NOT_IMPORTED)
