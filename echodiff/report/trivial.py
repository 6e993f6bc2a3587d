"""What the trivial translators are, a line each, for the notes of the tables in which they stand."""

from collections.abc import Iterable, Mapping

from echodiff.evaluate.trivial import TRANSLATOR_TITLES, TRANSLATORS

WHAT_THEY_ARE: Mapping[str, str] = {
    "resector": "the original's own tissue, stretched into the training images' common sector; nothing else is changed",
    "resector_histogram": "the same, with the gray values of the training images' tissue",
    "nearest_mask": "the real training image whose label map overlaps the guide best: a copy, not a synthetic image",
    "label_paint": "the guide painted in the training images' grays, with speckle; no learning, no patient's image",
}


def is_trivial(model: str) -> bool:
    """Whether `model` is a trivial translator."""
    return model in TRANSLATORS


def notes(models: Iterable[str]) -> tuple[str, ...]:
    """A line for each trivial translator among `models`."""
    found = set(models)
    titles = {name: title[0].upper() + title[1:] for name, title in TRANSLATOR_TITLES.items() if name in found}
    return tuple(f"{title}. It is {WHAT_THEY_ARE[name]}." for name, title in titles.items())
