"""From a label map with the left ventricle alone to one with wall and atrium."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from echodiff.config.datasets import Dataset
from echodiff.errors import InputError
from echodiff.ingest.case import Reject, SourceFrame
from echodiff.ingest.completion.contour import NoContour, Ventricle, ventricle
from echodiff.ingest.completion.dilation import dilate
from echodiff.ingest.completion.learn import given_of, usable_spacing
from echodiff.ingest.completion.raster import draw
from echodiff.ingest.completion.shape_model import ShapeModel, read_shape_model
from echodiff.labels import LV


class Completion(Protocol):
    """Gives a frame whose label map has the LV alone a complete one."""

    def __call__(self, frame: SourceFrame) -> SourceFrame:
        """Raises Reject where no wall can be drawn round the LV."""
        ...


class ByShape:
    """The shape to be expected for this ventricle."""

    def __init__(self, model: ShapeModel):
        self._model = model

    def __call__(self, frame: SourceFrame) -> SourceFrame:
        lv, spacing = lone_ventricle(frame)
        epicardium, atrium = (
            lv.from_frame(points) for points in self._model.expect(given_of(lv, frame.sector, spacing))
        )
        mask = draw(frame.mask == LV, frame.sector, spacing, lv, epicardium, atrium)
        return replace(frame, mask=mask, label_source="completed")


class ByDilation:
    """A wall of even thickness and an elliptic atrium."""

    def __call__(self, frame: SourceFrame) -> SourceFrame:
        lv, spacing = lone_ventricle(frame)
        mask = dilate(frame.mask == LV, frame.sector, spacing, lv)
        return replace(frame, mask=mask, label_source="completed")


def read_completion(dataset: Dataset, shape_model: Path | None) -> Completion | None:
    """What completes a dataset's label maps that have the LV alone; None where they are kept as they are.

    Raises:
        InputError: the shape model is needed but not given, missing or damaged.
    """
    if not dataset.completes:
        return None
    if dataset.completion == "dilation":
        return ByDilation()
    if shape_model is None:
        raise InputError(
            "expected a shape model to complete labels that have the left ventricle alone, found none; "
            "make one with `echodiff shape-model` and give it with --shape-model"
        )
    return ByShape(read_shape_model(shape_model))


def lone_ventricle(frame: SourceFrame) -> tuple[Ventricle, tuple[float, float]]:
    """Contour of a frame's LV, and the pixel's size that it was measured with.

    Raises:
        Reject: no ventricle that a wall can be drawn round.
    """
    spacing = usable_spacing(frame.spacing_mm)
    try:
        return ventricle(frame.mask == LV, spacing), spacing
    except (NoContour, np.linalg.LinAlgError) as error:
        raise Reject(f"expected a left ventricle that a wall can be drawn round, found none ({error})") from error
