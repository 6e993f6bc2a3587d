"""The structures stand in `echodiff.labels` alone: one more is neither lost on the way nor a fault there."""

import subprocess
import sys

# In a process of its own, as the other modules take the labels over when they are imported.
WITH_A_FOURTH = """
import numpy as np
from echodiff import labels

labels.STRUCTURES["RV"] = 4
labels.LABELS += (4,)
labels.GUIDE_GRAYS += (40,)

import torch
from echodiff.config.datasets import DicomDataset
from echodiff.diffusion.guides import draw_guide, guide_channels
from echodiff.evaluate.comparisons import LabelMeans
from echodiff.evaluate.pixel import pair_metrics
from echodiff.ingest.frame import majority
from echodiff.ingest.readers.itk import to_labels
from echodiff.segment.network import build_network, resized_labels
from echodiff.store.image_set import ImageSet

mask = np.kron(np.array([[1, 2], [3, 4]], np.uint8), np.ones((32, 32), np.uint8))
assert DicomDataset(format="dicom", folder="x", label_values={1: 1, 70: 4}).label_values[70] == 4
assert (to_labels(mask, "the label map") == mask).all()
for size in (32, 48, 96):
    fitted = majority(mask, (size, size))
    assert [(fitted == label).mean() for label in (1, 2, 3, 4)] == [0.25] * 4
masks, planes = torch.from_numpy(mask)[None, None], torch.ones(1, 1, 64, 64, dtype=torch.uint8)
assert draw_guide(masks, planes, style="planes", sector=False).shape[1] == guide_channels("planes", False) == 4
assert len(draw_guide(masks, planes, style="gray", sector=False).unique()) == 4
assert (resized_labels(masks[0], 32).unique() == torch.tensor([1, 2, 3, 4])).all()
assert build_network()(torch.zeros(1, 1, 64, 64)).shape == (1, 5, 64, 64)
gray = np.random.default_rng(0).integers(0, 255, (2, 64, 64)).astype(np.uint8)
two = ImageSet(gray, np.stack([mask, mask]), np.ones_like(gray), np.ones((2, 2), np.float32), ["a", "b"])
assert len(np.unique(LabelMeans.of(two, two.case_id).paint(0, two))) == 4
assert "psnr_rv_db" in pair_metrics(gray[0], gray[1], mask=mask, sector=two.sectors[0])
"""


def test_another_structure_comes_through():
    result = subprocess.run([sys.executable, "-c", WITH_A_FOURTH], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
