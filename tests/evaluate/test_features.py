"""Extractors, their choice and their files: the right weights or an error, never another network."""

import http.server
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from echodiff.config.evaluate import Evaluate
from echodiff.errors import ConfigError, InputError
from echodiff.evaluate import names, weights
from echodiff.evaluate.extractors import (
    EFFICIENTNET,
    EXTRACTORS,
    INCEPTION,
    ExtractorChoice,
    choose_extractor,
    load_efficientnet,
    load_extractor,
    load_inception,
)
from echodiff.evaluate.features import (
    Extraction,
    FeatureSet,
    check_same_extractor,
    extract_features,
    feature_set,
    read_features,
    write_features,
)
from echodiff.evaluate.polar import polar_frames
from echodiff.evaluate.torchvision_ops import import_torchvision


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (5, 64, 64), dtype=np.uint8)


@pytest.fixture(scope="module")
def efficientnet():
    return load_efficientnet("cpu")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints" / weights.INCEPTION_URL.rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def untrained_inception(tmp_path_factory):
    """A file of the right layout and the wrong content, with its own SHA-256."""
    import_torchvision()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)

    class Untrained(FeatureExtractorInceptionV3):
        """Its constructor insists on weights; these are its own, scaled such that features do not vanish."""

        def load_state_dict(self, state, *arguments, **options):
            for module in self.modules():
                if isinstance(module, torch.nn.Conv2d):
                    torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    torch.save({}, folder / "empty.pth")
    network = Untrained("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(folder / "empty.pth"))
    torch.save(network.state_dict(), folder / "weights.pth")
    return folder / "weights.pth", network


def test_features_do_not_depend_on_batch_size_order_or_workers(efficientnet, frames):
    one = extract_features(frames, Extraction(efficientnet, 1, "cpu"))
    four = extract_features(frames[::-1], Extraction(efficientnet, 4, "cpu", threads=3))[::-1]
    assert one.shape == (5, 1280) and one.dtype == np.float32
    np.testing.assert_allclose(one, four, atol=1e-5)
    assert np.abs(one[0] - one[1]).max() > 0.01


def test_float_frames_are_refused(efficientnet):
    with pytest.raises(TypeError, match="uint8"):
        efficientnet(torch.zeros(1, 64, 64))


def test_inception_is_the_network_of_torch_fidelity_on_gray_as_three_channels(untrained_inception, frames):
    path, network = untrained_inception
    extract = load_inception(path, "cpu", sha256=weights.sha256_of(path))
    found = extract_features(frames[:2], Extraction(extract, 1, "cpu"))
    rgb = torch.from_numpy(frames[:2])[:, None].repeat(1, 3, 1, 1)
    expected = network(rgb)[0].numpy()
    assert found.shape == (2, 2048) and expected.std() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.std())


def test_other_weights_never_answer_as_inception(untrained_inception):
    path, _ = untrained_inception
    with pytest.raises(InputError, match="SHA-256 6726825d.*found"):
        load_inception(path, "cpu")
    with pytest.raises(InputError, match="SHA-256"):  # a configured file is never passed over, even by auto
        choose_extractor(Evaluate(inception_weights=path, download=False))
    choice = ExtractorChoice(INCEPTION, weights.INCEPTION_SHA256, str(path), "")
    with pytest.raises(InputError, match="SHA-256"):
        load_extractor(choice, "cpu")


def test_auto_without_weights_chooses_another_extractor_under_another_name(empty_cache):
    choice = choose_extractor(Evaluate(download=False))
    assert choice.extractor == EFFICIENTNET and choice.frechet_name == "fd_efficientnet_lite0"
    assert "evaluate.download is off" in choice.reason
    with pytest.raises(InputError, match="Inception weights"):
        choose_extractor(Evaluate(features="inception", download=False))
    choice = choose_extractor(Evaluate(features="efficientnet_lite0", download=False))
    assert choice.extractor == EFFICIENTNET and choice.reason == "chosen in the configuration"


def test_an_unknown_extractor_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="evaluate.features: expected auto or one of inception, .*found resnet"):
        choose_extractor(Evaluate.model_construct(features="resnet"))
    with pytest.raises(ValueError, match="expected one of the extractors inception_2015_12_05, .*found 'resnet'"):
        ExtractorChoice("resnet", "ab", "", "because")
    (tmp_path / "choice.json").write_text(
        '{"extractor": "resnet", "weights_sha256": "ab", "weights_file": "", "reason": ""}'
    )
    with pytest.raises(InputError, match=r"choice\.json: .*found 'resnet'.*evaluate extractor"):
        ExtractorChoice.read(tmp_path / "choice.json")


