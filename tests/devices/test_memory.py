"""A card whose memory runs out: one sentence that names what fits."""

import pytest
import torch

from echodiff.devices.memory import full_memory_explained
from echodiff.errors import ConfigError

CARD = torch.device("cuda:0")
SAID = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB"


def run_out(**options):
    with full_memory_explained(CARD, **options):
        raise torch.OutOfMemoryError(SAID)


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"images": 32, "option": "speed.part"}, "set speed.part: 16, "),
        ({"images": 6, "option": "speed.part", "group": 4}, "use a smaller model"),
        ({"images": 12, "option": "speed.part", "group": 4}, "set speed.part: 4, "),
        ({"images": 1, "option": "translate.batch_size"}, "use a smaller model"),
    ],
)
def test_the_number_advised_is_half_of_what_was_too_much_in_whole_groups(options, advice):
    with pytest.raises(ConfigError) as told:
        run_out(**options)
    sentence = str(told.value)
    assert sentence.startswith(f"cuda:0: expected memory for {options['images']} images at once, found none left")
    assert advice in sentence and "\n" not in sentence


@pytest.mark.parametrize(
    "said",
    ["CUDA error: out of memory\nCUDA kernel errors might be reported", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"],
)
def test_libraries_that_find_no_memory_say_so_in_their_own_words(said):
    refused = pytest.raises(ConfigError, match=r"found none left \(.*\); set speed.part: 2")
    with refused as told, full_memory_explained(CARD, images=4, option="speed.part"):
        raise RuntimeError(said)
    assert "\n" not in str(told.value)


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), full_memory_explained(CARD, images=4, option="speed.part"):
        _ = 1 / 0
    with pytest.raises(RuntimeError, match="illegal"), full_memory_explained(CARD, images=4, option="speed.part"):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
