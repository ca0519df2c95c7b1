"""Forms for tasks' arguments: makes fields from a JSON schema, and arguments from a submitted form. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.pages.form_errors import ARGUMENTS
from makertasks.errors import InvalidRequest


@dataclass(frozen=True)
class Field:
    """One argument; `kind` is text, lines, number, yes-no, choice or json, `value` the field's content."""

    name: str
    kind: str
    required: bool
    value: str
    description: str = ""
    choices: tuple[str, ...] = ()
    step: str = ""
    minimum: str = ""
    maximum: str = ""
    is_item: bool = False
    names: Mapping[str, str] = field(default_factory=dict)  # names of the form's items by id
    mistake: str = ""

    @property
    def input_name(self) -> str:
        """The field's name in the form."""
        return f"{ARGUMENTS}{self.name}"


def fields(
    schema: Mapping[str, Any], values: Mapping[str, Any] | None = None, mistakes: Mapping[str, str] | None = None
) -> list[Field]:
    """Return a schema's fields, filled with `values` or else with defaults; `mistakes` are reasons by input name."""
    required = set(schema.get("required", []))
    found = []
    for name, definition in schema.get("properties", {}).items():
        kind, rest = kind_of(definition)
        value = (values or {}).get(name, definition.get("default"))
        found.append(
            Field(
                name=name,
                kind=kind,
                required=name in required,
                value=shown(value, kind),
                description=str(definition.get("description", "")),
                choices=tuple(str(each) for each in rest.get("enum", ())),
                step="1" if rest.get("type") == "integer" else "any",
                minimum=str(rest.get("minimum", "")),
                maximum=str(rest.get("maximum", "")),
                is_item=is_item(definition) or is_item(definition.get("items", {})),
                mistake=(mistakes or {}).get(f"{ARGUMENTS}{name}", ""),
            )
        )
    return found


def is_item(definition: Mapping[str, Any]) -> bool:
    """Return whether a definition is that of an inventory item's id (`makertasks.tasks.ItemId`)."""
    return definition.get("format") == "uuid" and str(definition.get("description", "")).endswith("inventory item")


def kind_of(definition: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the kind of field for a definition, and the definition without null."""
    options = [each for each in definition.get("anyOf", [definition]) if each.get("type") != "null"]
    if len(options) != 1:
        return "json", definition
    [option] = options
    if "enum" in option:
        return "choice", option
    if option.get("type") == "array" and option.get("items", {}).get("type") == "string":
        return "lines", option
    kinds = {"string": "text", "integer": "number", "number": "number", "boolean": "yes-no"}
    return kinds.get(str(option.get("type")), "json"), option


def shown(value: Any, kind: str) -> str:
    """Return a value as its field shows it."""
    if value is None:
        return ""
    if kind == "yes-no":
        return "true" if value else "false"
    if kind == "lines" and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    if kind in {"json", "lines"}:
        return json.dumps(value, ensure_ascii=False, indent=1)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read(schema: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a submitted form's arguments, without empty optional fields.

    Raises InvalidRequest for text that is not a number or not JSON. The task checks its arguments itself.
    """
    found = {}
    required = set(schema.get("required", []))
    for name, definition in schema.get("properties", {}).items():
        text = sent.get(f"{ARGUMENTS}{name}", "")
        text = str(text[-1] if isinstance(text, list) else text).replace("\r\n", "\n")
        if not text.strip():
            if name in required:
                raise InvalidRequest(f"kwargs.{name}", "is required; fill it in")
            continue
        found[name] = _value(name, kind_of(definition)[0], text)
    return found


def _value(name: str, kind: str, text: str) -> Any:
    if kind in {"text", "choice"}:
        return text
    if kind == "yes-no" and text in {"true", "false"}:
        return text == "true"
    if kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        wanted = {"number": "a number", "yes-no": "yes or no"}.get(kind, "JSON")
        raise InvalidRequest(f"kwargs.{name}", f"must be {wanted}, not {text[:80]!r}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def without_prefix(reason: str) -> str:
    """Return why a task cannot be retried, without the prefix that its arguments' fields have in forms.

    >>> without_prefix("kwargs.item_id: invalid UUID")
    'item_id: invalid UUID'
    """
    return reason.removeprefix(ARGUMENTS)


def sent_arguments(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a submitted form's argument fields by argument."""
    return {name.removeprefix(ARGUMENTS): value for name, value in sent.items() if name.startswith(ARGUMENTS)}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the differences between two sets of arguments."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        {"argument": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]
