"""torch.compile: the networks are each one graph, compute the same, and a missing compiler is told in a sentence."""

import pytest
import torch
from torch._inductor import config as inductor

from echodiff.errors import ConfigError
from echodiff.train.compilation import compiler_explained
from echodiff.train.objective import discriminator_objective, generator_objective, run_generator
from echodiff.train.step import prepare

from .test_step import FAST, flat, make_setup, take_steps


def losses_and_gradients(setup, state, wrapped):
    """Both networks' losses in one step, and the gradients that they have on the weights."""
    networks = [wrapped(network) for network in (state.generator, state.discriminator)]
    part = prepare(setup, state)[0]
    one = run_generator(setup.objective, networks[0], part.x_0, part.guide, part.draws.generator)
    losses = [
        generator_objective(setup.objective, networks[1], one)[0],
        discriminator_objective(setup.objective, networks[1], one.without_gradient())[0],
    ]
    state.optimiser_g.zero_grad(set_to_none=True)
    state.optimiser_d.zero_grad(set_to_none=True)
    sum(losses).backward()
    weights = [*state.generator.parameters(), *state.discriminator.parameters()]
    return torch.stack(losses).detach(), [weight.grad.clone() for weight in weights if weight.grad is not None]


@pytest.mark.parametrize("options", [{}, {**FAST, "loss": {"pairing": "relativistic"}}], ids=["paper", "fast"])
def test_networks_compile_to_one_graph_each_and_compute_the_same(options, make_job, tiny_model):
    """With `fullgraph` a place where the graph would break is an error."""
    setup, state = make_setup(make_job(tiny_model(**options), size=64))
    losses, gradients = losses_and_gradients(setup, state, lambda network: network)
    torch.compiler.reset()
    compiled, same = losses_and_gradients(
        setup, state, lambda network: torch.compile(network, fullgraph=True, backend="aot_eager")
    )
    torch.testing.assert_close(compiled, losses)
    assert len(same) == len(gradients) > 20
    for one, other in zip(same, gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_a_machine_without_a_compiler_is_told_what_to_do(make_job, run_job, tiny_model, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))  # nothing compiled before is found
    torch.compiler.reset()
    nowhere = inductor.patch({"cpp.cxx": (None, str(tmp_path / "no-compiler"))})
    with (
        nowhere,
        pytest.raises(ConfigError, match="speed.compile: expected a machine .* No working C.. compiler .* false"),
    ):
        run_job(make_job(tiny_model(speed={"compile": True})))


def test_a_gpu_without_triton_is_told_too():
    from torch._inductor.exc import TritonMissing

    with pytest.raises(ConfigError, match="speed.compile: expected a machine that compiles"), compiler_explained():
        raise TritonMissing(None)


@pytest.mark.slow
def test_compiled_training_learns_the_same(make_job, tiny_model):
    torch.compiler.reset()
    options, moves = {**FAST, "loss": {"pairing": "relativistic", "r1_method": "finite"}}, []
    for compiled in (False, True):
        state, _ = take_steps(make_job(tiny_model(**options, speed={"compile": compiled}), size=64), 4)
        moves.append(flat(state.generator))
    torch.testing.assert_close(*moves, rtol=1e-3, atol=1e-4)
