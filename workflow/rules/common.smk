"""The checked configuration, and what the rules ask of it."""

import json
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from echodiff.config import write_config
from echodiff.config.load import parse_config
from echodiff.config.root import REAL
from echodiff.config.root import TRIVIAL as TRIVIAL_TRANSLATORS
from echodiff.errors import EchodiffError
from echodiff.evaluate.names import INCEPTION
from echodiff.store.source_code import code_fingerprint


def checked_configuration():
    """The configuration after all files and `--config` of the command line; what is wrong in it ends the run here."""
    files = [*map(str, workflow.configfiles), *(["--config"] if workflow.config_settings.config else [])]
    origin = " + ".join(files) or "configuration"
    try:
        checked = parse_config(config, origin=origin)
        checked.refuse_absent_files()
        return checked
    except EchodiffError as error:
        raise WorkflowError(str(error)) from None


options = checked_configuration()

# Every command reads the checked configuration from this file, named after its content.
config_file = write_config(options, Path(options.pathvars.results, "config"))

MODELS = list(options.models)
DATASETS = list(options.datasets)
# Datasets with label maps; without them nothing is drawn.
LABELLED = options.labelled_datasets
SOURCES = options.source_datasets
TRAINING = options.training_dataset
# Translators without a model, judged like models.
TRIVIAL = list(TRIVIAL_TRANSLATORS) if options.evaluate.trivial and SOURCES else []
PREDICTED = options.predicted_datasets
TITLES = {name: options.title_of(name) for name in DATASETS}
SCANNERS = {name: dataset.scanner for name, dataset in options.datasets.items()}
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


def section(value, without=()):
    """A part of the configuration as plain values, for `params`: a change of it reruns the rule.

    Keys that the rule's command does not read are left out by `without`.
    """
    return value.model_dump(mode="json", exclude=set(without))


def code(*parts):
    """A hash of the code and tables of these parts of the package, without comments and docstrings, for `params`.

    Snakemake sees changes of a rule, not of the command that it calls. Which parts a rule has to name, a test tells
    (tests/workflow/test_code.py); the structures' numbers are everybody's.
    """
    return code_fingerprint("labels.py", *parts)


# What says whose image is whose, wherever intervals and tests count patients.
COUNTING = ["evaluate/patients.py", "split/twins.py"]


# Into the log and onto the screen. What ends a job signals `tee` as well, which has to pass on the command's last words.
SHOWN_TOO = "2>&1 | (trap '' TERM INT; exec tee {log})"


def results_folder():
    return options.pathvars.results
