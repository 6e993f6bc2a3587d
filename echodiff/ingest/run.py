"""From a folder of files to an image set and a case table: every case is read, and none is lost."""

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference
from echodiff.ingest.case_table.reasons import Kind, by_kind
from echodiff.ingest.case_table.row import rejected_row
from echodiff.ingest.case_table.table import case_table
from echodiff.ingest.completion.complete import read_completion
from echodiff.ingest.frame import FittedFrame
from echodiff.ingest.identity.names import PUBLIC_KEY, Names, default_key_file, read_or_make_key
from echodiff.ingest.labels.predicted import read_predictor
from echodiff.ingest.processes.journal import Journal
from echodiff.ingest.processes.work import CaseResult, CaseWork
from echodiff.ingest.processes.workers import Lost, results_of
from echodiff.ingest.readers import reader_of
from echodiff.progress import track
from echodiff.store.image_set import new_image_set
from echodiff.store.provenance import provenance
from echodiff.store.table import write_table

REASONS_SHOWN = 5
JOURNAL = ".unfinished"  # in the output's folder while a run is going on


def ingest_dataset(
    name: str,
    dataset: Dataset,
    image: Image,
    source: Path,
    output: Path,
    *,
    shape_model: Path | None = None,
    segmenter: Path | None = None,
    processes: int = 1,
) -> dict[str, int]:
    """Read a dataset's folder into `output`/images.h5 and `output`/cases.parquet, both sorted by case id.

    With `processes` of 0 cases are read in this process, where one that crashes its decoder ends the run.

    Returns:
        The numbers of "kept" and "rejected" cases.

    Raises:
        InputError: the folder is missing, of another format or empty, none of its cases can be kept, or the shape
            model or the segmenter is missing or damaged; nothing is written then.
    """
    if not source.is_dir():
        raise InputError(f"{source}: expected the folder of the dataset '{name}', found no such folder; check the path")
    read_completion(dataset, shape_model)
    read_predictor(dataset, image, segmenter)
    names = Names(name, dataset.case_ids, key_of(dataset))
    cases = _in_order(reader_of(dataset).find(source), names, source)
    attributes = {"kind": "dataset", "dataset": name, "provenance": _provenance(name, dataset, image)}
    work = CaseWork(dataset, image, shape_model, segmenter)
    rows = []
    for stale in output.glob(".images.h5.*.tmp"):  # of a run that was killed
        stale.unlink(missing_ok=True)
    with (
        Journal(output / JOURNAL, _depends_on(attributes["provenance"], names, shape_model, segmenter)) as journal,
        new_image_set(output / "images.h5", size=image.size, attributes=attributes) as writer,
        closing(_finished(cases, work, names, journal, processes)) as finished,
    ):
        for row, frame in finished:
            rows.append(row)
            if frame is not None:
                writer.append(frame.image, frame.mask, frame.sector, frame.spacing_mm, row["case_id"])
        journal.finish()
        counts = Counter(row["status"] for row in rows)
        if not counts["kept"]:
            raise InputError(
                f"{source}: expected at least one usable case, found none among {len(rows)}: {reasons(rows)}"
            )
    write_table(case_table(rows), output / "cases.parquet")
    print(f"ingest {name}: {counts['kept']} kept, {counts['rejected']} rejected")
    if counts["rejected"]:
        print(f"  rejected: {reasons(rows)}")
    return {"kept": counts["kept"], "rejected": counts["rejected"]}


def identified(row: dict[str, Any], case: CaseReference, names: Names) -> dict[str, Any]:
    """A row with the names under which case and patient appear, and without those of the source."""
    return {
        **row,
        "case_id": names.case(case),
        "patient": names.patient(case),
        "dataset": names.dataset,
        "reason": names.clean(row["reason"], case),
    }


def reasons(rows: list[dict[str, Any]]) -> str:
    """How often each kind of reason rejected a case, the most frequent first, with a sentence of each."""
    kinds = list(by_kind(row["reason"] for row in rows if row["status"] == "rejected").values())
    most = REASONS_SHOWN + (len(kinds) == REASONS_SHOWN + 1)  # a single one that is left is named, not counted
    shown = [f"{kind.count} x {kind.example}{_others(kind)}" for kind in kinds[:most]]
    rest = len(kinds) - len(shown)
    return "; ".join(shown) + (f"; and {rest} other reasons" if rest else "")


def _others(kind: Kind) -> str:
    return f" (and {kind.sentences - 1} like it)" if kind.sentences > 1 else ""


def _in_order(found: Iterator[CaseReference], names: Names, source: Path) -> list[CaseReference]:
    cases = sorted(found, key=names.case)
    if not cases:
        raise InputError(
            f"{source}: expected cases of the dataset '{names.dataset}', found none; check folder and format"
        )
    doubled = next((a for a, b in zip(cases, cases[1:], strict=False) if names.case(a) == names.case(b)), None)
    if doubled is not None:
        raise InputError(f"{source}: expected one case a name, found two with the id {names.case(doubled)}")
    return cases


def _finished(
    cases: list[CaseReference], work: CaseWork, names: Names, journal: Journal, processes: int
) -> Generator[tuple[dict[str, Any], FittedFrame | None], None, None]:
    """Row and frame of every case, in order: from the journal of a run that was killed, or read now."""
    keys = [journal.key(case) for case in cases]
    unread = [case for case, key in zip(cases, keys, strict=True) if key not in journal]
    if len(unread) < len(cases):
        print(f"ingest {names.dataset}: {len(cases) - len(unread)} cases were finished by a run before")
    steps = zip(cases, keys, strict=True)
    with closing(results_of(work, unread, processes, limit_s=work.dataset.case_seconds)) as results:
        for case, key in track(steps, len(cases), description=f"ingest {names.dataset}", unit="cases"):
            if key in journal:
                yield journal.read(key)
                continue
            result = next(results)
            if isinstance(result, Lost):
                result = CaseResult(rejected_row(result.reason), None)
            row = identified(result.row, case, names)
            journal.append(key, row, result.frame)
            yield row, result.frame


def _depends_on(options: str, names: Names, *models: Path | None) -> str:
    """What results depend on besides the cases themselves."""
    hashes = [hashlib.sha256(model.read_bytes()).hexdigest() if model else "" for model in models]
    return "\x1f".join((options, names.case(CaseReference("key", "key")), *hashes))


def key_of(dataset: Dataset) -> bytes:
    """Phantoms are nobody: their key is public, so that runs can be compared between machines."""
    if dataset.phantom is not None or dataset.case_ids == "source":
        return PUBLIC_KEY
    return read_or_make_key(default_key_file())


def _provenance(name: str, dataset: Dataset, image: Image) -> str:
    """Options without the folder, whose path can name people and places."""
    options = {
        "dataset": name,
        "image": image.model_dump(),
        **dataset.model_dump(mode="json", exclude={"folder"}),
    }
    return provenance("ingest", options)
