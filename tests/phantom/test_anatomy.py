"""Parametric anatomy: what the contours are is what the label maps show, over patients, phases and pathologies."""

from dataclasses import replace

import numpy as np
import pytest

from echodiff.labels import LA, LV, MYO
from echodiff.phantom import MACHINES, Anatomy, render_case, sample_anatomy
from echodiff.phantom.anatomy import (
    at_phase,
    dilated,
    hypertrophied,
    label_areas,
    polygon_area,
    profiles,
    rotated,
    scaled,
    to_heart,
    to_image,
    without,
)
from echodiff.phantom.cycle import END_SYSTOLE, phases

DEEP = replace(Anatomy(), la_length=30.0, apex_depth=40.0)  # lies whole inside the sector


def hearts(count: int) -> list[Anatomy]:
    return [sample_anatomy(np.random.default_rng([seed, 0])) for seed in range(count)]


@pytest.mark.parametrize("machine", ["camus", "vscan", "echonet", "2d_t"])
def test_label_areas_are_those_of_the_contours(machine):
    case = render_case(MACHINES[machine], 5, anatomy=DEEP)
    pixel = case.spacing_mm[0] * case.spacing_mm[1]
    expected = label_areas(case.anatomy)
    for name, value in (("LV", LV), ("MYO", MYO), ("LA", LA)):
        assert (case.labels == value).sum() * pixel == pytest.approx(expected[name], rel=0.03), name


def test_polygon_area_of_a_known_triangle():
    assert polygon_area(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]])) == 6.0


def test_wall_encloses_the_cavity_everywhere():
    for heart in hearts(60):
        for shape in (heart, at_phase(heart, END_SYSTOLE)):
            parts = profiles(shape)
            left, right, inside = parts["EPI"].edges(parts["LV"].u)
            assert inside.all()
            assert (left < parts["LV"].left - 1).all() and (right > parts["LV"].right + 1).all()


def test_image_and_heart_coordinates_invert_each_other():
    heart = replace(Anatomy(), tilt=17.0, apex_x=-6.0)
    points = np.random.default_rng(0).uniform(-50, 120, (40, 2))
    np.testing.assert_allclose(to_heart(heart, to_image(heart, points)), points, atol=1e-9)


def test_end_diastole_has_the_largest_ventricle_and_end_systole_the_smallest():
    for heart in hearts(20):
        area = [label_areas(at_phase(heart, phase))["LV"] for phase in np.linspace(0, 1, 41)[:-1]]
        assert np.argmax(area) == 0 and np.argmin(area) == round(END_SYSTOLE * 40)


def test_volume_falls_by_the_ejection_fraction():
    heart = replace(Anatomy(), ejection_fraction=0.6)
    ed, es = at_phase(heart, 0.0), at_phase(heart, END_SYSTOLE)
    ratio = (es.lv_length * es.lv_width**2) / (ed.lv_length * ed.lv_width**2)
    assert ratio == pytest.approx(0.4, abs=1e-6)


def test_phases_count_from_the_ed_frame():
    assert phases(6, 2, 6).tolist() == pytest.approx([4 / 6, 5 / 6, 0, 1 / 6, 2 / 6, 3 / 6])


def test_patients_differ():
    lengths = np.array([[h.lv_length, h.lv_width, h.wall_septum, h.tilt, h.apex_depth] for h in hearts(60)])
    assert (lengths.std(0) > [5, 4, 1, 4, 3]).all()


def test_pathologies_change_what_they_name():
    heart = Anatomy()
    assert label_areas(dilated(heart))["LV"] > 1.4 * label_areas(heart)["LV"]
    assert label_areas(hypertrophied(heart))["MYO"] > 1.4 * label_areas(heart)["MYO"]
    assert hypertrophied(heart).lv_width < heart.lv_width
    half = label_areas(scaled(heart, 0.5))
    assert half["LV"] == pytest.approx(label_areas(heart)["LV"] / 4, rel=1e-6)
    turned = rotated(heart, 40)
    middle = np.array([0.0, heart.lv_length / 2])
    assert turned.tilt == heart.tilt + 40
    np.testing.assert_allclose(to_image(turned, middle), to_image(heart, middle), atol=1e-9)


@pytest.mark.parametrize("name,value", [("LV", LV), ("MYO", MYO), ("LA", LA)])
def test_a_missing_structure_has_no_label(name, value):
    case = render_case(MACHINES["camus"], 3, anatomy=without(DEEP, name))
    assert (case.labels == value).sum() == 0
    assert set(np.unique(case.labels)) == {0, LV, MYO, LA} - {value}


@pytest.mark.parametrize("change", [dilated, hypertrophied, lambda a: scaled(a, 0.35), lambda a: rotated(a, 35)])
def test_pathological_hearts_can_be_rendered(change):
    case = render_case(MACHINES["camus"], 3, anatomy=change(Anatomy()))
    assert {LV, MYO} <= set(np.unique(case.labels)) and case.image.std() > 5


def test_impossible_anatomy_is_refused():
    with pytest.raises(ValueError, match="lengths and widths"):
        Anatomy(lv_width=0.0)
    with pytest.raises(ValueError, match="lv_length is nan"):
        Anatomy(lv_length=float("nan"))
    with pytest.raises(ValueError, match="none of LV"):
        without(Anatomy(), "AORTA")
