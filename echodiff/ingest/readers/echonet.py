"""EchoNet-Dynamic (Ouyang et al. 2020): AVI videos, FileList.csv and VolumeTracings.csv; only the LV is traced."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from echodiff.config.datasets import EchonetDataset
from echodiff.errors import InputError
from echodiff.ingest.case import UNKNOWN_SPACING, CaseReference, NoLabels, Reject, SourceFrame
from echodiff.ingest.labels.predicted import Predictor
from echodiff.ingest.readers.tracings import largest_tracing, polygon_mask, read_tracings, video_name
from echodiff.ingest.readers.untraced import untraced
from echodiff.ingest.readers.video import read_frame
from echodiff.ingest.sector.find import sector_from_pixels

FULL_CONFIDENCE = 1.0
FOLDERS = ("Videos", ".", "videos")
COLUMNS = {"FileName", "EF", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames"}


class EchonetReader:
    """Reads the video frame with the larger of the traced polygons, which is end-diastole."""

    def __init__(self, options: EchonetDataset, predictor: Predictor | None = None):
        self._options, self._predictor = options, predictor

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """A case for every row of FileList.csv and for every video that is not in it."""
        listed = _file_list(folder / "FileList.csv")
        traced = folder / "VolumeTracings.csv"
        tracings = read_tracings(traced) if traced.is_file() or self._options.labels == "file" else {}
        videos = {
            path.stem: path for place in FOLDERS[::-1] for path in sorted((folder / place).glob("*.[aA][vV][iI]"))
        }
        for name in sorted(set(listed) | set(videos)):
            files = {"video": videos[name]} if name in videos else {}
            known = {"listed": listed.get(name), "tracings": tracings.get(name, {})}
            yield CaseReference(name, name, files, known)

    def read(self, case: CaseReference) -> SourceFrame:
        """Decode one frame and fill the traced polygon.

        Where `labels: predicted` allows a video without a tracing its frame is found by the pixels and has no labels.
        """
        listed = case.known["listed"]
        if listed is None:
            raise Reject("expected a row for this video in FileList.csv, found none")
        if "video" not in case.files:
            raise Reject("expected the video that FileList.csv names, found no such file")
        if case.known["tracings"]:
            frame = _traced(case)
        elif self._options.labels == "predicted" and self._options.ed == "auto":
            frame = untraced(case.files["video"], listed["FPS"], self._predictor)
        else:
            raise NoLabels("expected a tracing of the left ventricle in VolumeTracings.csv, found none for this video")
        _check_size(frame.image.shape, listed)
        return replace(frame, details={"ef": listed["EF"], "frame_rate_hz": listed["FPS"]})


def _traced(case: CaseReference) -> SourceFrame:
    index, polygon = largest_tracing(case.known["tracings"])
    image, frames = read_frame(case.files["video"], index)
    return SourceFrame(
        image=image,
        mask=polygon_mask(polygon, image.shape),
        sector=sector_from_pixels(image),
        spacing_mm=UNKNOWN_SPACING,
        ed_frame=index,
        ed_rule="explicit",
        ed_confidence=FULL_CONFIDENCE,
        frames=frames,
    )


def _file_list(path: Path) -> dict[str, dict[str, Any]]:
    """Video's name without ending -> its row of FileList.csv.

    Raises:
        InputError: missing, of another form, or EchoNet-Pediatric's.
    """
    table = _read_csv(path)
    if "FileName" in table and {"Sex", "Age", "Weight", "Height"} & set(table.columns) and "ESV" not in table:
        raise InputError(
            f"{path}: expected EchoNet-Dynamic, found EchoNet-Pediatric, whose views, ages and tracings differ; "
            "it cannot be ingested as adults' four-chamber videos"
        )
    if not set(table.columns) >= COLUMNS:
        raise InputError(
            f"{path}: expected the columns {', '.join(sorted(COLUMNS))} of EchoNet-Dynamic, found "
            + ", ".join(map(str, table.columns[:12]))
        )
    table = table[table["FileName"].str.strip() != ""].copy()  # rows that a spreadsheet left empty
    table["name"] = [video_name(str(name)) for name in table["FileName"]]
    for column in ("EF", "FPS", "FrameHeight", "FrameWidth"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    rows = table.drop_duplicates("name").set_index("name")[["EF", "FPS", "FrameHeight", "FrameWidth"]]
    return rows.astype(float).to_dict("index")


def _read_csv(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: expected this table of EchoNet-Dynamic, found no such file; check the folder")
    try:
        return pd.read_csv(path, dtype={"FileName": str}, keep_default_na=False)  # `NA` and `001` are names
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: expected a table in CSV, could not read it ({error})") from error


def _check_size(shape: tuple[int, ...], listed: dict[str, float]) -> None:
    """Tracings count in pixels of the size that FileList.csv gives."""
    expected = (listed["FrameHeight"], listed["FrameWidth"])
    if np.isfinite(expected).all() and tuple(shape) != tuple(int(side) for side in expected):
        raise Reject(f"expected a video of {expected[0]:g} x {expected[1]:g} pixels, found {shape[0]} x {shape[1]}")
