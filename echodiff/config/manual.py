"""The manual's tables of keys, made from the configuration's own model so that they cannot disagree."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from echodiff.config.root import Config

BEGIN = "<!-- made by `echodiff config manual`: begin -->"
END = "<!-- made by `echodiff config manual`: end -->"


def manual() -> str:
    """Markdown: a table a section, with each key's type, default and meaning."""
    schema = Config.model_json_schema()
    sections = {"Config": schema, **schema["$defs"]}
    return "\n".join(_section(name, sections) for name in _order(sections))


def in_readme(text: str) -> str:
    """A README with the tables between its two marks replaced by those of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{manual()}\n{END}{after}"


def _order(sections: Mapping[str, Any]) -> Iterator[str]:
    """Names of the sections from the outside in, each once."""
    waiting, seen = ["Config"], set()
    while waiting:
        name = waiting.pop(0)
        if name not in seen:
            seen.add(name)
            yield name
            waiting += [reference for reference in _references(sections[name])]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[-1]
        for key, value in node.items():
            # Where pydantic chooses between sections by a key, it lists them a second time.
            chooses = key == "discriminator" and "propertyName" in value
            if key != "$defs" and not chooses:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _section(name: str, sections: Mapping[str, Any]) -> str:
    schema = sections[name]
    required = schema.get("required", [])
    lines = [f"### `{name}`", "", " ".join(schema.get("description", "").split()), ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in schema.get("properties", {}).items():
        default = "required" if key in required else _value(field.get("default", {}))
        meaning = " ".join(field.get("description", "").split())
        if "$ref" in field and not meaning:
            meaning = " ".join(sections[field["$ref"].rsplit("/", 1)[-1]].get("description", "").split())
        lines.append(f"| `{key}` | {_kind(field)} | {default} | {meaning} |")
    return "\n".join([*lines, ""])


def _value(default: Any) -> str:
    """A default as one writes it in YAML; a section's own defaults stand in its own table."""
    if isinstance(default, Mapping) and default:
        return "below"
    return f"`{json.dumps(default)}`"


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return f"`{field['$ref'].rsplit('/', 1)[-1]}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in field:
            return " or ".join(_kind(option) for option in field[key])
    if field.get("type") == "object":
        values = field.get("additionalProperties")
        return f"name: {_kind(values)}" if isinstance(values, Mapping) else "mapping"
    if field.get("type") == "array":
        items = field.get("items", {})
        return f"list of {_kind(items)}" if items else "list"
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    text = " ".join(f"{word} {field[key]}" for key, word in limits.items() if key in field)
    return f"{field.get('type', 'any')} {text}".strip()
