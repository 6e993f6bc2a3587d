"""A step and a drawing keep to their device and never wait for it.

On torch's meta device, which holds no numbers, whatever mixes devices or asks for a number is an error. So a GPU's two
slowest mistakes, a tensor left behind on the CPU and a wait in each step, are found on a machine without one. What it
lets pass: indices on the CPU, and a CPU tensor of no dimensions among the operands.
"""

import contextlib

import pytest
import torch

from echodiff.config.models import Model
from echodiff.train import drawing, draws, step
from echodiff.train import state as states
from echodiff.train.data import Planes
from echodiff.train.objective import Objective
from echodiff.train.processes import Processes

META = torch.device("meta")
SIZE, BATCH = 64, 4


class WithoutGenerators:
    """torch, as far as `draws` needs it, without random generators, which the meta device lacks."""

    @staticmethod
    def rand(*shape, generator, device):
        return torch.rand(*shape, device=device)

    @staticmethod
    def randn(*shape, generator, device):
        return torch.randn(*shape, device=device)

    class Generator:
        def __init__(self, device):
            self.device = device

        def manual_seed(self, seed):
            return self


@pytest.fixture
def on_meta(monkeypatch):
    """Function that gives a setup and a state of a model on the meta device."""
    monkeypatch.setattr(draws, "torch", WithoutGenerators)
    for module in (step, drawing):
        monkeypatch.setattr(module, "autocast", lambda speed, device: contextlib.nullcontext())
    # What torch implements for no tensor without numbers: fused Adam and the norm of a list.
    monkeypatch.setattr(states, "gradient_norm", lambda tensors: torch.nn.utils.get_total_norm(list(tensors)))
    adam = torch.optim.Adam
    monkeypatch.setattr(torch.optim, "Adam", lambda *a, fused, **options: adam(*a, foreach=False, **options))

    def make(model: Model):
        images = torch.zeros(8, 1, SIZE, SIZE, dtype=torch.uint8)
        data = Planes(images, images, images).to(META)
        state = states.new_state(model, images + torch.arange(8, dtype=torch.uint8)[:, None, None, None], META)
        objective = Objective.of(model, META)
        networks = (state.generator, state.discriminator)
        return step.Setup(model, objective, data, *networks, Processes(), META, steps=10), state

    return make


AUGMENTED = {"rotation_degrees": 5, "scale": 0.1, "shift": 0.1, "gain": 0.1, "gamma": 0.1, "elastic": 0.01}
OPTIONS = {
    "paper": {"preset": "paper"},
    "fast": {"preset": "fast"},
    "all of fast": {
        "preset": "fast",
        "loss": {"r1_gamma": 0.1, "r1_fake_gamma": 0.1, "r1_every": 1, "r1_method": "finite"},
        "augmentation": AUGMENTED,
        "speed": {"part": 2},
    },
    "no discriminator": {"preset": "fast", "discriminator": "none"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_step_neither_leaves_its_device_nor_waits_for_it(on_meta, options):
    model = Model.model_validate({**options, "training": {"batch_size": BATCH}})
    setup, state = on_meta(model)
    for _ in range(2):
        measures = step.train_step(setup, state, torch.zeros((), device=META))
    assert state.step == 2
    assert {value.device for value in measures.values()} == {META}


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_drawing_waits_at_its_end_alone(on_meta, preset, strength, monkeypatch):
    model = Model.model_validate({"preset": preset})
    setup, state = on_meta(model)
    fetched = []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: fetched.append(tensor) or tensor)
    images = drawing.Drawing(state.ema, model, META).images(setup.data[:BATCH], range(BATCH), strength=strength)
    assert images.shape == (BATCH, SIZE, SIZE) and images.dtype == torch.uint8
    assert len(fetched) == 1


def test_a_number_asked_for_would_be_an_error():
    with pytest.raises(RuntimeError, match="meta"):
        torch.zeros((), device=META).item()
