"""Memory: planted copies are caught, other patients are not, and neither depends on the other images."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm

from echodiff.errors import InputError
from echodiff.evaluate.features import FeatureSet
from echodiff.evaluate.memory import nearest, nearest_other, threshold, thumbnails
from echodiff.evaluate.memory_table import Known, Part, memory_table
from echodiff.evaluate.registration import Registration
from echodiff.store.image_set import ImageSet

SIZE = 64
WHOLE = np.ones((SIZE, SIZE), bool)


def _scenes(n, seed):
    """Smooth random scenes with speckle, each its own patient."""
    rng = np.random.default_rng(seed)
    scenes = [cv2.GaussianBlur(rng.normal(size=(SIZE, SIZE)), (0, 0), 4) for _ in range(n)]
    scenes = [100 + 60 * scene / scene.std() for scene in scenes]
    return np.stack([_speckled(scene, rng) for scene in scenes])


def _speckled(scene, rng):
    return np.clip(scene + rng.normal(0, 12, scene.shape), 0, 255).astype(np.uint8)


def _part(images, prefix, **attributes):
    n = len(images)
    planes = np.ones((2, n, SIZE, SIZE), np.uint8)
    case_id = [f"{prefix}{i:03d}" for i in range(n)]
    rows = ImageSet(images, planes[0], planes[1], np.ones((n, 2), np.float32), case_id, attributes)
    shrunk = np.stack([cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA).ravel() for image in images])
    same = {"extractor": "efficientnet_lite0", "weights_sha256": "ab"}
    return Part(rows, FeatureSet(shrunk.astype(np.float32), case_id, same | attributes))


@pytest.fixture(scope="module")
def reference():
    return _part(_scenes(100, 0), "r", dataset="camus")


@pytest.fixture(scope="module")
def split(reference):
    ids = reference.images.case_id
    return pd.DataFrame({"case_id": ids, "patient": ids, "group": ids, "subset": ["train"] * 70 + ["validation"] * 30})


@pytest.fixture(scope="module")
def known(reference, split):
    """What most tests compare with, registered once."""
    return Known.of(reference, split, alarm_rate=0.001)


def _against(known, images):
    return memory_table(known, _part(images, "s", dataset="vscan", model="m"), model="m")


def _table(reference, split, images, alarm_rate=0.001):
    return _against(Known.of(reference, split, alarm_rate=alarm_rate), images)


@pytest.mark.parametrize(
    "change",
    [
        lambda x, rng: x,
        lambda x, rng: np.clip(x * 0.8 + 20, 0, 255),
        lambda x, rng: np.clip(x + rng.normal(0, 15, x.shape), 0, 255),
        lambda x, rng: cv2.GaussianBlur(x, (0, 0), 1.0),
    ],
    ids=["exact", "gain", "noise", "blur"],
)
def test_planted_copies_are_all_caught_and_named(reference, known, change):
    rng = np.random.default_rng(1)
    images = _scenes(20, 5)
    for place, source in ((3, 10), (11, 42)):
        images[place] = change(reference.images.images[source].astype(np.float64), rng).astype(np.uint8)
    rows = _against(known, images).query("kind == 'synthetic'")
    assert rows.loc[rows["flagged"], "case_id"].tolist() == ["s003", "s011"]
    assert rows.loc[rows["flagged"], "correlation_training"].tolist() == ["r010", "r042"]


def _moved(image, *, angle=0.0, scale=1.0, right=0.0, down=0.0, elastic=0.0, seed=0):
    """A frame as the training's augmentation moves it, black where nothing comes from."""
    centre = (SIZE - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), -angle, scale) + np.array([[0, 0, right], [0, 0, down]]) * SIZE
    moved = cv2.warpAffine(image, matrix, (SIZE, SIZE))
    bend = np.random.default_rng(seed).normal(size=(2, 6, 6)).astype(np.float32) * elastic * SIZE
    x, y = (cv2.resize(plane, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for plane in bend)
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    return cv2.remap(moved, columns + x, rows + y, cv2.INTER_LINEAR)


MOTIONS = [
    {"angle": 10}, {"angle": -15}, {"scale": 0.9}, {"scale": 1.1}, {"right": 0.05, "down": -0.05},
    {"angle": 7, "scale": 1.08, "right": -0.04, "down": 0.03}, {"elastic": 0.015},
    {"angle": -8, "scale": 0.93, "right": 0.03, "elastic": 0.01},
]  # fmt: skip


def test_copies_that_were_moved_are_caught_and_named(reference, known):
    """As a model whose augmentation moves images hands them back, beside scenes that owe them nothing."""
    images = _scenes(20, 5)
    rng = np.random.default_rng(7)
    for place, motion in enumerate(MOTIONS):
        copy = _moved(reference.images.images[10 + place], seed=place, **motion)
        images[2 * place] = _speckled(copy.astype(np.float64), rng)
    rows = _against(known, images).query("kind == 'synthetic'")
    caught = rows[rows["flagged"]]
    assert caught["case_id"].tolist() == [f"s{2 * place:03d}" for place in range(len(MOTIONS))]
    assert caught["correlation_training"].tolist() == [f"r{10 + place:03d}" for place in range(len(MOTIONS))]


def test_the_motion_of_a_copy_is_found(reference, known):
    images = np.stack([_moved(reference.images.images[i], **motion) for i, motion in enumerate(MOTIONS[:6])])
    rows = _against(known, images).query("kind == 'synthetic'")
    for (_, row), motion in zip(rows.iterrows(), MOTIONS, strict=False):
        assert row["moved_rotation_degrees"] == pytest.approx(motion.get("angle", 0), abs=1.5)
        assert row["moved_scale"] == pytest.approx(motion.get("scale", 1), abs=0.025)
        assert row["moved_right"] == pytest.approx(motion.get("right", 0), abs=0.01)
        assert row["moved_down"] == pytest.approx(motion.get("down", 0), abs=0.01)
        assert row["moved_bend"] < 0.01


def test_tissue_that_moved_in_a_sector_that_stayed_is_a_copy_too():
    images = _scenes(12, 8)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    sector = np.hypot(rows - 4, columns - 32) < 56
    moved = np.stack([_moved(image * sector, angle=10, right=0.04) for image in images])
    inside = np.stack([_moved(image, angle=10, right=0.04) * sector for image in images])
    registration = Registration(images * sector, sector)
    for copies in (moved, inside):
        (found,) = registration.nearest(copies.astype(np.uint8), [slice(None)])
        assert found.position.tolist() == list(range(12)) and found.distance.max() < 0.5
        np.testing.assert_allclose(found.motion.rotation_degrees, 10, atol=2)


def test_held_out_images_are_of_the_training_dataset(known):
    rows = _against(known, _scenes(2, 5))
    assert rows.groupby("kind")["dataset"].unique().map(list).to_dict() == {
        "held_out": ["camus"],
        "synthetic": ["vscan"],
    }


def test_every_training_image_that_is_planted_is_caught(reference, known):
    """All 70, with new speckle, among as many images that owe them nothing."""
    rng = np.random.default_rng(2)
    copies = np.stack([_speckled(image.astype(np.float64), rng) for image in reference.images.images[:70]])
    rows = _against(known, np.concatenate([copies, _scenes(70, 6)])).query("kind == 'synthetic'")
    assert rows["flagged"].tolist() == [True] * 70 + [False] * 70
    assert rows["thumbnail_training"].tolist()[:70] == reference.images.case_id[:70]


def test_copies_of_held_out_images_are_no_memory(reference, known):
    rows = _against(known, reference.images.images[70:90]).query("kind == 'synthetic'")
    assert not rows["flagged"].any()
    assert (rows["correlation_held_out_distance"] < 1e-6).all()


def test_held_out_real_images_raise_alarms_at_no_more_than_the_rate(reference, split):
    alarms = total = 0
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(len(split))
        shuffled = split.assign(subset=split["subset"].to_numpy()[order])
        rows = _table(reference, shuffled, _scenes(1, 9), alarm_rate=0.05).query("kind == 'held_out'")
        alarms, total = alarms + int(rows["flagged"].sum()), total + len(rows)
    assert total == 180 and alarms / total <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / total)


