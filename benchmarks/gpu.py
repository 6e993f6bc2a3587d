"""Images a second in training and sampling on a GPU, share of its bfloat16 peak, and memory; eager against compiled.

    python benchmarks/gpu.py --preset paper --preset fast --batch 4 --batch 32

Each combination runs in a process of its own, on random images and with first weights.

Training: `--rounds` times as many steps as lie between two gradient penalties, so that these have their share. "Paper's
schedule" is the time that 500 epochs of 405 images take at that rate.

Sampling: all steps of the sampler, its noise included, with the images back in the CPU's memory and nothing of the
training in the GPU's. `echodiff translate` itself runs it eager.

"Of peak": operations a second, one multiply-add = 2, against those of a bfloat16 product of square matrices measured on
the same device, or against `--peak` (TFLOP a second, from the card's data sheet).

"Of bandwidth": bytes a second, if every operator reads and writes memory in bfloat16, against those of a copy measured
on the same device, or against `--bandwidth` (GB a second). Compiled networks move fewer bytes.

The seconds before the first round, most of them a compiler's, are given separately.

`--device cpu --mode eager` runs the same code without a GPU, to see that it works, in bfloat16 only where the processor
has units for it. The compiled mode gains nothing there (docs/performance.md).
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable

PAPER_IMAGES = 500 * 405


def measure(options: argparse.Namespace, preset: str, batch: int, compile_: bool) -> dict[str, float | int | str]:
    """The numbers of one row."""
    import torch

    from echodiff.config.models import Model
    from echodiff.devices.torch_device import choose_device
    from echodiff.train.data import Planes
    from echodiff.train.estimate import estimate
    from echodiff.train.generator_file import reverse_of

    device, size = choose_device(options.device), options.size
    on_gpu = device.type == "cuda"
    speed = {"precision": "bfloat16" if on_gpu else "auto", "compile": compile_}
    model = Model.model_validate({"preset": preset, "training": {"batch_size": batch}, "speed": speed})
    images = torch.randint(0, 256, (64, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = Planes(images, images // 64, torch.ones_like(images)).to(device)

    wait = (lambda: torch.cuda.synchronize(device)) if on_gpu else (lambda: None)
    peak = options.peak * 1e12 if options.peak else product_rate(options.matrix, 10 * options.rounds, device, wait)
    width = (
        options.bandwidth * 1e9 if options.bandwidth else copy_rate(options.copied, 10 * options.rounds, device, wait)
    )
    cost = estimate(model, size)
    peak_memory(device)
    first_training, training = seconds(training_round(model, data, device), options.rounds, wait)
    memory_training = peak_memory(device)
    first_sampling, sampling = seconds(sampling_round(model, data, device), options.rounds, wait)
    trained, drawn = batch * model.loss.r1_every / training, batch / sampling
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else "CPU",
        "preset": preset,
        "batch": batch,
        "mode": "compiled" if compile_ else "eager",
        "training, images/s": trained,
        "training, of peak": trained * cost.flops_a_step(model.loss.r1_every) / peak,
        "training, of bandwidth": trained * moved_a_image(cost, model.loss.r1_every, batch) / width,
        "training, GiB": memory_training,
        "paper's schedule, min": PAPER_IMAGES / trained / 60,
        "sampling, images/s": drawn,
        "sampling, of peak": drawn * reverse_of(model).steps * cost.flops_forward / peak,
        "sampling, of bandwidth": drawn * reverse_of(model).steps * cost.moved_forward / 2 / width,
        "sampling, GiB": peak_memory(device),
        "first rounds, s": first_training + first_sampling,
        "peak, TFLOP/s": peak / 1e12,
        "bandwidth, GB/s": width / 1e9,
    }


def training_round(model, data, device) -> Callable[[], None]:
    """A function that takes as many steps as lie between two gradient penalties."""
    import torch

    from echodiff.train import state as states
    from echodiff.train.compilation import compiled
    from echodiff.train.objective import Objective
    from echodiff.train.processes import Processes
    from echodiff.train.step import Setup, train_step

    state = states.new_state(model, data.images, device)
    networks = [compiled(network, model.speed) for network in (state.generator, state.discriminator)]
    setup = Setup(model, Objective.of(model, device), data, *networks, Processes(), device, steps=10**6)
    stop = torch.zeros((), device=device)

    def train() -> None:
        state.step = 0
        for _ in range(model.loss.r1_every):
            train_step(setup, state, stop)

    return train


def sampling_round(model, data, device) -> Callable[[], None]:
    """A function that draws a batch of images, from first weights and without anything of the training."""
    import torch

    from echodiff.train import state as states
    from echodiff.train.compilation import compiled
    from echodiff.train.drawing import Drawing

    network = states.new_state(model, data.images, device).ema
    drawing, batch = Drawing(compiled(network, model.speed), model, device), model.training.batch_size
    cases = data[torch.arange(batch, device=device) % len(data)]
    return lambda: drawing.images(cases, range(batch))


def peak_memory(device) -> float:
    """Most GiB of the GPU's memory in use since the last call; not known on a CPU."""
    import torch

    from echodiff.train.estimate import GIB

    if device.type != "cuda":
        return float("nan")
    gc.collect()  # what is over may refer to itself
    used = torch.cuda.max_memory_allocated(device) / GIB
    torch.cuda.reset_peak_memory_stats(device)
    return used


