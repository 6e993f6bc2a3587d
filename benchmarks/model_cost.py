"""CPU-seconds (user + system) and peak memory of a generator's forward pass and of a training iteration.

    python benchmarks/model_cost.py --preset paper --preset fast --precision float32 --precision bfloat16

Each combination is measured in a process of its own, one image at a time, on random images. Gradient penalties count
with their share of the steps that take them. "Of peak": operations a CPU-second of the iteration against those of a
plain 3x3 convolution of 64 channels in float32 on the same cores at the same time.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable


def cpu_seconds() -> float:
    """User and system time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """CPU-seconds and wall seconds of one call, after a first call that is not counted."""
    work()
    cpu, wall = cpu_seconds(), time.perf_counter()
    for _ in range(repeats):
        work()
    return (cpu_seconds() - cpu) / repeats, (time.perf_counter() - wall) / repeats


def measure(preset: str, precision: str, size: int, threads: int, repeats: int) -> dict[str, float | str]:
    """The numbers of one row."""
    from echodiff.devices.cpu import prepare_cpu

    prepare_cpu()
    import torch

    from echodiff.config.models import Model
    from echodiff.diffusion.guides import draw_guide
    from echodiff.train import state as states
    from echodiff.train.data import Planes
    from echodiff.train.estimate import estimate
    from echodiff.train.objective import Objective
    from echodiff.train.processes import Processes
    from echodiff.train.step import Setup, train_step

    torch.set_num_threads(threads)
    device = torch.device("cpu")
    model = Model.model_validate({"preset": preset, "training": {"batch_size": 1}, "speed": {"precision": precision}})
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 1, size, size), dtype=torch.uint8, generator=random)
    data = Planes(images, images // 64, torch.ones_like(images))
    state = states.new_state(model, images, device)
    objective = Objective.of(model, device)
    networks = (state.generator, state.discriminator)
    setup = Setup(model, objective, data, *networks, Processes(), device, steps=1000)
    guide = draw_guide(data.masks[:1], data.sectors[:1], style=model.guide.style, sector=model.guide.sector)
    latents = {name: torch.randn(1, *shape) for name, shape in state.ema.latent_shapes(size).items()}
    noise, t = torch.randn(1, 1, size, size), torch.zeros(1, dtype=torch.int64)
    latents |= state.ema.describe(noise)

    def forward() -> None:
        with torch.no_grad(), setup.arithmetic():
            state.ema(noise, guide, t, latents)

    def iterate(step: int) -> None:
        state.step = step
        train_step(setup, state, torch.zeros(()))

    every = model.loss.r1_every
    cpu_forward, _ = timed(forward, repeats)
    cpu_plain, wall_plain = timed(lambda: iterate(1), repeats)  # step 1 takes no penalty, step 0 does
    cpu_penalty, wall_penalty = timed(lambda: iterate(0), max(1, repeats // 2))
    flops_convolution, work = convolution(size)
    peak = flops_convolution / timed(work, 20)[0]
    cpu = cpu_plain + (cpu_penalty - cpu_plain) / every
    flops = estimate(model, size).flops_a_step(every)
    return {
        "preset": preset,
        "precision": precision,
        "forward, CPU-s": cpu_forward,
        "iteration, CPU-s": cpu,
        "iteration, s": wall_plain + (wall_penalty - wall_plain) / every,
        "iteration, GFLOP": flops / 1e9,
        "of peak": flops / cpu / peak,
        "peak GFLOP a CPU-s": peak / 1e9,
        "peak memory, GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def convolution(size: int) -> tuple[int, Callable[[], object]]:
    """Operations of a 3x3 convolution of 64 channels in float32, and the function that runs it."""
    import torch

    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last).requires_grad_(False)
    x = torch.randn(1, 64, size, size).contiguous(memory_format=torch.channels_last)
    return 2 * 9 * 64 * 64 * size * size, lambda: layer(x)


def main() -> None:
    """Measure every combination and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", choices=("paper", "fast"))
    parser.add_argument("--precision", action="append", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one combination only, as JSON")
    options = parser.parse_args()
    presets, precisions = options.preset or ["paper", "fast"], options.precision or ["auto"]
    if options.json:
        row = measure(presets[0], precisions[0], options.size, options.threads, options.repeats)
        print(json.dumps(row))
        return
    header = False
    for preset in presets:
        for precision in precisions:
            same = [f"--{name}={getattr(options, name)}" for name in ("size", "threads", "repeats")]
            command = [sys.executable, __file__, "--json", f"--preset={preset}", f"--precision={precision}", *same]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if not header:
                print("| " + " | ".join(row) + " |")
                print("|" + " --- |" * len(row))
                header = True
            cells = [f"{value:.3g}" if isinstance(value, float) else value for value in row.values()]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