def test_the_same_frame_under_two_patients_does_not_blunt_the_threshold(reference, split, known):
    images = reference.images.images.copy()
    images[1] = images[0]
    doubled = _part(images, "r", dataset="camus")
    before, after = _against(known, _scenes(2, 5)), _table(doubled, split, _scenes(2, 5))
    assert after["thumbnail_threshold"].iloc[0] == pytest.approx(before["thumbnail_threshold"].iloc[0], rel=0.1)


def test_twins_of_almost_equal_frames_do_not_blunt_the_threshold(reference, split, known):
    """Two patients that the split holds for one, because files of theirs share a frame: near copies, never equal."""
    images = reference.images.images.copy()
    rng = np.random.default_rng(3)
    for place in range(8):
        images[place + 8] = _speckled(images[place].astype(np.float64), rng)
    doubled = _part(images, "r", dataset="camus")
    grouped = split.assign(group=split["group"].replace({f"r{i + 8:03d}": f"r{i:03d}" for i in range(8)}))
    of_all, of_groups = (_table(doubled, divided, _scenes(2, 5)) for divided in (split, grouped))
    before = _against(known, _scenes(2, 5))
    for space in ("thumbnail", "correlation"):
        name = f"{space}_threshold"
        assert of_groups[name].iloc[0] == pytest.approx(before[name].iloc[0], rel=0.15)
        assert of_all[name].iloc[0] < 0.5 * before[name].iloc[0]


