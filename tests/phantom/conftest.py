"""Small phantom datasets of every machine, written once for all tests of this folder."""

import pytest

from echodiff.config.phantom import PhantomSource
from echodiff.phantom.dataset import write_dataset
from echodiff.store.table import read_table


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory):
    """Give the folder of a machine's small dataset, in one of its layouts, and its truth."""
    made = {}
    patients = {"camus": 5, "2d_t": 4, "vscan_air": 3, "vscan": 4, "echonet": 3, "3d_spatial": 3, "epiq": 6}

    def give(machine: str, layout: str = "screens"):
        if (machine, layout) not in made:
            folder = tmp_path_factory.mktemp("phantom") / machine
            source = PhantomSource(machine=machine, patients=patients[machine], frames=8, seed=3, layout=layout)
            write_dataset(source, folder)
            made[machine, layout] = folder
        return made[machine, layout], read_table(made[machine, layout] / "truth.parquet")

    return give
