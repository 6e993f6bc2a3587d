"""Variants of completed labels: walls and atria that fit a ventricle, drawn from the conditional shape model."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from echodiff.ingest.case import SourceFrame
from echodiff.ingest.completion.complete import lone_ventricle
from echodiff.ingest.completion.learn import given_of
from echodiff.ingest.completion.raster import draw
from echodiff.ingest.completion.shape_model import ShapeModel
from echodiff.labels import LV
from echodiff.store.provenance import seed_of


class Variants:
    """Draws label maps for frames that have the LV alone."""

    def __init__(self, model: ShapeModel, count: int, seed: int):
        self._model, self._count, self._seed = model, count, seed

    def seed(self, case_id: str, number: int) -> int:
        """Seed of draw `number` (from 1) of a case: the same in every order, process and number of draws."""
        return seed_of(self._seed, "variant", case_id, number)

    def draw(self, frame: SourceFrame, case_id: str) -> Iterator[SourceFrame]:
        """`count` copies of a frame, each with another wall and atrium about the same LV.

        Raises:
            Reject: no ventricle that a wall can be drawn round.
        """
        lv, spacing = lone_ventricle(frame)
        given = given_of(lv, frame.sector, spacing)
        for number in range(1, self._count + 1):
            rng = np.random.default_rng(self.seed(case_id, number))
            epicardium, atrium = (lv.from_frame(points) for points in self._model.sample(given, rng))
            mask = draw(frame.mask == LV, frame.sector, spacing, lv, epicardium, atrium)
            yield replace(frame, mask=mask, label_source="completed")
