"""What a training will cost: parameters, floating point operations, memory, time. Nothing is trained for it."""

import time
from dataclasses import dataclass

import torch
import yaml
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from echodiff.config.models import Model
from echodiff.devices.precision import autocast, precision
from echodiff.diffusion.guides import guide_channels
from echodiff.diffusion.networks.generator import Generator
from echodiff.errors import ConfigError
from echodiff.progress import format_seconds
from echodiff.train.data import total_steps
from echodiff.train.draws import Draw
from echodiff.train.generator_file import discriminator_of, generator_of
from echodiff.train.job import Job
from echodiff.train.objective import (
    Objective,
    discriminator_objective,
    generator_objective,
    penalty_objective,
    run_generator,
)
from echodiff.train.processes import Processes

GIB = 2**30
ADAM_PASSES = 7  # over the weights: weight, gradient and both moments are read, all but the gradient written
MEAN_PASSES = 3  # weight and mean are read, the mean written
# Of what is kept in float32, in bfloat16: `paper` took 2.4 and 3.2 GiB on a CPU, 1.15 of them weights and optimisers.
BFLOAT16_SHARE = 0.6


@dataclass(frozen=True)
class Cost:
    """Cost of training with one image at a time.

    parameters_*: weights. flops_forward: of the generator. flops_step: of an iteration without gradient penalty;
    flops_penalty: of the penalty. 1 multiply-add = 2 operations. moved_*: bytes, in float32, that the same read and
    write where every operator reads its inputs from memory and writes its results there; of optimisers and running
    mean: moved_fixed, once a step. bytes_fixed: weights, gradients, running mean, optimisers. bytes_image: kept for the
    gradient, an image, in float32.
    """

    parameters_g: int
    parameters_d: int
    flops_forward: int
    flops_step: int
    flops_penalty: int
    moved_forward: int
    moved_step: int
    moved_penalty: int
    moved_fixed: int
    bytes_fixed: int
    bytes_image: int

    def flops_a_step(self, penalty_every: int) -> float:
        """Operations of an iteration with the penalty's share."""
        return self.flops_step + self.flops_penalty / penalty_every

    def moved_a_step(self, penalty_every: int) -> float:
        """Bytes that an iteration reads and writes, with the penalty's share, without optimisers."""
        return self.moved_step + self.moved_penalty / penalty_every


def estimate(model: Model, size: int) -> Cost:
    """Count by running the losses of one image on tensors that have shapes but no content.

    Where the discriminator judges groups of images, one group is run and each image has its share.
    """
    group = model.group
    with torch.device("meta"):
        generator = generator_of(model, size)
        discriminator = discriminator_of(model, size)
        x_0, guide, draw = blank(model, generator, size, group)
    objective = Objective.of(model, torch.device("meta"))

    with Meter() as forward, torch.no_grad():
        one = run_generator(objective, generator, x_0, guide, draw)
    with Meter() as learning_g:
        freeze(discriminator)
        one = run_generator(objective, generator, x_0, guide, draw)
        generator_objective(objective, discriminator, one)[0].backward()
    learning_d, penalty = Meter(), Meter()
    if discriminator is not None:
        discriminator.requires_grad_(True)
        judged = one.without_gradient()
        with learning_d:
            discriminator_objective(objective, discriminator, judged)[0].backward()
        direction = x_0 if model.loss.r1_method == "finite" else None
        with penalty:
            loss = penalty_objective(objective, discriminator, judged, direction)[0]
            if loss.requires_grad:
                loss.backward()
    passes = [learning_g, learning_d] + ([] if model.loss.shared_draw or discriminator is None else [forward])
    weights_g, weights_d = parameters(generator), parameters(discriminator)
    return Cost(
        parameters_g=weights_g,
        parameters_d=weights_d,
        flops_forward=forward.flops // group,
        flops_step=sum(part.flops for part in passes) // group,
        flops_penalty=penalty.flops // group,
        moved_forward=forward.bytes_moved // group,
        moved_step=sum(part.bytes_moved for part in passes) // group,
        moved_penalty=penalty.bytes_moved // group,
        moved_fixed=4 * (ADAM_PASSES * (weights_g + weights_d) + MEAN_PASSES * weights_g),
        bytes_fixed=4 * (5 * weights_g + 4 * weights_d),
        bytes_image=max(learning_g.bytes_kept, learning_d.bytes_kept, penalty.bytes_kept) // group,
    )


