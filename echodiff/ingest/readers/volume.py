"""Cartesian volumes (NIfTI, MetaImage, NRRD, Enhanced US Volume; 3D or 3D + t) with label volumes, cut to a plane."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.config.datasets import VolumeDataset
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference, Reject, SourceFrame
from echodiff.ingest.folder.places import names_of, patients_of, refuse_systolic, systolic
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.folder.table import refuse_unknown
from echodiff.ingest.folder.walk import files_below, is_lost, refuse_unreadable
from echodiff.ingest.labels.beside import LabelFiles
from echodiff.ingest.labels.pairs import label_files, refuse_missing, refuse_several
from echodiff.ingest.planes.find import find_landmarks
from echodiff.ingest.planes.plane import Landmarks, Plane, cut, plane_through
from echodiff.ingest.readers.dicom_file import is_dicom
from echodiff.ingest.readers.dicom_header import details
from echodiff.ingest.readers.dicom_series import read_instance
from echodiff.ingest.readers.dicom_volume import read_dicom_volume
from echodiff.ingest.readers.itk import is_itk, read_itk, to_gray, to_labels
from echodiff.ingest.readers.plane_table import LANDMARKS, read_planes
from echodiff.ingest.sector.find import sector_from_pixels
from echodiff.labels import LV

KINDS = "NIfTI, MetaImage or NRRD"  # of label volumes


class VolumeReader:
    """Reads a volume's ED frame and cuts the plane that `planes.csv` gives, or that is found where it gives none."""

    def __init__(self, options: VolumeDataset):
        self._options = options
        self._labels_needed = options.labels == "file"

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """A case for every volume that is no label volume, and for every file that cannot be opened."""
        if not folder.is_dir():
            raise InputError(f"{folder}: expected a folder of volumes, found no such folder; check the path")
        planes = read_planes(folder / self._options.planes)
        files = files_below(folder)
        volumes = {path: stem_of_image(path) for path in files if is_itk(path) or is_dicom(path) or is_lost(path)}
        endings = _endings(volumes)
        places = {path.relative_to(folder).with_name(stem).as_posix() for path, stem in volumes.items()}
        refuse_unknown(folder / self._options.planes, planes, places | set(volumes.values()))
        maps = LabelFiles(self._options.label_pattern, fits=is_itk)
        own = partial(_own, endings)
        labels = label_files(volumes, maps, needed=self._labels_needed, own=own)
        patients, at_systole = patients_of(labels, folder), systolic(volumes)
        for path, name in names_of(labels, folder).items():
            place, stem = path.relative_to(folder).with_name(volumes[path]).as_posix(), volumes[path]
            patient = (read_instance(path).patient if is_dicom(path) else "") or patients[path]
            known = {"plane": planes.get(place, planes.get(stem)), "systolic": path in at_systole}
            yield CaseReference(name, patient, {"image": path, **labels[path]}, known)

    def read(self, case: CaseReference) -> SourceFrame:
        """Choose the ED frame, cut the plane through image and labels."""
        refuse_unreadable(case.files["image"])
        refuse_several(case.files)
        refuse_systolic(case.known, "a volume")
        if self._labels_needed:
            refuse_missing(case.files, "a label volume", self._options.label_pattern, KINDS)
        image, tags = _read(case.files["image"])
        labels = read_itk(case.files["label"], "the label volume") if "label" in case.files else None
        plane_row = case.known.get("plane")
        frames = image.GetSize()[3] if image.GetDimension() == 4 else 1
        frame, rule = self._ed(image, labels, plane_row, frames)
        image = _at(image, frame)
        if labels is not None:
            labels = _at(_labels_of(labels, frames), frame)
            _check_geometry(image, labels)
        landmarks, confidence, source = self._landmarks(plane_row, image, labels)
        plane = plane_through(landmarks, image, self._options.pixel_mm)
        gray = to_gray(cut(sitk.Cast(image, sitk.sitkFloat32), plane), "the cut plane")
        return SourceFrame(
            image=gray,
            mask=np.zeros(gray.shape, np.uint8) if labels is None else self._label_plane(labels, plane),
            sector=sector_from_pixels(gray),
            spacing_mm=(plane.pixel_mm, plane.pixel_mm),
            ed_frame=frame,
            ed_rule=rule,
            ed_confidence=1.0,
            frames=frames,
            label_source="none" if labels is None else "file",
            details={**tags, "plane_source": source, "plane_confidence": confidence},
        )

    def _label_plane(self, labels: sitk.Image, plane: Plane) -> NDArray[np.uint8]:
        return to_labels(cut(labels, plane, labels=True), "the cut label plane", self._options.label_values)

    def _landmarks(
        self, row: dict[str, float] | None, image: sitk.Image, labels: sitk.Image | None
    ) -> tuple[Landmarks, float, str]:
        """The plane's landmarks, a confidence 0..1 and where they are from: `given` in the table, else the `labels`."""
        if row is not None and any(np.isfinite(row[f"{point}_{axis}"]) for point in LANDMARKS for axis in "xyz"):
            return _given(row), 1.0, "given"
        if labels is None:
            raise Reject(f"expected the plane in {self._options.planes} or a label volume to find it by, found neither")
        return *find_landmarks(image, labels, self._options.label_values), "labels"

    def _ed(self, image: sitk.Image, labels: sitk.Image | None, row: dict | None, frames: int) -> tuple[int, str]:
        """A still is ED; else the table's column `frame`, else the frame with the largest labelled LV."""
        if frames == 1:
            return 0, "still"
        given = row.get("frame") if row else None
        if self._options.ed != "lv_volume" and given is not None and np.isfinite(given):
            if not 0 <= int(given) < frames:
                raise Reject(
                    f"expected an ED frame among the volume's {frames}, found {given:g} in {self._options.planes}"
                )
            return int(given), "explicit"
        if self._options.ed == "explicit":
            raise Reject(f"expected the ED frame in the column `frame` of {self._options.planes}, found none")
        if labels is None or labels.GetDimension() != 4 or labels.GetSize()[3] != frames:
            raise Reject(
                f"expected labels of all {frames} frames, or the ED frame in the column `frame` of "
                f"{self._options.planes}, found neither"
            )
        values = [value for value, label in (self._options.label_values or {LV: LV}).items() if label == LV]
        sizes = [np.isin(frame, values).sum() for frame in sitk.GetArrayViewFromImage(labels)]
        if not any(sizes):
            raise Reject(
                "expected a left ventricle in the label volume of some frame, found none; say in label_values which "
                f"value is the LV, or give the ED frame in the column `frame` of {self._options.planes}"
            )
        return int(np.argmax(sizes)), "lv_volume"


