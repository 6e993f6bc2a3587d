"""Outlines of annotation programs as label maps: drawn to a fraction of a pixel, found by names, refused with why."""

import json

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon

from echodiff.config.datasets import FramesDataset
from echodiff.ingest.case import Reject
from echodiff.ingest.check.detect import guesses
from echodiff.ingest.check.report import entry
from echodiff.ingest.check.trial import dataset_of
from echodiff.ingest.outlines.listed import read_outlines
from echodiff.ingest.outlines.polygon import polygon_region
from echodiff.ingest.outlines.runs import runs_mask, runs_of_text
from echodiff.ingest.readers import reader_of
from echodiff.ingest.readers.frames import FramesReader

from .conftest import heart, plane
from .outline_files import coco, compressed, cvat, labelme, labelme_mask, runs, via, via_table, write
from .reading import read_all

SHAPE = (90, 110)
LABELS = heart(*SHAPE)
OF_MANY = {
    "coco.json": coco,
    "coco_runs.json": lambda images: coco(images, "runs"),
    "coco_text.json": lambda images: coco(images, "compressed"),
    "via.json": via,
    "via_export.json": lambda images: via(images, project=False),
    "via.csv": via_table,
    "cvat.xml": cvat,
    "cvat_masks.xml": lambda images: cvat(images, "mask"),
}


def moments(x, y):
    """Area and centroid of a polygon (Green's theorem)."""
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = cross.sum() / 2
    return abs(area), ((x + np.roll(x, -1)) * cross).sum() / 6 / area, ((y + np.roll(y, -1)) * cross).sum() / 6 / area


