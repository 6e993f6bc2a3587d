"""Label maps of cases that have none, drawn by a segmenter of the training dataset."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.case import UNKNOWN_SPACING, Reject, SourceFrame
from echodiff.ingest.frame import FittedFrame, fit_frame
from echodiff.labels import LV


class Predictor:
    """Draws label maps with a trained segmenter, on one core."""

    def __init__(self, network: Any, size: int, image: Image):
        self._network, self._size, self._image = network, size, image

    def label(self, frame: FittedFrame) -> tuple[FittedFrame, float]:
        """The frame with a predicted label map, and how sure the segmenter is of it.

        The confidence is the mean, over the label map's foreground, of the softmax probability of the label there.

        Raises:
            Reject: what the segmenter draws is no heart in an apical four-chamber view.
        """
        from echodiff.segment.plausible import anatomical_fault
        from echodiff.segment.predict import label_probabilities
        from echodiff.segment.tidy import tidy

        (probabilities,) = label_probabilities(self._network, frame.image[None], size=self._size, device="cpu")
        raw = probabilities.argmax(axis=0).astype(np.uint8)
        mask = tidy(raw, frame.sector)
        confidence = _mean_probability(probabilities, mask)
        fault = anatomical_fault(raw, mask, frame.sector, confidence)
        if fault:
            raise Reject(f"expected a heart in an apical four-chamber view that can be segmented, found {fault}")
        return replace(frame, mask=mask), confidence

    def ventricle_areas(self, frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The LV's area (N,) in pixels of the stored frames, of frames (N, H, W) with the sector (H, W)."""
        from echodiff.segment.predict import segment
        from echodiff.segment.tidy import largest_region

        nothing = np.zeros(sector.shape, np.uint8)
        sources = (SourceFrame(frame, nothing, sector, UNKNOWN_SPACING, 0, "", 0.0, 1) for frame in frames)
        fitted = [fit_frame(source, self._image.size, self._image.fit) for source in sources]
        labels = segment(self._network, np.stack([frame.image for frame in fitted]), size=self._size, device="cpu")
        inside = fitted[0].sector > 0
        return np.array([largest_region((mask == LV) & inside).sum() for mask in labels], float)


def read_predictor(dataset: Dataset, image: Image, segmenter: Path | None) -> Predictor | None:
    """What labels a dataset's cases without labels; None where the dataset does not ask for it.

    Raises:
        InputError: the segmenter is needed but not given, missing or damaged.
    """
    if dataset.labels != "predicted":
        return None
    if segmenter is None:
        raise InputError(
            "expected a segmenter for `labels: predicted`, found none; "
            "make one with `echodiff segmenter --purpose labels` and give it with --segmenter"
        )
    import torch

    from echodiff.segment.segmenter_file import load_segmenter

    torch.set_num_threads(1)  # cases are read by several processes
    network, training = load_segmenter(segmenter, "cpu")
    return Predictor(network, training.size, image)


def _mean_probability(probabilities: NDArray[np.float32], mask: NDArray[np.uint8]) -> float:
    drawn = np.take_along_axis(probabilities, mask[None].astype(np.intp), axis=0)[0]
    return float(drawn[mask > 0].mean()) if mask.any() else 0.0
