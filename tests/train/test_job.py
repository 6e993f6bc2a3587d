"""What is refused before training begins, and what a training is said to cost."""

import time
from dataclasses import replace

import pandas as pd
import pytest
import torch

from echodiff.config import load_config
from echodiff.config.models import Model
from echodiff.devices.torch_device import choose_device
from echodiff.errors import ConfigError, InputError
from echodiff.store.table import write_table
from echodiff.train import estimate as cost
from echodiff.train import state as states
from echodiff.train.data import Planes
from echodiff.train.job import check_job, read_job
from echodiff.train.objective import Objective
from echodiff.train.processes import Processes
from echodiff.train.step import Setup, train_step

CPU = torch.device("cpu")


def test_sizes_and_batches_that_cannot_work_are_refused(make_job, tiny_model):
    deep = tiny_model(generator={"multipliers": [1, 1, 1, 1, 1, 1, 1]})
    with pytest.raises(ConfigError, match="multiple of 64 for the generator 'ncsnpp', found 32"):
        check_job(make_job(deep), 32, Processes())
    with pytest.raises(ConfigError, match="expected the size of the images, 32 x 32, found 64"):
        check_job(make_job(), 64, Processes())
    with pytest.raises(ConfigError, match="multiple of the 3 processes, found 4"):
        check_job(make_job(), 32, Processes(0, 3))
    grouped = tiny_model(discriminator={"group": 4})
    check_job(make_job(grouped), 32, Processes())
    with pytest.raises(ConfigError, match="the images of a process to be a multiple of discriminator.group = 4"):
        check_job(make_job(grouped), 32, Processes(0, 2))
    with pytest.raises(ConfigError, match="reconstruction_pool: expected a divisor of the 32 pixels"):
        check_job(make_job(tiny_model(loss={"reconstruction_pool": 5})), 32, Processes())
    parts = tiny_model(discriminator={"group": 2}, speed={"part": 1})
    with pytest.raises(ConfigError, match="speed.part to be a multiple of discriminator.group = 2"):
        check_job(make_job(parts), 32, Processes())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"subset": "train"}, "at least one case of the subset 'validation', found none"),
        ({"patient": "one"}, "found patient one in training and in validation"),
    ],
    ids=["empty-subset", "patient-on-both-sides"],
)
def test_a_split_that_cannot_be_used_is_refused(command_files, tmp_path, changed, sentence):
    arguments = command_files()
    settings = load_config(arguments[arguments.index("--config") + 1])
    data = arguments[arguments.index("--data") + 1]
    table = pd.read_parquet(tmp_path / "split.parquet").assign(**changed)
    write_table(table, tmp_path / "split.parquet")
    with pytest.raises(InputError, match=sentence):
        read_job(settings, "tiny", data=data, split=tmp_path / "split.parquet", output=tmp_path, checkpoints=tmp_path)


def test_a_gpu_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match="expected GPU 0, found 0 GPUs"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


