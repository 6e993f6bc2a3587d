"""Ingest of an archive as large as EchoNet-Dynamic: time, memory, and a run that is killed and continued.

    python benchmarks/echonet_ingest.py --shape-model results/shape_model/camus.npz --folder FOLDER
        [--videos 10000] [--distinct 200]

Writes `distinct` phantom patients and copies them under `videos` names, each file with bytes of its own. Ingests them
by `echodiff ingest` with one process, with two, and with two that are killed (SIGKILL, the whole group) once half of
the cases are finished, and then started again. Prints videos a second, CPU-seconds and the peak memory of all processes
together (sum of their proportional set sizes, Linux, sampled twice a second), and compares the frames, label maps,
sectors and case tables of the three runs.
"""

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import pandas as pd

from echodiff.config.phantom import PhantomSource
from echodiff.ingest.run import JOURNAL
from echodiff.phantom.dataset import write_dataset

FRAMES = 8
CONFIG = """
training_dataset: camus
datasets:
  camus: {{title: CAMUS, scanner: GE, format: camus, folder: {folder}}}
  echonet: {{title: EchoNet, scanner: several, format: echonet, folder: {folder}}}
models:
  none: {{preset: fast}}
"""
SETS = ("images", "masks", "sectors", "spacing_mm", "case_id")
TABLES = ("FileList.csv", "VolumeTracings.csv")


def write_archive(folder: Path, videos: int, distinct: int) -> Path:
    """`videos` videos with their tables, from `distinct` phantom patients; the folder of the archive."""
    phantom, archive = folder / "phantom", folder / "archive"
    write_dataset(PhantomSource(machine="echonet", patients=distinct, seed=3, frames=FRAMES), phantom)
    (archive / "Videos").mkdir(parents=True)
    tables = {name: pd.read_csv(phantom / name, dtype=str) for name in TABLES}
    stems = tables["FileList.csv"]["FileName"].str.removesuffix(".avi").tolist()
    contents = {stem: (phantom / "Videos" / f"{stem}.avi").read_bytes() for stem in stems}
    names = {f"0X{number:06d}": stems[number % distinct] for number in range(videos)}
    for number, (name, stem) in enumerate(names.items()):
        junk = b"JUNK" + (8).to_bytes(4, "little") + number.to_bytes(8, "little")  # a chunk that players pass over
        (archive / "Videos" / f"{name}.avi").write_bytes(contents[stem] + junk)
    for table, content in tables.items():
        ending = ".avi" if content["FileName"].str.endswith(".avi").all() else ""
        rows = {
            stem: group.values.tolist() for stem, group in content.groupby(content["FileName"].str.removesuffix(".avi"))
        }
        with open(archive / table, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(content.columns)
            for name, stem in names.items():
                writer.writerows([name + ending, *row[1:]] for row in rows[stem])
    return archive


def start(archive: Path, output: Path, model: Path, processes: int) -> subprocess.Popen:
    """`echodiff ingest` in a group of processes of its own."""
    config = output.with_suffix(".yaml")
    config.write_text(CONFIG.format(folder=archive))
    options = {"config": config, "dataset": "echonet", "source": archive, "output": output}
    options |= {"shape-model": model, "processes": processes}
    command = [f"--{name}={value}" for name, value in options.items()]
    with open(output.with_suffix(".log"), "a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "echodiff", "ingest", *command], start_new_session=True, stdout=log, stderr=log
        )


@dataclass
class Use:
    """What the processes of a group have taken: the journal's size in bytes, peak memory in MiB, CPU-seconds by pid."""

    journal: int = 0
    peak: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)


def wait(running: subprocess.Popen, journal: Path, stop_at: float = float("inf")) -> Use:
    """Wait for the end, or kill the group once the journal is that large."""
    use = Use()
    while running.poll() is None:
        time.sleep(0.5)
        use.journal = max(use.journal, journal.stat().st_size if journal.exists() else 0)
        look_at(running.pid, use)
        if use.journal >= stop_at:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            return use
    if running.returncode:
        raise SystemExit(f"ingest ended with {running.returncode}")
    return use


def look_at(group: int, use: Use) -> None:
    """Note the memory, what processes share divided among them, and the CPU time so far of all processes of a group.

    Some are no descendants that anybody waits for, so that the time of children does not have theirs.
    """
    memory = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == group:
                lines = (process / "smaps_rollup").read_text().splitlines()
                memory += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
                user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
                use.seconds[process.name] = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            continue  # it has ended meanwhile
    use.peak = max(use.peak, memory)


@contextmanager
def measured(name: str, videos: int) -> Iterator[dict]:
    """Prints what the processes that ended within took; the body fills in `use`, a list."""
    found, wall = {}, time.monotonic()
    yield found
    wall, cpu = time.monotonic() - wall, sum(sum(use.seconds.values()) for use in found["use"])
    print(
        f"{name}: {wall:.0f} s, {videos / wall:.1f} videos a second, {cpu:.0f} s of CPU "
        f"({1000 * cpu / videos:.0f} ms a video), "
        f"peak memory of all processes {found['use'][-1].peak:.0f} MiB",
        flush=True,
    )


def same(first: Path, second: Path) -> dict[str, bool]:
    """Whether the sets of both files hold the same bytes, and the case tables the same rows."""
    with h5py.File(first / "images.h5") as one, h5py.File(second / "images.h5") as two:
        equal = {name: one[name][:].tobytes() == two[name][:].tobytes() for name in SETS if name != "case_id"}
        equal["case_id"] = one["case_id"][:].tolist() == two["case_id"][:].tolist()
    tables = [pd.read_parquet(path / "cases.parquet") for path in (first, second)]
    return equal | {"cases": tables[0].equals(tables[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape-model", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="Emptied first.")
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--distinct", type=int, default=200)
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    archive = write_archive(options.folder, options.videos, options.distinct)
    one, two, continued = (options.folder / name for name in ("one", "two", "continued"))
    with measured("one process", options.videos) as found:
        found["use"] = [wait(start(archive, one, options.shape_model, 1), one / JOURNAL)]
        size = found["use"][0].journal
    with measured("two processes", options.videos) as found:
        found["use"] = [wait(start(archive, two, options.shape_model, 2), two / JOURNAL)]
    with measured("two processes, killed and continued", options.videos) as found:
        running = start(archive, continued, options.shape_model, 2)
        killed = wait(running, continued / JOURNAL, stop_at=size / 2)
        print(f"killed with {killed.journal / size:.0%} of the records written", flush=True)
        found["use"] = [killed, wait(start(archive, continued, options.shape_model, 2), continued / JOURNAL)]
    for name, output in (("two processes", two), ("killed and continued", continued)):
        print(f"one process and {name}, the same: {same(one, output)}")


if __name__ == "__main__":
    main()