def _endings(volumes: Mapping[Path, str]) -> dict[Path, set[str]]:
    """Place without ending -> the endings of the volumes there."""
    endings: dict[Path, set[str]] = {}
    for path, stem in volumes.items():
        endings.setdefault(path.with_name(stem), set()).add(_ending(path, stem))
    return endings


def _own(endings: Mapping[Path, set[str]], path: Path, labels: list[Path]) -> list[Path]:
    """The label volumes of a volume: of `vol.nii` beside `vol.nrrd` each has those that end like itself."""
    stem = stem_of_image(path)
    theirs = endings[path.with_name(stem)] - {_ending(path, stem)}
    return [label for label in labels if _ending(label, stem_of_image(label)) not in theirs] or labels


def _ending(path: Path, stem: str) -> str:
    return path.name.removeprefix(stem).lower()


def _given(row: dict[str, float]) -> Landmarks:
    points = {point: np.array([row[f"{point}_{axis}"] for axis in "xyz"], float) for point in LANDMARKS}
    if not all(np.isfinite(point).all() for point in points.values()):
        raise Reject("expected three landmarks with coordinates in mm, found a number missing")
    return Landmarks(**points)


def _read(path: Path) -> tuple[sitk.Image, dict[str, Any]]:
    """The volume, and what its tags say of machine and recording."""
    if is_itk(path):
        return read_itk(path, "the volume"), {}
    volume, header = read_dicom_volume(path)
    return volume, details(header, 1)  # frame times would be those of planes


def _labels_of(labels: sitk.Image, frames: int) -> sitk.Image:
    """Labels of all frames of the volume, or of one: of some nobody knows which they are."""
    labelled = labels.GetSize()[3] if labels.GetDimension() == 4 else 1
    if labelled not in (1, frames):
        raise Reject(f"expected labels of all {frames} frames of the volume or of one, found them of {labelled}")
    return labels


def _at(volume: sitk.Image, frame: int) -> sitk.Image:
    """One frame of a volume; a volume of a single frame is that frame."""
    if volume.GetDimension() == 4:
        volume = volume[..., min(frame, volume.GetSize()[3] - 1)]
    if volume.GetDimension() != 3 or min(volume.GetSize()) < 2:
        raise Reject(f"expected a volume, found a size of {'x'.join(map(str, volume.GetSize()))}")
    return volume


def _check_geometry(image: sitk.Image, labels: sitk.Image) -> None:
    """Labels must lie on the image's voxels: turned, they would be cut along another plane than the image."""
    if image.GetSize() != labels.GetSize():
        sizes = ["x".join(map(str, volume.GetSize())) for volume in (image, labels)]
        raise Reject(f"expected a label volume of the volume's size {sizes[0]}, found {sizes[1]}")
    same = np.allclose(image.GetSpacing(), labels.GetSpacing(), rtol=1e-3)
    same = same and np.allclose(image.GetDirection(), labels.GetDirection(), atol=1e-2)
    if not (same and np.allclose(image.GetOrigin(), labels.GetOrigin(), atol=0.5)):
        raise Reject("expected a label volume with the volume's spacing, position and orientation, found others")