@given(
    st.tuples(st.floats(40, 60), st.floats(30, 50)),
    st.tuples(st.floats(12, 28), st.floats(12, 28)),
    st.floats(0, 3),
    st.integers(40, 80),
)
@settings(max_examples=40, deadline=None)
def test_area_and_centre_of_a_polygon_are_those_of_its_pixels(centre, radii, turn, corners):
    """A convention that is off by half a pixel moves the centre by as much, edges along pixels' centres by less."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    along, across = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    x = centre[0] + along * np.cos(turn) - across * np.sin(turn)
    y = centre[1] + along * np.sin(turn) + across * np.cos(turn)
    region = polygon_region(np.stack([x, y], 1).tolist(), SHAPE)
    area, centre_x, centre_y = moments(x, y)
    rows, columns = np.nonzero(region)
    assert region.sum() == pytest.approx(area, rel=0.04)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((centre_x, centre_y), abs=0.2)


def test_any_polygon_is_drawn_as_another_library_draws_it():
    rng = np.random.default_rng(0)
    for corners in (3, 5, 40):
        points = rng.uniform(-20, 120, (corners, 2))
        rows, columns = polygon(points[:, 1] - 0.5, points[:, 0] - 0.5, SHAPE)
        expected = np.zeros(SHAPE, bool)
        expected[rows, columns] = True
        np.testing.assert_array_equal(polygon_region(points, SHAPE), expected)


def test_the_seam_of_a_polygon_leads_around_a_hole_and_whole_pixels_are_whole():
    ring = [[10, 10], [30, 10], [30, 30], [10, 30], [10, 10], [15, 15], [15, 25], [25, 25], [25, 15], [15, 15]]
    expected = np.zeros(SHAPE, bool)
    expected[10:30, 10:30], expected[15:25, 15:25] = True, False
    np.testing.assert_array_equal(polygon_region(ring, SHAPE), expected)
    beyond = polygon_region([[-50, -50], [20, -50], [20, 20], [-50, 20]], SHAPE)
    assert beyond.sum() == 400 and beyond[:20, :20].all()


def test_run_lengths_of_coco():
    """Known texts of pycocotools, and back and forth."""
    assert runs_of_text("4") == [4] and runs_of_text("04") == [0, 4]
    counts = runs(LABELS == 1, "F")
    assert runs_of_text(compressed(counts)) == counts
    np.testing.assert_array_equal(runs_mask(counts, LABELS.size).reshape(SHAPE, order="F"), LABELS == 1)


@pytest.mark.parametrize("name", OF_MANY)
def test_every_program_s_file_holds_the_label_maps(tmp_path, name):
    """And tells the images of one name in different folders apart, and ones that were saved in another format."""
    other = np.roll(LABELS, 7, axis=1)
    path = write(tmp_path / name, OF_MANY[name]({"p1/a.png": LABELS, "p2/a.png": other, "b.jpg": other}))
    np.testing.assert_array_equal(read_outlines(path, tmp_path / "p1" / "a.png", SHAPE), LABELS)
    np.testing.assert_array_equal(read_outlines(path, tmp_path / "p2" / "a.tif", SHAPE), other)
    np.testing.assert_array_equal(read_outlines(path, tmp_path / "x" / "b.png", SHAPE), other)
    with pytest.raises(Reject, match="expected the image among the 3 of the file, found none of its name"):
        read_outlines(path, tmp_path / "c.png", SHAPE)
    with pytest.raises(Reject, match="expected each image once in the file, found this one 2 times"):
        read_outlines(path, tmp_path / "p3" / "a.png", SHAPE)
    if not name.startswith("via"):
        with pytest.raises(Reject, match="expected the image's size 90 x 90, found 110 x 90"):
            read_outlines(path, tmp_path / "p1" / "a.png", (90, 90))


@pytest.mark.parametrize("content", [labelme, labelme_mask])
def test_labelme_s_file_is_about_the_image_beside_it(tmp_path, content):
    path = write(tmp_path / "a.json", content(LABELS))
    np.testing.assert_array_equal(read_outlines(path, tmp_path / "any.png", SHAPE), LABELS)


SQUARE = [[10, 10], [30, 10], [30, 30]]


def shapes(*own) -> str:
    return json.dumps({"shapes": [{"points": SQUARE, "shape_type": "polygon", **shape} for shape in own]})


def in_coco(segmentation, **image) -> str:
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": "a.png", **image}],
            "annotations": [{"image_id": 1, "category_id": 1, "segmentation": segmentation}],
            "categories": [{"id": 1, "name": "LV"}],
        }
    )


def in_cvat(shape: str) -> str:
    return f"<annotations><image name='a.png'>{shape}</image></annotations>"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><annotations><image name="a.png"/></annotations>'


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", shapes({"label": "blob"}, {"label": "LV"}), "to be named LV .*, found 'blob'; rename or remove"),
        ("a.json", shapes({"label": "RV"}), r"expected some of LV .* on the image, found none"),
        ("a.json", shapes({"label": "epi"}), "expected the LV's cavity beside its epicardium"),
        ("a.json", shapes({"label": "LV", "shape_type": "rectangle"}), "expected polygons, found 'rectangle'"),
        ("a.json", shapes({"label": "LV", "points": [[1, 2], [3, 4]]}), "3 to 16384 corners of two .*, found 2 x 2"),
        ("a.json", shapes({"label": "LV", "points": [[1, 2], [3]]}), "corners of two numbers each, found something"),
        (
            "a.json",
            shapes({"label": "LV", "points": [[1, 2], [3, 4], [5, 1e99]]}),
            "some that are no numbers or far off",
        ),
        ("a.json", shapes({"label": "LV", "points": [[500, 2], [503, 4], [505, 9]]}), "one that covers none of its"),
        ("a.json", shapes({"label": "LV", "shape_type": "mask"}), "expected a mask with its place as LabelMe has it"),
        ("a.json", '{"shapes": 3}', "expected a list of shapes as LabelMe has it"),
        ("a.json", '{"shapes": [], "imageHeight": "x"}', "expected the picture's height and width in pixels"),
        ("a.json", "[" * 10**5, "expected JSON or CSV in UTF-8, found it damaged or cut short"),
        ("a.json", '{"a": 1}', "expected a file of LabelMe, COCO, VGG Image Annotator or CVAT, found JSON of another"),
        ("a.json", in_coco([]), "expected polygons, found 'bbox'"),
        ("a.json", in_coco([[1, 2, 3]]), "expected polygons as lists x, y, x, y"),
        ("a.json", in_coco({"size": [90, 110], "counts": [5, 5]}), "run lengths of 9900 pixels, found 10"),
        ("a.json", in_coco({"size": [90, 110], "counts": [-5, 9905]}), "run lengths from 0 to 9900, found others"),
        ("a.json", in_coco({"size": [90, 110], "counts": "P"}), "compressed run lengths as COCO has them, found them"),
        ("a.json", in_coco({"size": [9, 11], "counts": [99]}), "expected the image's size 110 x 90, found 11 x 9"),
        ("a.json", '{"images": [], "annotations": [{}], "categories": []}', "expected category_id in each entry"),
        ("a.json", '{"images": [], "annotations": []}', "as COCO has them, found no categories"),
        ("a.json", '{"_via_img_metadata": {"a": {"filename": "a.png"}}}', "expected images with regions as VGG"),
        ("a.csv", "file,label\na.png,b.png\n", "expected the columns filename, .* with JSON, found others"),
        ("a.xml", "<annotations><image", "expected XML as CVAT writes it, found it damaged or cut short"),
        ("a.xml", BOMB, "expected XML without a document type, found one"),
        ("a.xml", "<VOC><image/></VOC>", "expected <annotations> as CVAT has it"),
        ("a.xml", "<annotations><track/></annotations>", "expected single images, found tracks of a video"),
        ("a.xml", "<annotations/>", "expected images in the XML, found none"),
        ("a.xml", in_cvat("<box label='LV'/>"), "expected polygons, found 'box'"),
        ("a.xml", in_cvat("<polygon label='LV' points='1,2;3'/>"), "corners of two numbers each, found something else"),
        ("a.xml", in_cvat("<mask label='LV' rle='x'/>"), "expected masks with rle, left, top, width and height"),
    ],
)
def test_outlines_that_cannot_be_used_say_why(tmp_path, name, text, sentence):
    with pytest.raises(Reject, match=f"^the outlines: .*{sentence}"):
        read_outlines(write(tmp_path / name, text), tmp_path / "a.png", SHAPE)


def options(**more) -> FramesDataset:
    return FramesDataset(format="frames", folder="x", **more)


def read(folder, **more):
    """Case's name -> its label map, or the sentence by which it is rejected."""
    found = read_all(FramesReader(options(**more)), folder)
    return {name: case if isinstance(case, str) else case.mask for name, case in found.items()}


