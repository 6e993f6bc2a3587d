"""A small generator file with random weights, and the configuration and images for it."""

import pytest
import torch
import yaml

from echodiff.config.models import Model
from echodiff.train.generator_file import generator_of, save_generator

OPTIONS = {
    "preset": "paper",
    "generator": {
        "name": "ncsnpp",
        "channels": 8,
        "multipliers": [1, 2],
        "blocks": 1,
        "attention": [16],
        "latent": 4,
        "style": 8,
        "style_layers": 1,
    },
    "discriminator": {"name": "residual", "channels": 4, "time": 8},
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Sums in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def generator_file(tmp_path):
    """A generator whose output depends on all its inputs."""
    model = Model.model_validate(OPTIONS)
    random = torch.Generator().manual_seed(0)
    network = generator_of(model, 32)
    weights = {
        name: weight + 0.05 * torch.randn(weight.shape, generator=random)
        for name, weight in network.state_dict().items()
    }
    path = tmp_path / "generator.pt"
    save_generator(path, name="tiny", model=model, size=32, weights=weights, data_fingerprint="images")
    return path


@pytest.fixture
def config_file(tmp_path):
    """A configuration with other options for the model than the generator's file has."""
    path = tmp_path / "config.yaml"
    config = {
        "training_dataset": "test",
        "datasets": {"test": {"format": "camus", "folder": str(tmp_path)}},
        "models": {"tiny": {"preset": "paper"}},
        "translate": {"seed": 11, "batch_size": 3},
    }
    path.write_text(yaml.safe_dump(config))
    return path
