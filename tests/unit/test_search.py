"""The search language: what matches, and what error messages say."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makertasks import wire
from makertasks.errors import InvalidRequest
from makertasks.monitoring import search
from makertasks.records import table as records

DRILL = "3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11"


@pytest.fixture
def record(environment):
    """A failed download."""
    message = wire.Message(
        task_id=DRILL,
        name="inventory.tasks.download_image_from_url",
        kwargs={"image_url": "https://shop.example/drill"},
    )
    made = records.new(message, queue="download_image_from_url", requested_by="ann")
    made.status, made.worker = "FAILURE", "download_image_from_url@1f2e3d4c"
    made.error_type, made.error_message, made.fingerprint = "Refused", "Connection refused by the shop", "0f3a9c1e77d2"
    made.item_id, made.item_name = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "Safety glasses, clear"
    return made


@pytest.mark.parametrize(
    "query",
    [
        "3f2b1c9e",
        "drill",
        "DRILL",
        "drill refused",
        "drill AND refused",
        '"connection refused"',
        '"https://shop.example"',
        "status:failure",
        "status:FAILURE error:refused",
        "(name:qr OR name:download) by:ann",
        "NOT status:SUCCESS",
        "drill NOT (status:SUCCESS OR status:PENDING)",
        "nothing OR drill",
        f"id:{DRILL}",
        "worker:1f2e3d4c queue:download fingerprint:0f3a",
        'args:"shop.example"',
        '"AND" OR drill',
        "item:94cb6421-7fa1-4dab-802f-ec76eba2bfe7 item:glasses",
    ],
)
def test_a_search_matches(record, query):
    assert search.parse(query).fits(record)


@pytest.mark.parametrize(
    "query",
    [
        "hammer",
        "drill hammer",
        '"refused connection"',
        "status:SUCCESS",
        "NOT drill",
        "id:2b1c9e",
        "result:drill",
        "drill NOT refused",
        "args:refused",
        # AND binds stronger than OR
        "hammer AND drill OR hammer AND refused",
    ],
)
def test_a_search_does_not_match(record, query):
    assert not search.parse(query).fits(record)


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ("colour:red", "column 1: there is no field 'colour'; the fields are id, name, status"),
        ("drill  https://x", "column 8: there is no field 'https'"),
        ("status:BROKEN", "column 8: 'BROKEN' is not a status; the statuses are PENDING, STARTED"),
        ('drill "open', "column 7: the quotation mark is not closed"),
        ("(drill", "column 1: the parenthesis is not closed"),
        ("drill)", "column 6: this parenthesis closes nothing"),
        ("drill AND", "column 10: expected a word, quoted text or a field, but the search ends here"),
        ("OR drill", "column 1: expected a word, quoted text or a field, not 'OR'"),
        ("name:", "column 6: expected a value for name"),
        ("name:(a)", "column 6: expected a value for name"),
        (":x", "column 1: a colon needs a field before it"),
        ("", "column 1: expected a word, quoted text or a field"),
        ("(" * 11 + "a" + ")" * 11, "column 11: parentheses are nested deeper than 10"),
        ("a " * 31, "has more than 30 terms"),
        ("a" * 501, "is longer than 500 characters"),
    ],
)
def test_a_syntax_error_in_a_search_is_reported_with_its_column(query, mistake):
    with pytest.raises(InvalidRequest) as caught:
        search.parse(query)
    assert caught.value.field == "q"
    assert caught.value.reason.startswith(mistake)


@given(st.text(alphabet='abc :"()\\ANDORT\t-', max_size=40))
def test_any_input_is_an_expression_or_a_reported_error(query):
    with suppress(InvalidRequest):
        search.parse(query)


def test_required_terms_are_those_joined_by_and():
    found = search.parse("status:FAILURE (name:a OR name:b) NOT by:ann drill")
    assert [(term.field, term.text) for term in search.required(found)] == [("status", "failure"), ("", "drill")]
    assert search.exact_id(search.parse(f"id:{DRILL} drill")) == DRILL
    assert search.exact_id(search.parse(f"id:{DRILL} OR drill")) is None