def blank(model: Model, generator: Generator, size: int, images: int) -> tuple[torch.Tensor, torch.Tensor, Draw]:
    """What a pass of the generator takes: images, guides and random numbers, all 0, on the default device."""
    x_0 = torch.zeros(images, 1, size, size)
    guide = torch.zeros(images, guide_channels(model.guide.style, model.guide.sector), size, size)
    latents = {name: torch.zeros(images, *shape) for name, shape in generator.latent_shapes(size).items()}
    return x_0, guide, Draw(torch.zeros(images), x_0, x_0, x_0, torch.zeros(images, 2), latents)


class Meter(TorchDispatchMode):
    """Counts, within the block, operations, bytes read and written, and bytes that autograd keeps (no weights)."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.bytes_kept = self.bytes_moved = 0
        self._kept: dict[int, torch.Tensor] = {}
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._keep, lambda tensor: tensor)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        count = flop_registry.get(function._overloadpacket)
        if count is not None:
            self.flops += count(*args, **kwargs, out_val=result)
        if touches_memory(function):
            self.bytes_moved += sum(part.nbytes for part in tensors_of((args, kwargs, result)))
        return result

    def _keep(self, tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, nn.Parameter):
            self._kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    def __enter__(self) -> "Meter":
        self._hooks.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._hooks.__exit__(*error)
        self.bytes_kept = sum(tensor.untyped_storage().nbytes() for tensor in self._kept.values())
        self._kept.clear()


def touches_memory(function: torch._ops.OpOverload) -> bool:
    """Whether an operator reads and writes: not one that gives another view of its input, or room for a result."""
    aliases = [value.alias_info for value in function._schema.returns]
    is_view = any(alias is not None and not alias.is_write for alias in aliases)
    return not is_view and "empty" not in function._schema.name


def tensors_of(values: object) -> list[torch.Tensor]:
    """All tensors among nested arguments or results."""
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


def parameters(network: nn.Module | None) -> int:
    """Number of weights."""
    return 0 if network is None else sum(weight.numel() for weight in network.parameters())


def freeze(network: nn.Module | None) -> None:
    """Let no weight take a gradient."""
    if network is not None:
        network.requires_grad_(False)


def part_size(job: Job, processes: Processes) -> int:
    """Images that a process computes at once."""
    rows = processes.share(job.model.training.batch_size)
    return min(job.model.speed.part or rows.stop - rows.start, rows.stop - rows.start)


def memory(cost: Cost, job: Job, device: torch.device, images: int) -> int:
    """Bytes on a device with `images` computed at once: weights, optimisers, training set, and these images."""
    return cost.bytes_fixed + 3 * job.training.images.size + images * memory_image(cost, job, device)


def memory_image(cost: Cost, job: Job, device: torch.device) -> int:
    """Bytes on a device for each image that is computed at once, in the training's precision."""
    share = BFLOAT16_SHARE if precision(job.model.speed, device) == "bfloat16" else 1.0
    return round(share * cost.bytes_image)


