"""`echodiff evaluate ...` as typed by hand: from image sets to two tables; faults in one sentence."""

import json

import numpy as np
import pandas as pd
import pytest

from echodiff.errors import InputError
from echodiff.evaluate.features import FeatureSet, write_features
from echodiff.evaluate.frechet import frechet_distance
from echodiff.evaluate.frechet_table import Options, frechet_table
from echodiff.evaluate.interval import divisions
from echodiff.evaluate.kernel import kernel_distance
from echodiff.evaluate.share import share_interval
from echodiff.store.image_set import content_fingerprint, read_image_set


def test_from_image_sets_to_both_tables(run_echodiff, config, files):
    def evaluate(*arguments):
        done = run_echodiff("evaluate", *arguments, "--config", config)
        assert done.returncode == 0, done.stderr
        return done

    choice = files / "extractor.json"
    said = evaluate("extractor", "--output", choice).stderr
    assert "fd_efficientnet_lite0" in said
    assert json.loads(choice.read_text())["extractor"] == "efficientnet_lite0"
    sets = [argument for name in ("data", "translation") for argument in
            ("--images", files / f"{name}.h5", "--output", files / f"{name}.features.h5")]  # fmt: skip
    evaluate("features", "--extractor", choice, *sets, "--device", "cpu")
    evaluate(
        "frechet", "--reference-features", files / "data.features.h5", "--split", files / "split.parquet",
        "--original-features", files / "data.features.h5", "--cases", files / "cases.parquet",
        "--synthetic-features", files / "translation.features.h5", "--output", files / "frechet.parquet",
    )  # fmt: skip
    evaluate(
        "pixel", "--original", files / "data.h5", "--cases", files / "cases.parquet",
        "--synthetic", files / "translation.h5", "--output", files / "pixel.parquet",
    )  # fmt: skip
    distances = pd.read_parquet(files / "frechet.parquet").set_index(["metric", "reference", "set"])
    assert distances.loc[("kd_efficientnet_lite0_polar", "held_out", "after"), "n_reference"] == 2
    after = distances.loc[("fd_efficientnet_lite0", "training", "after")]
    assert (after["n"], after["n_reference"], after["model"], after["dataset"]) == (7, 6, "small", "test")
    assert {"fd_efficientnet_lite0", "kd_efficientnet_lite0", "recall"} <= set(distances.index.levels[0])
    pixel = pd.read_parquet(files / "pixel.parquet")
    assert len(pixel) == 7 * 5 and set(pixel["model"]) == {"small"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("data.h5", b"", "could not read"),
        ("cases.parquet", b"x", "could not read"),
        ("translation.h5", None, "no such"),
    ],
)
def test_a_broken_file_is_named_in_one_sentence(run_echodiff, config, files, name, content, expected):
    (files / name).unlink()
    if content is not None:
        (files / name).write_bytes(content)
    done = run_echodiff(
        "evaluate", "pixel", "--config", config, "--original", files / "data.h5",
        "--cases", files / "cases.parquet", "--synthetic", files / "translation.h5",
        "--output", files / "out.parquet",
    )  # fmt: skip
    assert done.returncode == 1 and not (files / "out.parquet").exists()
    assert name in done.stderr and expected in done.stderr and "Traceback" not in done.stderr


def test_options_of_several_datasets_are_given_equally_often(run_echodiff, config, files):
    done = run_echodiff(
        "evaluate", "pixel", "--config", config, "--original", files / "data.h5", "--original", files / "data.h5",
        "--cases", files / "cases.parquet", "--synthetic", files / "translation.h5", "--output", files / "out.parquet",
    )  # fmt: skip
    assert done.returncode == 1 and not (files / "out.parquet").exists()
    assert "--cases: expected one for each of the 2 --original, found 1" in done.stderr


