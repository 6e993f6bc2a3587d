"""The ids of several images that one label map guided: the case's with `_s1`, `_s2`, ... behind it."""

import re

_SUFFIX = re.compile(r"_s\d+$")


def sample_id(case_id: str, index: int) -> str:
    """The id of sample `index`, from 0, of a case."""
    return f"{case_id}_s{index + 1}"


def guide_of(case_id: str) -> str:
    """The case that guided a sample; an id without such an ending is its own."""
    return _SUFFIX.sub("", case_id)
