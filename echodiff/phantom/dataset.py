"""Write a whole phantom dataset: patients in parallel, shared tables, truth.parquet, and all of it or nothing."""

import csv
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from echodiff.config.phantom import FORMATS, PhantomSource
from echodiff.devices.parent import end_with_main_process
from echodiff.phantom.machines import MACHINES
from echodiff.phantom.truth import COLUMNS
from echodiff.phantom.writers import Job, Writer, Written, camus, dicom, echonet, frames, volume
from echodiff.progress import Progress
from echodiff.store.atomic import whole_folder
from echodiff.store.table import write_table

TRUTH = "truth.parquet"
# Format -> what writes a patient's files.
WRITERS: dict[str, Writer] = {
    "camus": camus.write_patient,
    "echonet": echonet.write_patient,
    "dicom": dicom.write_patient,
    "volume": volume.write_patient,
    "frames": frames.write_patient,
}
TABLES = {
    "FileList.csv": echonet.FILE_LIST,
    "VolumeTracings.csv": echonet.TRACINGS,
    "planes.csv": volume.PLANES,
    "cases.csv": frames.CASES,
}
# Layout -> name and text, for a number of patients, of a file that a whole dataset has.
OF_LAYOUTS = {"nnunet": ("dataset.json", frames.dataset_json)}
SUBFOLDERS = {"echonet": ("Videos", "truth")}  # of formats


def patient_seed(source: PhantomSource, number: int) -> int:
    """Seed of a patient, another one for every machine, dataset seed and number."""
    state = np.random.SeedSequence([source.seed, MACHINES[source.machine].number, number]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def write_dataset(source: PhantomSource, output: Path, *, processes: int = 1) -> pd.DataFrame:
    """Write the files of `source` into the folder `output`, which appears complete or not at all; gives the truth.

    The content does not depend on the number of processes. A phantom that lies there is replaced.

    Raises:
        OutputError: the folder holds something else than a phantom, or cannot be written.
    """
    with whole_folder(output, sign=TRUTH) as folder:
        for name in SUBFOLDERS.get(FORMATS[source.machine], ()):
            (folder / name).mkdir()
        machine = MACHINES[source.machine]
        jobs = [
            Job(machine, number, patient_seed(source, number), source.frames, folder, source.layout)
            for number in range(1, source.patients + 1)
        ]
        written = _run(jobs, processes, f"phantom {source.machine}")
        for name in {name for patient in written for name in patient.tables}:
            _write_csv(folder / name, TABLES[name], [row for patient in written for row in patient.tables[name]])
        if source.layout in OF_LAYOUTS:
            name, text_for = OF_LAYOUTS[source.layout]
            (folder / name).write_text(text_for(source.patients), encoding="utf-8")
        truth = pd.DataFrame([patient.truth for patient in written], columns=list(COLUMNS))
        write_table(truth, folder / TRUTH)
    return truth


def write_one(job: Job) -> Written:
    """One patient, in whatever process."""
    cv2.setNumThreads(1)
    return WRITERS[FORMATS[job.machine.name]](job)


def _run(jobs: list[Job], processes: int, description: str) -> list[Written]:
    """Every patient, in the order of their numbers."""
    progress = Progress(len(jobs), description=description, unit="patients")
    try:
        if processes <= 1 or len(jobs) == 1:
            written = []
            for job in jobs:
                written.append(write_one(job))
                progress.advance()
            return written
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])  # imported once, not by every process anew
        several = {"mp_context": context, "initializer": end_with_main_process}
        with ProcessPoolExecutor(min(processes, len(jobs)), **several) as pool:
            futures = [pool.submit(write_one, job) for job in jobs]
            try:
                for future in as_completed(futures):
                    future.result()
                    progress.advance()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return [future.result() for future in futures]
    finally:
        progress.close()


def _write_csv(path: Path, header: tuple[str, ...], rows: list[list]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
