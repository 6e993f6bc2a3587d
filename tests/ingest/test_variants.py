"""Label maps drawn from the shape model: calibrated, about the same ventricle, the same in every order."""

import shutil

import h5py
import numpy as np
import pytest
import yaml

from echodiff.config.datasets import EchonetDataset
from echodiff.config.image import Image
from echodiff.config.phantom import PhantomSource
from echodiff.config.variants import Variants as Options
from echodiff.errors import ConfigError, InputError
from echodiff.ingest.completion.learn import learn_shape_model
from echodiff.ingest.completion.raster import largest_region
from echodiff.ingest.completion.shape_model import write_shape_model
from echodiff.ingest.run import ingest_dataset
from echodiff.ingest.variants.command import variants
from echodiff.ingest.variants.draw import Variants
from echodiff.ingest.variants.run import write_variants
from echodiff.labels import LA, LV, MYO
from echodiff.phantom import MACHINES
from echodiff.phantom.dataset import write_dataset
from echodiff.phantom.patient import sample_patient
from echodiff.phantom.render import Renderer
from echodiff.store.image_set import ImageSet, read_image_set

from .test_labels import lv_alone

LEARNED, DRAWN = 48, 40
DATASET = EchonetDataset(format="echonet", folder="anywhere")
IMAGE = Image(size=64)


@pytest.fixture(scope="module")
def hearts() -> ImageSet:
    """Label maps of phantoms at ED, on square frames of one size; the first are learned from."""
    masks = np.zeros((LEARNED + 12, 300, 340), np.uint8)
    for seed, canvas in enumerate(masks):
        machine = MACHINES["camus"]
        small = Renderer(machine, sample_patient(machine, 500 + seed)).labels(0.0)[::2, ::2][:300, :340]
        canvas[: small.shape[0], : small.shape[1]] = small
    names = [f"case{index:02d}" for index in range(len(masks))]
    return ImageSet(masks, masks, np.ones_like(masks), np.full((len(masks), 2), 0.616, np.float32), names)


@pytest.fixture(scope="module")
def model(hearts):
    return learn_shape_model(hearts.select(hearts.case_id[:LEARNED]))[0]