@pytest.mark.parametrize("metric", ["memory", "diversity"])
def test_features_of_other_images_are_refused(run_echodiff, config, files, metric):
    """Other images under the same ids, as after another translation."""
    images = read_image_set(files / "translation.h5")
    attributes = {"extractor": "e", "weights_sha256": "ab", "images": content_fingerprint(images)} | images.attributes
    features = FeatureSet(np.ones((len(images), 4), np.float32), images.case_id, attributes)
    write_features(features, files / "features.h5")
    done = run_echodiff(
        "evaluate", metric, "--config", config, "--split", files / "split.parquet", "--output", files / "out.parquet",
        "--reference", files / "data.h5", "--reference-features", files / "features.h5",
        "--synthetic", files / "translation.h5", "--synthetic-features", files / "features.h5",
    )  # fmt: skip
    assert done.returncode == 1 and not (files / "out.parquet").exists()
    assert "expected those of the images of test, found those of others; compute them again" in done.stderr


def _features(n, seed, shift=0.0, **attributes):
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(n, 16)) + shift).astype(np.float32)
    base = {"extractor": "efficientnet_lite0", "weights_sha256": "ab", "dataset": "d"}
    return FeatureSet(values, [f"c{i:03d}" for i in range(n)], base | attributes)


def _split(reference, subsets):
    """Each image a patient of its own."""
    return pd.DataFrame({"case_id": reference.case_id, "group": reference.case_id, "subset": subsets})


def _cases(patients=1):
    """The case table of `_features`, so many images a patient."""
    ids = [f"c{i:03d}" for i in range(60)]
    names = [f"p{i // patients}" for i in range(60)]
    return pd.DataFrame({"case_id": ids, "patient": names, "frame_hash": ""})


def test_frechet_table_tells_before_from_after_and_both_from_the_floors():
    reference = _features(60, 0)
    split = pd.DataFrame(
        {"case_id": reference.case_id, "group": reference.case_id, "subset": ["train"] * 50 + ["validation"] * 10}
    )
    table = (
        frechet_table(
            reference=reference,
            split=split,
            original=_features(20, 1, shift=3.0),
            cases=_cases(),
            synthetic=_features(18, 2, shift=1.0),
            model="m",
            options=Options(draws=10, seed=0),
        )
        .set_index(["reference", "metric", "set"])
        .sort_index()
    )
    distance = table.loc[("training", "fd_efficientnet_lite0")]
    value = distance["value"]
    assert value["before"] > value["after"] > value["floor_same_n"] > 0
    # Before and after are of the same cases, so that N biases both alike.
    assert distance.loc["before", "n"] == distance.loc["after", "n"] == distance.loc["floor_same_n", "n"] == 18
    assert (distance.loc["floor_validation", "n"], distance.loc["floor_halves", "n"]) == (10, 25)
    assert distance.loc["after", "low"] < value["after"] < distance.loc["after", "high"]
    shift = table.loc[("training", "kd_efficientnet_lite0", "floor_halves")]
    assert shift["low"] < 0 < shift["high"]
    other = table.loc[("held_out", "fd_efficientnet_lite0")]
    assert (other["n_reference"] == 10).all() and other.loc["floor_same_n", "n"] == 18
    assert other.loc["before", "value"] > other.loc["after", "value"] > other.loc["floor_same_n", "value"]
    assert not any("polar" in metric for metric in table.index.levels[1])  # these features have no such frame
    known = np.split(reference.features.astype(float), [50])
    compared = {"before": _features(20, 1, shift=3.0).features[:18], "after": _features(18, 2, shift=1.0).features}
    for rows, real in ((distance, known[0]), (other, known[1])):
        found = {name: frechet_distance(images, real) for name, images in compared.items()}
        assert rows.loc[["before", "after"], "value"].to_dict() == pytest.approx(found)