def product_rate(side: int, repeats: int, device, wait: Callable[[], None]) -> float:
    """Operations a second of a bfloat16 product of two square matrices."""
    import torch

    matrix = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    return 2 * side**3 / seconds(lambda: torch.mm(matrix, matrix), repeats, wait)[1]


def copy_rate(mebibytes: int, repeats: int, device, wait: Callable[[], None]) -> float:
    """Bytes a second that a copy reads and writes."""
    import torch

    source, target = (torch.zeros(mebibytes * 2**20, dtype=torch.uint8, device=device) for _ in range(2))
    return 2 * source.nbytes / seconds(lambda: target.copy_(source), repeats, wait)[1]


def moved_a_image(cost, penalty_every: int, batch: int) -> float:
    """Bytes of an iteration for one image: the networks' in bfloat16, the optimisers' share in float32."""
    return cost.moved_a_step(penalty_every) / 2 + cost.moved_fixed / batch


def seconds(work: Callable[[], object], repeats: int, wait: Callable[[], None]) -> tuple[float, float]:
    """Wall seconds of a first call, and of one of the calls after it; `wait`: until the device has finished."""

    def timed(times: int) -> float:
        begun = time.perf_counter()
        for _ in range(times):
            work()
        wait()
        return time.perf_counter() - begun

    return timed(1), timed(repeats) / repeats


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", choices=("paper", "fast"))
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--mode", action="append", choices=("eager", "compiled"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--matrix", type=int, default=8192, help="side of the matrices that the peak is measured with")
    parser.add_argument("--peak", type=float, help="TFLOP a second in bfloat16, in place of the measured product")
    parser.add_argument("--copied", type=int, default=1024, help="MiB of the copy that the bandwidth is measured with")
    parser.add_argument("--bandwidth", type=float, help="GB a second, in place of the measured copy")
    parser.add_argument("--json", action="store_true", help="the first combination only, as JSON")
    options = parser.parse_args(given)
    options.preset, options.batch = options.preset or ["paper", "fast"], options.batch or [4]
    options.mode = options.mode or ["eager", "compiled"]
    return options


def main() -> None:
    """Measure every combination and print a table; one that fails, for want of memory say, leaves its reason."""
    from echodiff.devices.cpu import prepare_cpu

    prepare_cpu()
    from echodiff.devices.torch_device import choose_device
    from echodiff.errors import EchodiffError

    options = arguments()
    try:
        choose_device(options.device)
    except EchodiffError as error:
        sys.exit(f"benchmarks/gpu.py: {error}")
    if options.json:
        row = measure(options, options.preset[0], options.batch[0], options.mode[0] == "compiled")
        print(json.dumps(row))
        return
    same = [f"--{name}={getattr(options, name)}" for name in ("device", "size", "rounds", "matrix", "copied")]
    same += [f"--{name}={getattr(options, name)}" for name in ("peak", "bandwidth") if getattr(options, name)]
    combinations = [(p, b, m) for p in options.preset for b in options.batch for m in options.mode]
    header, failed = False, 0
    for preset, batch, mode in combinations:
        own = [f"--preset={preset}", f"--batch={batch}", f"--mode={mode}"]
        done = subprocess.run([sys.executable, __file__, "--json", *own, *same], capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
            print(f"{preset}, batch {batch}, {mode}: {said[-1]}", file=sys.stderr, flush=True)
            failed += 1
            continue
        row = json.loads(done.stdout)
        if not header:
            print("| " + " | ".join(row) + " |")
            print("|" + " --- |" * len(row))
            header = True
        cells = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()]
        print("| " + " | ".join(cells) + " |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
