"""Items found by any part of their names, page by page, and how soon a change is found."""

from __future__ import annotations

from uuid import UUID

import pytest
from api_calls import call, pool, token  # noqa: F401 - pool is a fixture

from makertasks.errors import InvalidRequest
from makertasks.inventory import names
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item

pytestmark = pytest.mark.usefixtures("inventory_table")

SHELF = ["Safety glasses, clear", "Glasses cloth", "Écrou M3", "Straße sign", "Очки защитные", "眼鏡 ケース", "Glue"]


def store(*found):
    inventory.write(Item(f"item#{UUID(int=number)}", "item", name=name) for number, name in enumerate(found, 1))


def found(text, limit=10):
    return [item.name for item in names.search(text, limit).items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("glasses", ["Glasses cloth", "Safety glasses, clear"]),
        ("GLASS", ["Glasses cloth", "Safety glasses, clear"]),
        ("clear safety", ["Safety glasses, clear"]),
        ("asses", ["Glasses cloth", "Safety glasses, clear"]),
        ("ecrou", ["Écrou M3"]),
        ("écrou ｍ３", ["Écrou M3"]),
        ("STRASSE", ["Straße sign"]),
        ("ЗАЩИТ", ["Очки защитные"]),
        ("鏡", ["眼鏡 ケース"]),
        (str(UUID(int=3))[:8], SHELF),
        (str(UUID(int=3)), ["Écrou M3"]),
        ("nothing", []),
    ],
)
def test_a_part_of_a_name_in_any_case_and_script_finds_its_item(text, expected):
    store(*SHELF)
    assert sorted(found(text)) == sorted(expected)


def test_names_that_begin_with_the_text_come_first_then_words_then_the_rest():
    store("Eyeglasses", "Safety glasses", "Glasses, old", "A glasses case")
    assert found("glasses") == ["Glasses, old", "A glasses case", "Safety glasses", "Eyeglasses"]


def test_pages_hold_each_match_once():
    store(*(f"Box {number:02d} bolts" if number % 2 else f"Bolts {number:02d}" for number in range(11)))
    seen, cursor = [], None
    while True:
        page, cursor, _ = names.search("bolts", 3, cursor)
        seen += [item.name for item in page]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 11
    assert seen == [*sorted(name for name in seen if name[:2] == "Bo" and name[2] == "l"), *seen[6:]]


def test_the_api_finds_a_part_of_a_name_or_its_beginning_and_refuses_both_together(pool):  # noqa: F811
    store(*SHELF)
    bearer = token("viewers")

    status, page, _ = call("GET", "/v1/items", query={"contains": "glasses", "limit": 1}, bearer=bearer)
    assert (status, [item["name"] for item in page["items"]]) == (200, ["Glasses cloth"])
    _, page, _ = call("GET", "/v1/items", query={"contains": "glasses", "cursor": page["cursor"]}, bearer=bearer)
    assert ([item["name"] for item in page["items"]], page["cursor"]) == (["Safety glasses, clear"], None)
    status, problem, _ = call("GET", "/v1/items", query={"contains": "a", "prefix": "b"}, bearer=bearer)

    assert (status, "contains" in problem["detail"]) == (422, True)


def test_a_foreign_cursor_is_refused():
    with pytest.raises(InvalidRequest, match=r"^cursor: not a cursor of this list"):
        names.search("bolt", 2, "x")


def test_new_names_are_found_within_a_minute_and_deleted_items_not_at_all(time_passes):
    store("Hammer", "Hammer drill")
    assert found("hammer") == ["Hammer", "Hammer drill"]

    inventory.write([Item(f"item#{UUID(int=9)}", "item", name="Jackhammer")])
    inventory.get_item(UUID(int=1)).delete()
    assert found("hammer") == ["Hammer drill"]

    time_passes(seconds=61)
    assert found("hammer") == ["Hammer drill", "Jackhammer"]


def test_a_search_reads_the_index_once_a_minute_whatever_is_typed(time_passes, monkeypatch):
    store(*SHELF)
    reads = []
    read = names._read
    monkeypatch.setattr(names, "_read", lambda: reads.append(1) or read())

    for text in ("g", "gl", "gla", "glasses", "clear"):
        found(text)
    assert len(reads) == 1
    time_passes(seconds=61)
    found("glue")

    assert len(reads) == 2