def device_memory(device: torch.device) -> int:
    """Bytes that the device has: a GPU those that are free, a CPU those of the machine."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().total


def refuse_too_large(job: Job, device: torch.device, processes: Processes) -> None:
    """Refuse a batch that the device's memory cannot hold; on a CPU its processes share the machine's.

    Raises:
        ConfigError: with the number of images that fit, as many as make whole groups for the discriminator.
    """
    cost, available = estimate(job.model, job.size), device_memory(device)
    sharing = processes.local_world if device.type == "cpu" else 1
    images, group = part_size(job, processes), job.model.group
    taken = sharing * memory(cost, job, device, images)
    if taken <= available:
        return
    room = available // sharing - memory(cost, job, device, 0)
    fit = room // memory_image(cost, job, device) // group * group
    smallest = "one image fits" if group == 1 else f"the {group} images of discriminator.group fit"
    fewer = ", or fewer processes" if sharing > 1 else ""
    advice = f"set speed.part: {fit}" if fit >= 1 else f"not even {smallest}: use a smaller model or image.size"
    each = f" in each of {sharing} processes" if sharing > 1 else ""
    raise ConfigError(
        f"{device} has {available / GIB:.1f} GiB: expected room for {images} images of {job.size} x {job.size} "
        f"at once{each}, found that they take {taken / GIB:.1f} GiB; {advice}{fewer}"
    )


def measured_flops(model: Model, size: int, images: int, cost: Cost, device: torch.device) -> float:
    """Floating point operations a second of this device, in the better of two passes of the generator.

    In the training's precision and with as many images at once. The rest of an iteration is of the same kind, where one
    large convolution tells little of small networks: on a CPU it is three times as quick.
    """
    layout = torch.channels_last if model.speed.channels_last else torch.contiguous_format
    generator = generator_of(model, size).to(device, memory_format=layout)
    with torch.device(device):
        numbers = blank(model, generator, size, images)
    objective, seconds = Objective.of(model, device), []
    for _ in range(2):
        begun = time.perf_counter()
        with torch.no_grad(), autocast(model.speed, device):
            run_generator(objective, generator, *numbers)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begun)
    return images * cost.flops_forward / min(seconds)


def describe(job: Job, device: torch.device, processes: Processes) -> str:
    """Resolved options, sizes, cost and time of a training, as text; the time is an estimate."""
    model, size = job.model, job.size
    cost = estimate(model, size)
    steps = total_steps(model.training.epochs, model.training.steps, model.training.batch_size, len(job.training))
    own, at_once = model.training.batch_size // processes.world, part_size(job, processes)
    gib = memory(cost, job, device, at_once) / GIB
    speed = measured_flops(model, size, at_once, cost, device)
    kind = "second derivatives" if model.loss.r1_method == "exact" else "finite difference"
    penalty = f"gradient penalty {cost.flops_penalty / 1e9:.1f} GFLOP ({kind}, every {model.loss.r1_every} steps)"
    seconds = steps * own * cost.flops_a_step(model.loss.r1_every) / speed
    lines = [
        yaml.safe_dump({job.name: model.model_dump(mode="json")}, sort_keys=False).rstrip(),
        "",
        f"images          {len(job.training)} for training, {len(job.validation)} for validation, {size} x {size}",
        f"parameters      generator {cost.parameters_g:,}, discriminator {cost.parameters_d:,}",
        f"operations      generator forward {cost.flops_forward / 1e9:.1f} GFLOP; an iteration with one image "
        f"{cost.flops_step / 1e9:.1f} GFLOP, {penalty if cost.flops_penalty else 'no gradient penalty'}",
        f"memory traffic  {cost.moved_a_step(model.loss.r1_every) / 1e9:.1f} GB an iteration with one image in float32 "
        "where operators read and write memory",
        f"memory          {gib:.2f} GiB in {precision(model.speed, device)} with {at_once} images at once",
        f"steps           {steps:,} of {model.training.batch_size} images on {processes.world} "
        f"device{'s' if processes.world > 1 else ''}",
        f"estimated time  {format_seconds(seconds)} at {speed / 1e9:.0f} GFLOP a second, the generator's on {device}",
        f"checkpoint      {job.checkpoint}",
    ]
    return "\n".join(lines)
