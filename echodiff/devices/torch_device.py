"""The device that torch works on, for every stage that uses it."""

import os
import sys

import torch

from echodiff.devices.visible import named_devices
from echodiff.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """The device called `name`: auto, cpu, cuda, or cuda:N of one process; each of a torchrun has its own GPU.

    Where `auto` finds no GPU it says so on standard error. Convolutions in float32 keep all its digits there, where
    torch by itself would round their inputs to TF32's ten bits.

    Raises:
        ConfigError: it is a GPU and there is none, or one GPU for several processes; or `auto` finds none where one is
            named for this job, which would take days on a CPU.
    """
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if available else "cpu"
        if not available:
            refuse_unused_gpus()
            if int(os.environ.get("RANK", 0)) == 0:
                print("device: no GPU found, working on the CPU", file=sys.stderr, flush=True)
    device = torch.device(name)
    if device.type == "cuda":
        processes = int(os.environ.get("WORLD_SIZE", 1))
        if device.index is not None and processes > 1:
            raise ConfigError(
                f"--device {name}: expected a GPU for each of the {processes} processes, found one for all; "
                "use --device cuda, and CUDA_VISIBLE_DEVICES to choose among the GPUs"
            )
        torch.backends.cudnn.allow_tf32 = False
        index = int(os.environ.get("LOCAL_RANK", 0)) if device.index is None else device.index
        if index >= available:
            raise ConfigError(
                f"--device {name}: expected GPU {index}, found {available} GPUs; "
                "start fewer processes or use --device cpu"
            )
        device = torch.device("cuda", index)
        torch.cuda.set_device(device)
    return device


def refuse_unused_gpus() -> None:
    """Refuse to work on the CPU where a GPU is named for this job, by its lease, by SLURM or by the user.

    Raises:
        ConfigError: this torch is built without CUDA, or finds none of the GPUs that are named.
    """
    named = named_devices()
    if not named:
        return
    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    raise ConfigError(
        f"CUDA_VISIBLE_DEVICES={','.join(named)}: expected GPUs that torch works on, found none (torch "
        f"{torch.__version__} is built {built}); install a torch that fits the driver (nvidia-smi shows its CUDA "
        "version), or work on the CPU (--device cpu; the workflow: --resources gpu=0)"
    )
