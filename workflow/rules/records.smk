"""Results that Snakemake has no records of: they count as up to date whatever the options, which is said once a run."""

import base64
import sys


def recorded(path):
    """Whether `.snakemake/` knows the path, as it is written, as a finished or an unfinished output."""
    name = base64.urlsafe_b64encode(path.encode()).decode()
    longest = os.pathconf(".", "PC_NAME_MAX") - 1  # longer names are cut into folders
    parts = [name[start : start + longest] for start in range(0, len(name), longest)]
    parts = [*(f"@{part}" for part in parts[:-1]), parts[-1]]
    return any(Path(".snakemake", kind, *parts).is_file() for kind in ("metadata", "incomplete"))


def without_records():
    """The first results that lie there, if none of them has a record. A few files tell: all rules write theirs alike."""
    outputs = [f"{results_folder()}/data/{dataset}/images.h5" for dataset in DATASETS]
    outputs += [f"{results_folder()}/models/{model}/generator.pt" for model in MODELS]
    there = [path for path in outputs if Path(path).is_file()]
    return "" if any(map(recorded, there)) else next(iter(there), "")


# Jobs read the workflow too; `--touch` makes the records; a database has them elsewhere.
records_count = (
    workflow.is_main_process
    and not {"--touch", "-t"} & set(sys.argv)
    and workflow.workflow_settings.persistence_backend.name == "FILE"
)
if records_count and (unrecorded := without_records()):
    print(
        f"{unrecorded}: expected Snakemake's records of this run's results in {Path('.snakemake').absolute()}, "
        "found none of them, so that results made under another path or from another folder count as up to date "
        "whatever the options; start where they were made with the path as it was written, choose another "
        "`pathvars: {results: FOLDER}`, or run with --forceall (config/README.md)",
        file=sys.stderr,
    )
