"""The real CAMUS frames, where they are: all are read, end-systole is left out, areas are kept."""

import numpy as np
import pytest

from echodiff.config.datasets import CamusDataset
from echodiff.config.image import Image
from echodiff.config.split import Split
from echodiff.ingest.readers.camus import CamusReader
from echodiff.ingest.readers.itk import read_plane
from echodiff.ingest.run import ingest_dataset
from echodiff.labels import STRUCTURES
from echodiff.split.patients import check_split, split_patients
from echodiff.split.twins import twins
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table

CAMUS = CamusDataset(format="camus", folder="anywhere")


@pytest.fixture(scope="module")
def ingested(sample_data, tmp_path_factory):
    """Folder of the files, image set, case table."""
    output = tmp_path_factory.mktemp("camus")
    ingest_dataset("camus", CAMUS, Image(), sample_data / "camus", output, processes=2)
    return sample_data / "camus", read_image_set(output / "images.h5"), read_table(output / "cases.parquet")


def test_all_patients_have_a_row_and_the_absent_one_its_reason(ingested):
    _, images, cases = ingested
    kept = cases[cases["status"] == "kept"]
    assert len(cases) == 450 and len(kept) == 449 and images.case_id == kept["case_id"].tolist()
    rejected = cases[cases["status"] == "rejected"]
    assert rejected["case_id"].tolist() == ["patient0039"] and "ED frame" in rejected["reason"].iloc[0]


def test_the_es_frame_is_not_taken(ingested):
    folder, images, cases = ingested
    case = next(case for case in CamusReader(CAMUS).find(folder) if case.name == "patient0123")
    assert case.files["image"].name == "patient0123_4CH_ED.nii.gz"
    assert (cases["patient"] == "patient0123").sum() == 1
    assert images.case_id.count("patient0123") == 1


def test_areas_are_kept_within_one_percent(ingested):
    folder, images, _ = ingested
    for case, mask, spacing in zip(images.case_id, images.masks, images.spacing_mm, strict=True):
        label_file = folder / case / f"{case}_4CH_ED_gt.nii.gz"
        labels, before_mm = read_plane(label_file, "the label map")
        for value in STRUCTURES.values():
            before = (labels == value).sum() * np.prod(before_mm)
            assert (mask == value).sum() * np.prod(spacing) == pytest.approx(before, rel=0.01), (case, value)


def test_the_sector_covers_what_the_paper_implies(ingested):
    """Stretched CAMUS frames have 0.546 of their pixels inside the sector; the paper's PSNR implies 0.552."""
    _, images, _ = ingested
    assert images.sectors.mean() == pytest.approx(0.55, abs=0.015)
    assert not images.images[images.sectors == 0].any()
    bright = np.mean([image[sector > 0].mean() for image, sector in zip(images.images, images.sectors, strict=True)])
    assert bright > 20


def test_the_two_patients_with_the_same_frame_stay_on_one_side(ingested):
    """Their labels differ, so that the cropped frames do too: the hash is of the frame before it is cropped."""
    _, images, cases = ingested
    one, other = images.select(["patient0033"]), images.select(["patient0068"])
    assert not (one.masks == other.masks).all()
    sides = set()
    for seed in range(20):
        rows = split_patients(cases, Split(seed=seed))
        check_split(rows, "split")
        assert twins(rows) == [["patient0033", "patient0068"]]
        own = set(rows.loc[rows["patient"].isin(["patient0033", "patient0068"]), "subset"])
        assert len(own) == 1
        sides |= own
    assert sides == {"train", "validation"}