def test_a_floor_is_the_mean_and_the_range_of_its_draws():
    """The fourth smallest of 121 draws and the fourth largest are the ends of 2.5 to 97.5 %."""
    reference = _features(60, 0)
    table = frechet_table(
        reference=reference,
        split=_split(reference, ["train"] * 50 + ["validation"] * 10),
        original=_features(4, 1),
        cases=_cases(),
        synthetic=_features(4, 2),
        model="m",
        options=Options(draws=121, seed=3, neighbours=False),
    ).set_index(["set", "reference", "metric"])
    known = np.split(reference.features.astype(float), [50])
    parts = divisions(reference.case_id[:50], first=4, draws=121, seed=3)
    for side, of in (("training", lambda part: known[0][part.second]), ("held_out", lambda part: known[1])):
        drawn = sorted(kernel_distance(known[0][part.first], of(part)) for part in parts)
        row = table.loc[("floor_same_n", side, "kd_efficientnet_lite0")]
        assert [row["value"], row["low"], row["high"]] == pytest.approx([np.mean(drawn), drawn[3], drawn[-4]])


def test_more_images_than_half_of_the_training_images_have_no_floor():
    """Draws of nearly all training images are nearly the same, so their range would say that chance moves nothing."""
    reference = _features(60, 0)
    sets = {}
    for n in (25, 26):
        table = frechet_table(
            reference=reference,
            split=_split(reference, ["train"] * 50 + ["validation"] * 10),
            original=_features(n, 1),
            cases=_cases(),
            synthetic=_features(n, 2),
            model="m",
            options=Options(draws=10, seed=0),
        ).set_index(["set", "reference"])
        sets[n] = {reference for name, reference in table.index if name == "floor_same_n"}
    assert sets == {25: {"training", "held_out"}, 26: set()}


def test_floors_are_of_whole_patients():
    """Training images of ten patients, five each: no draw of ten images has a part of one."""
    reference = _features(60, 0)
    split = _split(reference, ["train"] * 50 + ["validation"] * 10).assign(group=[f"p{i // 5}" for i in range(60)])
    arguments = {"reference": reference, "split": split, "cases": _cases(), "model": "m"}
    images = {"original": _features(13, 1), "synthetic": _features(13, 2)}
    table = frechet_table(**arguments, **images, options=Options(draws=10, seed=0)).set_index(["set", "reference"])
    assert (table.loc["floor_same_n", "n"] == 10).all()


def test_held_out_images_have_no_distance_from_themselves():
    """Originals of the training dataset are its held-out images; those of another dataset may bear the same names."""
    reference = _features(40, 0)
    held_out = reference.case_id[30:]
    rows = {}
    for dataset in ("d", "other"):
        features = _features(40, 3, dataset=dataset).select(held_out)
        original = reference.select(held_out) if dataset == "d" else features
        table = frechet_table(
            reference=reference,
            split=_split(reference, ["train"] * 30 + ["validation"] * 10),
            original=original,
            cases=_cases(),
            synthetic=features,
            model="m",
            options=Options(draws=5, seed=0),
        )
        rows[dataset] = set(table.loc[table["reference"] == "held_out", "set"])
        assert "before" in set(table.loc[table["reference"] == "training", "set"])
    assert rows == {"d": {"after", "floor_same_n"}, "other": {"before", "after", "floor_same_n"}}


def test_the_interval_of_a_frechet_distance_ends_at_zero():
    """Six images each: without an end the interval would reach below what a distance can be."""
    reference = _features(12, 0)
    table = frechet_table(
        reference=reference,
        split=_split(reference, ["train"] * 6 + ["validation"] * 6),
        original=_features(6, 1, dataset="other"),
        cases=_cases(),
        synthetic=_features(6, 0, dataset="other"),  # the training images themselves
        model="m",
        options=Options(draws=10, seed=0),
    ).set_index(["reference", "metric", "set"])
    row = table.loc[("training", "fd_efficientnet_lite0", "after")]
    assert row["value"] == pytest.approx(0, abs=1e-6) and row["low"] == 0 < row["high"]
    assert table.loc[("training", "kd_efficientnet_lite0", "after"), "low"] < 0


