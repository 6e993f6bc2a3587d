"""Makes torchvision importable beside a CPU build of torch that its compiled operators do not fit.

torch-fidelity imports torchvision. PyPI's torchvision carries operators compiled for PyPI's CUDA build of
torch; beside a CPU build they do not load, and torchvision's import then fails with "operator
torchvision::nms does not exist" when it registers the shapes of two of them. Declaring the two signatures
is enough: nothing here calls them, and a call would raise, because they have no implementation.
"""

import importlib
from types import ModuleType
from typing import Any

SIGNATURES = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

_libraries: list[Any] = []  # a torch library's declarations live as long as its object


def import_torchvision() -> ModuleType:
    """Import torchvision, with `nms` and `qnms` declared where its own operators could not be loaded."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, signature in SIGNATURES.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(signature)
    _libraries.append(library)
    return importlib.import_module("torchvision")
