"""One step: who learns from what, parts against the whole, rates and the running mean."""

import copy
from dataclasses import replace

import pytest
import torch

from echodiff.config.models import Optimiser, Speed
from echodiff.devices import precision
from echodiff.errors import ConfigError
from echodiff.train import state as states
from echodiff.train.compilation import compiled
from echodiff.train.data import Planes
from echodiff.train.draws import draw_step
from echodiff.train.objective import Objective, discriminator_objective, generator_objective, run_generator
from echodiff.train.processes import Processes
from echodiff.train.step import Setup, frozen, train_step

CPU = torch.device("cpu")


def make_setup(job):
    model = job.model
    data = Planes.of(job.training, CPU)
    state = states.new_state(model, data.images, CPU)
    objective = Objective.of(model, CPU)
    networks = [compiled(network, model.speed) for network in (state.generator, state.discriminator)]
    return Setup(model, objective, data, *networks, Processes(), CPU, steps=20), state


def take_steps(job, steps: int = 4):
    setup, state = make_setup(job)
    measures = [train_step(setup, state, torch.zeros(())) for _ in range(steps)]
    return state, measures


def test_a_training_goes_on_in_another_layout_of_memory(make_job, tiny_model):
    """Adam's fused pass takes moments and weights for arrays of one layout, and a checkpoint brings its own."""
    job = make_job()
    begun, _ = take_steps(job, 4)
    content = begun.checkpoint(job.model, job.fingerprint)
    ends = {}
    for innermost in (True, False):
        setup, state = make_setup(replace(job, model=tiny_model(speed={"channels_last": innermost})))
        state.restore(copy.deepcopy(content))
        before = flat(state.generator)
        for _ in range(4):
            train_step(setup, state, torch.zeros(()))
        ends[innermost] = flat(state.generator)
    assert (ends[True] - before).abs().max() > 1e-4
    torch.testing.assert_close(ends[False], ends[True], atol=1e-6, rtol=0)


def flat(network) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


FAST = {
    "generator": {"name": "fast", "widths": [8, 8], "features": 3, "kernels": 2, "kernel_size": 5, "window": 32},
    "discriminator": {"name": "fast", "channels": 8},
    "guide": {"style": "planes"},
}


@pytest.mark.parametrize("loss", [{"shared_draw": True}, {"r1_method": "finite", "r1_fake_gamma": 1.0}])
def test_networks_that_learn_from_windows_learn_the_same_in_parts(make_job, tiny_model, loss):
    options = {**FAST, "loss": {"pairing": "relativistic", **loss}}
    whole, measures = take_steps(make_job(tiny_model(**options), size=64), 3)
    parts, _ = take_steps(make_job(tiny_model(**options, speed={"part": 2}), size=64), 3)
    torch.testing.assert_close(flat(parts.generator), flat(whole.generator), atol=1e-5, rtol=0)
    torch.testing.assert_close(flat(parts.discriminator), flat(whole.discriminator), atol=1e-5, rtol=0)
    assert measures[0]["r1"] > 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": {"pairing": "relativistic", "r1_fake_gamma": 0.5, "r1_method": "finite"}},
        {"loss": {"shared_draw": True, "transition_weights": [1, 0.5, 0.25, 0]}},
        {"augmentation": {"rotation_degrees": 5.0, "elastic": 0.01, "gain": 0.1}},
        {"guide": {"style": "planes", "sector": True}},
        {"discriminator": {"group": 2}},
    ],
    ids=["plain", "paired", "shared", "augmented", "planes", "groups"],
)
def test_a_batch_in_parts_learns_the_same_as_the_whole(make_job, options, tiny_model):
    whole, _ = take_steps(make_job(tiny_model(**options)))
    parts, _ = take_steps(make_job(tiny_model(**options, speed={"part": 2})))
    torch.testing.assert_close(flat(parts.generator), flat(whole.generator), atol=1e-5, rtol=0)
    torch.testing.assert_close(flat(parts.discriminator), flat(whole.discriminator), atol=1e-5, rtol=0)


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_any_number_of_transitions_learns(make_job, steps, tiny_model):
    job = make_job(tiny_model(diffusion={"steps": steps}))
    state, measures = take_steps(job, 2)
    _, untrained = make_setup(job)
    assert all(value.isfinite() for value in measures[-1].values())
    assert not torch.equal(flat(state.generator), flat(untrained.generator))


def test_without_a_discriminator_only_the_distance_is_learned(make_job, tiny_model):
    state, measures = take_steps(make_job(tiny_model(discriminator="none")))
    assert state.discriminator is None
    assert set(measures[0]) == {"reconstruction", "gradient_norm_g"}


