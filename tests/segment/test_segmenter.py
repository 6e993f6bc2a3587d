"""A segmenter that learns, repeats, and says what is wrong with its file."""

import numpy as np
import pytest
import torch
from skimage.draw import disk

from echodiff.errors import InputError
from echodiff.evaluate.fidelity_table import fidelity_table
from echodiff.segment.augment import as_other_scanners, augment, blurred
from echodiff.segment.learn import Training, train_segmenter
from echodiff.segment.network import resized_labels
from echodiff.segment.predict import label_probabilities, segment
from echodiff.segment.segmenter_file import load_segmenter, save_segmenter
from echodiff.store.image_set import ImageSet

QUICK = Training(size=32, epochs=12, batch_size=4, learning_rate=5e-3, seed=1)


def _hearts(n, seed):
    """Dark discs (LV) in bright rings (MYO) over gray atria, at random places."""
    rng = np.random.default_rng(seed)
    masks, images = np.zeros((2, n, 64, 64), np.uint8)
    for i in range(n):
        row, column = rng.integers(20, 30), rng.integers(24, 40)
        for label, centre, radius in ((3, (row + 18, column), 8), (2, (row, column), 14), (1, (row, column), 9)):
            masks[i][disk(centre, radius, shape=(64, 64))] = label
        grays = np.array([90, 20, 220, 150])[masks[i]]
        images[i] = np.clip(grays + rng.normal(0, 10, grays.shape), 0, 255)
    spacing = np.ones((n, 2), np.float32)
    ids = [f"h{i}" for i in range(n)]
    return ImageSet(images, masks, np.ones_like(masks), spacing, ids, {"dataset": "camus", "kind": "dataset"})


@pytest.fixture(scope="module")
def trained():
    return train_segmenter(_hearts(24, 0), QUICK, device="cpu")


def test_segmenter_finds_the_structures_of_unseen_hearts(trained):
    unseen = _hearts(6, 1)
    table = fidelity_table(unseen, segment(trained, unseen.images, size=32, device="cpu"))
    assert table["dice_lv"].mean() > 0.7 and table["dice_lv_myo"].mean() > 0.75
    assert table["lv_area_cm2_guide"].iloc[0] == pytest.approx((unseen.masks[0] == 1).sum() / 100)
    shuffled = fidelity_table(unseen, segment(trained, unseen.images[::-1], size=32, device="cpu"))
    assert shuffled["dice_lv"].mean() < table["dice_lv"].mean()


def test_segmenter_repeats_with_its_seed_and_does_not_depend_on_batches(trained, tmp_path):
    again = train_segmenter(_hearts(24, 0), QUICK, device="cpu")
    images = _hearts(5, 2).images
    masks = segment(trained, images, size=32, device="cpu", batch_size=5)
    np.testing.assert_array_equal(segment(again, images, size=32, device="cpu", batch_size=2), masks)
    shares = label_probabilities(trained, images, size=32, device="cpu", batch_size=2)
    assert shares.shape == (5, 4, 64, 64) and (shares.argmax(axis=1) == masks).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    save_segmenter(trained, QUICK, tmp_path / "s.pt")
    loaded, training = load_segmenter(tmp_path / "s.pt", "cpu")
    assert training == QUICK
    np.testing.assert_array_equal(segment(loaded, images, size=32, device="cpu"), masks)


def test_a_damaged_segmenter_is_named(tmp_path):
    (tmp_path / "s.pt").write_bytes(b"nothing")
    for name in ("s.pt", "absent.pt"):
        with pytest.raises(InputError, match=f"{name}.*echodiff segmenter"):
            load_segmenter(tmp_path / name, "cpu")


