"""A real GPU: the same images and gradients as a CPU's but for rounding, no wait in a step, checkpoints that move.

They are skipped without one. Numbers that a training draws differ between kinds of device, so these are the CPU's.
"""

import copy

import pytest
import torch

from echodiff.config.models import Model
from echodiff.devices.torch_device import choose_device
from echodiff.diffusion import losses
from echodiff.diffusion.sampling_noise import SamplingNoise, random_words
from echodiff.train import draws, step
from echodiff.train import state as states
from echodiff.train.compilation import compiled
from echodiff.train.data import Planes
from echodiff.train.drawing import Drawing
from echodiff.train.objective import Objective
from echodiff.train.processes import Processes

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, this machine has none"),
]
CPU, SIZE, BATCH = torch.device("cpu"), 64, 4


@pytest.fixture
def gpu() -> torch.device:
    return choose_device("cuda")


def begun(preset: str, device: torch.device, **sections) -> tuple[step.Setup, states.State]:
    """A training of a preset in float32 that has not begun, with weights that are zero at first made random."""
    speed = {"precision": "float32"} | sections.pop("speed", {})
    model = Model.model_validate({"preset": preset, "training": {"batch_size": BATCH}, "speed": speed, **sections})
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 1, SIZE, SIZE), dtype=torch.uint8, generator=random)
    state = states.new_state(model, images, device)
    for network in (state.generator, state.discriminator):
        for weight in network.parameters():
            noise = 0.02 * torch.randn(weight.shape, generator=random)
            weight.data.add_(noise.to(device))
    state.ema.load_state_dict(state.generator.state_dict())
    data = Planes(images, images // 64, torch.ones_like(images)).to(device)
    networks = [compiled(network, model.speed) for network in (state.generator, state.discriminator)]
    return step.Setup(model, Objective.of(model, device), data, *networks, Processes(), device, steps=20), state


@pytest.fixture
def drawn_on_the_cpu(monkeypatch):
    """Random numbers of a step that are the same on all kinds of device."""
    draw_step = draws.draw_step

    def moved(value, device):
        if isinstance(value, torch.Tensor):
            return value.to(device)
        if isinstance(value, dict):
            return {name: one.to(device) for name, one in value.items()}
        return type(value)(**{name: moved(one, device) for name, one in vars(value).items()})

    monkeypatch.setattr(step, "draw_step", lambda *a, device, **o: moved(draw_step(*a, device=CPU, **o), device))


@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_a_step_learns_what_it_learns_on_a_cpu(preset, gpu, drawn_on_the_cpu):
    """The first step, the paper's with its gradient penalty."""
    found = []
    for device in (CPU, gpu):
        setup, state = begun(preset, device)
        found.append(
            {
                name: value.item()
                for name, value in step.train_step(setup, state, torch.zeros((), device=device)).items()
            }
        )
    assert found[1] == pytest.approx(found[0], rel=2e-3, abs=1e-5)


def test_the_penalty_in_bfloat16_is_that_of_float32_but_for_its_digits(gpu):
    gradients = []
    for precision in ("float32", "bfloat16"):
        setup, state = begun("paper", gpu, speed={"precision": precision})
        random = torch.Generator().manual_seed(1)
        x_t, x_tp1 = (torch.randn(BATCH, 1, SIZE, SIZE, generator=random).to(gpu) for _ in range(2))
        with setup.arithmetic():
            penalty = losses.r1_penalty(state.discriminator, x_t, x_tp1, torch.arange(BATCH, device=gpu))
        penalty.backward()
        gradients.append(torch.cat([w.grad.flatten() for w in state.discriminator.parameters() if w.grad is not None]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.98


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_no_step_waits_for_the_gpu(preset, precision, gpu):
    setup, state = begun(preset, gpu, speed={"precision": precision})
    stop = torch.zeros((), device=gpu)
    step.train_step(setup, state, stop)  # the first one makes room for the optimisers
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            step.train_step(setup, state, stop)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_random_words_are_a_cpu_s_to_the_last_bit(gpu):
    seeds = torch.tensor([0, 1, 2**63 - 1])
    assert torch.equal(random_words(seeds.to(gpu), 5, 1000).cpu(), random_words(seeds, 5, 1000))
    shapes = {"size": SIZE, "latents": {}}
    found, expected = (SamplingNoise([7, 8], device=device, **shapes).image().cpu() for device in (gpu, CPU))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_an_image_is_a_cpu_s_but_for_rounding(preset, gpu):
    images = []
    for device in (CPU, gpu):
        setup, state = begun(preset, device)
        images.append(Drawing(state.ema, setup.model, device).images(setup.data[:BATCH], range(BATCH)).int())
    assert (images[0] - images[1]).abs().max() <= 2


def test_a_checkpoint_goes_on_on_another_kind_of_device(gpu, tmp_path):
    setup, state = begun("fast", gpu)
    step.train_step(setup, state, torch.zeros((), device=gpu))
    torch.save(state.checkpoint(setup.model, "images"), tmp_path / "saved.pt")
    content = torch.load(tmp_path / "saved.pt", map_location="cpu", weights_only=True)
    for device in (CPU, gpu):
        other, again = begun("fast", device)
        again.restore(copy.deepcopy(content))
        assert {weight.device for weight in again.ema.parameters()} == {device}
        measures = step.train_step(other, again, torch.zeros((), device=device))
        assert again.step == 2 and all(value.isfinite() for value in measures.values())


@pytest.mark.slow  # a compiler takes a minute
def test_compiled_networks_learn_the_same(gpu):
    measures = []
    for compile_ in (False, True):
        setup, state = begun("fast", gpu, speed={"compile": compile_})
        stop = torch.zeros((), device=gpu)
        measures.append({name: value.item() for name, value in step.train_step(setup, state, stop).items()})
    assert measures[1] == pytest.approx(measures[0], rel=1e-2, abs=1e-4)