def test_gradient_penalty_is_taken_at_every_so_many_steps(make_job, tiny_model):
    _, measures = take_steps(make_job(tiny_model(loss={"r1_every": 3})), 5)
    assert ["r1" in step for step in measures] == [True, False, False, True, False]


def test_the_discriminator_s_loss_gives_the_generator_no_gradient_and_the_other_way_round(make_job):
    setup, state = make_setup(make_job())
    draws = draw_step(1, 0, batch_size=4, size=32, latents={"z": (4,)}, shared=False, device=CPU)
    x_0, guide = torch.zeros(4, 1, 32, 32), torch.zeros(4, 1, 32, 32)
    one = run_generator(setup.objective, state.generator, x_0, guide, draws.generator)
    discriminator_objective(setup.objective, state.discriminator, one.without_gradient())[0].backward()
    assert all(weight.grad is None for weight in state.generator.parameters())
    assert any(weight.grad is not None for weight in state.discriminator.parameters())
    state.discriminator.zero_grad(set_to_none=True)
    with frozen(state.discriminator):
        generator_objective(setup.objective, state.discriminator, one)[0].backward()
    assert all(weight.grad is None for weight in state.discriminator.parameters())
    assert all(weight.requires_grad for weight in state.discriminator.parameters())
    assert any(weight.grad is not None for weight in state.generator.parameters())


def test_the_fake_step_at_t_0_is_the_generator_s_image(make_job, tiny_model):
    setup, state = make_setup(make_job(tiny_model(diffusion={"steps": 1})))
    draws = draw_step(1, 0, batch_size=4, size=32, latents={"z": (4,)}, shared=False, device=CPU)
    one = run_generator(
        setup.objective, state.generator, torch.zeros(4, 1, 32, 32), torch.zeros(4, 1, 32, 32), draws.generator
    )
    assert torch.equal(one.x_t_fake, one.x0_hat) and torch.equal(one.x_t, one.x_0)


def test_weights_at_the_start_depend_on_the_seed_alone(make_job, tiny_model):
    torch.manual_seed(1)
    _, a = make_setup(make_job())
    torch.manual_seed(2)
    _, b = make_setup(make_job())
    _, c = make_setup(make_job(tiny_model(seed=5)))
    assert torch.equal(flat(a.generator), flat(b.generator))
    assert not torch.equal(flat(a.generator), flat(c.generator))


def test_cosine_rate_begins_and_ends_as_asked():
    rates = [states.cosine_rate(1.6e-4, 1e-5, step, 100) for step in (0, 50, 100)]
    assert rates == pytest.approx([1.6e-4, 8.5e-5, 1e-5])


def test_running_mean_follows_its_formula():
    network, mean = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    expected = 0.9 * mean.weight.detach() + 0.1 * network.weight.detach()
    states.update_ema(mean, network, 0.9)
    torch.testing.assert_close(mean.weight.detach(), expected)
    warm = Optimiser(ema=0.999, ema_warmup=True)
    assert [states.ema_decay(warm, step) for step in (0, 8, 10**6)] == pytest.approx([0.1, 0.5, 0.999])
    assert states.ema_decay(Optimiser(ema=0.999), 0) == 0.999


def test_finite_penalty_and_exact_one_agree_in_a_whole_step(make_job, tiny_model):
    _, exact = take_steps(make_job(tiny_model(loss={"r1_every": 1})), 1)
    _, finite = take_steps(make_job(tiny_model(loss={"r1_every": 1, "r1_method": "finite"})), 1)
    assert 0 < finite[0]["r1"] < 20 * exact[0]["r1"]


@pytest.mark.parametrize("units", [True, False])
def test_bfloat16_is_taken_where_the_device_has_units_and_refused_where_it_is_asked_for_in_vain(monkeypatch, units):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: units)

    def product(wanted: str) -> torch.dtype:
        with precision.autocast(Speed(precision=wanted), CPU):
            return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype

    assert product("float32") == torch.float32
    assert product("auto") == (torch.bfloat16 if units else torch.float32)
    if units:
        assert product("bfloat16") == torch.bfloat16
    else:
        with pytest.raises(ConfigError, match="found a cpu without units for it; choose auto"):
            product("bfloat16")


def test_in_bfloat16_nearly_the_same_is_learned(make_job, tiny_model, monkeypatch):
    """Weights and optimisers stay in float32; the steps point the same way but for bfloat16's eight bits."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    _, first = make_setup(make_job(tiny_model()))
    start, moves = flat(first.generator), []
    for wanted in ("float32", "bfloat16"):
        state, _ = take_steps(make_job(tiny_model(speed={"precision": wanted})), 4)
        assert {weight.dtype for weight in state.generator.parameters()} == {torch.float32}
        moves.append(flat(state.generator) - start)
    cosine = torch.nn.functional.cosine_similarity(*moves, dim=0)
    assert 0.9 < cosine < 1
