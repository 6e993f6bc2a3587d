"""What pydantic finds wrong in a configuration, in sentences like all others: the key, expected ..., found ..."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from echodiff.config.base import Section
from echodiff.config.root import Config

KEY = "[key]"  # ends pydantic's path where the key itself is wrong, not what it stands for
OWN = "Value error, "  # begins pydantic's message where a validator of this package wrote the rest
# pydantic's type of error -> what was expected, with the values that it gives.
EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "keys and values"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    "finite_number": "a finite number",
    "string_type": "a text",
    "path_type": "a path",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_short": "a text of {min_length} characters or more",
    "string_too_long": "a text of {max_length} characters at most",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} at most",
    "multiple_of": "a multiple of {multiple_of}",
    "too_short": "{min_length} or more entries",
    "too_long": "{max_length} entries at most",
    "literal_error": "{expected}",
    "union_tag_invalid": "one of {expected_tags}",
}


def fault(detail: Mapping[str, Any]) -> str:
    """One of pydantic's errors as a sentence that begins with the key's path; without one where it has none."""
    path = ".".join(str(part) for part in _location(detail))
    if detail["type"] == "extra_forbidden":
        return f"unknown key '{path}' (config/README.md lists the keys)"
    if detail["type"] in ("missing", "union_tag_not_found"):
        return f"'{path}' is missing"
    return (f"'{path}': " if path else "") + _expected(detail) + _found(detail)


def _location(detail: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Path of the key: the one that holds a wrong key, or the one by which pydantic chooses between kinds."""
    if detail["loc"][-1:] == (KEY,):
        return _keys(detail["loc"][:-2])
    keys = _keys(part for part in detail["loc"] if "[" not in str(part))  # but for kinds of values, as `literal[...]`
    chooses = detail.get("ctx", {}).get("discriminator")
    return (*keys, chooses.strip("'")) if chooses else keys


def _keys(path: Iterable[str | int]) -> tuple[str | int, ...]:
    """A path's keys as a file has them: where a key chooses between kinds, pydantic puts in the kind that it took."""
    keys, kind = [], Config
    for part in path:
        sections = _sections(kind)
        kinds = {name: section for section in sections for name in _names(section)} if len(sections) > 1 else {}
        if part in kinds:
            kind = kinds[part]
            continue
        keys.append(part)
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            kind = next((one.model_fields[part].annotation for one in sections if part in one.model_fields), None)
    return tuple(keys)


def _sections(kind: Any) -> list[type[Section]]:
    """The sections that a value of this type may be."""
    if get_origin(kind) in (dict, list, tuple):
        return []
    if isinstance(kind, type):
        return [kind] if issubclass(kind, Section) else []
    return [section for inner in get_args(kind) for section in _sections(inner)]


def _names(section: type[Section]) -> list[str]:
    """What the section is chosen by: the one value of its `format` or `name`."""
    choices = [get_args(f.annotation) for f in section.model_fields.values() if get_origin(f.annotation) is Literal]
    return [values[0] for values in choices if len(values) == 1]


def _expected(detail: Mapping[str, Any]) -> str:
    if detail["type"] not in EXPECTED:
        return detail["msg"].removeprefix(OWN).replace("Input should be ", "expected ", 1)
    values = {key: f"{value:g}" if isinstance(value, float) else value for key, value in detail.get("ctx", {}).items()}
    return f"expected {EXPECTED[detail['type']].format(**values)}" + (
        " as a key" if detail["loc"][-1:] == (KEY,) else ""
    )


def _found(detail: Mapping[str, Any]) -> str:
    """What stands there; nothing of a whole section, of which a validator says itself what it found."""
    found = detail["input"]
    if detail["type"] == "value_error" and isinstance(found, (dict, list)):
        return ""
    given = detail.get("ctx", {})
    return f", found {_told(given.get('tag', given.get('actual_length', found)))}"


def _told(value: Any) -> str:
    kinds = {dict: "keys and values", list: "a list", type(None): "nothing", bool: str(value).lower()}
    return kinds.get(type(value), repr(value))
