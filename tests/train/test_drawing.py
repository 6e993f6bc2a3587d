"""Drawing from a generator with traits: drawn with the image, or those of the image that is begun from."""

import numpy as np
import pytest
import torch

from echodiff.config.models import Model
from echodiff.diffusion.networks.generator import Generator
from echodiff.store.intensity import to_model
from echodiff.store.provenance import seed_of
from echodiff.train.data import Planes
from echodiff.train.drawing import Drawing
from echodiff.train.samples import sample_cases

CPU = torch.device("cpu")


class Flat(Generator):
    """Draws images that are one gray, their trait; notes what it was called with."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def latent_shapes(self, size):
        return {"z": (2,)}

    def trait_shapes(self):
        return {"gray": (1,)}

    def describe(self, images):
        return {"gray": images.mean(dim=(1, 2, 3))[:, None]}

    def forward(self, x_tp1, guide, t, z):
        self.calls.append(z)
        return torch.tanh(z["gray"][:, :, None, None]).expand_as(x_tp1)


@pytest.fixture
def cases(small_image_set) -> Planes:
    return Planes.of(small_image_set, CPU)


def test_an_image_has_its_traits_from_its_seed(cases):
    network = Flat()
    drawing = Drawing(network, Model(), CPU)
    images = drawing.images(cases, seeds=[1, 2, 3, 4, 5, 6])
    assert len(network.calls) == 4
    assert all(torch.equal(call["gray"], network.calls[0]["gray"]) for call in network.calls)
    assert images.flatten(1).float().mean(dim=1).std() > 10
    assert torch.equal(drawing.images(cases[3:5], seeds=[4, 5]), images[3:5])


def test_an_image_that_begins_from_its_source_has_the_source_s_traits(cases):
    network = Flat()
    Drawing(network, Model(), CPU).images(cases, seeds=range(6), strength=0.5)
    expected = network.describe(to_model(cases.images))["gray"]
    assert len(network.calls) == 2
    assert all(torch.equal(call["gray"], expected) for call in network.calls)


def test_a_sample_of_the_sheet_depends_on_its_case_and_the_model_s_seed_alone(small_image_set):
    drawing, names = Drawing(Flat(), Model(), CPU), small_image_set.case_id
    samples = sample_cases(drawing, small_image_set)
    backwards = sample_cases(drawing, small_image_set.select(names[::-1]))
    np.testing.assert_array_equal(backwards[::-1], samples)
    seeds = [seed_of(2024, "sheet", name) for name in names]
    np.testing.assert_array_equal(samples, drawing.images(Planes.of(small_image_set, CPU), seeds))
    assert len({int(sample[0, 0]) for sample in samples}) > 3
