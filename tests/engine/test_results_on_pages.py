"""Cards, codes and other results: the print form, and what a task's page shows of them."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from browsing import CARDS, ITEM, Page, browse, everything, pool  # noqa: F401 - fixtures

from makertasks import wire
from makertasks.inventory.table import update_item
from makertasks.records import lifecycle
from makertasks.records import table as records

pytestmark = pytest.mark.usefixtures("everything")


def test_cards_are_printed_on_the_unused_labels_of_a_sheet():
    status, html, _ = browse("POST", "/items", form={"id": ITEM})
    assert (status, html.count('name="used"'), "Safety glasses" in html) == (200, 3, True)
    chosen = {"id": ITEM, "stock": "a4-3x8", "step": "show"}
    status, html, _ = browse("POST", "/items/print", form=chosen)
    assert (status, html.count('name="used"'), 'value="a4-3x8" selected' in html) == (200, 24, True)
    status, html, _ = browse("POST", "/items/print", form=chosen | {"step": "do", "stock": "avery-5388", "used": "7"})
    assert (status, "has 3 labels a sheet" in Page(html).texts["m-used"]) == (422, True)
    status, _, headers = browse("POST", "/items/print", form=chosen | {"step": "do", "used": "24", "blank": "yes"})
    task_id = headers["Location"].removeprefix("/tasks/").partition("?")[0]
    kwargs = records.get(task_id).kwargs
    assert (status, kwargs["item_ids"], kwargs["used"], kwargs["stock"]) == (303, [ITEM], [24], "a4-3x8")
    assert (kwargs["blank"], kwargs["test_page"], kwargs["offset_right"]) == (True, False, 0)
    assert browse("POST", "/items", form={})[0] == 422


def test_a_result_shows_its_pdf_and_warnings_before_its_json():
    result = {"index_card": f"index_cards/card_{ITEM}.pdf", "bytes": 1234, "warnings": ["the name was cut"]}
    record = records.new(wire.Message("card", CARDS, kwargs={"item_ids": [ITEM]}), queue="generate_index_cards")
    claimed = lifecycle.claim(record, "w@1", records.clock.now().timestamp() + 60)
    lifecycle.succeed(claimed, result)
    _, html, headers = browse("GET", "/tasks/card")
    places = [html.index(each) for each in ('type="application/pdf"', "the name was cut", "1,234", 'id="result"')]
    assert places == sorted(places)
    assert '<details class="json" >' in html[: places[-1]]
    policy = headers["Content-Security-Policy"]
    [link] = re.findall(r'<object data="(https://[^/]+)/', html)
    assert f"object-src {link};" in policy


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (
            {"image": "inventory/images/FAS-0310.jpg", "width": 800, "height": 600, "bytes": 35826, "changed": True},
            "image FAS-0310.jpg, 800 × 600, 34 KB",
        ),
        ({"index_card": f"index_cards/card_{ITEM}.pdf", "bytes": 22600, "warnings": []}, "index card (PDF), 22 KB"),
        ({"sheets": ["index_cards/sheets/a.pdf"], "cards": 30, "pages": 1, "warnings": []}, "30 cards, 1 page"),
    ],
)
def test_the_task_list_describes_a_result_in_plain_words(result, text):
    record = records.new(wire.Message("done", CARDS, kwargs={"item_ids": [ITEM]}), queue="generate_index_cards")
    claimed = lifecycle.claim(record, "w@1", records.clock.now().timestamp() + 60)
    lifecycle.succeed(claimed, result)
    assert f"<bdi>{text}</bdi>" in browse("GET", "/tasks")[1]


def test_a_finished_qr_code_and_its_item_link_to_the_printable_svg():
    # given a QR code that a task has created
    key = f"inventory/qrcodes/qr_{ITEM}.png"
    message = wire.Message(str(UUID(int=77)), "inventory.tasks.generate_qr_code", kwargs={"item_id": ITEM})
    record = records.new(message, queue="generate_qr_code", item_id=ITEM)
    claimed = lifecycle.claim(record, "generate_qr_code@1f2e3d4c", records.clock.now().timestamp() + 30)
    lifecycle.succeed(claimed, {"qr_code": key})
    update_item(ITEM, qr_code=key)
    # when somebody opens the task or the item
    for page in (f"/tasks/{message.task_id}", f"/items/{ITEM}"):
        status, html, _ = browse("GET", page)
        # then both link to the file
        assert status == 200
        assert f'href="/v1/items/{ITEM}/qr_code.svg">SVG for print</a>' in html, page
