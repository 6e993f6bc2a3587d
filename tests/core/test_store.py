"""Files are complete or absent, come back as written, and a wrong one is refused with a sentence."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from echodiff import __version__
from echodiff.errors import InputError, OutputError
from echodiff.store.atomic import atomic_path
from echodiff.store.image_set import content_fingerprint, new_image_set, read_image_set
from echodiff.store.intensity import to_model, to_uint8, to_unit
from echodiff.store.provenance import provenance, seed_of
from echodiff.store.table import read_table, write_table

ATTRIBUTES = {"kind": "dataset", "dataset": "test"}


def planes(size, value=7):
    image = np.full((size, size), value, np.uint8)
    return image, np.zeros_like(image), np.ones_like(image)


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("good")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    sentence = "file/inside.txt: expected to write this file, but the system said"
    with pytest.raises(OutputError, match=sentence), atomic_path(tmp_path / "file" / "inside.txt") as temporary:
        temporary.write_text("")


@pytest.mark.parametrize("limit", [0, 1000, 20000, 120000, 200000])
def test_a_full_disk_is_one_sentence_and_the_last_good_file_stays(tmp_path, limit):
    """The file size limit of the process stands for the disk's end: the kernel refuses to write on."""
    path = tmp_path / "images.h5"
    with new_image_set(path, size=64, attributes=ATTRIBUTES) as writer:
        writer.append(*planes(64), (0.5, 0.5), "good")
    script = f"""
import resource, signal
import numpy as np
from echodiff.errors import OutputError
from echodiff.store.image_set import new_image_set
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
rng = np.random.default_rng(0)
try:
    with new_image_set({str(path)!r}, size=64, attributes={ATTRIBUTES!r}) as writer:
        for index in range(150):
            image = rng.integers(0, 256, (64, 64)).astype(np.uint8)
            writer.append(image, image % 4, image % 2, (1, 1), str(index))
except OutputError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "images.h5: expected to write this file, but the system said" in result.stdout
    assert read_image_set(path).case_id == ["good"]
    assert os.listdir(tmp_path) == ["images.h5"]


def test_image_set_comes_back_as_written(tmp_path, monkeypatch):
    monkeypatch.setattr("echodiff.store.image_set.BLOCK", 2)  # of three cases the last one makes no full block
    rng = np.random.default_rng(0)
    cases = [tuple(rng.integers(0, top, (32, 32)).astype(np.uint8) for top in (256, 4, 2)) for _ in range(3)]
    with new_image_set(tmp_path / "a.h5", size=32, attributes=ATTRIBUTES, with_seed=True) as writer:
        buffers = [np.empty((32, 32), np.uint8) for _ in range(3)]  # used again before the block is written
        for index, case in enumerate(cases):
            for buffer, plane in zip(buffers, case, strict=True):
                buffer[:] = plane
            writer.append(*buffers, (0.1 * index, 0.2), f"käse{index}", seed=2**63 + index)
    back = read_image_set(tmp_path / "a.h5")
    for index, case in enumerate(cases):
        for stored, plane in zip((back.images, back.masks, back.sectors), case, strict=True):
            np.testing.assert_array_equal(stored[index], plane)
    np.testing.assert_allclose(back.spacing_mm, [[0, 0.2], [0.1, 0.2], [0.2, 0.2]], rtol=1e-6)
    assert back.case_id == ["käse0", "käse1", "käse2"]
    assert back.seed.tolist() == [2**63, 2**63 + 1, 2**63 + 2]
    assert back.attributes["dataset"] == "test" and back.attributes["schema_version"] == 1


def test_the_same_content_gives_the_same_bytes(write_image_set):
    assert write_image_set("a.h5").read_bytes() == write_image_set("b.h5").read_bytes()


def test_select_keeps_the_asked_order_and_refuses_strangers(small_image_set):
    random = np.random.default_rng(0)
    masks, sectors = (random.integers(0, top, small_image_set.masks.shape, dtype=np.uint8) for top in (4, 2))
    spacing, seed = random.random((6, 2)).astype(np.float32), np.arange(6, dtype=np.uint64)
    whole = replace(small_image_set, masks=masks, sectors=sectors, spacing_mm=spacing, seed=seed)
    chosen = whole.select(["case003", "case001"])
    assert chosen.case_id == ["case003", "case001"] and chosen.attributes == whole.attributes
    for name in ("images", "masks", "sectors", "spacing_mm", "seed"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(whole, name)[[3, 1]])
    with pytest.raises(InputError, match="expected the case case999, found it not among the 6 cases"):
        small_image_set.select(["case999"])


def test_fingerprint_follows_the_content(small_image_set, write_image_set):
    own = content_fingerprint(small_image_set)
    assert own == content_fingerprint(read_image_set(write_image_set("again.h5")))
    found = {own}
    for name in ("images", "masks", "sectors", "spacing_mm"):  # of the last case alone
        changed = getattr(small_image_set, name).copy()
        changed[-1, 0] += 1
        found.add(content_fingerprint(replace(small_image_set, **{name: changed})))
    found.add(content_fingerprint(replace(small_image_set, case_id=[*small_image_set.case_id[:-1], "other"])))
    assert len(found) == 6


@pytest.mark.parametrize(
    ("plane", "message"),
    [
        (np.zeros((32, 31), np.uint8), "expected uint8"),
        (np.zeros((32, 32), np.float32), "expected uint8"),
        (np.full((32, 32), 4, np.uint8), "expected labels 0..3, found 4"),
    ],
)
def test_a_wrong_plane_is_refused(tmp_path, plane, message):
    good = np.zeros((32, 32), np.uint8)
    writing = new_image_set(tmp_path / "a.h5", size=32, attributes=ATTRIBUTES)
    with pytest.raises(ValueError, match=message), writing as writer:
        writer.append(good, plane, good, (1, 1), "case")
    assert not list(tmp_path.iterdir())


def test_damaged_and_foreign_files_are_refused(tmp_path, write_image_set):
    with pytest.raises(InputError, match="none.h5: expected an image set, found no such file"):
        read_image_set(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="text.h5: expected an image set in HDF5, could not read it"):
        read_image_set(tmp_path / "text.h5")
    cut = write_image_set("cut.h5")
    cut.write_bytes(cut.read_bytes()[:-5000])
    with pytest.raises(InputError, match="cut.h5: expected an image set in HDF5, could not read it"):
        read_image_set(cut)
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(InputError, match="foreign.h5: expected the datasets images, .* found none named masks"):
        read_image_set(tmp_path / "foreign.h5")
    old = write_image_set("old.h5")
    with h5py.File(old, "a") as file:
        file.attrs["schema_version"] = 0
    with pytest.raises(InputError, match="found schema version 0"):
        read_image_set(old)


def test_table_comes_back_and_missing_columns_are_named(tmp_path):
    frame = pd.DataFrame({"case_id": ["a", "b"], "ed_frame": pd.array([1, None], dtype="Int64")})
    write_table(frame, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), frame)
    with pytest.raises(InputError, match="t.parquet: expected the columns case_id, patient, found none named patient"):
        read_table(tmp_path / "t.parquet", ("case_id", "patient"))
    (tmp_path / "x.parquet").write_text("no table")
    with pytest.raises(InputError, match="x.parquet: expected a Parquet table, could not read it"):
        read_table(tmp_path / "x.parquet")


def test_gray_values_survive_the_way_into_a_model_and_back():
    values = torch.arange(256, dtype=torch.uint8)
    inside = to_model(values)
    assert inside.min() == -1 and inside.max() == 1 and inside.dtype == torch.float32
    assert torch.equal(to_uint8(inside), values)
    assert to_uint8(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]
    assert to_unit(np.array([0, 255], np.uint8)).tolist() == [0.0, 1.0]
    with pytest.raises(TypeError, match="expected uint8"):
        to_unit(np.zeros(3))


def test_seeds_depend_on_every_part_and_on_nothing_else():
    assert seed_of(1, "case", 0) == 2804801356408419940  # the same on every machine and in every version
    different = [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1), (1, "a0"), (1, "a", "0", "")]
    seeds = {seed_of(*parts) for parts in different}
    assert len(seeds) == 6 and all(0 <= seed < 2**63 for seed in seeds)
    assert provenance("ingest", {"b": 1, "a": 2}) == provenance("ingest", {"a": 2, "b": 1})
    record = json.loads(provenance("ingest", {"a": 2}))
    assert record["options"] == {"a": 2} and record["stage"] == "ingest"
    assert (record["program"], record["version"]) == ("echodiff", __version__)
