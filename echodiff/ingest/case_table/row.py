"""A row of the case table: what may be known of a case, and nothing else."""

import hashlib
from typing import Any

import numpy as np

from echodiff.ingest.case import SourceFrame

# Column -> pandas type. Nothing else gets into the table: this is the list of what may be known of a patient.
COLUMNS: dict[str, str] = {
    "case_id": "string",
    "dataset": "string",
    "patient": "string",
    "status": "string",  # "kept" or "rejected"
    "reason": "string",  # one sentence, empty where kept
    "ed_frame": "Int64",  # from 0
    "ed_rule": "string",
    "ed_confidence": "float64",
    "frames": "Int64",
    "original_height": "Int64",
    "original_width": "Int64",
    "original_spacing_row_mm": "float64",
    "original_spacing_column_mm": "float64",
    "scanner": "string",  # empty where the files do not say
    "quality": "string",
    "ef": "float64",  # %
    "label_source": "string",  # "file", "completed", "predicted", "none"
    "label_confidence": "float64",  # 0..1, of predicted labels
    "sex": "string",
    "age": "float64",  # years
    "frame_rate_hz": "float64",
    "heart_rate_bpm": "float64",
    "manufacturer": "string",
    "transfer_syntax": "string",
    "photometric": "string",
    "sector_source": "string",
    "plane_source": "string",  # "given" in a table, "labels": found by them and the image
    "plane_confidence": "float64",  # 0..1
    "frame_hash": "string",  # equal for equal frames; empty where rejected
    "identity_found": "string",  # kinds of identity in the files (`privacy.KINDS`), never a value
    "private_tags": "Int64",
    "burned_in": "string",  # Burned In Annotation (0028,0301): "YES", "NO", empty where the files do not say
    "outside_sector": "float64",  # share of the frame's pixels that were blanked
    "outside_lit": "float64",  # share of the frame's pixels that were blanked and showed something
}
OWN = {"case_id", "dataset", "patient", "status", "reason", "label_source", "frame_hash", "outside_sector"}
PRIVACY = {"identity_found", "private_tags", "burned_in", "outside_lit"}
DETAILS = frozenset(COLUMNS) - OWN - PRIVACY  # what a reader may add
LIT = 32  # gray from which a pixel is seen; below it lies the noise of compression
HEX_DIGITS = 16


def kept_row(frame: SourceFrame) -> dict[str, Any]:
    """What the table says of a frame that was read.

    Raises:
        ValueError: the reader gives a detail that is not in the list of columns.
    """
    unknown = set(frame.details) - DETAILS
    if unknown:
        raise ValueError(f"no column of the case table for {', '.join(sorted(unknown))}")
    row, column = frame.spacing_mm
    return {
        "status": "kept",
        "reason": "",
        "ed_frame": frame.ed_frame,
        "ed_rule": frame.ed_rule,
        "ed_confidence": frame.ed_confidence,
        "frames": frame.frames,
        "original_height": frame.image.shape[0],
        "original_width": frame.image.shape[1],
        "original_spacing_row_mm": row,
        "original_spacing_column_mm": column,
        "label_source": frame.label_source,
        "frame_hash": frame_hash(frame),
        "outside_sector": float(np.mean(~frame.sector)),
        "outside_lit": float(np.mean(~frame.sector & (frame.image >= LIT))),
        **frame.details,
    }


def frame_hash(frame: SourceFrame) -> str:
    """SHA-256 (16 hexadecimal digits) of the frame's size and of its gray values inside the sector.

    Taken before the frame is cropped: the crop depends on the labels, and two patients with the same frame may have
    been labelled by two people. Outside the sector texts differ where the tissue is the same.
    """
    tissue = np.where(frame.sector, frame.image, 0).astype(np.uint8)
    return hashlib.sha256(repr(tissue.shape).encode() + tissue.tobytes()).hexdigest()[:HEX_DIGITS]


def rejected_row(reason: str) -> dict[str, Any]:
    """What the table says of a case that cannot be used."""
    return {"status": "rejected", "reason": reason}
