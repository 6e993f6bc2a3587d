"""The checked configuration, and what the rules ask of it."""

import ast
import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from echodiff.config import write_config
from echodiff.config.load import parse_config
from echodiff.errors import EchodiffError


def checked_configuration():
    """The configuration after all files and `--config` of the command line; a wrong key ends the run here."""
    origin = " + ".join(map(str, workflow.configfiles)) or "configuration"
    try:
        return parse_config(config, origin=origin)
    except EchodiffError as error:
        raise WorkflowError(str(error)) from None


options = checked_configuration()

# Every command reads the checked configuration from this file, named after its content.
config_file = write_config(options, Path(options.pathvars.get("results", "results"), "config"))

MODELS = list(options.models)
DATASETS = list(options.datasets)
SOURCES = options.source_datasets
TRAINING = options.training_dataset
# Translators without a model, judged like models.
TRIVIAL = ["resector", "resector_histogram", "nearest_mask", "label_paint"] if options.evaluate.trivial else []
PREDICTED = options.predicted_datasets
PHANTOMS = [name for name, dataset in options.datasets.items() if dataset.phantom]


wildcard_constraints:
    dataset="|".join(DATASETS),
    model="|".join(MODELS),


def configuration(wildcards, resources):
    """The file of the checked configuration, for `params`.

    As a function of `resources` it makes Snakemake rerun nothing when it changes: what a rule depends on stands in
    its other params, so that a changed option reruns only what it concerns.
    """
    return config_file


def half_the_cores(most):
    """Threads of a short job that torch computes: half of the cores here, at most `most`, as many on a cluster.

    A second thread brings such a job less than a second job beside it, whose reading and starting it then hides.
    """
    if workflow.remote_exec or not workflow.local_exec:
        return most
    cores = workflow.resource_settings.cores or 1  # none in a dry run that names no number
    return max(1, min(most, cores // 2))


def section(value):
    """A part of the configuration as plain values, for `params`: a change of it reruns the rule."""
    return value.model_dump(mode="json")


def code(*parts):
    """A hash of the code of these folders and files of the package, without comments and docstrings, for `params`.

    Snakemake sees changes of a rule, not of the command that it calls.
    """
    package = Path(importlib.util.find_spec("echodiff").origin).parent
    files = [path for part in parts for path in _python_files(package / part)]
    return hashlib.sha256("".join(map(_code_of, files)).encode()).hexdigest()[:12]


def _python_files(path):
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    if not files:
        raise WorkflowError(f"{path}: expected Python code that a rule depends on, found none")
    return files


@lru_cache
def _code_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def results_folder():
    return options.pathvars.get("results", "results")
