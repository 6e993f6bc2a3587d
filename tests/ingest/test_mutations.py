"""Damaged files of every kind: none crashes or hangs ingest, or takes more memory than it may."""

import resource
import time
from pathlib import Path

import numpy as np
import pytest

from echodiff.config.datasets import CamusDataset, DicomDataset, EchonetDataset
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.readers import reader_of
from echodiff.ingest.run import CaseWork
from echodiff.ingest.workers import Lost, Workers

from .conftest import write_camus_patient, write_echonet
from .dicom_files import cine, colour, write_gray, write_jpeg, write_palette, write_rle

LONGEST_S = 10.0
MOST_KIB = 2 * 1024**2


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bits changed, half of the time in the first 2 kB, where headers are."""
    data = bytearray(content)
    end = min(len(data), 2048) if rng.random() < 0.5 else len(data)
    for place in rng.integers(0, end, int(rng.integers(1, 30))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def spliced(content: bytes, rng: np.random.Generator) -> bytes:
    """A piece taken out: tags and lengths no longer fit what follows."""
    start = int(rng.integers(0, min(len(content), 4096)))
    return content[:start] + content[start + int(rng.integers(1, 200)) :]


def exaggerated(content: bytes, rng: np.random.Generator) -> bytes:
    """Four bytes in a row set to a huge or negative number: sizes that lie."""
    start = int(rng.integers(0, min(len(content) - 4, 4096)))
    value = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"\x00\x00\xff\xff"][int(rng.integers(4))]
    return content[:start] + value + content[start + 4 :]


MUTATIONS = (flipped, cut, spliced, exaggerated)


def dicom_source(folder: Path) -> tuple[DicomDataset, list[Path]]:
    frames = cine(3)
    write_gray(folder / "gray.dcm", frames)
    write_rle(folder / "rle.dcm", frames)
    write_jpeg(folder / "jpeg.dcm", colour(frames))
    write_palette(folder / "palette.dcm", frames)
    return DicomDataset(format="dicom", folder="x", labels="none"), sorted(folder.glob("*.dcm"))


def camus_source(folder: Path) -> tuple[CamusDataset, list[Path]]:
    write_camus_patient(folder, 1, info="ED: 1\nES: 12\nNbFrame: 20\nEF: 55.5\n")
    return CamusDataset(format="camus", folder="x"), sorted((folder / "patient0001").iterdir())


def echonet_source(folder: Path) -> tuple[EchonetDataset, list[Path]]:
    write_echonet(folder, 2)
    files = [folder / "FileList.csv", folder / "VolumeTracings.csv", folder / "Videos" / "0XA.avi"]
    return EchonetDataset(format="echonet", folder="x", completion="dilation"), files


SOURCES = {"dicom": dicom_source, "camus": camus_source, "echonet": echonet_source}


def mutants(source: Path, files: list[Path], count: int, seed: int) -> list[Path]:
    """Copies of a dataset's folder, each with one file mutated."""
    rng = np.random.default_rng(seed)
    folders = []
    for number in range(count):
        target = source.parent / f"mutant{number:04d}"
        wanted = files[number % len(files)]
        for path in source.rglob("*"):
            if not path.is_file() or (path.suffix == ".dcm" and path != wanted):
                continue
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            mutate = MUTATIONS[number // len(files) % len(MUTATIONS)]
            copy.write_bytes(mutate(content, rng) if path == wanted else content)
        folders.append(target)
    return folders


def check_all_are_accounted_for(folder: Path, name: str, count: int, seed: int) -> None:
    dataset, files = SOURCES[name](folder / "source")
    cases, refused = [], 0
    for mutant in mutants(folder / "source", files, count, seed):
        try:
            cases += list(reader_of(dataset).find(mutant))
        except InputError as error:
            refused += 1
            assert "expected" in str(error)
    start = time.monotonic()
    results = list(Workers(CaseWork(dataset, Image(size=64), None), 1, limit_s=LONGEST_S).results(cases))
    assert len(results) == len(cases) and refused + len(cases) >= count
    rejected = 0
    for result in results:
        assert not isinstance(result, Lost), result
        reason = result.row["reason"]
        rejected += bool(reason)
        assert (result.frame is None) == bool(reason) and "unforeseen" not in reason, reason
    assert rejected + refused > 0.1 * count
    assert time.monotonic() - start < LONGEST_S * count
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MOST_KIB


@pytest.mark.parametrize("name", SOURCES)
def test_some_damaged_files(tmp_path, name):
    check_all_are_accounted_for(tmp_path, name, 48, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_many_damaged_files(tmp_path, name):
    check_all_are_accounted_for(tmp_path, name, 700, seed=2)