def test_augmentation_moves_frame_and_label_map_alike():
    hearts = _hearts(8, 3)
    frames = torch.from_numpy(np.array([0.0, 1.0, 0.5, -0.5], np.float32)[hearts.masks])[:, None]
    masks = torch.from_numpy(hearts.masks)[:, None].float()
    moved, labels = augment(frames, masks, torch.Generator().manual_seed(0))
    assert not torch.equal(labels, masks)
    inside = torch.nn.functional.avg_pool2d((labels == 1).float(), 5, 1, 2) == 1  # far from borders
    for i in range(8):  # gamma is one a frame, so that the inside of a structure has one gray
        assert moved[i][inside[i]].std() < 0.02
    torch.testing.assert_close(moved[inside], torch.ones(int(inside.sum())))  # white stays white
    atria = [moved[i][torch.nn.functional.avg_pool2d((labels[i] == 3).float(), 5, 1, 2) == 1] for i in range(8)]
    exponents = torch.stack([((own.median() + 1) / 2).log() / np.log(0.25) for own in atria if len(own)]).log()
    assert len(exponents) > 4 and exponents.abs().max() <= 0.4 + 1e-3 and exponents.std() > 0.1
    assert set(labels.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}


def test_each_frame_is_blurred_by_a_gaussian_of_its_own_width():
    deviations = torch.tensor([0.0, 1.0, 1.6])
    points = torch.zeros(3, 1, 33, 33)
    points[:, :, 16, 16] = 1
    found = blurred(points, deviations)[:, 0]
    offsets = (torch.arange(33.0) - 16) ** 2
    for axis in (1, 2):
        spread = (found.sum(dim=axis) * offsets).sum(dim=1).sqrt()
        torch.testing.assert_close(spread, deviations, rtol=0.02, atol=1e-3)
    torch.testing.assert_close(blurred(torch.full((3, 1, 20, 24), 0.3), deviations), torch.full((3, 1, 20, 24), 0.3))


def test_other_scanners_change_half_of_the_frames_each_way_and_leave_black_black():
    """Nothing but blur lights the black side of an edge, nothing but levels and curve changes an even gray."""
    generator, count = torch.Generator().manual_seed(0), 600
    assert (as_other_scanners(torch.full((count, 1, 8, 8), -1.0), generator) == -1).all()
    edge = torch.full((count, 1, 12, 12), -1.0)
    edge[..., 6:] = 0.2
    lit = as_other_scanners(edge, generator)[..., 5].amax(dim=(1, 2)) > -1 + 1e-4
    assert 0.3 < lit.float().mean() < 0.5  # of the half that are blurred, those by too little or darkened are not
    even = as_other_scanners(torch.zeros(count, 1, 8, 8), generator)
    torch.testing.assert_close(even, even[..., :1, :1].expand_as(even))
    gray = (even[:, 0, 0, 0] + 1) / 2
    changed = (gray - 0.5).abs() > 1e-4
    assert changed.float().mean() == pytest.approx(0.75, abs=0.06)  # 1 - (1 / 2)^2
    lowest, highest = ((0.5 * np.exp(sign * 0.6) + sign * 0.25) ** np.exp(-sign * 0.8) for sign in (-1, 1))
    assert max(lowest, 0) <= gray.min() < 0.05 and gray.max() == min(highest, 1)
    assert (gray[changed] < 0.5).float().mean() == pytest.approx(0.5, abs=0.07)


def test_label_maps_keep_their_places_when_they_are_shrunk():
    rows, columns = np.mgrid[:256, :256]
    disc = (np.hypot(rows - 90.3, columns - 140.7) < 40).astype(np.uint8) * 3
    small = resized_labels(torch.from_numpy(disc)[None], 128)
    assert small.shape == (1, 1, 128, 128) and set(small.unique().tolist()) == {0.0, 3.0}
    again = small[0, 0].numpy().repeat(2, 0).repeat(2, 1)
    for axis in (0, 1):
        middle = [np.argwhere(mask)[:, axis].mean() for mask in (disc, again)]
        assert middle[1] == pytest.approx(middle[0], abs=0.1)
