"""What all tests share: the folder of real files, a small image set, the command line as a user types it."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from warm import run_module

from echodiff.store.image_set import ImageSet, new_image_set, read_image_set

SAMPLE_DATA = "ECHODIFF_SAMPLE_DATA"
# Read by torch when it is imported, here and in the commands that tests call. Tests share the cores by processes;
# threads besides would wait for one another spinning, which trebles the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
WORKFLOW = Path(__file__).parent / "workflow"
SHARED_RUN_S = 1800
LONGEST = (WORKFLOW, Path(__file__).parent / "train")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(items):
    """Tests of a file share what it sets up and run in one process; so do those of the workflow, which share a run.

    The longest come first, so that no process waits for another at the end (pytest-xdist by itself would begin with the
    files of the most tests: `--no-loadscope-reorder` in pyproject.toml).
    """
    items.sort(key=lambda item: (*LONGEST, item.path.parent).index(item.path.parent))  # stable
    for item in items:
        if item.path.parent == WORKFLOW:
            item.add_marker(pytest.mark.timeout(SHARED_RUN_S))  # the first one waits for the whole run
        item.add_marker(pytest.mark.xdist_group("workflow" if item.path.parent == WORKFLOW else item.location[0]))


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The folder of real CAMUS, DICOM and volume files; without it the test is skipped."""
    folder = os.environ.get(SAMPLE_DATA)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"real files: set {SAMPLE_DATA} to the folder that has camus/, dicom/ and volume/")
    return Path(folder)


@pytest.fixture(scope="session")
def run_echodiff():
    """Call the command line in a process of its own, as a user or a rule does."""
    return partial(run_module, "echodiff")


@pytest.fixture
def write_image_set(tmp_path):
    """Write an image set of random frames with nested rectangles as labels; gives its path."""

    def write(name: str = "images.h5", *, cases: int = 6, size: int = 64, seed: int = 0) -> Path:
        path = tmp_path / name
        rng = np.random.default_rng(seed)
        with new_image_set(path, size=size, attributes={"kind": "dataset", "dataset": "test"}) as writer:
            for index in range(cases):
                mask = np.zeros((size, size), np.uint8)
                mask[size // 8 : size // 2, size // 4 : 3 * size // 4] = 2
                mask[size // 5 : size // 2, size // 3 : 2 * size // 3] = 1
                mask[size // 2 : 3 * size // 4, size // 3 : 2 * size // 3] = 3
                sector = np.ones((size, size), np.uint8)
                sector[:, : size // 8] = 0
                image = (rng.integers(0, 256, (size, size)) * sector).astype(np.uint8)
                writer.append(image, mask, sector, (0.5, 0.4), f"case{index:03d}")
        return path

    return write


@pytest.fixture
def small_image_set(write_image_set) -> ImageSet:
    """Six random cases of 64 x 64."""
    return read_image_set(write_image_set())
