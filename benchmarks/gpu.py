"""Images a second in training and sampling on a GPU, share of its bfloat16 peak, and memory; eager against compiled.

    python benchmarks/gpu.py --preset paper --preset fast --batch 4 --batch 32 --minutes 14

Each combination runs in a process of its own, on random images and with first weights, and its row is printed as soon
as it is known. Compiled ones come last, as a compiler takes minutes for each. `--minutes` ends what has not come to its
end by then; what is known of the combination that is under way is printed, training alone say.

Training: `--rounds` times as many steps as lie between two gradient penalties, so that these have their share. "Paper's
schedule" is the time that 500 epochs of 405 images take at that rate.

Sampling: all steps of the sampler, its noise included, with the images back in the CPU's memory and nothing of the
training in the GPU's. `echodiff translate` itself runs it eager.

"Of peak": operations a second, one multiply-add = 2, against those of a bfloat16 product of square matrices measured on
the same device, or against `--peak` (TFLOP a second, from the card's data sheet).

"Of bandwidth": bytes a second, if every operator reads and writes memory in bfloat16, against those of a copy measured
on the same device, or against `--bandwidth` (GB a second). Compiled networks move fewer bytes.

The seconds of the first rounds, most of them a compiler's, are no part of the rates and are given separately.

`--cudnn-benchmark` lets cuDNN try its routines for each convolution in the first rounds, which training does not.

`--device cpu --mode eager` runs the same code without a GPU, to see that it works, in bfloat16 only where the processor
has units for it. The compiled mode gains nothing there (docs/performance.md).
"""

import argparse
import gc
import itertools
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

PAPER_IMAGES = 500 * 405
UNKNOWN = float("nan")

Numbers = dict[str, float | int | str]


def measure(options: argparse.Namespace, preset: str, batch: int, compile_: bool) -> Iterator[Numbers]:
    """The numbers of one row, twice: when the training has been measured, and with the sampling."""
    import torch

    from echodiff.config.models import Model
    from echodiff.devices.torch_device import choose_device
    from echodiff.train.data import Planes
    from echodiff.train.estimate import estimate
    from echodiff.train.generator_file import reverse_of

    device, size = choose_device(options.device), options.size
    on_gpu = device.type == "cuda"
    torch.backends.cudnn.benchmark = options.cudnn_benchmark
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
    trained = batch * model.loss.r1_every / training
    row = {
        "device": torch.cuda.get_device_name(device) if on_gpu else "CPU",
        "preset": preset,
        "batch": batch,
        "mode": "compiled" if compile_ else "eager",
        "training, images/s": trained,
        "training, of peak": trained * cost.flops_a_step(model.loss.r1_every) / peak,
        "training, of bandwidth": trained * moved_a_image(cost, model.loss.r1_every, batch) / width,
        "training, GiB": peak_memory(device),
        "paper's schedule, min": PAPER_IMAGES / trained / 60,
        "sampling, images/s": UNKNOWN,
        "sampling, of peak": UNKNOWN,
        "sampling, of bandwidth": UNKNOWN,
        "sampling, GiB": UNKNOWN,
        "first rounds, s": first_training,
        "peak, TFLOP/s": peak / 1e12,
        "bandwidth, GB/s": width / 1e9,
    }
    yield row
    first_sampling, sampling = seconds(sampling_round(model, data, device), options.rounds, wait)
    drawn = batch / sampling
    yield row | {
        "sampling, images/s": drawn,
        "sampling, of peak": drawn * reverse_of(model).steps * cost.flops_forward / peak,
        "sampling, of bandwidth": drawn * reverse_of(model).steps * cost.moved_forward / 2 / width,
        "sampling, GiB": peak_memory(device),
        "first rounds, s": first_training + first_sampling,
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
        return UNKNOWN
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
    parser.add_argument("--minutes", type=float, default=UNKNOWN, help="for all combinations together")
    parser.add_argument("--cudnn-benchmark", action="store_true", help="let cuDNN try its routines")
    parser.add_argument("--json", action="store_true", help="the first combination only, a line of JSON a measurement")
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
        for numbers in measure(options, options.preset[0], options.batch[0], options.mode[0] == "compiled"):
            print(json.dumps(numbers), flush=True)
        return
    same = [f"--{name}={getattr(options, name)}" for name in ("device", "size", "rounds", "matrix", "copied")]
    same += [f"--{name}={getattr(options, name)}" for name in ("peak", "bandwidth") if getattr(options, name)]
    same += ["--cudnn-benchmark"] if options.cudnn_benchmark else []
    ends = time.monotonic() + 60 * options.minutes
    header, failed = False, 0
    for mode, preset, batch in itertools.product(options.mode, options.preset, options.batch):
        command = [sys.executable, __file__, "--json", f"--preset={preset}", f"--batch={batch}", f"--mode={mode}"]
        numbers, fault = row_of([*command, *same], None if math.isnan(ends) else max(ends - time.monotonic(), 0))
        if fault:
            print(f"{preset}, batch {batch}, {mode}: {fault}", file=sys.stderr, flush=True)
            failed += 1
        if numbers and not header:
            print("| " + " | ".join(numbers) + " |")
            print("|" + " --- |" * len(numbers))
            header = True
        if numbers:
            cells = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in numbers.values()]
            print("| " + " | ".join(cells) + " |", flush=True)
    sys.exit(1 if failed else 0)


def row_of(command: list[str], limit: float | None) -> tuple[Numbers, str]:
    """The last numbers that a combination's process gave, in `limit` seconds, and why there are no more, or ""."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        known, fault = done.stdout, said[-1] if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        known, fault = (late.stdout or b"").decode(), "expected to end within --minutes, found it under way"
    whole = known.splitlines()
    return (json.loads(whole[-1]) if whole else {}), fault


if __name__ == "__main__":
    main()
