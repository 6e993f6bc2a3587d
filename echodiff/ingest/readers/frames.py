"""Stills and cines in 2D (pictures, NIfTI, MetaImage, NRRD, videos) with label maps beside them, and a table.

A cine is a file, or with `cine: folder` the numbered pictures of a folder.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.config.datasets import FramesDataset
from echodiff.errors import InputError
from echodiff.ingest.case import UNKNOWN_SPACING, CaseReference, Reject, SourceFrame
from echodiff.ingest.ed.cascade import find_ed
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.of_cine import cine_rules
from echodiff.ingest.folder.image_pattern import ImagePattern
from echodiff.ingest.folder.places import names_of, patients_of, refuse_systolic, stills_of_cines, systolic
from echodiff.ingest.folder.series import places_of, series_key, series_of
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.folder.table import refuse_unknown
from echodiff.ingest.folder.walk import files_below, is_lost
from echodiff.ingest.frame import bounding_box
from echodiff.ingest.labels.beside import KINDS, LabelFiles, label_plane, read_labels, read_map
from echodiff.ingest.labels.of_frames import labels_of_frames, read_frame_labels
from echodiff.ingest.labels.pairs import copies, label_files, refuse_missing, refuse_several
from echodiff.ingest.labels.predicted import Predictor
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.labels.structure_masks import refuse_lacking, structures_in
from echodiff.ingest.readers.arrays import holds_both
from echodiff.ingest.readers.frames_file import Recording, is_frames, read_recording
from echodiff.ingest.readers.frames_folder import read_frames_folder
from echodiff.ingest.readers.frames_table import Listed, read_frames_table
from echodiff.ingest.sector.colour import tissue
from echodiff.ingest.sector.find import Sector, find_sector
from echodiff.ingest.sector.pixel_size import plausible_mm

NEARLY_ALL = 0.98  # of a side


class FramesReader:
    """Finds images that are no label maps, reads their ED frame and the label map that the table or a pattern names."""

    def __init__(self, options: FramesDataset, predictor: Predictor | None = None):
        self._options, self._predictor = options, predictor
        self._labels_needed = options.labels == "file"

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """A case for every file that may hold frames or cannot be opened, and is no label map, in their order.

        With `cine: folder` the pictures of a series are one case.

        Raises:
            InputError: no such folder, no such file in it, or a table that is damaged or names other files.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: expected a folder of images, found no such folder; check the path")
        files = files_below(folder)
        listed = self._listed(folder, files)
        beside = {folder / path for row in listed.values() for path in row.files.values()}
        images = ImagePattern(self._options.image_pattern)
        found = (path for path in files if path not in beside and (is_frames(path) or is_lost(path)))
        paths = images.of(found, folder)
        if not paths:
            raise InputError(f"{folder}: expected images, found none; `echodiff check` says what is in a folder")
        maps = LabelFiles(self._options.label_pattern, images=images)
        labels = label_files(paths, maps, needed=self._labels_needed, may_share=self._may_share)
        cines = series_of(labels) if self._in_folders else {}
        later = {path for frames in cines.values() for path in frames[1:]}
        cases = [path for path in labels if path not in later]
        rows = self._rows(listed, cines, folder, files)
        patients, at_systole = patients_of(cases, folder), systolic(cases)
        structures = structures_in(labels.values())
        stills = stills_of_cines((path for path in cases if labels[path] or not self._labels_needed), patients)
        places = places_of(cines, folder)
        for path, name in {**names_of(cases, folder), **places}.items():
            row, frames = rows.get(path, Listed()), cines.get(path, (path,))
            named = {role: folder / other for role, other in row.files.items()}
            roles, frame_labels = labels_of_frames(frames, {} if row.label else labels)
            if not labels[path] and holds_both(path):
                roles = {"label": path} | roles
            known = {
                "row": row,
                "systolic": path in at_systole,
                "structures": structures,
                "stills": 1 if path in cines else stills.get(path, 1),
                "frames": frames,
                "frame_labels": frame_labels,
            }
            patient = name if path in cines and patients[path] == stem_of_image(path) else patients[path]
            yield CaseReference(row.name or name, row.patient or patient, {**roles, **named}, known)

    @property
    def _in_folders(self) -> bool:
        return self._options.cine == "folder"

    def _may_share(self, path: Path, other: Path) -> bool:
        """Whether two images may have one label map, as copies and the frames of a cine."""
        series = series_key(path) if self._in_folders else None
        return copies(path, other) or (series is not None and series == series_key(other))

    def _listed(self, folder: Path, files: list[Path]) -> dict[str, Listed]:
        """The rows of the table, whose label maps and sectors are files of the folder alone."""
        table = folder / self._options.table
        listed = read_frames_table(table)
        others = {path for row in listed.values() for path in row.files.values()}
        refuse_unknown(table, others, {path.relative_to(folder).as_posix() for path in files})
        return listed

    def _rows(
        self, listed: dict[str, Listed], cines: Mapping[Path, tuple[Path, ...]], folder: Path, files: list[Path]
    ) -> dict[Path, Listed]:
        """Image -> its row, which names its file, or the place of a cine whose frames are files of a folder."""
        frames = {path for own in cines.values() for path in own}
        named = {path.relative_to(folder).as_posix(): path for path in files if path not in frames}
        named |= {place: first for first, place in places_of(cines, folder).items()}
        refuse_unknown(folder / self._options.table, listed, named)
        return {named[file]: row for file, row in listed.items()}

    def read(self, case: CaseReference) -> SourceFrame:
        """Read one file: decode, find the sector and the ED frame, take the label map's plane of that frame.

        Raises:
            Reject: the file cannot be used; the sentence says why.
        """
        refuse_several(case.files)
        refuse_systolic(case.known, "an image")
        if self._labels_needed:
            refuse_missing(case.files, "a label map", self._options.label_pattern, KINDS)
        refuse_lacking(case.files, case.known["structures"])
        files, row = case.known["frames"], case.known["row"]
        recording = read_recording(files[0]) if len(files) == 1 else read_frames_folder(files)
        frames, shape = recording.frames, recording.frames.shape[1:]
        labels = self._labels(case, shape, len(frames))
        spacing_mm = self._given_mm(row, recording)
        sector = _sector(case.files.get("sector"), frames, spacing_mm)
        rules = cine_rules(
            Cine(frames, sector.mask), labels, self._predictor, chosen=row.frame, stills=case.known["stills"]
        )
        rule, (index, confidence) = find_ed(rules, self._options.ed)
        return SourceFrame(
            image=tissue(frames[index], recording.colours(index), sector),
            mask=label_plane(labels, index, shape),
            sector=sector.mask,
            spacing_mm=plausible_mm(spacing_mm, sector.mask),
            ed_frame=index,
            ed_rule=rule,
            ed_confidence=confidence,
            frames=len(frames),
            label_source="file" if labels is not None else "none",
            cropped="sector" in case.files and _fills(sector.mask),
        )

    def _labels(self, case: CaseReference, shape: tuple[int, int], frames: int) -> NDArray[np.uint8] | None:
        """Of the whole image or cine, or of frames of a cine that have label maps of their own."""
        values, known = self._options.label_values, case.known
        if not known["frame_labels"]:
            return read_labels(case.files, frames, shape, values)
        return read_frame_labels(known["frames"], known["frame_labels"], shape, values, known["structures"])

    def _given_mm(self, row: Listed, recording: Recording) -> tuple[float, float]:
        """The size of a pixel by the table, else by the file, else by the options."""
        option = UNKNOWN_SPACING if self._options.pixel_mm is None else (self._options.pixel_mm,) * 2
        return next((size for size in (row.spacing_mm, recording.spacing_mm) if np.isfinite(size).all()), option)


def _fills(sector: NDArray[np.bool_]) -> bool:
    """Whether a sector reaches nearly to all sides: resampling can take its outermost pixels."""
    box = bounding_box(sector, np.zeros(sector.shape, np.uint8))
    return all(side.stop - side.start >= NEARLY_ALL * length for side, length in zip(box, sector.shape, strict=True))


def _sector(path: Path | None, frames: NDArray[np.uint8], spacing_mm: tuple[float, float]) -> Sector:
    """The sector that a file holds, else the one that the pixels show."""
    if path is None:
        return find_sector(frames, spacing_mm)
    shape = frames.shape[1:]
    inside = read_map(path, len(frames), shape, "the sector")
    check_size(inside.shape[1:], shape, "the sector")
    if not inside.any():
        raise Reject("the sector: expected values above 0 inside it, found none")
    return Sector(inside[0] > 0, np.zeros(shape, bool))