def test_distances_and_their_intervals_do_not_depend_on_the_order_of_images():
    sets = {"reference": _features(40, 0), "original": _features(20, 1, shift=3.0), "synthetic": _features(18, 2)}
    cases = _cases(patients=2)
    split = _split(sets["reference"], ["train"] * 30 + ["validation"] * 10)
    shuffled = {
        name: part.select(np.random.default_rng(7).permutation(part.case_id).tolist()) for name, part in sets.items()
    }
    first, second = (
        frechet_table(**parts, cases=cases, split=order, model="m", options=Options(draws=5, seed=0))
        for parts, order in ((sets, split), (shuffled, split.iloc[::-1]))
    )
    pd.testing.assert_frame_equal(first, second)
    other = frechet_table(
        **(sets | {"synthetic": _features(18, 3)}),
        cases=cases,
        split=split,
        model="m",
        options=Options(draws=5, seed=0),
    )
    assert not np.allclose(first["value"], other["value"])


def test_translations_that_are_the_training_images_have_no_distance():
    reference = _features(30, 0)
    split = pd.DataFrame(
        {"case_id": reference.case_id, "group": reference.case_id, "subset": ["train"] * 20 + ["validation"] * 10}
    )
    same = reference.select(reference.case_id[:20])
    table = frechet_table(
        reference=reference,
        split=split,
        original=same,
        cases=_cases(),
        synthetic=same,
        model="m",
        options=Options(draws=0, seed=0),
    )
    frechet = table[(table["metric"] == "fd_efficientnet_lite0") & (table["reference"] == "training")]
    assert frechet.set_index("set").loc["after", "value"] == pytest.approx(0, abs=1e-9)
    assert frechet.set_index("set").loc["floor_validation", "value"] > 1


def test_none_of_few_images_does_not_mean_none_of_all():
    """Images far from all training images: no subsample has one among them, and yet some of more images might be."""
    reference = _features(30, 0)
    split = _split(reference, ["train"] * 20 + ["validation"] * 10)
    parts = {"reference": reference, "original": _features(24, 1), "synthetic": _features(24, 2, shift=50.0)}
    for images, patients in ((1, 24), (3, 8)):
        options = Options(draws=5, seed=0)
        table = frechet_table(**parts, cases=_cases(images), split=split, model="m", options=options)
        after = table[(table["set"] == "after") & (table["reference"] == "training")].set_index("metric")
        for name, n in (("precision", patients), ("coverage", 20)):
            assert after.loc[name, "value"] == after.loc[name, "low"] == 0
            assert after.loc[name, "high"] == pytest.approx(share_interval(0, n)[1]) and after.loc[name, "high"] > 0.1


def test_cases_of_another_ingest_are_refused():
    reference = _features(30, 0)
    parts = {"reference": reference, "original": _features(8, 1), "synthetic": _features(8, 2)}
    split, options = _split(reference, ["train"] * 20 + ["validation"] * 10), Options(draws=5, seed=0)
    with pytest.raises(InputError, match="expected a row for the case c003"):
        frechet_table(**parts, cases=_cases().drop(index=3), split=split, model="m", options=options)


def _table_of(training, synthetic):
    reference = _features(10, 0)
    held_out = 10 - training
    split = pd.DataFrame(
        {
            "case_id": reference.case_id,
            "group": reference.case_id,
            "subset": ["train"] * training + ["validation"] * held_out,
        }
    )
    return frechet_table(
        reference=reference,
        split=split,
        original=reference,
        cases=_cases(),
        synthetic=_features(synthetic, 2),
        model="m",
        options=Options(draws=2, seed=0),
    )


def test_a_single_image_has_no_distance_and_does_not_hide_the_floors():
    table = _table_of(training=8, synthetic=1).set_index(["set", "reference"])
    assert table.loc[["before", "after"], ["value", "low", "high"]].isna().all(axis=None)
    assert (table.loc[["before", "after"], "n"] == 1).all()
    assert set(table.index.get_level_values("reference")) == {"training", "held_out"}  # of two held-out images
    assert table.loc[["floor_validation", "floor_halves"], "value"].notna().all()


def test_a_single_training_image_is_refused():
    with pytest.raises(InputError, match="at least 2 images, found 1"):
        _table_of(training=1, synthetic=4)
