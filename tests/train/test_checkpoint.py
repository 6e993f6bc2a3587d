"""Checkpoints: going on, and what is refused with a reason."""

import ast
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from echodiff.errors import InputError
from echodiff.store.source_code import code_fingerprint
from echodiff.store.torch_file import save_file
from echodiff.train import checkpoint
from echodiff.train.checkpoint import LEARNING, checkpoint_path, load_checkpoint
from echodiff.train.generator_file import load_generator, weights_fingerprint
from echodiff.train.keeper import resume


def test_a_run_in_two_parts_equals_one_in_one(make_job, run_job, monkeypatch, assert_equal_weights):
    whole = make_job(folder="whole")
    run_job(whole)
    parts = make_job(folder="parts")
    stop_after(monkeypatch, 3)
    assert not run_job(parts)
    assert torch.load(parts.checkpoint, weights_only=True)["step"] == 3
    monkeypatch.undo()
    assert run_job(parts)
    assert_equal_weights(whole.checkpoint, parts.checkpoint)
    rows = [torch.load(job.checkpoint, weights_only=True)["history"]["rows"][:, :2] for job in (whole, parts)]
    assert torch.equal(rows[1][:, 0], torch.tensor([2.0, 4.0, 6.0], dtype=torch.float64))
    assert torch.equal(*rows)


def stop_after(monkeypatch, steps: int) -> None:
    """As if SIGTERM came during that step."""
    from echodiff.train import loop

    monkeypatch.setattr(loop, "asked_to_stop", lambda request, stop, step, processes: step == steps)


def test_other_options_begin_anew_and_say_why(make_job, run_job, capsys, tiny_model):
    first = make_job()
    run_job(first)
    changed = make_job(tiny_model(seed=7, loss={"r1_gamma": 2.0}))
    assert changed.checkpoint != first.checkpoint
    capsys.readouterr()
    run_job(changed)
    said = capsys.readouterr().err
    assert "not gone on with" in said and "seed = 2024 (now 7)" in said and "loss.r1_gamma = 1.0 (now 2.0)" in said
    assert first.checkpoint.is_file() and changed.checkpoint.is_file()


def test_other_images_begin_anew_and_say_why(make_job, run_job, capsys, with_images):
    job = make_job()
    run_job(job)
    other = with_images(make_job(), seed=1)
    assert other.checkpoint != job.checkpoint
    capsys.readouterr()
    run_job(other)
    assert "of other training images" in capsys.readouterr().err


@pytest.mark.parametrize("section", [{"speed": {"part": 2}}, {"record": {"history_every": 3}}])
def test_speed_and_record_may_change_on_the_way(make_job, section, tiny_model):
    assert make_job(tiny_model(**section)).checkpoint == make_job().checkpoint


def refused(make_job, content: dict, match: str) -> None:
    job = make_job()
    save_file(content, job.checkpoint)
    with pytest.raises(InputError, match=match):
        load_checkpoint(job.checkpoint, job.model, job.fingerprint)


def test_foreign_and_old_checkpoints_are_refused(make_job):
    job = make_job()
    good = {
        "kind": "echodiff training",
        "schema_version": 2,
        "model": job.model.learned_from(),
        "data_fingerprint": job.fingerprint,
        "code": code_fingerprint(*LEARNING),
    }
    refused(make_job, {"state_dict": {}}, "expected a file of 'echodiff training', found None")
    refused(make_job, good | {"schema_version": 1}, "expected schema version 2, found 1")
    refused(make_job, good | {"data_fingerprint": "x"}, "of other training images")
    refused(make_job, good | {"code": "x"}, "of other code")
    options = good["model"] | {"seed": 1}
    refused(make_job, good | {"model": options}, r"with seed = 1 \(now 2024\)")


def test_other_code_begins_anew_and_says_so(make_job, run_job, monkeypatch, capsys):
    before = make_job()
    run_job(before)
    old = before.checkpoint
    monkeypatch.setattr(checkpoint, "code_fingerprint", lambda *parts: "other")
    job = make_job()
    assert job.checkpoint != old and run_job(job)
    assert f"{old}: not gone on with, it is a checkpoint of other code" in capsys.readouterr().err
    assert old.is_file() and job.checkpoint.is_file()


PACKAGE = Path(checkpoint.__file__).parents[1]
# What a step imports without learning by it: it moves numbers or keeps them, or its values are compared by themselves.
NOT_LEARNED = ("config/", "devices/", "errors", "store/image_set", "store/source_code", "store/torch_file")
NOT_LEARNED += ("train/processes", "train/checkpoint", "train/history")


