"""Ultrasound physics against speckle whose statistics are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import spence

from echodiff.evaluate.physics import (
    correlation_widths,
    depth_gain,
    envelope_snr,
    gcnr,
    half_width,
    leakage,
    log_spread_db,
    physics_of,
    sector_overlap,
    speckle_patches,
)
from echodiff.store.image_set import new_image_set, read_image_set

SIZE = 256
DYNAMIC_RANGE_DB = 60.0
FULL = np.ones((SIZE, SIZE), np.uint8)


def _speckle(sigma, seed=0, level=150.0):
    """Fully developed speckle: envelope of correlated complex normal noise, log-compressed to 60 dB."""
    rng = np.random.default_rng(seed)
    parts = [gaussian_filter(rng.normal(size=(SIZE, SIZE)), sigma, mode="wrap") for _ in range(2)]
    envelope = np.hypot(*parts)
    decibels = 20 * np.log10(envelope / np.sqrt((envelope**2).mean()))
    return np.clip(level + decibels * 255 / DYNAMIC_RANGE_DB, 0, 255).astype(np.uint8)


def test_developed_speckle_has_the_spread_and_snr_of_theory():
    patches = speckle_patches(_speckle((0.6, 0.6)), FULL)
    assert log_spread_db(patches, DYNAMIC_RANGE_DB) == pytest.approx(5.57, abs=0.25)
    assert envelope_snr(patches, DYNAMIC_RANGE_DB) == pytest.approx(1.91, abs=0.15)


def test_correlation_widths_follow_the_size_of_speckle_and_of_the_pixel():
    spacing = np.array([0.5, 0.25])
    fine = correlation_widths(speckle_patches(_speckle((1.0, 1.5)), FULL), spacing)
    coarse = correlation_widths(speckle_patches(_speckle((1.0, 2.5)), FULL), spacing)
    assert coarse["lateral_mid_mm"] > 1.3 * fine["lateral_mid_mm"]
    assert coarse["axial_mid_mm"] == pytest.approx(fine["axial_mid_mm"], rel=0.15)
    # In pixels lateral speckle is 1.5 times as wide as axial speckle; its pixels are half as wide.
    assert fine["lateral_mid_mm"] / fine["axial_mid_mm"] == pytest.approx(1.5 / 2, rel=0.15)


def test_the_width_of_speckle_is_that_of_theory():
    """The correlation of the logarithm of developed speckle is the dilogarithm of the squared one of the field."""
    lags = np.arange(10)
    for name, sigma in (("axial", 1.3), ("lateral", 1.6)):
        theory = spence(1 - np.exp(-(lags**2) / (2 * sigma**2))) / (np.pi**2 / 6)
        patches = [speckle_patches(_speckle((1.3, 1.6), seed), FULL) for seed in range(4)]
        found = [correlation_widths(own, np.ones(2))[f"{name}_mid_mm"] for own in patches]
        assert np.mean(found) == pytest.approx(2 * half_width(theory), rel=0.08)


def test_half_width_of_a_known_correlation():
    lags = np.arange(10)
    assert half_width(1 - 0.2 * lags) == pytest.approx(2.5)
    assert half_width(np.array([1, 0.6, 0.4, 0.1])) == pytest.approx(1.5)
    assert half_width(np.array([1, 0.5, 0.1])) == 1
    assert half_width(np.exp(-((lags / 3.0) ** 2))) == pytest.approx(3 * np.sqrt(np.log(2)), abs=0.03)
    assert np.isnan(half_width(np.ones(10)))


def test_gcnr_of_equal_separate_and_half_overlapping_regions():
    low, high = np.arange(0, 64, dtype=np.uint8), np.arange(128, 192, dtype=np.uint8)
    middle = np.arange(32, 96, dtype=np.uint8)
    assert gcnr(low, low) == 0 and gcnr(low, high) == 1
    assert gcnr(low, middle) == pytest.approx(0.5)
    assert np.isnan(gcnr(low[:0], high))


def test_depth_gain_and_leakage_see_what_was_put_in():
    sector = np.zeros((SIZE, SIZE), np.uint8)
    sector[16:240, 64:192] = 1
    ramp = np.repeat(np.linspace(0, 200, SIZE)[:, None], SIZE, axis=1).astype(np.uint8)
    image = ramp * sector
    gains = depth_gain(image, sector)
    assert len(gains) == 8 and (np.diff(gains) > 15).all()
    assert gains[0] == pytest.approx(ramp[16:44].mean(), abs=1)
    assert leakage(image, sector) == 0
    image[:, :32] = 100
    assert leakage(image, sector) == pytest.approx(32 * SIZE / (SIZE * SIZE - sector.sum()), rel=1e-6)
    assert np.isnan(leakage(image, FULL))


def test_sector_overlap_is_one_for_tissue_that_fills_the_sector():
    rows, columns = np.mgrid[:SIZE, :SIZE]
    sector = (np.abs(columns - 128) < 0.5 * rows).astype(np.uint8)
    assert sector_overlap(sector * 120, sector) > 0.95
    half = sector * 120
    half[128:] = 0
    assert sector_overlap(half, sector) < 0.5
    assert sector_overlap(np.zeros_like(half), sector) == 0


def test_patches_leave_out_black_saturated_and_sloping_parts():
    assert not len(speckle_patches(np.zeros_like(FULL), FULL).mean)
    assert not len(speckle_patches(FULL * 255, FULL).mean)
    slope = np.repeat(np.linspace(40, 200, SIZE)[:, None], SIZE, axis=1)
    flat = _speckle((0.6, 0.6), level=120).astype(float)
    sloping = np.clip(flat - 120 + slope, 0, 255).astype(np.uint8)
    spreads = [log_spread_db(speckle_patches(image, FULL), 60.0) for image in (flat.astype(np.uint8), sloping)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.08)


def test_an_empty_frame_has_missing_values_and_no_error():
    row = physics_of(np.zeros_like(FULL), np.zeros_like(FULL), FULL, np.ones(2), dynamic_range_db=60.0)
    assert np.isnan(row["log_spread_db"]) and np.isnan(row["gcnr_lv_myo"]) and row["patches"] == 0
    nothing = physics_of(FULL, FULL * 0, FULL * 0, np.ones(2), dynamic_range_db=60.0)
    assert np.isnan(nothing["mean_gray"]) and nothing["leakage"] == 0


def test_a_frame_without_speckle_has_no_snr():
    """Not an enormous one, which would be a mean over images by itself."""
    row = physics_of(FULL * 100, FULL, FULL, np.ones(2), dynamic_range_db=60.0)
    assert row["patches"] > 0 and row["log_spread_db"] == pytest.approx(0, abs=1e-9) and np.isnan(row["envelope_snr"])


def test_translations_and_held_out_images_are_measured_in_the_training_images_sector(run_echodiff, config, files):
    """A frame drawn there leaks nothing, whatever sector its source had; a real one leaks where its own is wider."""
    data = read_image_set(files / "data.h5")
    sectors = np.zeros_like(data.sectors)
    sectors[:, 8:56, 16:48] = 1
    drawn = (120 * sectors).astype(np.uint8)
    own = sectors.copy()
    own[6:, 8:56, 8:56] = 1  # of the two that are held out
    for name, images, outlines, attributes in (
        ("training.h5", 120 * own, own, {"kind": "dataset", "dataset": "camus"}),
        ("drawn.h5", drawn, data.sectors * 0, {"kind": "translation", "dataset": "vscan", "model": "small"}),
    ):
        with new_image_set(files / name, size=64, attributes=attributes, with_seed="model" in attributes) as writer:
            for i, case in enumerate(data.case_id):
                seed = {"seed": i} if "model" in attributes else {}
                writer.append(images[i], data.masks[i], outlines[i], data.spacing_mm[i], case, **seed)
    arguments = ["physics", "--config", config, "--images", files / "drawn.h5", "--output", files / "physics.parquet"]
    refused = run_echodiff("evaluate", *arguments)
    assert refused.returncode == 1 and "give --reference and --split" in refused.stderr
    reference = ["--reference", files / "training.h5", "--split", files / "split.parquet"]
    done = run_echodiff("evaluate", *arguments, "--images", files / "training.h5", *reference)
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(files / "physics.parquet").set_index("kind")
    synthetic = rows.loc["translation"]
    assert (synthetic["leakage"] == 0).all() and (synthetic["sector_overlap"] > 0.95).all()
    np.testing.assert_allclose(synthetic["mean_gray"], 120)
    assert rows.loc["dataset", "case_id"].tolist() == data.case_id[:6] and (rows.loc["dataset", "leakage"] == 0).all()
    held_out = rows.loc["held_out"]
    assert held_out["case_id"].tolist() == data.case_id[6:]
    np.testing.assert_allclose(held_out["leakage"], 48 * 16 / (64 * 64 - 48 * 32))