def test_every_extractor_can_be_configured_and_has_names_and_a_title():
    assert set(get_args(Evaluate.model_fields["features"].annotation)) == {"auto", *names.OPTIONS}
    assert set(names.OPTIONS.values()) == set(EXTRACTORS)
    for named in (names.FRECHET_NAMES, names.KERNEL_NAMES, names.TITLES):
        assert set(named) == set(EXTRACTORS) and len(set(named.values())) == len(EXTRACTORS)


def test_a_network_that_never_answers_is_given_up_quickly(empty_cache, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/w.pth"
        monkeypatch.setattr(weights, "download_weights", partial(weights.download_weights, url=url))
        start = time.monotonic()
        choice = choose_extractor(Evaluate(download_timeout_s=0.5))
    assert choice.extractor == EFFICIENTNET and time.monotonic() - start < 30  # not the minutes of a system's own limit
    assert not list(empty_cache.parent.glob("*"))


def test_a_download_is_checked_kept_and_found_again(empty_cache, untrained_inception):
    source, _ = untrained_inception

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(source.parent))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/weights.pth"
        with pytest.raises(InputError, match="SHA-256"):
            weights.download_weights(empty_cache, timeout_s=5, url=url)
        assert not empty_cache.exists()
        sha256 = weights.sha256_of(source)
        weights.download_weights(empty_cache, timeout_s=5, url=url, sha256=sha256)
        server.shutdown()
    found = weights.find_inception_weights(None, download=False, timeout_s=1, sha256=sha256)
    assert found == empty_cache and weights.sha256_of(found) == sha256


def test_a_choice_survives_its_file(tmp_path):
    choice = ExtractorChoice(EFFICIENTNET, "ab", "", "because")
    choice.write(tmp_path / "choice.json")
    assert ExtractorChoice.read(tmp_path / "choice.json") == choice
    (tmp_path / "choice.json").write_text("{}")
    with pytest.raises(InputError, match=r"choice\.json.*evaluate extractor"):
        ExtractorChoice.read(tmp_path / "choice.json")


def _features(extractor=EFFICIENTNET, sha256="ab"):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    attributes = {"extractor": extractor, "weights_sha256": sha256, "dataset": "d"}
    return FeatureSet(values, ["a", "b", "ü"], attributes)


def test_features_survive_their_file(tmp_path):
    write_features(_features(), tmp_path / "f.h5")
    again = read_features(tmp_path / "f.h5")
    np.testing.assert_array_equal(again.features, _features().features)
    assert again.case_id == ["a", "b", "ü"] and again.attributes == _features().attributes
    np.testing.assert_array_equal(again.select(["ü", "a"]).features, _features().features[[2, 0]])
    with pytest.raises(InputError, match="case x"):
        again.select(["x"])


def test_polar_features_are_those_of_the_polar_frames_and_survive_their_file(efficientnet, small_image_set, tmp_path):
    choice, extraction = ExtractorChoice(EFFICIENTNET, "ab", "", ""), Extraction(efficientnet, 4, "cpu")
    found = feature_set(small_image_set, choice, extraction, polar=True)
    expected = extract_features(polar_frames(small_image_set), extraction)
    np.testing.assert_allclose(found.frame("polar"), expected, atol=1e-5)
    assert np.abs(found.frame("polar") - found.frame("full")).max() > 0.01
    write_features(found, tmp_path / "f.h5")
    again = read_features(tmp_path / "f.h5").select(found.case_id[::-1])
    np.testing.assert_array_equal(again.frame("polar"), found.polar[::-1])
    with pytest.raises(InputError, match="expected the polar frame, found full"):
        feature_set(small_image_set, choice, extraction, polar=False).frame("polar")


@pytest.mark.parametrize("content", [None, b"", b"not HDF5"])
def test_missing_or_damaged_features_are_named(tmp_path, content):
    path = Path(tmp_path / "f.h5")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"f\.h5"):
        read_features(path)


def test_features_of_two_extractors_are_never_compared():
    with pytest.raises(InputError, match="one extractor"):
        check_same_extractor({"a": _features(), "b": _features(INCEPTION)})
    with pytest.raises(InputError, match="one extractor"):
        check_same_extractor({"a": _features(), "b": _features(sha256="cd")})