def test_one_frame_under_two_patients_does_not_move_the_threshold(reference, split, known):
    """Saved once more with loss, so that neither file nor frame is equal."""
    images = reference.images.images.copy()
    images[40] = _speckled(images[3].astype(np.float64), np.random.default_rng(3))
    found, before = _table(_part(images, "r", dataset="camus"), split, _scenes(2, 5)), _against(known, _scenes(2, 5))
    for space in ("thumbnail", "correlation"):
        name = f"{space}_threshold"
        assert found[name].iloc[0] == pytest.approx(before[name].iloc[0], rel=0.15)


def test_the_threshold_is_the_quantile_of_the_configured_rate_in_every_space(reference, known):
    """Against the definition: a normal distribution of the logarithms, a third of the rate for each space."""
    training = reference.select(reference.images.case_id[:70])
    vectors = {"features": training.features.features, "thumbnail": thumbnails(training.images.images)}
    nearest_ones = {space: (cdist(x, x) + np.diag(np.full(70, np.inf))).min(axis=1) for space, x in vectors.items()}
    registration = Registration(training.images.images, WHOLE)
    nearest_ones["correlation"] = registration.nearest_other(np.arange(70))
    for rate in (0.2, 0.05, 0.001):
        row = _against(replace(known, alarm_rate=rate), _scenes(2, 5)).iloc[0]
        for space, distances in nearest_ones.items():
            logarithms = np.log(distances)
            median, low = np.median(logarithms), np.quantile(logarithms, 0.05)
            expected = median + norm.ppf(rate / 3) * (low - median) / norm.ppf(0.05)
            assert row[f"{space}_threshold"] == pytest.approx(np.exp(expected), rel=1e-5), (space, rate)


def test_rows_do_not_depend_on_the_other_synthetic_images(known):
    images = _scenes(5, 5)
    whole, part = _against(known, images), _against(known, images[:2])
    columns = [c for c in whole if c.endswith(("distance", "threshold"))]
    pd.testing.assert_frame_equal(whole[columns].head(2), part[columns].head(2))


def test_patients_get_the_same_search_as_synthetic_images():
    """An image's nearest other patient is what it would be found nearest to, were it a synthetic image."""
    images = _scenes(12, 4)
    images[7] = images[2]  # a copy, whatever the files say
    groups = np.array([*"aabcdefghijk"])
    distances = Registration(images, WHOLE).nearest_other(groups)
    for place in range(12):
        others = (groups != groups[place]) & (images != images[place]).any(axis=(1, 2))
        (found,) = Registration(images[others], WHOLE).nearest(images[place : place + 1], [slice(None)])
        assert distances[place] == pytest.approx(found.distance[0], rel=1e-5)
    assert np.isinf(Registration(images, WHOLE).nearest_other(np.array(12 * ["a"]))).all()


def test_correlation_ignores_gain_and_offset_and_what_lies_outside_the_sector():
    image = _scenes(1, 3)[0] // 2
    sector = np.zeros((SIZE, SIZE), bool)
    sector[8:56, 8:56] = True
    changed = image + 60
    changed[:, :2] = 255
    (found,) = Registration(image[None], sector).nearest(changed[None], [slice(None)])
    assert found.distance[0] < 0.15


def test_nearest_and_threshold_are_their_definitions():
    x, others = np.array([[0.0], [5.0]]), np.array([[4.0], [1.0], [9.0]])
    found = nearest(x, others)
    assert found.position.tolist() == [1, 0] and found.distance.tolist() == [1.0, 1.0]
    distances = nearest_other(np.array([[0.0], [0.0], [2.0], [7.0]]), np.array(["a", "b", "c", "c"]))
    assert distances.tolist() == [2.0, 2.0, 2.0, 7.0]
    logarithms = np.random.default_rng(0).normal(1.0, 0.2, 100_000)
    assert np.log(threshold(np.exp(logarithms), 0.001)) == pytest.approx(1.0 - 3.09 * 0.2, abs=0.01)


def test_too_few_training_images_are_refused(reference, split):
    few = split.assign(subset=["train"] * 5 + ["validation"] * 95)
    with pytest.raises(InputError, match="at least 10 training images"):
        _table(reference, few, _scenes(2, 5))
    foreign = replace(reference.features, attributes={"extractor": "other", "weights_sha256": "x"})
    with pytest.raises(InputError, match="one extractor"):
        _table(Part(reference.images, foreign), split, _scenes(2, 5))


def test_held_out_images_are_not_compared_with_themselves(monkeypatch):
    """Each is its own nearest one, which says nothing and costs as much as the training images."""
    known = _part(_scenes(14, 3), "k", dataset="camus")
    ids = known.images.case_id
    split = pd.DataFrame({"case_id": ids, "group": ids, "subset": ["train"] * 11 + ["validation"] * 3})
    compared = []
    nearest_of = Registration.nearest
    monkeypatch.setattr(
        Registration,
        "nearest",
        lambda self, images, sides: compared.append(len(sides)) or nearest_of(self, images, sides),
    )
    rows = _table(known, split, _scenes(2, 4))
    assert compared == [2, 1]
    assert rows["correlation_held_out"].notna().tolist() == [True] * 2 + [False] * 3
