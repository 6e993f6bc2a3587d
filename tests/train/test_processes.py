"""Several processes: their mean, whatever the layout of the tensors, in few operators; NCCL is told its card."""

import pytest
import torch
import torch.distributed as dist

from echodiff.train import processes
from echodiff.train.processes import Processes, join_processes


def tensors_of(rank: int) -> list[torch.Tensor]:
    """Gradients as a network has them, and a number of the history."""
    random = torch.Generator().manual_seed(rank)
    shapes = [(4, 3, 3, 3), (4, 2, 1, 1), (5, 1, 3, 3), (7, 2), (3,), ()]
    return [torch.randn(shape, generator=random) for shape in shapes]


def laid_out(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    return [t.to(memory_format=torch.channels_last) if t.dim() == 4 else t for t in tensors]


def test_the_mean_of_two_processes_is_that_of_each_tensor(monkeypatch):
    sent = []
    monkeypatch.setattr(dist, "all_reduce", lambda message: sent.append(message.clone()))
    Processes(1, 2).average(laid_out(tensors_of(1)))
    monkeypatch.setattr(dist, "all_reduce", lambda message: message.add_(sent[0]))
    found = laid_out(tensors_of(0))
    layouts = [tensor.stride() for tensor in found]
    Processes(0, 2).average(found)
    for mean, one, other in zip(found, tensors_of(0), tensors_of(1), strict=True):
        torch.testing.assert_close(mean, (one + other) / 2)
    assert [tensor.stride() for tensor in found] == layouts


def test_no_tensor_is_copied_by_itself_before_it_is_sent(monkeypatch):
    monkeypatch.setattr(dist, "all_reduce", lambda message: None)
    with torch.profiler.profile() as profile:
        Processes(0, 2).average(laid_out(tensors_of(0)))
    called = {event.key for event in profile.key_averages()}
    assert "aten::cat" in called and not called & {"aten::clone", "aten::contiguous", "aten::reshape"}


@pytest.mark.parametrize("name", ["cuda:1", "cpu"])
def test_processes_meet_on_the_card_that_each_has(name, monkeypatch):
    """NCCL would take another card for its first message, or the current one and warn."""
    device, joined = torch.device(name), {}
    monkeypatch.setattr(processes, "end_with_parent", lambda: None)
    monkeypatch.setattr(dist, "init_process_group", lambda backend, **options: joined.update(options, backend=backend))
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    for variable, value in {"WORLD_SIZE": 2, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(variable, str(value))
    assert join_processes(device) == Processes(1, 2, 1, 2)
    assert (joined["backend"], joined["device_id"]) == (("nccl", device) if name == "cuda:1" else ("gloo", None))