def write_images(folder, names):
    planes = {name: plane(seed=number) for number, name in enumerate(names)}
    for name, content in planes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / name), content.image)
    return planes


NAMES = ("p1/a.png", "p2/a.png", "p2/b.png", "p3/c.png")
LAYOUTS = {
    "coco.json": ("images/", "annotations/coco.json", "../../annotations/coco.json"),
    "cvat.xml": ("", "cvat.xml", "../cvat.xml"),
    "via.csv": ("", "via.csv", "../via.csv"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_check_proposes_files_that_list_many_images_and_ingest_reads_them(tmp_path, name):
    top, place, pattern = LAYOUTS[name]
    planes = write_images(tmp_path / top, NAMES)
    write(tmp_path / place, OF_MANY[name]({file: content.labels for file, content in planes.items()}))
    guess = next(guesses(tmp_path))
    assert (guess.options, guess.remarks) == ({"label_pattern": pattern}, ())
    assert yaml.safe_load(entry(guess, "ours"))["datasets"]["ours"]["label_pattern"] == pattern
    found = read(tmp_path, **guess.options)
    assert found.keys() == {f"{top}{file[:-4]}" for file in NAMES}
    for file, content in planes.items():
        np.testing.assert_array_equal(found[f"{top}{file[:-4]}"], content.labels)


def test_check_proposes_files_of_subsets_and_those_of_single_images(tmp_path):
    planes = write_images(tmp_path / "subsets", ("train/a.png", "train/b.png", "val/c.png"))
    for subset in ("train", "val"):
        own = {name.split("/")[1]: content.labels for name, content in planes.items() if name.startswith(subset)}
        write(tmp_path / "subsets" / "annotations" / f"{subset}.json", coco(own))
    planes = write_images(tmp_path / "single", ("p1/a.png", "p2/a.png"))
    for name, content in planes.items():
        write(tmp_path / "single" / name.replace(".png", ".json"), labelme(content.labels))
    patterns = {}
    for folder in ("subsets", "single"):
        guess = next(guesses(tmp_path / folder))
        patterns[folder] = guess.options.get("label_pattern")
        reader = reader_of(dataset_of(guess))
        assert all(reader.read(case).label_source == "file" for case in reader.find(tmp_path / folder))
    assert patterns == {"subsets": "../annotations/*.json", "single": "{stem}.json"}


def test_an_image_that_a_file_does_not_list_has_no_labels(tmp_path):
    """Nor has one of a listed one's name in another folder, nor one that is listed without outlines."""
    planes = write_images(tmp_path, (*NAMES, "p4/d.png"))
    content = json.loads(coco({"p1/a.png": planes["p1/a.png"].labels}))
    content["images"].append({"id": 9, "file_name": "d.png", "height": 180, "width": 220})
    write(tmp_path / "coco.json", json.dumps(content))
    found = read(tmp_path, label_pattern="../coco.json")
    refused = {name: sentence for name, sentence in found.items() if isinstance(sentence, str)}
    assert refused.keys() == {"p2/a", "p2/b", "p3/c", "p4/d"}
    assert all("found coco.json: it has no outlines of this image" in sentence for sentence in refused.values())
    predicted = FramesReader(options(label_pattern="../coco.json", labels="none")).find(tmp_path)
    assert [case.name for case in predicted if "label" in case.files] == ["p1/a"]


def test_a_listed_image_that_fits_two_files_and_a_damaged_file_are_told(tmp_path):
    write_images(tmp_path / "two", ("p1/a.png", "p2/a.png"))
    write(tmp_path / "two" / "coco.json", coco({"a.png": plane().labels}))
    assert all(
        "found coco.json to fit" in sentence for sentence in read(tmp_path / "two", label_pattern="../*.json").values()
    )
    write_images(tmp_path / "bad", ("a.png", "b.png"))
    write(tmp_path / "bad" / "coco.json", coco({"a.png": plane().labels})[:-200])
    found = read(tmp_path / "bad", label_pattern="coco.json")
    assert all(
        text.startswith("the outlines: expected JSON or CSV in UTF-8, found it damaged") for text in found.values()
    )
    write(tmp_path / "bad" / "a_gt.json", labelme(plane().labels))
    assert "a_gt.json: outlines are read where the pattern ends in .json; write it so" in read(tmp_path / "bad")["a"]
