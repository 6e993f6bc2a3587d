"""From a folder of files to an image set and a case table: every case is read, and none is lost."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference, Reader, Reject, SourceFrame
from echodiff.ingest.case_table import case_table, kept_row, rejected_row
from echodiff.ingest.frame import FittedFrame, fit_frame
from echodiff.ingest.identity import PUBLIC_KEY, Names, default_key_file, read_or_make_key
from echodiff.ingest.labels.completion import Completion, read_completion
from echodiff.ingest.readers import reader_of
from echodiff.ingest.workers import Lost, Workers
from echodiff.progress import track
from echodiff.store.image_set import ImageSetWriter
from echodiff.store.provenance import provenance
from echodiff.store.table import write_table

REASONS_SHOWN = 5


@dataclass(frozen=True)
class CaseResult:
    """A case after reading: its row of the case table, and its frame where it is kept."""

    row: dict[str, Any]
    frame: FittedFrame | None


@dataclass
class CaseWork:
    """What a process does with a case; it carries options only, so that it can be sent to one."""

    dataset: Dataset
    image: Image
    shape_model: Path | None

    def __post_init__(self) -> None:
        self._reader: Reader | None = None
        self._completion: Completion | None = None

    def prepare(self) -> None:
        """Load what the format needs; called in each process before its first case."""
        cv2.setNumThreads(1)
        self._reader = reader_of(self.dataset)
        self._completion = read_completion(self.dataset, self.shape_model)

    def __call__(self, case: CaseReference) -> CaseResult:
        """Read, complete and fit one case. Never raises: what goes wrong is the reason in its row."""
        try:
            frame = self._read(case)
            fitted = fit_frame(frame, self.image.size, self.image.fit)
            return CaseResult(kept_row(frame, self.dataset.scanner), fitted)
        except Reject as error:
            return CaseResult(rejected_row(str(error), self.dataset.scanner), None)
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            reason = f"expected a readable case, found an unforeseen fault ({type(error).__name__}: {text})"
            return CaseResult(rejected_row(reason, self.dataset.scanner), None)

    def _read(self, case: CaseReference) -> SourceFrame:
        if self._reader is None:
            self.prepare()
        frame = self._reader.read(case)
        if frame.lv_only:
            frame = self._completion(frame)
        return replace(frame, mask=np.ascontiguousarray(frame.mask))


def ingest_dataset(
    name: str,
    dataset: Dataset,
    image: Image,
    source: Path,
    output: Path,
    *,
    shape_model: Path | None = None,
    processes: int = 1,
) -> dict[str, int]:
    """Read a dataset's folder into `output`/images.h5 and `output`/cases.parquet, both sorted by case id.

    Returns:
        The numbers of "kept" and "rejected" cases.

    Raises:
        InputError: the folder is missing, of another format or empty, none of its cases can be kept, or the shape
            model is missing or damaged; nothing is written then.
    """
    if not source.is_dir():
        raise InputError(
            f"{source}: expected the folder of the dataset '{name}', found no such folder; check the path"
        )
    read_completion(dataset, shape_model)
    names = Names(name, dataset.case_ids, _key(dataset))
    cases = _in_order(reader_of(dataset).find(source), names, source)
    workers = Workers(CaseWork(dataset, image, shape_model), min(processes, len(cases)))
    rows = []
    attributes = {"kind": "dataset", "dataset": name, "provenance": _provenance(name, dataset, image)}
    with ImageSetWriter(output / "images.h5", size=image.size, attributes=attributes) as writer:
        for case, result in _tracked(cases, workers, name, dataset.scanner):
            row = identified(result.row, case, names)
            rows.append(row)
            if result.frame is not None:
                frame = result.frame
                writer.append(frame.image, frame.mask, frame.sector, frame.spacing_mm, row["case_id"])
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
    """How often each reason rejected a case, the most frequent first."""
    counts = Counter(row["reason"] for row in rows if row["status"] == "rejected")
    shown = [f"{count} x {reason}" for reason, count in counts.most_common(REASONS_SHOWN)]
    rest = len(counts) - len(shown)
    return "; ".join(shown) + (f"; and {rest} other reasons" if rest else "")


def _in_order(found: Iterator[CaseReference], names: Names, source: Path) -> list[CaseReference]:
    cases = sorted(found, key=names.case)
    if not cases:
        raise InputError(
            f"{source}: expected cases of the dataset '{names.dataset}', found none; check folder and format"
        )
    doubled = next(
        (a for a, b in zip(cases, cases[1:], strict=False) if names.case(a) == names.case(b)), None
    )
    if doubled is not None:
        raise InputError(f"{source}: expected one case a name, found two with the id {names.case(doubled)}")
    return cases


def _tracked(
    cases: list[CaseReference], workers: Workers, name: str, scanner: str
) -> Iterator[tuple[CaseReference, CaseResult]]:
    results = track(workers.results(cases), len(cases), description=f"ingest {name}", unit="cases")
    for case, result in zip(cases, results, strict=True):
        yield (
            case,
            CaseResult(rejected_row(result.reason, scanner), None) if isinstance(result, Lost) else result,
        )


def _key(dataset: Dataset) -> bytes:
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
