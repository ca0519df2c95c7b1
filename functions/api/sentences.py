"""Turns msgspec's validation errors into sentences: the field, what it must be, and an example instead of a pattern.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from makertasks.errors import InvalidRequest

TYPES = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "an object", "uuid": "a UUID", "null": "null", "datetime": "a time",
}  # fmt: skip
BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}


def invalid(message: str, name: str, kind: Any) -> InvalidRequest:
    """Return msgspec's error about a value of `kind` as an InvalidRequest of its field, or of `name` if it has none."""
    reason, _, path = message.partition(" - at `$")
    where = path.rstrip("`").lstrip(".")
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", reason, re.DOTALL):
        known = ", ".join(_definition(kind, where).get("properties", {}))
        return InvalidRequest(
            _joined(where, found[1]), f"is unknown{f'; the known fields are {known}' if known else ''}"
        )
    if found := re.fullmatch(r"Object missing required field `(.*)`", reason, re.DOTALL):
        return InvalidRequest(_joined(where, found[1]), "is missing")
    return InvalidRequest(where or name, _reason(reason, _definition(kind, where)))


def _joined(where: str, field: str) -> str:
    return ".".join(part for part in (where, field[:100]) if part)


def _reason(reason: str, definition: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one kind of message each
    """Return why a value is invalid: what it must be, such as "must be at most 100"."""
    if "enum" in definition:
        return f"must be one of {', '.join(map(str, definition['enum']))}{_not(reason)}"
    if "matching regex" in reason:
        return _by_example(definition)
    if found := re.fullmatch(r"Expected `(?:int|float|decimal)` ([<>]=?) (\S+)", reason):
        return f"must be {BOUNDS[found[1]]} {found[2]}"
    if found := re.fullmatch(r"Expected `(str|array|object|bytes)` of length ([<>]=?) ([0-9]+)", reason):
        return _length(found[1], found[2], found[3])
    if found := re.fullmatch(r"Expected `(.*)`, got `(.*)`", reason):
        return f"must be {_types(found[1])}, not {_types(found[2])}"
    if reason.startswith("Invalid UUID"):
        return "must be a UUID such as 94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
    return f"{reason[0].lower()}{reason[1:]}"


def _length(kind: str, sign: str, count: str) -> str:
    unit = "characters" if kind == "str" else "entries"
    return "must not be empty" if (sign, count) == (">=", "1") else f"must have {BOUNDS[sign]} {count} {unit}"


def _by_example(definition: Mapping[str, Any]) -> str:
    if title := definition.get("title"):
        return f"must be {title}"
    if examples := definition.get("examples"):
        return f"must look like {' or '.join(map(str, examples))}"
    return f"must be valid{f': {said}' if (said := definition.get('description')) else ''}"


def _not(reason: str) -> str:
    found = re.fullmatch(r"Invalid enum value (.*)", reason, re.DOTALL)
    return f", not {found[1][:100]}" if found else ""


def _types(names: str) -> str:
    """Return the names of types as words.

    >>> _types("int | null")
    'a whole number or null'
    """
    return " or ".join(TYPES.get(name, name) for name in names.split(" | "))


def _definition(kind: Any, path: str) -> Mapping[str, Any]:
    """Return the JSON schema of the part of `kind` at a path such as `where.status` or `tasks[0].name`."""
    schema = msgspec.json.schema(kind)
    found = _resolved(schema, schema)
    for part in re.findall(r"\[[^\]]*\]|[^.\[\]]+", path):
        if part.startswith("["):
            found = found.get("items") or found.get("additionalProperties") or {}
        else:
            found = found.get("properties", {}).get(part, {})
        found = _resolved(found if isinstance(found, dict) else {}, schema)
    return found


def _resolved(definition: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Resolve a definition's references; of alternatives, return the first that is not null."""
    alternatives = [each for each in definition.get("anyOf", []) if each != {"type": "null"}]
    if alternatives:
        outer = {name: value for name, value in definition.items() if name != "anyOf"}
        return {**_resolved(alternatives[0], schema), **outer}
    if reference := definition.get("$ref"):
        target = schema.get("$defs", {}).get(reference.rpartition("/")[2], {})
        return {**_resolved(target, schema), **{k: v for k, v in definition.items() if k != "$ref"}}
    return definition