@pytest.mark.parametrize("named", ["0", "GPU-aa,GPU-bb"])
def test_a_gpu_that_is_named_and_cannot_be_used_is_no_reason_to_take_days_on_the_cpu(named, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    with pytest.raises(ConfigError, match=f"CUDA_VISIBLE_DEVICES={named}: expected GPUs that torch works on"):
        choose_device("auto")
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("named", ["", "-1", "NoDevFiles"])
def test_a_list_that_names_no_gpu_leaves_the_cpu(named, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert choose_device("auto").type == "cpu"


def test_one_gpu_for_several_processes_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="a GPU for each of the 2 processes, found one for all; use --device cuda"):
        choose_device("cuda:0")


def test_epochs_that_are_given_count_also_where_the_preset_has_steps():
    def steps(**training) -> int | None:
        return Model.model_validate({"preset": "fast", "training": training}).training.steps

    assert steps() == 1500
    assert steps(epochs=3) is None
    assert steps(epochs=3, steps=7) == 7
    written_out = Model.model_validate({"preset": "fast", "training": {"epochs": 3}}).model_dump(mode="json")
    assert Model.model_validate(written_out).training.steps is None


def test_cost_of_the_published_networks():
    found = cost.estimate(Model(preset="paper"), 256)
    assert (found.parameters_g, found.parameters_d) == (39_724_673, 27_736_705)
    assert found.flops_forward == pytest.approx(141.5e9, rel=0.01)
    assert found.flops_step == pytest.approx(1782e9, rel=0.01)


@pytest.fixture
def counted_once(monkeypatch):
    """The cost of an image is counted once for all models that differ in what it does not depend on (see below)."""
    estimate, known = cost.estimate, {}

    def count(model: Model, size: int) -> cost.Cost:
        key = (model.model_dump_json(exclude={"training", "speed"}), size)
        return known[key] if key in known else known.setdefault(key, estimate(model, size))

    monkeypatch.setattr(cost, "estimate", count)


def test_cost_of_an_image_does_not_depend_on_the_groups_it_is_judged_in_nor_on_how_many_there_are(tiny_model):
    parted = tiny_model(discriminator={"group": 4}, training={"batch_size": 8}, speed={"part": 4})
    whole = tiny_model(discriminator={"group": 1})
    one, four = cost.estimate(whole, 32), cost.estimate(parted, 32)
    assert four.flops_step == pytest.approx(one.flops_step, rel=1e-3)
    assert four.bytes_image == pytest.approx(one.bytes_image, rel=1e-2)


def test_operations_are_counted_as_two_a_multiply_add():
    layer = torch.nn.Conv2d(3, 5, 3, padding=1, device="meta")
    with cost.Meter() as meter:
        layer(torch.empty(2, 3, 8, 8, device="meta"))
    assert meter.flops == 2 * 2 * 5 * 3 * 9 * 64


def test_moved_bytes_are_read_and_written_by_every_operator_but_views_and_empty_room():
    x = torch.empty(7, 10, device="meta")
    with cost.Meter() as meter:
        (x.t()[:5] + x.new_empty(7)).relu_()
    assert meter.bytes_moved == 4 * ((35 + 7 + 35) + 2 * 35)


def test_the_optimisers_move_what_their_formulas_say(tiny_model):
    found = cost.estimate(tiny_model(), 32)
    weights_g, weights_d = found.parameters_g, found.parameters_d
    assert found.moved_fixed == 4 * (7 * (weights_g + weights_d) + 3 * weights_g)
    assert found.moved_a_step(2) == found.moved_step + found.moved_penalty / 2 > found.moved_forward > 0


def test_kept_bytes_are_those_of_activations_not_of_weights():
    layer = torch.nn.Linear(10, 20, device="meta")
    with cost.Meter() as meter:
        layer(torch.empty(7, 10, device="meta")).relu().sum().backward()
    assert meter.bytes_kept == 4 * (7 * 10 + 7 * 20)


def test_a_batch_too_large_for_the_device_is_refused_with_the_one_that_fits(
    make_job, tiny_model, counted_once, monkeypatch
):
    job = make_job(tiny_model(training={"batch_size": 8}))
    counted = cost.estimate(job.model, 32)
    room = cost.memory(counted, job, CPU, 3) + 100
    monkeypatch.setattr(cost, "device_memory", lambda device: room)
    with pytest.raises(ConfigError, match="expected room for 8 images.*set speed.part: 3"):
        cost.refuse_too_large(job, CPU, Processes())
    fitting = replace(job, model=tiny_model(training={"batch_size": 8}, speed={"part": 3}))
    cost.refuse_too_large(fitting, CPU, Processes())
    monkeypatch.setattr(cost, "precision", lambda speed, device: "bfloat16")  # keeps about half of it
    cost.refuse_too_large(replace(job, model=tiny_model(training={"batch_size": 5})), CPU, Processes())
    with pytest.raises(ConfigError, match="set speed.part: 5"):
        cost.refuse_too_large(job, CPU, Processes())
    monkeypatch.setattr(cost, "device_memory", lambda device: 1000)
    with pytest.raises(ConfigError, match="not even one image fits"):
        cost.refuse_too_large(job, CPU, Processes())


def test_the_part_that_fits_is_made_of_whole_groups(make_job, tiny_model, counted_once, monkeypatch):
    job = make_job(tiny_model(training={"batch_size": 8}, discriminator={"group": 2}))
    counted = cost.estimate(job.model, 32)
    monkeypatch.setattr(cost, "device_memory", lambda device: cost.memory(counted, job, CPU, 3) + 100)
    with pytest.raises(ConfigError, match="set speed.part: 2$") as refused:
        cost.refuse_too_large(job, CPU, Processes())
    advised = tiny_model(training={"batch_size": 8}, discriminator={"group": 2}, speed={"part": 2})
    check_job(replace(job, model=advised), 32, Processes())
    cost.refuse_too_large(replace(job, model=advised), CPU, Processes())
    monkeypatch.setattr(cost, "device_memory", lambda device: cost.memory(counted, job, CPU, 1) + 100)
    with pytest.raises(ConfigError, match="not even the 2 images of discriminator.group fit: use a smaller model"):
        cost.refuse_too_large(job, CPU, Processes())
    assert "process" not in str(refused.value)


def test_processes_on_a_cpu_share_its_memory_and_those_on_gpus_do_not(make_job, tiny_model, counted_once, monkeypatch):
    job = make_job(tiny_model(training={"batch_size": 8}))
    counted = cost.estimate(job.model, 32)
    two = Processes(0, 2, 0, 2)
    room = 2 * cost.memory(counted, job, CPU, 3) + 100
    monkeypatch.setattr(cost, "device_memory", lambda device: room)
    sentence = "room for 4 images of 32 x 32 at once in each of 2 processes.*set speed.part: 3, or fewer processes"
    with pytest.raises(ConfigError, match=sentence):
        cost.refuse_too_large(job, CPU, two)
    cost.refuse_too_large(job, CPU, Processes(0, 2, 0, 1))  # the other one on another machine
    cost.refuse_too_large(job, torch.device("cuda"), two)


@pytest.mark.parametrize(
    "options, match",
    [
        ({"discriminator": "none", "loss": {"reconstruction_weight": 0}}, "reconstruction_weight above 0"),
        ({"loss": {"transition_weights": [1, 1]}}, "transition_weights: expected 4 numbers"),
        ({"loss": {"transition_probabilities": [1, 1, 1, -0.1]}}, "transition_probabilities: expected 4 numbers"),
        ({"loss": {"transition_weights": [0, 0, 0, 0]}}, "expected 4 numbers of 0 or more, not all 0"),
        ({"generator": {"name": "fast"}}, r"expected one that judges windows \(fast\), or none.*found residual"),
        ({"discriminator": {"group": 3}}, "multiple of discriminator.group = 3"),
        ({"diffusion": {"beta_min": 3.0, "beta_max": 2.0}}, "beta_max must not be below"),
        ({"diffusion": {"beta_max": 400.0}}, "whose 4 steps each leave something .* found 400.0"),
        ({"generator": {"nme": 1}}, "nme"),
        ({"preset": "huge"}, "preset"),
        ({"sampler": {"method": "ddim", "steps": 5}}, "expected at most diffusion.steps = 4"),
        ({"sampler": {"steps": 2}}, "expected none with the method posterior"),
        ({"preset": "fast", "diffusion": {"prediction": "velocity"}}, "set generator.name: ncsnpp"),
        ({"loss": {"reconstruction": "velocity", "reconstruction_pool": 2}}, "expected 1 with reconstruction"),
    ],
)
def test_options_that_contradict_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        Model.model_validate({"preset": "paper", **options})


def test_options_at_the_edge_of_what_agrees_are_taken():
    for options in (
        {"loss": {"transition_weights": [0, 0, 0, 1], "transition_probabilities": [1, 0, 0, 0]}},
        {"loss": {"reconstruction_weight": 0}},
        {"generator": {"name": "fast"}, "discriminator": "none"},
        {"generator": {"name": "fast", "window": 0}},
        {"discriminator": {"group": 4}},
        {"diffusion": {"beta_min": 2.0, "beta_max": 2.0}},
        {"sampler": {"method": "ddim", "steps": 4}},
        {"diffusion": {"prediction": "velocity"}},
    ):
        Model.model_validate({"preset": "paper", **options})


def test_a_preset_with_its_defaults_spelled_out_is_the_same_model():
    for name in ("fast", "paper", "ddpm"):
        model = Model(preset=name)
        assert Model.model_validate(model.model_dump(mode="json")) == model


def test_an_entry_overrides_single_options_of_its_preset():
    model = Model.model_validate({"preset": "paper", "generator": {"channels": 32}, "diffusion": {"steps": 8}})
    assert (model.generator.channels, model.generator.blocks, model.diffusion.steps) == (32, 2, 8)
    assert model.diffusion.beta_max == 20.0


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_the_fast_preset_takes_any_number_of_transitions(steps):
    model = Model.model_validate({"preset": "fast", "diffusion": {"steps": steps}})
    table = model.loss.transition_probabilities
    assert table is None if steps != 4 else len(table) == 4


def test_options_that_are_no_mapping_are_refused_by_their_path():
    with pytest.raises(ValueError, match="diffusion"):
        Model.model_validate({"preset": "fast", "diffusion": 4})


def test_the_estimated_time_is_of_the_order_of_what_steps_take():
    """Of a small network, whose operators are far from what one large convolution reaches: a third, by that."""
    model = Model.model_validate({"preset": "fast", "training": {"batch_size": 1}, "speed": {"precision": "float32"}})
    images = torch.randint(0, 256, (2, 1, 256, 256), dtype=torch.uint8)
    state = states.new_state(model, images, CPU)
    networks, data = (state.generator, state.discriminator), Planes(images, images // 64, torch.ones_like(images))
    setup = Setup(model, Objective.of(model, CPU), data, *networks, Processes(), CPU, steps=100)
    took = []
    for _ in range(4):
        begun = time.perf_counter()
        train_step(setup, state, torch.zeros(()))
        took.append(time.perf_counter() - begun)
    counted = cost.estimate(model, 256)
    assert 0.5 < counted.flops_step / cost.measured_flops(model, 256, 1, counted, CPU) / min(took) < 3
