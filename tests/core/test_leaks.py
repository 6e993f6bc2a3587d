"""The search for leaked strings finds one wherever a run could have left it."""

import base64
import gzip
import zipfile

import h5py
import pandas as pd
import pytest
from leaks import leaks

NAME = "Quillfeather"


def in_a_log(folder):
    (folder / "ingest.log").write_text(f"broken: {NAME}.dcm\n")


def in_a_file_name(folder):
    (folder / f"{NAME}.txt").touch()


def in_a_folder_name(folder):
    (folder / f"{NAME}^Zelda").mkdir()


def in_a_table(folder):
    pd.DataFrame({"reason": ["x" * 50 + NAME] * 500}).to_parquet(folder / "cases.parquet", compression="zstd")


def in_a_column_name(folder):
    pd.DataFrame({NAME: [1]}).to_parquet(folder / "cases.parquet")


def in_an_attribute(folder):
    with h5py.File(folder / "images.h5", "w") as file:
        file.create_group("a").attrs["provenance"] = f"from {NAME}"


def in_a_compressed_dataset(folder):
    with h5py.File(folder / "images.h5", "w") as file:
        file.create_dataset("case_id", data=[NAME] * 500, dtype=h5py.string_dtype(), compression="gzip")


def in_an_archive(folder):
    with zipfile.ZipFile(folder / "report.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report/tables/rejects.html", f"<td>{NAME}</td>" * 50)


def in_a_coded_page_of_an_archive(folder):
    page = base64.b64encode(gzip.compress(f"<td>{NAME}</td>".encode())).decode()
    with zipfile.ZipFile(folder / "report.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.html", f'<script>load("data:text/html;base64,{page}")</script>')


def in_a_packed_file(folder):
    (folder / "history.gz").write_bytes(gzip.compress(NAME.encode()))


def in_a_record_of_snakemake(folder):
    (folder / base64.urlsafe_b64encode(f"results/{NAME}/images.h5".encode()).decode()).write_text("{}")


@pytest.mark.parametrize("plant", [entry for name, entry in list(globals().items()) if name.startswith("in_a")])
def test_a_planted_name_is_found(tmp_path, plant):
    (tmp_path / "inside").mkdir()
    plant(tmp_path / "inside")
    assert leaks(tmp_path, ["Nobody", NAME])
    assert not leaks(tmp_path, ["Nobody"])
    assert not leaks(tmp_path, [NAME], without=["inside"])
