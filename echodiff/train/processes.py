"""Several processes that train one model together, one a device, started by torchrun."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from echodiff.devices.launch import wait_for_the_end
from echodiff.devices.parent import end_with_parent
from echodiff.errors import ConfigError, EchodiffError

PATIENCE = timedelta(hours=6)  # the first one may measure a distance meanwhile; a dead one is told by the launcher


@dataclass(frozen=True)
class Processes:
    """This process's place among those that train together; local: on this machine."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files and the log."""
        return self.rank == 0

    def share(self, batch_size: int) -> slice:
        """This process's rows of a global batch.

        Raises:
            ConfigError: the batch cannot be divided evenly.
        """
        if batch_size % self.world:
            raise ConfigError(
                f"training.batch_size: expected a multiple of the {self.world} processes, found {batch_size}; "
                "use as many processes as divide it"
            )
        rows = batch_size // self.world
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the processes, in one message.

        The numbers of a tensor are sent in the order in which they lie in memory, the same in all processes: so none is
        copied by itself, which for each of 600 gradients would take a GPU as long as the message.
        """
        if self.world == 1:
            return
        tensors = list(tensors)
        message = torch.cat([tensor.as_strided((tensor.numel(),), (1,)) for tensor in tensors])
        with _together():
            dist.all_reduce(message)
        parts = message.div_(self.world).split([tensor.numel() for tensor in tensors])
        as_sent = zip(tensors, parts, strict=True)
        torch._foreach_copy_(tensors, [part.as_strided(tensor.shape, tensor.stride()) for tensor, part in as_sent])

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            with _together():
                dist.barrier()


@contextmanager
def _together() -> Iterator[None]:
    """Within the block the processes exchange messages; it fails where one of them has ended.

    Raises:
        EchodiffError: one has, for a reason that it gave itself.
    """
    try:
        yield
    except RuntimeError as error:
        wait_for_the_end()
        raise EchodiffError(
            f"a process that trains with this one has ended; its own message says why ({error})"
        ) from error


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Within the block this is one of a torchrun's processes, by the variables it sets; alone where there are none.

    They take leave of each other where all end the block. One that fails ends by itself (`devices.launch.end`): NCCL
    would let it wait for messages that the others, who wait for it, never send.
    """
    yield join_processes(device)
    if dist.is_initialized():
        dist.destroy_process_group()


def join_processes(device: torch.device) -> Processes:
    """This process's place, after joining the others."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world == 1:
        return Processes()
    end_with_parent()
    if not dist.is_initialized():
        # NCCL connects at once where it is told its card: one that cannot be reached is known before the images are.
        backend, card = ("nccl", device) if device.type == "cuda" else ("gloo", None)
        dist.init_process_group(backend, timeout=PATIENCE, device_id=card)
    local = (int(os.environ[name]) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    return Processes(dist.get_rank(), world, *local)
