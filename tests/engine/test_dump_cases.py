"""Real-world dumps: an odd value rejects only its own object, with line and reason."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from dump_samples import ITEM, a_makerspace, change, obj
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from import_dump.handler import import_dump
from makertasks import clock
from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from makertasks.inventory.openmakersuite import dumps, fields, values
from makertasks.inventory.openmakersuite.parsing import Refused, parse
from makertasks.inventory.table import Item
from makertasks.media.cards.colours import DEFAULT
from makertasks.media.cards.content import card_of
from makertasks.media.cards.sheet import pdf_of
from update_average_lead_times import passes
from update_average_lead_times.handler import update_average_lead_times

CASES = Path(__file__).parents[1] / "data" / "dumps"
KEY = "imports/dump.json"


@pytest.fixture
def bring_in(inventory_table, media_bucket):
    """Put a dump under imports/ and run its task."""

    def run(content: list | bytes | str) -> dict:
        if isinstance(content, str):
            body = (CASES / content).read_bytes()
        else:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
        bucket.put(KEY, body, "application/json")
        return import_dump.call({"key": KEY})

    return run


def reasons(report: dict) -> list[str]:
    return [each["reason"] for each in report["refusals"]]


@pytest.mark.parametrize(
    ("name", "created", "reason"),
    [
        ("12_lone_surrogate.json", 5, "name: contains an unpaired surrogate; correct the text"),
        (
            "12b_surrogate_description.json",
            5,
            "description: contains an unpaired surrogate; correct the text",
        ),
        ("13b_41_digits.json", 5, "reorder_quantity: expected `int` <= 2147483647"),
        (
            "31b_order_year1_offset.json",
            6,
            "ordered_at: '0001-01-01T00:00:00+10:00' is not a time such as 2026-11-25T18:00:00Z",
        ),
        (
            "31c_order_lower_z.json",
            6,
            "ordered_at: '2026-11-10T09:00:00z' is not a time such as 2026-11-25T18:00:00Z",
        ),
        ("35a_name_spaces.json", 5, "name: blank; give the object a name"),
        ("35c_name_nbsp.json", 5, "name: blank; give the object a name"),
        ("09_missing_category.json", 5, "category 99 is neither in the dump nor in the inventory"),
    ],
)  # fmt: skip
def test_one_invalid_object_is_rejected_with_line_and_reason_and_the_others_are_imported(
    bring_in, name, created, reason
):
    report = bring_in(name)

    assert (report["created"], report["refused"]) == (created, 1)
    assert [(each["line"], each["reason"]) for each in report["refusals"]] == [(1, reason)]


def test_a_blank_name_in_a_large_dump_rejects_only_that_item(bring_in):
    report = bring_in("blank-name.json")

    assert (report["created"], report["refused"]) == (134, 1)
    assert reasons(report) == ["name: blank; give the object a name"]


def test_a_dump_with_only_invalid_values_names_each_by_its_line(bring_in):
    objects = json.loads((CASES / "bad-values.json").read_bytes())

    report = bring_in("bad-values.json")

    assert report["refused"] + report["created"] + sum(report["not_kept"].values()) == len(objects)
    assert len({each["line"] for each in report["refusals"]}) == report["refused"]
    json.dumps(report).encode()  # the result can be stored
    said = "\n".join(reasons(report))
    for part in (
        "'NaN' is not an amount",
        "'Infinity' is not an amount",
        "'abc' is not an amount",
        "characters; a primary key has at",
    ):
        assert part in said


def test_an_unknown_cost_does_not_stop_lead_times(bring_in):
    report = bring_in("16_nan_cost.json")
    assert reasons(report) == ["unit_cost: 'NaN' is not an amount from 0 to 1000000000000"]

    result = update_average_lead_times.call({})

    assert result["links"] == {"looked_at": 2, "changed": result["links"]["changed"], "unchanged": 0}


def test_times_in_any_format_are_accepted_or_rejected_and_newer_data_is_always_imported(bring_in):
    report = bring_in("18_dates.json")
    assert report["refused"] == len(report["refusals"]) > 0
    assert all("updated_at: " in reason for reason in reasons(report))

    renamed = bring_in("18b_newer_good.json")

    assert renamed["refused"] == 0
    assert inventory.get_item("00000000-0000-4000-8000-000000000131").name == "renamed"


def test_an_unreadable_time_stored_by_an_earlier_version_blocks_no_update(bring_in):
    bring_in(a_makerspace())
    inventory.update_item(ITEM, updated_at="2026-11-22t07:49:32z")

    bring_in(change(a_makerspace(), "inventory.inventoryitem", name="Renamed", updated_at="2026-11-01T00:00:00Z"))

    assert inventory.get_item(ITEM).name == "Renamed"


def test_an_order_of_the_year_1_is_imported_and_reported_as_left_out_of_the_average(bring_in):
    assert bring_in("31a_order_year1.json")["refused"] == 0

    history = passes.read(date(2026, 11, 23))

    assert [(each["delivery"], each["days"]) for each in history.too_long] == [("request#15801", 739_941)]


def test_a_gzipped_dump_is_read(bring_in):
    assert bring_in(gzip.compress(json.dumps(a_makerspace()).encode()))["created"] == 13
    assert bring_in("03_gz.json")["refused"] == 0


def test_a_gzip_file_of_two_members_is_read_whole():
    text = json.dumps(a_makerspace()).encode()
    packed = gzip.compress(text[:500]) + gzip.compress(text[500:])

    assert [each.value for each in dumps.read(io.BytesIO(packed))] == a_makerspace()


def test_a_decompression_bomb_stops_at_the_limit(monkeypatch):
    monkeypatch.setattr(dumps, "MAXIMUM_UNPACKED_BYTES", 1 << 20)
    bomb = gzip.compress(b"[" + b"{},\n" * (1 << 20) + b"{}]")

    with pytest.raises(dumps.BrokenDump, match="unpacked, the file has more than 1048576 bytes"):
        sum(1 for _ in dumps.read(io.BytesIO(bomb)))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1" * 5_000, "1e999"])
def test_a_value_that_json_lacks_rejects_only_its_own_object(bring_in, constant):
    text = json.dumps(change(a_makerspace(), "inventory.inventoryitem", current_stock=123454321))

    report = bring_in(text.replace("123454321", constant).encode())

    assert report["created"] == 7  # refer to no item: category, location, two suppliers, an order and its parts
    assert reasons(report)[0].startswith("current_stock: expected `int`, got `float`")


def test_a_rejected_category_is_the_reason_for_rejecting_its_items_and_their_objects(bring_in):
    lines = [json.dumps(each) for each in change(a_makerspace(), "inventory.category", name=" ")]

    report = bring_in(("[\n" + ",\n".join(lines) + "\n]").encode())

    by_line = {each["line"]: each["reason"] for each in report["refusals"]}
    assert by_line[2] == "name: blank; give the object a name"
    assert by_line[6] == "category 1 was refused (line 2: name: blank; give the object a name)"
    link = f"item {ITEM} was refused (line 6: category 1 was refused (line 2: name: blank; give the object a name))"
    assert by_line[7] == link
    assert Counter(each["model"] for each in report["refusals"])["inventory.itemsupplier"] == 2


def test_links_of_a_stored_item_are_imported_although_its_newer_state_is_rejected(bring_in):
    bring_in(a_makerspace())

    report = bring_in(change(a_makerspace(), "inventory.inventoryitem", category=77))

    assert reasons(report) == ["category 77 is neither in the dump nor in the inventory"]
    assert report["unchanged"] == 12


@pytest.mark.parametrize("letters", [3_000, 201])
def test_an_idempotency_key_longer_than_a_dynamodb_key_is_refused(bring_in, letters):
    report = bring_in([*a_makerspace(), obj("inventory.supplier", "k" * letters, name="x")])

    assert (report["created"], reasons(report)) == (
        13,
        [f"pk: {letters} characters; a primary key has at most 200"],
    )


def test_an_item_that_dynamodb_cannot_store_is_rejected_alone_and_permanently(bring_in, monkeypatch):
    """A value that no check rejects: here a blank name, whose index key DynamoDB refuses."""
    monkeypatch.setitem(values._CHECKS, values.Name, str)
    blank = obj("inventory.inventoryitem", str(UUID(int=8)), name=" ")
    others = [obj("inventory.inventoryitem", str(UUID(int=number)), name="x") for number in range(100, 220)]

    report = bring_in([*a_makerspace(), *others[:60], blank, *others[60:]])

    assert (report["created"], report["refused"]) == (133, 1)
    assert reasons(report)[0].startswith("the inventory table refused the entries: ")


def test_a_transaction_that_dynamodb_cannot_store_is_a_permanent_error(inventory_table):
    nameless = Item(f"item#{ITEM}", "item", name="x")
    nameless.sort_name = ""

    with pytest.raises(inventory.Unstorable, match=r"refused the entries: .*empty string"):
        inventory.transact([nameless], [])


TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from(sorted(fields.FIELDS)),
    number=st.one_of(st.integers(), TEXTS, st.none(), st.floats()),
    data=st.data(),
)
def test_any_field_value_is_either_rejected_or_usable(model, number, data):
    """Every accepted time can be compared, every text encoded as UTF-8, every number stored in 38 digits."""
    kinds = st.one_of(
        TEXTS,
        st.integers(),
        st.floats(),
        st.none(),
        st.booleans(),
        st.datetimes().map(str),
        st.sampled_from([ITEM, "2026-11-22", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "1e99", "-1"]),
    )
    names = fields.FIELDS[model].__struct_fields__
    drawn = {name: data.draw(kinds, label=name) for name in names}

    try:
        parsed = parse({"model": model, "pk": number, "fields": drawn})
    except Refused as refused:
        values.printable(str(refused)).encode()
        return

    for name in names:
        value = getattr(parsed.fields, name)
        if isinstance(value, str):
            value.encode()
        if isinstance(value, int):
            assert abs(value) < 10**38
        if value and name.endswith(("_at", "_date")) and isinstance(value, str):
            clock.text(clock.parse(value))


def test_invalid_category_colours_are_replaced_on_cards(bring_in):
    report = bring_in("28_null_color.json")

    cards = {item.category["name"]: card_of(item, [], "https://example.com") for item in inventory.list_items(50).items}
    assert report["refused"] == 0
    assert cards["Short"].colour == (0xAA, 0xBB, 0xCC)
    assert cards["NoColor"].warnings == ()
    for name in ("NoColor", "RedWord", "Bad", "RGBA", "RgbFn"):
        assert cards[name].colour == DEFAULT
    for name in ("RedWord", "Bad", "RGBA", "RgbFn"):
        assert "the default colour stands in" in cards[name].warnings[0]


def test_right_to_left_names_are_unchanged_on_their_cards(bring_in):
    report = bring_in("41_rtl_marks_brackets.json")

    items = inventory.list_items(50).items
    assert (report["refused"], len(items)) == (0, 6)
    for item in items:
        made = card_of(item, [], "https://example.com")
        assert (made.name, made.unwritable) == (item.name, "")
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf_of([made], made.name))).pages)
        assert letters(item.name) <= letters(text)


def letters(text: str) -> Counter:
    return Counter(letter for letter in text if not letter.isspace())
