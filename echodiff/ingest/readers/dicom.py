"""Ultrasound DICOM of any vendor: cines and stills, with label maps beside them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.config.datasets import DicomDataset
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference, Reject, SourceFrame
from echodiff.ingest.ed.cascade import Rules, find_ed
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.of_cine import Recorded, cine_rules
from echodiff.ingest.ed.table import read_table
from echodiff.ingest.ed.volume_curve import Pace
from echodiff.ingest.folder.image_pattern import ImagePattern
from echodiff.ingest.folder.places import names_of
from echodiff.ingest.folder.table import refuse_unknown
from echodiff.ingest.folder.walk import files_below, is_lost, refuse_unreadable
from echodiff.ingest.frame import SMALLEST_SECTOR
from echodiff.ingest.labels.beside import KINDS, LabelFiles, label_plane, read_labels
from echodiff.ingest.labels.pairs import label_files, refuse_missing, refuse_several
from echodiff.ingest.labels.predicted import Predictor
from echodiff.ingest.labels.structure_masks import refuse_lacking, structures_in
from echodiff.ingest.readers.dicom_file import SUFFIXES, is_dicom
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import colour_frame, gray_frames
from echodiff.ingest.readers.dicom_regions import Region, pixel_spacing_mm
from echodiff.ingest.readers.dicom_series import read_instance, stills_of_series
from echodiff.ingest.readers.dicom_tags import Tags, read_tags
from echodiff.ingest.sector.colour import tissue
from echodiff.ingest.sector.find import Sector, find_sector
from echodiff.ingest.sector.pixel_size import plausible_mm

SMALLEST_SHARE = 0.1  # of the tagged region that the sector fills; of apical cines it fills 0.4 and more


class DicomReader:
    """Finds DICOM files by their content, reads the ED frame of an ultrasound image and the label map beside it."""

    def __init__(self, options: DicomDataset, predictor: Predictor | None = None):
        self._options, self._predictor = options, predictor
        self._labels_needed = options.labels == "file"

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """A case for every file that is DICOM, is named so or cannot be opened, and is no label map, in their order.

        Raises:
            InputError: no such folder, no DICOM of such names in it, or a table of ED frames that is damaged or names
                other files.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: expected a folder of DICOM files, found no such folder; check the path")
        images = ImagePattern(self._options.image_pattern)
        paths = images.of((path for path in files_below(folder) if is_dicom(path) or is_lost(path)), folder)
        if not paths:
            raise InputError(f"{folder}: expected DICOM files, found none; `echodiff check` says what is in a folder")
        chosen = read_table(folder / self._options.ed_table)
        refuse_unknown(folder / self._options.ed_table, chosen, {path.relative_to(folder).as_posix() for path in paths})
        maps = LabelFiles(self._options.label_pattern, images=images)
        labels = label_files(paths, maps, needed=self._labels_needed)
        structures = structures_in(labels.values())
        instances = {path: read_instance(path) for path in labels}
        stills = stills_of_series(instances.values())
        for path, name in names_of(labels, folder, SUFFIXES).items():
            instance, place = instances[path], path.relative_to(folder).as_posix()
            known = {"ed_frame": chosen[place]} if place in chosen else {}
            known |= {"stills": stills[path]} if path in stills else {}
            known |= {"structures": structures} if structures else {}
            patient = instance.study if self._options.patient == "study" else instance.patient
            yield CaseReference(name, patient or name, {"image": path, **labels[path]}, known)

    def read(self, case: CaseReference) -> SourceFrame:
        """Read one file: decode, find the sector and the ED frame, take the label map's plane of that frame.

        Raises:
            Reject: the file cannot be used; the sentence says why.
        """
        refuse_unreadable(case.files["image"])
        refuse_several(case.files)
        header = read_header(case.files["image"])
        if self._labels_needed:
            refuse_missing(case.files, "a label map", self._options.label_pattern, KINDS)
        refuse_lacking(case.files, case.known.get("structures", ()))
        frames = gray_frames(case.files["image"], header)
        tags = read_tags(header, len(frames), frames.shape[1:])
        labels = read_labels(case.files, len(frames), frames.shape[1:], self._options.label_values)
        region = _region(tags.regions, labels)
        spacing_mm = region.spacing_mm if region else pixel_spacing_mm(header)
        sector, source = _sector(frames, region, spacing_mm)
        rules = ed_rules(tags, case, frames, sector.mask, labels, self._predictor)
        rule, (index, confidence) = find_ed(rules, self._options.ed)
        return SourceFrame(
            image=tissue(frames[index], colour_frame(case.files["image"], header, index), sector),
            mask=label_plane(labels, index, frames.shape[1:]),
            sector=sector.mask,
            spacing_mm=spacing_mm if region else plausible_mm(spacing_mm, sector.mask),
            ed_frame=index,
            ed_rule=rule,
            ed_confidence=confidence,
            frames=len(frames),
            label_source="file" if labels is not None else "none",
            details={**tags.details, "sector_source": source},
        )


def ed_rules(
    tags: Tags,
    case: CaseReference,
    frames: NDArray[np.uint8],
    sector: NDArray[np.bool_],
    labels: NDArray[np.uint8] | None,
    predictor: Predictor | None = None,
) -> Rules:
    """The rules that can be asked of this file, in the order of trust."""
    cine = Cine(frames, sector, Pace(tags.frame_ms, tags.heart_rate_bpm))
    return cine_rules(
        cine,
        labels,
        predictor,
        chosen=case.known.get("ed_frame"),
        stills=case.known.get("stills", 1),
        recorded=Recorded(tags.position, tags.times_ms, tags.r_waves_ms),
    )


def _region(regions: list[Region], labels: NDArray[np.uint8] | None) -> Region | None:
    """The tagged region of the picture; of several the one that holds most of the labels.

    Raises:
        Reject: several pictures, and no labels that say which.
    """
    if len(regions) < 2:
        return regions[0] if regions else None
    if labels is None:
        raise Reject(
            f"expected one B-mode picture, found {len(regions)} side by side (a dual or biplane view); "
            "export the four-chamber view alone"
        )
    shown = labels.any(axis=0)
    return max(regions, key=lambda region: int(shown[region.rows, region.columns].sum()))


def _sector(frames: NDArray[np.uint8], region: Region | None, spacing_mm: tuple[float, float]) -> tuple[Sector, str]:
    """The sector and where it was found: within the tagged region, or by the pixels alone where that fails.

    Raises:
        Reject: no sector, or one that is too small for tissue.
    """
    sector, source = _found(frames, region, spacing_mm)
    sides = [len(np.flatnonzero(sector.mask.any(axis=axis))) for axis in (0, 1)]
    if min(sides) < SMALLEST_SECTOR:
        raise Reject(f"expected a tissue sector of {SMALLEST_SECTOR} pixels a side, found {sides[0]} x {sides[1]}")
    if source == "region" and sector.mask.sum() < SMALLEST_SHARE * region.pixels:
        raise Reject(
            f"expected tissue in the scanner's image area, found echoes in {sector.mask.sum() / region.pixels:.0%} of "
            "it alone, as with a probe in the air"
        )
    return sector, source


def _found(frames: NDArray[np.uint8], region: Region | None, spacing_mm: tuple[float, float]) -> tuple[Sector, str]:
    if region is not None:
        try:
            return find_sector(frames, spacing_mm, (region.rows, region.columns)), "region"
        except Reject:  # tags of another picture: what the pixels show decides
            pass
    return find_sector(frames, spacing_mm), "pixels"
