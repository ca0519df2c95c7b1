"""Fields of forms: from a task's schema, and back from what was typed."""

from __future__ import annotations

import pytest

from api.pages import (
    forms,
)
from makertasks import tasks
from makertasks.errors import InvalidRequest

CARDS = "inventory.tasks.generate_index_cards"


def test_a_form_has_a_field_for_each_argument_and_parses_its_own_values():
    schema = tasks.find(CARDS).schema()
    kwargs = {"item_ids": ["a", "b"], "blank": True, "skip": 2, "stock": "a4-3x8", "used": [1, 3]}
    kwargs |= {"offset_right": 1.5, "offset_down": -2, "test_page": True}
    fields = forms.fields(schema, kwargs)
    assert [(field.name, field.kind, field.required) for field in fields] == [
        ("item_ids", "lines", True), ("blank", "yes-no", False), ("skip", "number", False), ("stock", "choice", False),
        ("used", "json", False), ("offset_right", "number", False), ("offset_down", "number", False),
        ("test_page", "yes-no", False),
    ]  # fmt: skip
    assert fields[0].is_item
    assert (fields[2].minimum, fields[2].maximum) == ("0", "99")
    assert "a4-3x8" in fields[3].choices
    assert forms.read(schema, {field.input_name: field.value for field in fields}) == kwargs


def test_an_empty_optional_field_is_left_out():
    schema = tasks.find(CARDS).schema()
    assert forms.read(schema, {"kwargs.item_ids": "a\r\n\r\n b ", "kwargs.skip": ""}) == {"item_ids": ["a", "b"]}


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"enum": ["a", "b"]}, "choice"),
        ({"type": "object"}, "json"),
        ({"type": "array", "items": {"type": "integer"}}, "json"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "json"),
        ({}, "json"),
    ],
)
def test_a_form_field_matches_its_argument_type(definition, kind):
    assert forms.kind_of(definition)[0] == kind


def test_invalid_numbers_and_json_are_reported_with_their_field():
    schema = {"properties": {"count": {"type": "integer"}, "data": {"type": "object"}}}
    with pytest.raises(InvalidRequest, match=r"kwargs\.count: must be a number, not 'many'"):
        forms.read(schema, {"kwargs.count": "many"})
    with pytest.raises(InvalidRequest, match=r"kwargs\.data: must be JSON"):
        forms.read(schema, {"kwargs.data": "{"})
    assert forms.read(schema, {"kwargs.count": "3", "kwargs.data": '{"a": [1]}'}) == {"count": 3, "data": {"a": [1]}}


def test_differences_name_what_was_changed_added_and_removed():
    found = forms.differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 6})
    assert [(each["argument"], each["before"], each["after"]) for each in found] == [
        ("b", 2, 5), ("c", 3, None), ("d", None, 6),
    ]  # fmt: skip
