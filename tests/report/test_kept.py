"""The sheet of kept cases: what is odd comes first and says why; frames have their physical proportions."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from echodiff.labels import LA, LV, MYO
from echodiff.report.kept import draw_kept, draw_tile
from echodiff.report.oddness import ODD, oddness
from echodiff.store.image_set import ImageSet, new_image_set

SIZE, NUMBER = 64, 20


@pytest.fixture
def images() -> ImageSet:
    """Twenty like cases; areas and gray values differ a little."""
    rng = np.random.default_rng(0)
    masks = np.zeros((NUMBER, SIZE, SIZE), np.uint8)
    for case in range(NUMBER):
        masks[case, 8 : 40 + case % 3, 20:44] = MYO
        masks[case, 12 : 40 + case % 3, 24:40] = LV
        masks[case, 44 : 56 + case % 2, 24:40] = LA
    sectors = np.ones_like(masks)
    sectors[:, :, :4] = 0
    images = (rng.integers(60, 160, masks.shape) * sectors).astype(np.uint8)
    spacing = np.full((NUMBER, 2), 1.0, np.float32)
    return ImageSet(images, masks, sectors, spacing, [f"c{case:02d}" for case in range(NUMBER)], {"dataset": "camus"})


@pytest.fixture
def rows(images) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case_id": images.case_id,
            "dataset": "camus",
            "frame_hash": images.case_id,
            "ed_confidence": 1.0,
            "plane_confidence": np.nan,
        }
    )


def without_atrium(images, rows):
    images.masks[7][images.masks[7] == LA] = 0
    return "LA missing"


def broken_wall(images, rows):
    images.masks[7][20:24][images.masks[7][20:24] == MYO] = 0
    return "MYO in 3 pieces"


def large_atrium(images, rows):
    images.masks[7, 44:60, 14:54] = LA
    return "LA large: 640 mm²"


def dark(images, rows):
    images.images[7] //= 4
    return "dark: mean 27"


def small_sector(images, rows):
    images.sectors[7, :, :16] = 0
    return "sector small: 75 %"


def unsure(images, rows):
    rows.loc[7, "ed_confidence"] = 0.5
    return "ED unsure: 0.50"


def unsure_plane(images, rows):
    rows.loc[7, "plane_confidence"] = 0.3
    return "plane unsure: 0.30"


def repeated(images, rows):
    rows.loc[7, "frame_hash"] = "c03"
    return "frame of c03"


ODDITIES = (without_atrium, broken_wall, large_atrium, dark, small_sector, unsure, unsure_plane, repeated)


@pytest.mark.parametrize("make", ODDITIES)
def test_an_odd_case_comes_first_and_says_why(images, rows, make):
    said = make(images, rows)
    order = oddness(images, rows)
    assert len(order) == NUMBER and order["score"].is_monotonic_decreasing
    assert order.set_index("case_id").loc["c07", "what"] == said
    odd = {"c03", "c07"} if make is repeated else {"c07"}
    assert set(order.loc[order["score"] > ODD, "case_id"]) == odd


def test_like_cases_are_not_odd(images, rows):
    assert (oddness(images, rows)["score"] <= ODD).all()


def test_what_all_cases_lack_is_not_odd(images, rows):
    """A dataset without labels, of unknown pixels and confidences."""
    bare = replace(images, masks=np.zeros_like(images.masks), spacing_mm=np.full((NUMBER, 2), np.nan, np.float32))
    order = oddness(bare, rows.assign(ed_confidence=np.nan))
    assert np.isfinite(order["score"]).all() and (order["score"] <= ODD).all()


@pytest.mark.parametrize(
    ("absent", "said"), [((MYO,), "MYO missing"), ((LV,), "LV missing"), ((MYO, LA), "MYO missing")]
)
def test_labels_without_ventricle_or_wall_are_odd_though_all_lack_it(images, rows, absent, said):
    images.masks[np.isin(images.masks, absent)] = 0
    order = oddness(images, rows)
    assert (order["score"] > ODD).all() and set(order["what"]) == {said}


def test_an_atrium_that_all_cases_lack_is_not_odd(images, rows):
    images.masks[images.masks == LA] = 0
    assert (oddness(images, rows)["score"] <= ODD).all()


def test_areas_are_shares_of_the_sector_where_pixels_have_no_size(images, rows):
    large_atrium(images, rows)
    images.spacing_mm[3] = np.nan
    first = oddness(images, rows).iloc[0]
    assert (first["case_id"], first["what"]) == ("c07", "LA large: 17 % of sector")


def test_a_tile_has_physical_proportions_and_outlines(images):
    assert draw_tile(images.images[0], images.masks[0], np.array([1.0, 2.0]), 200).shape == (100, 200, 3)
    assert draw_tile(images.images[0], images.masks[0], np.array([np.nan, np.nan]), 90).shape == (90, 90, 3)
    tile = draw_tile(images.images[0] * 0, images.masks[0], np.array([1.0, 1.0]), 192).astype(int)
    blue, orange = ((tile[..., 2] - tile[..., 0]) > 80), ((tile[..., 0] - tile[..., 2]) > 120)
    rows, columns = np.nonzero(blue)
    assert abs(rows.min() - 3 * 12) <= 2 and abs(columns.max() - 3 * 40) <= 2  # the cavity
    assert orange[3 * 44 + 3 : 3 * 56 - 3].any() and not tile[:20].any()


def test_the_sheet_has_the_number_of_tiles_asked_for(images, rows, tmp_path):
    heights = []
    for most in (4, 9, 48):
        draw_kept(tmp_path / "kept.png", images, rows, title="CAMUS", most=most, dpi=60)
        heights.append(cv2.imread(str(tmp_path / "kept.png")).shape[0])
    assert np.allclose(np.diff(heights), (1.5 + 0.34 + 0.08) * 60, atol=2)  # one row of eight, two, three


@pytest.mark.parametrize("known", [True, False])
def test_nothing_reaches_the_edge(images, rows, tmp_path, known):
    """Long titles and ids, pixels of unknown size with their longer explanation, the longest things that are odd."""
    images.spacing_mm[:] = 1.0 if known else np.nan
    images.sectors[7, :, :36] = 0
    ids = [f"{case}{'0' * 60}" for case in images.case_id]
    rows = rows.assign(case_id=ids, frame_hash="same")
    long = replace(images, case_id=ids)
    draw_kept(tmp_path / "kept.png", long, rows, title="Hospital of the University " * 4, most=16, dpi=100)
    picture = cv2.imread(str(tmp_path / "kept.png"), cv2.IMREAD_GRAYSCALE)
    edge = 4
    for side in (picture[:edge], picture[-edge:], picture[:, :edge], picture[:, -edge:]):
        assert (side == 255).all()
    gaps = [round((0.08 + place * 1.58 - 0.04) * 100) for place in range(1, 8)]
    assert (picture[90:, gaps] == 255).all()  # nothing reaches the next tile


def test_command_writes_a_sheet_a_dataset(images, rows, run_echodiff, config, tmp_path):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    files = []
    for name in ("camus", "vscan"):
        with new_image_set(
            tmp_path / f"{name}.h5", size=SIZE, attributes={"kind": "dataset", "dataset": name}
        ) as writer:
            for place, case in enumerate(images.case_id):
                planes = (images.images[place], images.masks[place], images.sectors[place])
                writer.append(*planes, tuple(images.spacing_mm[place]), case)
        rows.assign(dataset=name).to_parquet(tmp_path / f"{name}.parquet")
        files += [tmp_path / f"{name}.h5", tmp_path / f"{name}.parquet"]
    done = run_echodiff("report", "kept", "--config", tmp_path / "c.yaml", "--output", tmp_path / "figures", *files)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"kept_camus.png", "kept_vscan.png"}