@pytest.fixture(scope="module")
def shares(hearts, model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each held-out heart the true map and, by pixel, the share of drawn maps (4, H, W) with each label."""
    draws = Variants(model, DRAWN, seed=1)
    found = []
    for mask in hearts.masks[LEARNED:]:
        drawn = np.stack([frame.mask for frame in draws.draw(lv_alone(mask), "case")])
        found.append((mask, np.stack([(drawn == label).mean(axis=0) for label in range(4)])))
    return found


@pytest.mark.parametrize(("label", "widest"), [(MYO, 1.5), (LA, 3.0)])
def test_true_pixels_lie_between_the_outer_draws(shares, label, widest):
    """Pixels that 95 % of the draws agree on are true ones, and true pixels are in 5 % of the draws.

    A phantom's atrium tells little of its size by the ventricle: the draws have to differ much.
    """
    reached, certain = [], []
    for mask, share in shares:
        true = mask == label
        reached.append((share[label][true] >= 0.05).mean())
        certain.append(true[share[label] >= 0.95].mean())
    assert np.mean(reached) > 0.95 and np.mean(certain) > 0.9
    # Draws that were too wide would pass the two above.
    doubtful = [((share[label] > 0.05) & (share[label] < 0.95)).sum() / (mask == label).sum() for mask, share in shares]
    assert np.mean(doubtful) < widest


@pytest.mark.parametrize("label", [MYO, LA])
def test_shares_of_the_draws_are_probabilities(shares, label):
    """Of the pixels with this label in about 30 % of the draws, about 30 % have it in truth."""
    share = np.concatenate([part[label].ravel() for _, part in shares])
    true = np.concatenate([(mask == label).ravel() for mask, _ in shares])
    for low, high in ((0.05, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.95)):
        among = (share >= low) & (share < high)
        assert abs(true[among].mean() - share[among].mean()) < 0.2, (low, high)


def test_draws_differ_around_the_same_ventricle(hearts, model):
    frame = lv_alone(hearts.masks[-1])
    drawn = [variant.mask for variant in Variants(model, 5, seed=1).draw(frame, "a")]
    for mask in drawn:
        np.testing.assert_array_equal(mask == LV, frame.mask == LV)
        assert all((largest_region(mask == label) == (mask == label)).all() for label in (MYO, LA))
    assert len({mask.tobytes() for mask in drawn}) == 5


def test_a_draw_depends_on_case_number_and_seed_alone(hearts, model):
    frame = lv_alone(hearts.masks[-1])

    def drawn(count, seed, case):
        return [variant.mask.tobytes() for variant in Variants(model, count, seed).draw(frame, case)]

    assert drawn(2, 1, "a") == drawn(4, 1, "a")[:2]
    assert len({drawn(1, seed, case)[0] for seed in (1, 2) for case in ("a", "b")}) == 4


@pytest.fixture(scope="module")
def echonet(tmp_path_factory, model):
    """Folder with a phantom of EchoNet-Dynamic, ingested with a shape model."""
    folder = tmp_path_factory.mktemp("echonet")
    write_dataset(PhantomSource(machine="echonet", patients=3, frames=6, seed=8), folder / "files")
    write_shape_model(model, folder / "shape.npz")
    ingest_dataset(
        "echonet", DATASET, IMAGE, folder / "files", folder / "data", shape_model=folder / "shape.npz", processes=0
    )
    return folder


def write(folder, output, samples=2, seed=1, processes=0, image=IMAGE, dataset=DATASET):
    return write_variants(
        "echonet",
        dataset,
        image,
        folder / "files",
        folder / "data" / "images.h5",
        folder / "shape.npz",
        output,
        Options(samples=samples, seed=seed),
        processes=processes,
    )


def test_an_image_set_of_variants(echonet, tmp_path):
    assert write(echonet, tmp_path / "v.h5") == 6
    data, drawn = read_image_set(echonet / "data" / "images.h5"), read_image_set(tmp_path / "v.h5")
    assert drawn.case_id == [f"{case}_v{number}" for case in data.case_id for number in (1, 2)]
    twice = np.repeat(np.arange(3), 2)
    for own, theirs in ((drawn.images, data.images), (drawn.sectors, data.sectors)):
        np.testing.assert_array_equal(own, theirs[twice])
    np.testing.assert_array_equal(drawn.masks == LV, data.masks[twice] == LV)
    assert all({MYO, LA} <= set(np.unique(mask)) for mask in drawn.masks)
    agreement = [(a == b).mean() for a, b in zip(drawn.masks, data.masks[twice], strict=True)]
    assert min(agreement) > 0.8 and max(agreement) < 1, "like the expected shape, but another"
    with h5py.File(tmp_path / "v.h5") as file:
        assert file.attrs["kind"] == "dataset" and file.attrs["variants"] == 2 and file["masks"].compression == "gzip"


def test_the_number_of_processes_and_of_samples_changes_nothing(echonet, tmp_path):
    write(echonet, tmp_path / "a.h5")
    write(echonet, tmp_path / "b.h5", processes=2)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    write(echonet, tmp_path / "c.h5", samples=1)
    first = read_image_set(tmp_path / "c.h5")
    np.testing.assert_array_equal(first.masks, read_image_set(tmp_path / "a.h5").masks[::2])


def test_what_no_longer_belongs_together_is_refused(echonet, tmp_path):
    with pytest.raises(InputError, match="expected frames of 128 pixels, found 64"):
        write(echonet, tmp_path / "v.h5", image=Image(size=128))
    (tmp_path / "less").mkdir()
    for name in ("data", "shape.npz"):
        (tmp_path / "less" / name).symlink_to(echonet / name)
    write_dataset(PhantomSource(machine="echonet", patients=3, frames=6, seed=9), tmp_path / "less" / "files")
    with pytest.raises(InputError, match="expected the files of case .*, found none; ingest again"):
        write(tmp_path / "less", tmp_path / "v.h5")
    assert not (tmp_path / "v.h5").exists()


def test_cases_that_nobody_traced_are_passed_over(echonet, tmp_path, capsys):
    """Their frame may have been found by a segmenter, which is not asked again."""
    for name in ("data", "shape.npz"):
        (tmp_path / name).symlink_to(echonet / name)
    shutil.copytree(echonet / "files", tmp_path / "files")
    table = tmp_path / "files" / "VolumeTracings.csv"
    lines = table.read_text().splitlines(keepends=True)
    first = lines[1].split(",")[0]
    table.write_text("".join(line for line in lines if not line.startswith(first)))
    predicted = DATASET.model_copy(update={"labels": "predicted"})
    assert write(tmp_path, tmp_path / "v.h5", dataset=predicted) == 4
    drawn = read_image_set(tmp_path / "v.h5").case_id
    assert len(drawn) == 4 and not any(case.startswith(first.removesuffix(".avi")) for case in drawn)
    assert "1 cases passed over: expected a tracing of the left ventricle" in capsys.readouterr().out
    write(echonet, tmp_path / "whole.h5")
    both = read_image_set(tmp_path / "whole.h5")
    kept = [both.case_id.index(case) for case in drawn]
    np.testing.assert_array_equal(read_image_set(tmp_path / "v.h5").masks, both.masks[kept])
    table.write_text(lines[0])
    with pytest.raises(InputError, match="left ventricle alone, found none"):
        write(tmp_path, tmp_path / "w.h5", dataset=predicted)
    assert not (tmp_path / "w.h5").exists()


def test_command(run_echodiff, echonet, tmp_path):
    content = {
        "training_dataset": "camus",
        "image": {"size": 64},
        "datasets": {
            "camus": {"format": "camus", "folder": "none"},
            "echonet": {"format": "echonet", "folder": str(echonet / "files")},
        },
        "models": {"fast": {"preset": "fast"}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    options = ("--config", tmp_path / "config.yaml", "--source", echonet / "files", "--output", tmp_path / "v.h5")
    options += ("--data", echonet / "data" / "images.h5", "--shape-model", echonet / "shape.npz")
    done = run_echodiff("variants", *options, "--dataset", "echonet", "--samples", 2)
    assert done.returncode == 0 and "6 label maps of 3 cases" in done.stdout, done.stderr
    arguments = [[tmp_path / "config.yaml"], echonet / "files", echonet / "data" / "images.h5", echonet / "shape.npz"]
    for dataset, reason in (("camus", "one of echonet, found 'camus'"), ("echonet", "found 0")):
        with pytest.raises(ConfigError, match=reason):
            variants(arguments[0], dataset, *arguments[1:], tmp_path / "w.h5", samples=0)
