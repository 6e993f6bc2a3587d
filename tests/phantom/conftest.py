"""Small phantom datasets of every machine, written once for all tests of this folder."""

import pytest

from echodiff.config.phantom import PhantomSource
from echodiff.phantom.dataset import write_dataset
from echodiff.store.table import read_table


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory):
    """Give the folder of a machine's small dataset and its truth."""
    made = {}

    def give(machine: str):
        if machine not in made:
            folder = tmp_path_factory.mktemp("phantom") / machine
            patients = {"camus": 5, "2d_t": 4, "vscan_air": 3, "vscan": 4, "echonet": 3, "3d_spatial": 3}[machine]
            write_dataset(PhantomSource(machine=machine, patients=patients, frames=8, seed=3), folder)
            made[machine] = folder
        return made[machine], read_table(made[machine] / "truth.parquet")

    return give
