"""Translation: the layout it writes, that images depend on case and seed alone, and input that cannot be used."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from echodiff.errors import InputError
from echodiff.labels import LV
from echodiff.store.image_set import read_image_set
from echodiff.store.provenance import seed_of
from echodiff.store.table import write_table
from echodiff.train.generator_file import load_generator
from echodiff.translate.translation import Sampling, translate_image_set

CPU = torch.device("cpu")


@pytest.fixture
def source(write_image_set):
    return read_image_set(write_image_set(cases=5, size=32))


@pytest.fixture
def translate(generator_file, tmp_path):
    """Function that translates an image set and reads what was written."""

    def run(images, *, batch_size: int = 2, **sampling):
        path = tmp_path / "translation.h5"
        options = Sampling(**{"seed": 3, **sampling})
        translate_image_set(load_generator(generator_file), images, path, options, batch_size=batch_size, device=CPU)
        return read_image_set(path)

    return run


def assert_same_images(a: np.ndarray, b: np.ndarray) -> None:
    """Equal up to one gray value, where rounding met a half."""
    assert np.abs(a.astype(int) - b.astype(int)).max() <= 1
    assert (a != b).mean() < 1e-3


def test_a_translation_has_the_source_s_guides_and_images_of_its_own(translate, source, generator_file):
    found = translate(source)
    assert found.case_id == source.case_id
    for plane in ("masks", "sectors", "spacing_mm"):
        np.testing.assert_array_equal(getattr(found, plane), getattr(source, plane))
    assert found.images.dtype == np.uint8 and found.images.std() > 5
    assert (found.images != source.images).mean() > 0.9
    attributes = found.attributes
    assert (attributes["kind"], attributes["dataset"], attributes["model"]) == ("translation", "test", "tiny")
    assert attributes["model_fingerprint"] == load_generator(generator_file).fingerprint
    options = {"seed": 3, "strength": 1.0, "samples": 1, "steps": 4, "method": "posterior"}
    assert json.loads(attributes["provenance"])["options"] == options


def test_each_case_has_a_seed_of_its_own_made_from_its_id(translate, source):
    found = translate(source)
    assert found.seed.tolist() == [seed_of(3, case, 0) for case in source.case_id]
    assert len(set(found.seed.tolist())) == 5


def test_images_do_not_depend_on_batch_order_or_shard(translate, source):
    whole = translate(source)
    assert_same_images(translate(source, batch_size=5).images, whole.images)
    backwards = translate(source.select(source.case_id[::-1]))
    assert_same_images(backwards.images[::-1], whole.images)
    shard = translate(source.select(source.case_id[3:]))
    assert_same_images(shard.images, whole.images[3:])


def test_another_seed_gives_other_images_and_the_same_seed_the_same(translate, source):
    first = translate(source)
    np.testing.assert_array_equal(translate(source).images, first.images)
    assert (translate(source, seed=4).images != first.images).mean() > 0.5


def test_the_guide_matters(translate, source):
    changed = replace(source, masks=np.full_like(source.masks, LV))
    assert (translate(changed).images != translate(source).images).mean() > 0.1


def test_several_samples_of_a_guide_differ_and_the_first_is_the_single_one(translate, source):
    single, several = translate(source), translate(source, samples=3)
    assert several.case_id[:4] == ["case000_s1", "case000_s2", "case000_s3", "case001_s1"]
    assert_same_images(several.images[::3], single.images)
    assert (several.images[0] != several.images[1]).mean() > 0.5
    np.testing.assert_array_equal(several.masks[:3], np.repeat(source.masks[:1], 3, axis=0))


def test_strength_keeps_something_of_the_source(translate, source):
    """With less strength the source image decides more: two sources give images that differ more."""
    other = type(source)(
        255 - source.images, source.masks, source.sectors, source.spacing_mm, source.case_id, source.attributes
    )

    def difference(strength: float) -> float:
        a, b = translate(source, strength=strength), translate(other, strength=strength)
        return float(np.abs(a.images.astype(int) - b.images).mean())

    assert difference(1.0) == 0
    assert difference(0.25) > difference(0.5) > 0


def test_images_of_another_size_and_empty_sets_are_refused(translate, write_image_set):
    with pytest.raises(InputError, match="expected images of 32 x 32.*found 64 x 64"):
        translate(read_image_set(write_image_set(size=64)))
    with pytest.raises(InputError, match="expected cases to translate, found none"):
        translate(read_image_set(write_image_set(size=32)).select([]))


def test_a_case_without_labels_is_refused_by_name(translate, source):
    masks = source.masks.copy()
    masks[1] = 0
    with pytest.raises(InputError, match=f"found 1 without any label, such as {source.case_id[1]};"):
        translate(replace(source, masks=masks))


def test_the_command_needs_no_option_of_the_model(run_echodiff, generator_file, config_file, write_image_set, tmp_path):
    data, output = write_image_set(cases=4, size=32), tmp_path / "out" / "validation.h5"
    cases = read_image_set(data).case_id
    subsets = ["train", "train", "validation", "validation"]
    split = pd.DataFrame({"case_id": cases, "patient": cases, "subset": subsets, "fold": 0, "stratum": ""})
    split = split.assign(group=split["patient"], frame_hash=pd.NA)
    write_table(split, tmp_path / "split.parquet")
    arguments = ["--config", config_file, "--generator", generator_file, "--data", data, "--output", output]
    done = run_echodiff("translate", *arguments, "--split", tmp_path / "split.parquet", "--threads", "1")
    assert done.returncode == 0, done.stderr
    found = read_image_set(output)
    assert found.case_id == cases[2:]
    assert found.seed.tolist() == [seed_of(11, case, 0) for case in cases[2:]]
    with h5py.File(output) as file:
        assert file["seed"].dtype == np.uint64
    done = run_echodiff("translate", *arguments, "--cases", "2", "--samples", "2", "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert read_image_set(output).case_id == ["case000_s1", "case000_s2", "case003_s1", "case003_s2"]


def test_the_command_refuses_what_is_no_generator(run_echodiff, config_file, write_image_set, tmp_path):
    wrong = tmp_path / "wrong.pt"
    torch.save({"state_dict": {}}, wrong)
    output = tmp_path / "out.h5"
    arguments = ["--config", config_file, "--generator", wrong, "--data", write_image_set(size=32), "--output", output]
    done = run_echodiff("translate", *arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "wrong.pt: expected a file of 'echodiff generator', found None" in done.stderr
    assert not output.exists()


def test_the_example_of_the_docs_draws_label_maps_of_ones_own(generator_file, source, tmp_path, monkeypatch):
    text = Path("docs/outputs.md").read_text(encoding="utf-8")
    example = re.search(r"^```python\n(.*?load_generator.*?)^```$", text, flags=re.M | re.S)[1]
    folder = tmp_path / "results" / "models" / "fast"
    folder.mkdir(parents=True)
    generator_file.rename(folder / "generator.pt")
    np.save(tmp_path / "masks.npy", source.masks)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example, names)
    assert names["synthetic"].shape == source.masks.shape and names["synthetic"].dtype == np.uint8


def test_the_example_of_the_docs_measures_two_folders(source, tmp_path, monkeypatch):
    text = Path("docs/outputs.md").read_text(encoding="utf-8")
    example = re.search(r"^```python\n((?:(?!```).)*?frechet_distance.*?)^```$", text, flags=re.M | re.S)[1]
    for folder, images in (("real", source.images[:3]), ("synthetic", source.images[3:])):
        (tmp_path / folder).mkdir()
        for index, image in enumerate(images):
            cv2.imwrite(str(tmp_path / folder / f"{index}.png"), image)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example, names)
    assert names["distance"] > 0 and names["choice"].frechet_name == "fd_efficientnet_lite0"
