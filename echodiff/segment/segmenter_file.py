"""A trained segmenter as a file."""

import json
from dataclasses import asdict
from pathlib import Path

from monai.networks.nets import UNet

from echodiff.errors import InputError
from echodiff.segment.learn import Training
from echodiff.segment.network import build_network
from echodiff.store.torch_file import load_file, save_file

SCHEMA_VERSION = 1
KIND = "echodiff segmenter"


def save_segmenter(network: UNet, training: Training, path: Path) -> None:
    """Write weights and options, readable with weights_only.

    Raises:
        OutputError: the file cannot be written.
    """
    content = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "weights": {key: value.cpu() for key, value in network.state_dict().items()},
        "training": json.dumps(asdict(training)),
    }
    save_file(content, path)


def load_segmenter(path: Path, device: str) -> tuple[UNet, Training]:
    """Read what `save_segmenter` wrote.

    Raises:
        InputError: missing, damaged, of another kind or version, or its weights do not fit.
    """
    content = load_file(path, kind=KIND, schema_version=SCHEMA_VERSION, device="cpu")
    try:
        network = build_network()
        network.load_state_dict(content["weights"])
        training = Training(**json.loads(content["training"]))
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"{path}: expected options and weights of a segmenter that fit, found {reason}; run `{KIND}`"
        ) from error
    return network.to(device).eval(), training
