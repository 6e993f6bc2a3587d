"""One step: who learns from what, parts against the whole, rates and the running mean."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from echodiff.config.models import Optimiser, Speed
from echodiff.devices import precision
from echodiff.diffusion.schedule import make_schedule, q_posterior_sample, q_sample_pair
from echodiff.errors import ConfigError
from echodiff.train import state as states
from echodiff.train.compilation import compiled
from echodiff.train.data import Planes, batch_cases
from echodiff.train.draws import draw_step
from echodiff.train.objective import (
    Objective,
    Pass,
    discriminator_objective,
    generator_objective,
    reconstruction_objective,
    run_generator,
)
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


def test_windows_come_from_all_over_the_image_and_are_those_of_their_corners(make_job, tiny_model):
    setup, state = make_setup(make_job(tiny_model(**FAST), size=64))
    latents = state.generator.latent_shapes(64)
    draws = draw_step(1, 0, batch_size=16, size=64, latents=latents, shared=True, device=CPU)
    numbered = torch.arange(64 * 64).view(1, 1, 64, 64).expand(16, -1, -1, -1)
    with torch.no_grad():
        one = run_generator(
            setup.objective, state.generator, numbered / 2048 - 1, torch.zeros(16, 3, 64, 64), draws.generator
        )
    first = ((one.x_0[:, 0, 0, 0] + 1) * 2048).long()
    assert torch.equal(torch.stack([first // 64, first % 64], dim=1), one.corners)
    for corner in one.corners.T:
        assert (corner.min(), corner.max()) == (0, 32) and len(corner.unique()) > 3
    for own in (one.x_0, one.x_t, one.x_tp1, one.x0_hat, one.x_t_fake):
        assert own.shape == (16, 1, 32, 32)


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


ALL_WEIGHTS = {
    "generator": {"multipliers": [1], "attention": []},
    "diffusion": {"steps": 3},
    "loss": {
        "adversarial_weight": 0.7,
        "reconstruction_weight": 0.3,
        "r1_gamma": 0.6,
        "r1_fake_gamma": 0.4,
        "r1_every": 2,
        "transition_weights": [0.5, 1, 2],
        "transition_probabilities": [0.2, 0.3, 0.5],
    },
    "optimiser": {
        "generator_rate": 2e-3,
        "discriminator_rate": 1e-3,
        "final_rate": 5e-4,
        "betas": [0.3, 0.8],
        "ema": 0.2,
        "ema_warmup": True,
    },
}


@pytest.mark.parametrize("pairing", ["independent", "relativistic"])
def test_steps_are_those_of_the_published_algorithm(make_job, tiny_model, pairing):
    """Against Xiao et al. 2022 written down again, with plain Adam: discriminator first, its penalties in every other
    step, then the generator, its running mean, and rates along a cosine."""
    options = {**ALL_WEIGHTS, "loss": {**ALL_WEIGHTS["loss"], "pairing": pairing}}
    setup, state = make_setup(make_job(tiny_model(**options), size=16))
    begun = [state.generator, state.discriminator, state.ema]
    g, d, mean = again = [copy.deepcopy(network) for network in begun]
    starts = [flat(network) for network in begun]
    learn_d, learn_g = (torch.optim.Adam(network.parameters(), betas=(0.3, 0.8)) for network in (d, g))
    probabilities, weights = torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 1.0, 2.0])
    schedule, softplus = make_schedule(3), torch.nn.functional.softplus
    for step in range(2):
        cases = batch_cases(2024, step, 4, 8)
        x_0, masks = setup.data.images[cases] / 127.5 - 1, setup.data.masks[cases].long()
        guide = torch.tensor([0, 255, 170, 85])[masks] / 127.5 - 1
        draws = draw_step(2024, step, batch_size=4, size=16, latents={"z": (4,)}, shared=False, device=CPU)

        def steps_back(draw, x_0=x_0, guide=guide):
            t = (draw.uniform[:, None] >= probabilities.cumsum(0)).sum(1)
            x_t, x_tp1 = q_sample_pair(schedule, x_0, t, draw.e_t, draw.e_tp1)
            x0_hat = g(x_tp1, guide, t, draw.latents)
            return t, x_tp1, x_t, q_posterior_sample(schedule, x0_hat, x_tp1, t, draw.e_posterior), x0_hat

        def adversarial(judged, other, t):
            logits = softplus(judged - other) if pairing == "relativistic" else softplus(judged)
            return (logits.mean(1) * weights[t]).mean()

        t, x_tp1, x_t, fake, _ = steps_back(draws.discriminator)
        x_t, fake = x_t.requires_grad_(), fake.detach().requires_grad_()
        on_real, on_fake = d(x_t, x_tp1, t), d(fake, x_tp1, t)
        loss_d = adversarial(on_fake, on_real, t) + (0 if pairing == "relativistic" else adversarial(-on_real, None, t))
        expected = {"loss_d": loss_d, "logit_real": on_real.mean(), "logit_fake": on_fake.mean()}
        loss = loss_d
        if step == 0:
            for name, image, logits, gamma in (("r1", x_t, on_real, 0.6), ("r1_fake", fake, on_fake, 0.4)):
                (slope,) = torch.autograd.grad(logits.mean(1).sum(), image, create_graph=True)
                expected[name] = slope.square().sum((1, 2, 3)).mean() / 2
                loss = loss + gamma * expected[name]
        expected["gradient_norm_d"] = take(learn_d, loss, 5e-4 + 5e-4 * half_cosine(step))

        t, x_tp1, x_t, fake, x0_hat = steps_back(draws.generator)
        loss_g = adversarial(-d(fake, x_tp1, t), -d(x_t, x_tp1, t).detach(), t)
        distance = (x0_hat - x_0).abs().mean()
        expected |= {"loss_g": loss_g, "reconstruction": distance}
        expected["gradient_norm_g"] = take(learn_g, 0.7 * loss_g + 0.3 * distance, 5e-4 + 1.5e-3 * half_cosine(step))
        decay = min(0.2, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, weight in zip(mean.parameters(), g.parameters(), strict=True):
                kept.copy_(decay * kept + (1 - decay) * weight)

        found = train_step(setup, state, torch.zeros(()))
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value.detach(), atol=1e-5, rtol=1e-4, msg=name)
    for start, own, expected in zip(starts, begun, again, strict=True):  # but weights of nearly no gradient
        assert (flat(own) - flat(expected)).norm() < 0.01 * (flat(expected) - start).norm()


def half_cosine(step: int, steps: int = 20) -> float:
    return (1 + math.cos(math.pi * step / steps)) / 2


def take(optimiser: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> torch.Tensor:
    """One step at that rate; gives the norm of the gradient."""
    optimiser.zero_grad()
    weights = optimiser.param_groups[0]["params"]
    gradients = torch.autograd.grad(loss, weights, materialize_grads=True, retain_graph=True)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


def test_the_distance_of_images_is_the_one_that_is_asked_for(tiny_model):
    random = torch.Generator().manual_seed(0)
    x_0, x0_hat = torch.randn(2, 4, 1, 8, 8, generator=random)
    t, apart = torch.arange(4), x0_hat - x_0
    batch = Pass(x_0, x_0, x_0, t, x0_hat, x0_hat)
    squares = apart.reshape(4, 4, 2, 4, 2).mean(dim=(2, 4))
    of_velocities = apart.square().mean((1, 2, 3)) / make_schedule(4).noise[1:].square()
    for loss, expected in (
        ({}, apart.abs()),
        ({"reconstruction_pool": 2}, squares.abs()),
        ({"reconstruction": "velocity"}, of_velocities),
    ):
        found = reconstruction_objective(Objective.of(tiny_model(loss=loss), CPU), batch)
        torch.testing.assert_close(found, expected.mean())


def test_gradient_penalty_is_taken_at_every_so_many_steps(make_job, tiny_model):
    _, measures = take_steps(make_job(tiny_model(loss={"r1_every": 3})), 5)
    assert ["r1" in step for step in measures] == [True, False, False, True, False]
    assert not any("r1_fake" in step for step in measures)  # of weight 0


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
    assert torch.equal(flat(a.generator), flat(b.generator)) and torch.equal(flat(a.generator), flat(a.ema))
    assert not torch.equal(flat(a.generator), flat(c.generator))
    assert not a.ema.training and not any(weight.requires_grad for weight in a.ema.parameters())


def test_cosine_rate_begins_and_ends_as_asked():
    rates = [states.cosine_rate(1.6e-4, 1e-5, step, 100) for step in (0, 50, 100)]
    assert rates == pytest.approx([1.6e-4, 8.5e-5, 1e-5])


def test_running_mean_follows_its_formula():
    network, mean = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    for number, own in enumerate((network, mean)):
        own.register_buffer("scale", torch.tensor(float(number)))
    expected = 0.9 * mean.weight.detach() + 0.1 * network.weight.detach()
    states.update_ema(mean, network, 0.9)
    torch.testing.assert_close(mean.weight.detach(), expected)
    assert mean.scale == network.scale == 0  # what is no weight has no mean
    warm = Optimiser(ema=0.999, ema_warmup=True)
    assert [states.ema_decay(warm, step) for step in (0, 8, 10**6)] == pytest.approx([0.1, 0.5, 0.999])
    assert states.ema_decay(Optimiser(ema=0.999), 0) == 0.999


def test_finite_penalty_and_exact_one_agree_in_a_whole_step(make_job, tiny_model):
    _, exact = take_steps(make_job(tiny_model(loss={"r1_every": 1})), 1)
    _, finite = take_steps(make_job(tiny_model(loss={"r1_every": 1, "r1_method": "finite"})), 1)
    assert 0 < finite[0]["r1"] < 20 * exact[0]["r1"]
    assert finite[0]["r1"] != exact[0]["r1"]  # along one direction it is another number


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
