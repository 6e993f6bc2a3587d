"""The files that ingest looks at, with their sizes and times, so that a workflow sees a change before it reads any."""

import hashlib
from pathlib import Path

from echodiff.config.datasets import Dataset
from echodiff.errors import InputError
from echodiff.ingest.folder.walk import files_below


def state_of_files(dataset: Dataset, folder: Path) -> str:
    """Names, sizes and times of all files that a dataset is read from, in one hash; no file is opened.

    A folder that is not there has a state too: a dry run shows the jobs, and ingest names the missing folder.
    """
    digest = hashlib.sha256()
    for path in _source_files(dataset, folder):
        digest.update(f"{path}\x1f{_size_and_time(path)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:12]


def _source_files(dataset: Dataset, folder: Path) -> list[Path]:
    """Files below the folder, and those outside that options name: label maps, and tables that a reader looks into."""
    try:
        files = files_below(folder)
    except InputError:
        return []
    tables = [folder / name for key in ("ed_table", "planes", "table") if (name := getattr(dataset, key, None))]
    return files + sorted({*tables, *_label_maps(dataset, files)} - set(files))


def _label_maps(dataset: Dataset, files: list[Path]) -> set[Path]:
    """What a pattern that leads to other folders names beside each of the files; others are in the image's own."""
    pattern = getattr(dataset, "label_pattern", "")
    if "/" not in pattern:
        return set()
    # Loads SimpleITK and OpenCV, as whenever Snakemake starts.
    from echodiff.ingest.folder.image_pattern import ImagePattern
    from echodiff.ingest.labels.beside import LabelFiles

    maps = LabelFiles(pattern, images=ImagePattern(getattr(dataset, "image_pattern", "")))
    return {other for path in files for other in maps.named(path)}


def _size_and_time(path: Path) -> str:
    """Empty where the system does not tell, as of a link without a target."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{state.st_size}\x1f{state.st_mtime_ns}"
