"""Phantom cines whose end-diastole is known, and what each rule takes for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import SimpleITK as sitk
from pydicom import Dataset

from echodiff.config.datasets import EchonetDataset
from echodiff.config.phantom import PhantomSource
from echodiff.ingest.case import CaseReference
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.explicit import END_DIASTOLE, END_SYSTOLE, by_cycle_position
from echodiff.ingest.ed.label_agreement import by_label_agreement
from echodiff.ingest.ed.largest_ventricle import by_largest_ventricle
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.readers.dicom import ed_rules
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames
from echodiff.ingest.readers.dicom_tags import read_tags
from echodiff.ingest.readers.echonet import EchonetReader
from echodiff.ingest.sector.find import find_sector
from echodiff.labels import LV
from echodiff.phantom import MACHINES
from echodiff.phantom.cine import Cine as PhantomCine
from echodiff.phantom.dataset import write_dataset

UNLABELLED = ("table", "r_wave", "ecg", "self_similarity")  # rules that need no labels


@dataclass(frozen=True)
class Answer:
    """What a rule takes for end-diastole in a cine, None where it has no answer, and every true frame."""

    rule: str
    choice: Choice | None
    truth: tuple[int, ...]

    @property
    def error(self) -> int:
        """Frames to the nearest true one."""
        return min(abs(self.choice.frame - frame) for frame in self.truth)


def answers(machine: str, folder: Path, *, patients: int, frames: int, seed: int) -> list[Answer]:
    """Write a machine's files as its scanner does, read them, and ask every rule about each cine."""
    truth = write_dataset(PhantomSource(machine=machine, patients=patients, frames=frames, seed=seed), folder)
    of_case = _of_video if machine == "echonet" else _of_dicom
    found = []
    for row in truth.itertuples():
        eds = tuple(json.loads(row.ed_frames))
        found += [Answer(rule, choice, eds) for rule, choice in of_case(folder, row, _label_stack(row))]
    return found


def summary(found: list[Answer]) -> pd.DataFrame:
    """A row for each rule: cines, answers, share within one frame, largest error."""
    rows = []
    for rule in dict.fromkeys(answer.rule for answer in found):
        asked = [answer for answer in found if answer.rule == rule]
        errors = np.array([answer.error for answer in asked if answer.choice is not None])
        within, largest = ((errors <= 1).mean(), errors.max()) if len(errors) else (np.nan, np.nan)
        rows.append({"rule": rule, "cines": len(asked), "answers": len(errors), "within": within, "largest": largest})
    return pd.DataFrame(rows).set_index("rule")


def _label_stack(row) -> np.ndarray:
    """Label maps (F, H, W) of all frames, where the screen shows the sector."""
    cine = PhantomCine(MACHINES[row.machine], row.seed, row.frames)
    stack = np.zeros((row.frames, row.height, row.width), np.uint8)
    for index, plane in enumerate(stack):
        labels = cine.labels(index)
        top, left = int(row.sector_row), int(row.sector_column)
        plane[top : top + labels.shape[0], left : left + labels.shape[1]] = labels
    return stack


def _of_dicom(folder: Path, row, stack: np.ndarray) -> Iterator[tuple[str, Choice | None]]:
    """The reader's own rules, with the label maps in the ways that users have them: one, ED and ES, of all frames."""
    path = folder / row.file
    header = read_header(path)
    frames = gray_frames(path, header)
    tags = read_tags(header, len(frames), frames.shape[1:])
    region = tags.regions[0]
    sector = find_sector(frames, region.spacing_mm, (region.rows, region.columns)).mask
    case = CaseReference("case", "patient", {"image": path}, {"ed_frame": row.ed_frame})
    some = np.zeros_like(stack)
    some[[row.ed_frame, row.es_frame]] = stack[[row.ed_frame, row.es_frame]]
    drawn = _drawn_map(folder / row.label_file)
    for labels, names in ((some, ["labelled"]), (stack, ["largest_lv"]), (drawn[None], ["label"]), (None, UNLABELLED)):
        rules = ed_rules(tags, case, frames, sector, labels)
        for name in names:
            yield name, rules[name]()
    yield "explicit", by_cycle_position(_positions(row), row.frames)


def _of_video(folder: Path, row, stack: np.ndarray) -> Iterator[tuple[str, Choice | None]]:
    """The tracings name the frame; the rules of picture and labels are asked of the decoded video."""
    reader = EchonetReader(EchonetDataset(format="echonet", folder=folder))
    name = Path(row.file).stem
    frame = reader.read(next(case for case in reader.find(folder) if case.name == name))
    video = cv2.VideoCapture(str(folder / row.file))
    frames = np.stack([cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2GRAY) for _ in range(row.frames)])
    yield "explicit", Choice(frame.ed_frame, frame.ed_confidence)
    yield "largest_lv", by_largest_ventricle(stack)
    cine = Cine(frames, find_sector(frames).mask)
    yield "label", by_label_agreement(cine, stack[row.ed_frame] * (stack[row.ed_frame] == LV))
    yield "self_similarity", by_self_similarity(cine)


def _drawn_map(path: Path) -> np.ndarray:
    """The label map that lies beside the file."""
    if path.suffix == ".png":
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def _positions(row) -> Dataset:
    """A header whose frames say where in the cycle they are (0018,9236), which the phantoms' machines do not write."""
    header = Dataset()
    groups = []
    for frame in range(row.frames):
        group, inner = Dataset(), Dataset()
        known = {row.es_frame: END_SYSTOLE, **dict.fromkeys(json.loads(row.ed_frames), END_DIASTOLE)}
        inner.CardiacCyclePosition = known.get(frame, "UNDETERMINED")
        group.CardiacSynchronizationSequence = [inner]
        groups.append(group)
    header.PerFrameFunctionalGroupsSequence = groups
    return header
