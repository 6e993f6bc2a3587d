"""The command line that starts a command in several processes, on this machine or on all of a SLURM job's."""

import os
import socket
import sys
from collections.abc import Sequence

from echodiff.errors import InputError

LAUNCHER = (sys.executable, "-m", "echodiff.devices.launch")
FIRST_PORT, PORTS = 20000, 12000  # below the ports that Linux hands out by itself, from 32768 on


def on_this_machine(command: Sequence[str], processes: int) -> list[str]:
    """`command` under torchrun, on a free port so that jobs side by side do not clash."""
    if processes < 2:
        return list(command)
    return [*LAUNCHER, "--standalone", f"--nproc-per-node={processes}", "--no-python", *command]


def on_nodes(command: Sequence[str], *, nodes: int, processes: int, cores: int) -> list[str]:
    """`command` in `processes` processes on each of `nodes` machines: one torchrun a machine, started by srun.

    The torchruns meet at a port of this machine, the job's first, that follows from the job's number. srun gives each
    its own cards; the cores have to be said again, as a step of a job does not inherit them.

    Raises:
        InputError: this is no SLURM job.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        raise InputError(
            f"lease --nodes {nodes}: expected to be in a job of SLURM, found no SLURM_JOB_ID; ask for several machines "
            "under SLURM only (docs/clusters.md), or start torchrun on each by hand (docs/model.md)"
        )
    place = f"{socket.gethostname()}:{FIRST_PORT + int(job) % PORTS}"
    step = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={cores}"]
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={place}", f"--rdzv-id={job}"]
    return [*step, *LAUNCHER, f"--nnodes={nodes}", f"--nproc-per-node={processes}", *meeting, "--no-python", *command]
