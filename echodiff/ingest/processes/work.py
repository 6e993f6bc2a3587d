"""What a process does with one case: read it, complete its labels, fit it to the frame of all later stages."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.ingest.case import CaseReference, Reader, Reject, SourceFrame
from echodiff.ingest.case_table.row import kept_row, rejected_row
from echodiff.ingest.completion.complete import Completion, read_completion
from echodiff.ingest.frame import FittedFrame, fit_frame
from echodiff.ingest.identity.names import is_writable
from echodiff.ingest.identity.privacy import identity_found
from echodiff.ingest.labels.predicted import Predictor, read_predictor
from echodiff.ingest.readers import reader_of


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
    segmenter: Path | None = None

    def __post_init__(self) -> None:
        self._reader: Reader | None = None
        self._completion: Completion | None = None
        self._predictor: Predictor | None = None

    def prepare(self) -> None:
        """Load what the format needs; called in each process before its first case."""
        cv2.setNumThreads(1)
        self._predictor = read_predictor(self.dataset, self.image, self.segmenter)
        self._reader = reader_of(self.dataset, self._predictor)
        self._completion = read_completion(self.dataset, self.shape_model)

    def __call__(self, case: CaseReference) -> CaseResult:
        """Read, complete and fit one case. Never raises: what goes wrong is the reason in its row.

        Warnings are held back: pydicom's quote the values of tags, which would stand in the log.
        """
        with warnings.catch_warnings(action="ignore"):
            result = self._result(case)
            try:
                return replace(result, row={**result.row, **identity_found(case.files.values())})
            except Exception as error:  # without this account a case is not kept
                return self._fault(error)

    def _result(self, case: CaseReference) -> CaseResult:
        try:
            frame = self._read(case)
            frame, fitted = self._labelled(frame, fit_frame(frame, self.image.size, self.image.fit))
            return CaseResult(kept_row(frame), fitted)
        except Reject as error:
            return CaseResult(rejected_row(str(error)), None)
        except Exception as error:
            return self._fault(error)

    def _fault(self, error: Exception) -> CaseResult:
        reason = f"expected a readable case, found an unforeseen fault ({self._told(error)})"
        return CaseResult(rejected_row(reason), None)

    def _told(self, error: Exception) -> str:
        """An unforeseen error's kind; its text only where names may be shown, as it may quote a tag or a path."""
        text = " ".join(str(error).split())[:200] if self.dataset.case_ids == "source" else ""
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def _read(self, case: CaseReference) -> SourceFrame:
        if self._reader is None:
            self.prepare()
        _refuse_names_of_bytes(case)
        frame = self._reader.read(case)
        if self._completion is not None and frame.lv_only:
            frame = self._completion(frame)
        return replace(frame, mask=np.ascontiguousarray(frame.mask))

    def _labelled(self, frame: SourceFrame, fitted: FittedFrame) -> tuple[SourceFrame, FittedFrame]:
        """Both with a predicted label map where the files have none and the dataset asks for it."""
        if self._predictor is None or frame.label_source != "none":
            return frame, fitted
        fitted, confidence = self._predictor.label(fitted)
        details = {**frame.details, "label_confidence": confidence}
        return replace(frame, label_source="predicted", details=details), fitted


def _refuse_names_of_bytes(case: CaseReference) -> None:
    """Decoders in C take paths in UTF-8 alone, and OpenCV ends the process over any other."""
    if not all(is_writable(str(path)) for path in case.files.values()):
        raise Reject("expected the path of each file in UTF-8, found other bytes in one; rename it")
