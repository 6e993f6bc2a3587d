"""Operators that a GPU would have to launch for a training step and for a batch drawn, counted on a CPU.

    python benchmarks/gpu_operators.py --preset paper --preset fast --batch 4

A GPU computes small operators faster than they can be launched, at about 5 microseconds each, so their number sets the
time of an eager step. Step and sampler run here in bfloat16 on tensors that have shapes but no content (torch's fake
tensors), on a CUDA device that does not exist (`no_gpu.cpp`, built by g++ on the way). An operator that mixes devices
is an error, and so is reading a number back, for which a step would wait.

All operators of torch are counted, except views and those that only allocate; some of them launch several kernels.
`--where` prints the functions that call most of them. With `--processes` the step is that of the first of several
processes, which share the batch and send their gradients to nobody; a batch drawn is always one process's.
"""

import argparse
import collections
import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

CAPABILITY = (9, 0)  # of the GPU that it is taken for: one with bfloat16


def main() -> None:
    """Print a row of Markdown a preset and batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", choices=("paper", "fast"))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--processes", type=int, default=1, help="that share the batch, each with a GPU")
    parser.add_argument("--where", type=int, default=0, help="so many of the functions that call most operators")
    options = parser.parse_args()
    if "ECHODIFF_NO_GPU" not in os.environ:
        sys.exit(run_with_the_device())
    print("| preset | batch | operators, a training step | a step with gradient penalty | a batch drawn |")
    print("| --- | --- | --- | --- | --- |")
    for preset in options.preset or ["paper", "fast"]:
        counted = count(preset, options.batch, options.size, options.processes)
        cells = [f"{sum(own.values()):,}" if own else "none" for own in counted]
        print(f"| {preset} | {options.batch} | " + " | ".join(cells) + " |", flush=True)
        for name, number in counted[0].most_common(options.where):
            print(f"    {number:>6} {name}")


def run_with_the_device() -> int:
    """Build the device, and run this program again with it; the exit status."""
    import torch

    package = Path(torch.__file__).parent
    if torch.version.cuda:
        sys.exit("benchmarks/gpu_operators.py: expected a torch without CUDA; benchmarks/gpu.py measures on a GPU")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "no_gpu.so"
        source = Path(__file__).with_name("no_gpu.cpp")
        paths = [f"-I{package / 'include'}", f"-L{package / 'lib'}", f"-Wl,-rpath,{package / 'lib'}"]
        flags = ["-std=c++20", "-O1", "-shared", "-fPIC", "-ltorch_cpu", "-lc10"]
        subprocess.run(["g++", source, "-o", library, *paths, *flags], check=True)
        environment = os.environ | {"LD_PRELOAD": str(library), "ECHODIFF_NO_GPU": "1"}
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


def count(preset: str, batch: int, size: int, processes: int = 1) -> list[collections.Counter]:
    """Operators by the function that calls them: of a step, of one with gradient penalty, of a batch drawn."""
    import torch
    from torch._subclasses import fake_tensor

    from echodiff.config.models import Model
    from echodiff.train import state as states
    from echodiff.train.data import Planes, epoch_order
    from echodiff.train.drawing import Drawing
    from echodiff.train.generator_file import reverse_of
    from echodiff.train.objective import Objective
    from echodiff.train.step import Setup, takes_penalty, train_step

    model = Model.model_validate(
        {"preset": preset, "training": {"batch_size": batch}, "speed": {"precision": "bfloat16"}}
    )
    shapes = torch.randint(0, 256, (8, 1, size, size), dtype=torch.uint8)
    state = states.new_state(model, shapes, torch.device("cpu"))
    device = torch.device("cuda", 0)
    epoch_order.cache_clear()  # of another preset's fake tensors
    together = first_of(processes)
    with (
        mock.patch.object(fake_tensor, "init_gpu_context", lambda device: None),
        mock.patch.object(torch.cuda, "get_device_capability", lambda device=None: CAPABILITY),
        mock.patch.object(torch.cuda, "is_available", lambda: True),
        mock.patch.object(torch.cuda, "is_bf16_supported", lambda *any_of, **them: True),
        mock.patch.object(torch, "Generator", NoGenerator),
        mock.patch.object(torch._C, "_conv_determine_backend_memory_format", layout_of_cudnn),
    ):
        fake = fake_tensor.FakeTensorMode()

        def on_gpu(tensor: torch.Tensor) -> torch.Tensor:
            shape_alone = fake.from_tensor(tensor.detach())
            with fake:
                return shape_alone.to(device)

        networks = [moved(network, on_gpu) for network in (state.generator, state.discriminator, state.ema)]
        objective = Objective.of(model, torch.device("cpu"))
        objective = replaced(objective, on_gpu)
        reverse = replaced(reverse_of(model), on_gpu)
        with fake:
            state.generator, state.discriminator, state.ema = networks
            state.optimiser_g = states.adam(state.generator, 1e-4, model.optimiser)
            state.optimiser_d = states.adam(state.discriminator, 1e-4, model.optimiser)
            data = Planes(*(torch.zeros(batch, 1, size, size, dtype=torch.uint8, device=device) for _ in range(3)))
            setup = Setup(model, objective, data, *networks[:2], together, device, steps=10**6)
            stop = torch.zeros((), device=device)

            def step(number: int) -> collections.Counter:
                state.step = number
                with Operators() as counted:
                    train_step(setup, state, stop)
                return counted.by_function

            step(1)  # the first one makes room for the optimisers
            with mock.patch.object(Drawing, "_reverse", reverse), Operators() as drawn:
                Drawing(state.ema, model, device).images(data, range(batch))
            penalised = step(0) if takes_penalty(setup, 0) else collections.Counter()
            return [step(1), penalised, drawn.by_function]


def first_of(processes: int):
    """The first of so many processes; messages to the others arrive nowhere."""
    import torch.distributed as dist
    from torch.testing._internal.distributed.fake_pg import FakeStore

    from echodiff.train.processes import Processes

    if processes > 1 and not dist.is_initialized():
        dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=processes)
    return Processes(0, processes, 0, processes)


def layout_of_cudnn(x, weight, backend):
    """In the place of torch's choice, which a build without CUDA makes as if there were no cuDNN either."""
    import torch

    innermost = any(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
    return torch.channels_last if innermost and x.dim() == 4 else torch.contiguous_format


def moved(network, on_gpu):
    """The network with its weights and buffers on the device."""
    for module in network.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = type(weight)(on_gpu(weight), requires_grad=weight.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = on_gpu(buffer)
    return network


def replaced(options, on_gpu):
    """A dataclass of dataclasses and tensors, the tensors on the device."""
    import torch

    def each(value):
        if isinstance(value, torch.Tensor):
            return on_gpu(value)
        return replaced(value, on_gpu) if dataclasses.is_dataclass(value) else value

    return dataclasses.replace(
        options, **{own.name: each(getattr(options, own.name)) for own in dataclasses.fields(options)}
    )


class NoGenerator:
    """In the place of random generators, which the device has not."""

    def __init__(self, device=None):
        pass

    def manual_seed(self, seed: int) -> None:
        """No generator."""


class Operators:
    """Counts, within the block, operators that a GPU launches, by the function of echodiff that calls them."""

    def __init__(self):
        from torch.utils._python_dispatch import TorchDispatchMode

        from echodiff.train.estimate import touches_memory

        self.by_function = by_function = collections.Counter()

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                if function.namespace == "aten" and touches_memory(function):
                    by_function[caller()] += 1
                return function(*args, **(kwargs or {}))

        self._mode = Mode()

    def __enter__(self):
        self._mode.__enter__()
        return self

    def __exit__(self, *error):
        self._mode.__exit__(*error)


def caller() -> str:
    """The innermost function of echodiff that runs; the backward passes of torch's own operators have none."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if "echodiff" in path.parts[:-1] and path.parent.name != "benchmarks":
            return f"{path.parent.name}/{path.name}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "torch, backward"


if __name__ == "__main__":
    main()