def imports_of(name: str) -> set[str]:
    """Files of the package that one of them imports, without endings."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("echodiff."):
            parts = node.module.split(".")[1:]
            found |= {"/".join(place) for place in (parts, *([*parts, alias.name] for alias in node.names))}
    return {place for place in found if (PACKAGE / f"{place}.py").is_file()}


def test_the_code_of_a_checkpoint_is_all_that_a_step_imports():
    found, waiting = set(), {"train/step"}
    while waiting:
        found |= waiting
        imported = set().union(*map(imports_of, waiting)) - found
        waiting = {name for name in imported if not name.startswith(NOT_LEARNED)}
    assert {"diffusion" if name.startswith("diffusion/") else f"{name}.py" for name in found} == set(LEARNING)


def test_images_of_another_size_are_another_training(make_job):
    job = make_job()
    assert checkpoint_path(job.checkpoints, job.model, job.fingerprint, 64) != job.checkpoint


def test_the_fingerprint_of_a_generator_follows_every_weight_and_option(tiny_model):
    weights = {"a": torch.zeros(2, 3), "b": torch.ones(4)}
    others = [
        {**weights, "b": torch.tensor([1.0, 1.0, 1.0, 2.0])},
        {**weights, "a": torch.zeros(3, 2)},
        {**weights, "b": torch.ones(4).view(torch.int32)},
        {"a": weights["a"], "c": weights["b"]},
    ]
    own = weights_fingerprint(tiny_model(), weights)
    assert own == weights_fingerprint(tiny_model(speed={"part": 2}), dict(reversed(weights.items())))
    found = {weights_fingerprint(tiny_model(), other) for other in others} | {
        weights_fingerprint(tiny_model(seed=1), weights),
        weights_fingerprint(tiny_model(sampler={"method": "ddim"}), weights),
    }
    assert len(found) == 6 and own not in found


def test_damaged_checkpoints_are_refused(make_job, run_job):
    job = make_job()
    run_job(job)
    content = job.checkpoint.read_bytes()
    for damage in (content[: len(content) // 2], b"", b"no checkpoint at all"):
        job.checkpoint.write_bytes(damage)
        with pytest.raises(InputError, match="could not read it"):
            run_job(job)


class Malicious:
    def __reduce__(self):
        return (open, ("executed", "w"))


def test_code_in_a_file_is_not_run(make_job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = make_job()
    job.checkpoints.mkdir(parents=True)
    torch.save({"kind": "echodiff training", "x": Malicious()}, job.checkpoint, pickle_module=pickle)
    with pytest.raises(InputError, match="could not read it"):
        load_checkpoint(job.checkpoint, job.model, job.fingerprint)
    with pytest.raises(InputError, match="could not read it"):
        load_generator(job.checkpoint)
    assert not (tmp_path / "executed").exists()


def test_what_a_killed_process_left_half_written_is_removed(make_job, run_job):
    job = make_job()
    job.checkpoints.mkdir(parents=True)
    remains = job.checkpoints / ".0123456789abcdef.pt.0badcafe.tmp"
    remains.write_bytes(b"half")
    run_job(job)
    assert not remains.exists()


def test_a_generator_file_stands_by_itself(make_job, run_job, tmp_path):
    job = make_job()
    run_job(job)
    moved = shutil.copy(job.output / "generator.pt", tmp_path / "elsewhere.pt")
    trained = load_generator(moved)
    assert not trained.network.training
    assert trained.reverse.steps == 4
    assert trained.fingerprint == load_generator(job.output / "generator.pt").fingerprint


def test_a_generator_file_with_other_options_than_its_weights_is_refused(make_job, run_job):
    job = make_job()
    run_job(job)
    path = job.output / "generator.pt"
    content = torch.load(path, weights_only=True)
    content["model"]["generator"]["channels"] = 12
    save_file(content, path)
    with pytest.raises(InputError, match="expected options and weights that fit"):
        load_generator(path)


def test_resume_without_a_checkpoint_begins_at_0(make_job):
    from echodiff.train import state as states

    job = make_job()
    state = states.new_state(job.model, torch.zeros(1, 1, 32, 32, dtype=torch.uint8), torch.device("cpu"))
    resume(state, job, speak=False)
    assert state.step == 0
