"""The tasks that store index cards: what they read, write, change and warn about."""

from __future__ import annotations

import io
import time
from typing import get_args
from uuid import UUID

import pypdf
import pytest

from generate_index_card.handler import generate_index_card
from generate_index_cards.handler import StockName, generate_index_cards
from generate_index_cards.sheets import CLOSING_SECONDS
from makertasks.aws import bucket
from makertasks.context import Context, Continue, running
from makertasks.errors import InvalidArguments, NotFound, PermanentError, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item, ItemSupplier
from makertasks.media.cards.stock import STOCKS
from tests.unit.card_samples import picture, render, scan

STRANGER = str(UUID(int=999))


def id_of(number: int) -> str:
    return str(UUID(int=number))


def write_item(number: int = 1, name: str = "Kapton tape", **attributes) -> str:
    item = Item(f"item#{id_of(number)}", "item", name=name, sort_name=name.lower(), minimum_stock=8, **attributes)
    link = ItemSupplier(
        item.owner, "supplier#1", supplier_id="1", average_lead_time=5, is_primary=True, supplier_sku="5413"
    )
    inventory.write([item, link])
    return id_of(number)


@pytest.fixture(autouse=True)
def makerspace(inventory_table, media_bucket, monkeypatch):
    monkeypatch.setenv("FRONTEND_URL", "https://makerspace.example.org/")


def pages_of(key: str) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(bucket.get(key).body)).pages]


def test_a_card_is_stored_linked_to_its_item_and_scannable():
    item_id = write_item(
        category={"name": "Tape", "color": "#fef08a"},
        thumbnail="CACHE/1.webp",
        current_stock=7,
        location="Shelf 3",
        sku="K-1",
    )
    bucket.put("CACHE/1.webp", picture(), "image/webp")

    result = generate_index_card.call({"item_id": item_id})

    key = f"index_cards/card_{item_id}.pdf"
    stored = bucket.get(key)
    assert result == {"index_card": key, "bytes": len(stored.body), "warnings": []}
    assert stored.content_type == "application/pdf"
    assert inventory.get_item(item_id).index_card == key
    assert inventory.get_item(item_id).current_stock == 7
    (text,) = pages_of(key)
    assert all(line in text for line in ("Kapton tape", "8 units", "5 days", "Tape", "Shelf 3", "K-1", "5413"))
    assert b"/DCTDecode" in stored.body
    assert scan(render(stored.body)) == [f"https://makerspace.example.org/scan/{item_id}"]


def test_drawing_it_again_stores_the_same_bytes():
    item_id = write_item()
    first = generate_index_card.call({"item_id": item_id})
    before = bucket.get(first["index_card"]).body
    assert generate_index_card.call({"item_id": item_id}) == first
    assert bucket.get(first["index_card"]).body == before


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, "the bucket has no object inventory/images/1.jpg"),
        (b"<html>404</html>", "inventory/images/1.jpg cannot be decoded as JPEG, PNG, WEBP"),
        (picture(kind="JPEG")[:500], "inventory/images/1.jpg cannot be decoded as JPEG, PNG, WEBP"),
    ],
)
def test_an_image_that_is_missing_or_broken_leaves_a_clean_card_and_a_warning(stored, reason):
    item_id = write_item(image="inventory/images/1.jpg")
    if stored is not None:
        bucket.put("inventory/images/1.jpg", stored, "image/jpeg")

    result = generate_index_card.call({"item_id": item_id})

    (warning,) = result["warnings"]
    assert warning.startswith(f"not on the card: {reason}")
    body = bucket.get(result["index_card"]).body
    assert b"/Subtype /Image" not in body
    assert len(scan(render(body))) == 1


def test_a_broken_thumbnail_is_replaced_by_the_image_itself():
    item_id = write_item(image="inventory/images/1.jpg", thumbnail="CACHE/1.webp")
    bucket.put("CACHE/1.webp", b"RIFF", "image/webp")
    bucket.put("inventory/images/1.jpg", picture(kind="JPEG"), "image/jpeg")
    result = generate_index_card.call({"item_id": item_id})
    assert len(result["warnings"]) == 1
    assert b"/DCTDecode" in bucket.get(result["index_card"]).body


def test_a_blank_card_has_its_own_key_and_does_not_change_the_item():
    item_id = write_item()
    result = generate_index_card.call({"item_id": item_id, "blank": True})
    assert result["index_card"] == f"index_cards/card_{item_id}_blank.pdf"
    assert pages_of(result["index_card"])[0].strip() == ""
    assert inventory.get_item(item_id).index_card is None


def test_a_card_of_an_unknown_item_fails_and_stores_nothing():
    with pytest.raises(UnknownItem, match=STRANGER):
        generate_index_card.call({"item_id": STRANGER})
    with pytest.raises(NotFound):
        bucket.get(f"index_cards/card_{STRANGER}.pdf")


def test_sheets_have_three_cards_a_page_and_report_their_progress():
    item_ids = [write_item(number, f"Item number {number}") for number in range(1, 8)]
    progress: list[tuple[int, int]] = []

    with running(Context("job", report=lambda done, total: progress.append((done, total)))):
        result = generate_index_cards.call({"item_ids": item_ids, "skip": 1})

    key = "index_cards/sheets/job.pdf"
    assert result == {"sheets": [key], "cards": 7, "pages": 3, "warnings": [], "more_warnings": 0}
    assert progress == [(done, 7) for done in range(8)]
    texts = pages_of(key)
    assert [[number for number in range(1, 8) if f"Item number {number}" in text] for text in texts] == [
        [1, 2],
        [3, 4, 5],
        [6, 7],
    ]
    scanned = [url for page in range(3) for url in scan(render(bucket.get(key).body, page))]
    assert scanned == [f"https://makerspace.example.org/scan/{item_id}" for item_id in item_ids]
    assert inventory.get_item(item_ids[0]).index_card is None


@pytest.mark.parametrize("name", sorted(STOCKS))
@pytest.mark.parametrize("blank", [False, True])
def test_every_label_stock_skips_used_slots_and_holds_scannable_codes(name, blank):
    # given items with long facts, and a sheet of which some labels are used
    stock = STOCKS[name]
    item_ids = [
        write_item(
            number, f"Item number {number}", is_hazardous=True, nfpa_special_hazards="W OX SA", location="Shelf 3"
        )
        for number in range(1, 4)
    ]
    used = [1, 3] if stock.slots > 3 else []

    # when their cards are made
    with running(Context("job")):
        result = generate_index_cards.call({"item_ids": item_ids, "stock": name, "used": used, "blank": blank})

    # then each card's code is scannable, used labels stay white, and the facts are printed
    body = bucket.get(result["sheets"][0]).body
    reader = pypdf.PdfReader(io.BytesIO(body))
    width, height = (float(side) for side in reader.pages[0].mediabox[2:])
    assert (width, height) == pytest.approx(stock.page, abs=0.01)
    assert result["pages"] == len(reader.pages)
    scanned = [url for page in range(len(reader.pages)) for url in scan(render(body, page, 200))]
    assert sorted(scanned) == [f"https://makerspace.example.org/scan/{item_id}" for item_id in item_ids]
    if used:
        picture_of = render(body, 0, 72)
        free = [slot for slot in range(1, stock.slots + 1) if slot not in used][:3]
        for slot, (left, bottom) in enumerate(stock.corners(), start=1):
            top = stock.page[1] - bottom - stock.height
            label = picture_of.crop((left + 1, top + 1, left + stock.width - 1, top + stock.height - 1)).convert("L")
            assert (min(label.tobytes()) < 128) == (slot in free)
    if not blank:
        text = " ".join("".join(page.extract_text() for page in reader.pages).split())
        assert all(word in text for word in ("OX", "SA", "Shelf 3"))


def test_every_label_stock_can_be_chosen_and_fits_its_page():
    assert set(get_args(get_args(StockName)[0])) == set(STOCKS)
    for stock in STOCKS.values():
        corners = list(stock.corners())
        assert min(left for left, _ in corners) >= 0
        assert max(left for left, _ in corners) + stock.width <= stock.page[0] + 0.1
        assert min(bottom for _, bottom in corners) >= -0.1
        assert max(bottom for _, bottom in corners) + stock.height <= stock.page[1] + 0.1


def test_a_url_too_long_for_a_small_label_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setenv("FRONTEND_URL", "https://makerspace.example.org/" + "long/" * 40)
    with running(Context("job")), pytest.raises(PermanentError, match="choose larger labels"):
        generate_index_cards.call({"item_ids": [write_item()], "stock": "dymo-89x28"})


def test_an_offset_moves_every_card_and_a_test_page_shows_the_slots():
    item_ids = [write_item()]
    drawn = []
    for offsets in ({}, {"offset_right": 18, "offset_down": 9.0, "test_page": True}):
        with running(Context("job")):
            result = generate_index_cards.call({"item_ids": item_ids, **offsets})
        drawn.append(bucket.get(result["sheets"][0]).body)
    assert result["pages"] == 2
    assert "Slot 3" in pypdf.PdfReader(io.BytesIO(drawn[1])).pages[0].extract_text()
    first, moved = render(drawn[0], 0, 72).convert("L"), render(drawn[1], 1, 72).convert("L")
    dark = [each.point(lambda value: 255 if value < 128 else 0).getbbox() for each in (first, moved)]
    assert [two - one for one, two in zip(*dark, strict=True)] == [18, 9, 18, 9]


def test_blank_sheets_contain_only_qr_codes():
    item_ids = [write_item(number) for number in (1, 2)]
    with running(Context("job")):
        result = generate_index_cards.call({"item_ids": item_ids, "blank": True})
    assert pages_of(result["sheets"][0])[0].strip() == ""
    assert len(scan(render(bucket.get(result["sheets"][0]).body))) == 2


def test_unknown_items_are_left_out_and_named():
    with running(Context("job")):
        result = generate_index_cards.call({"item_ids": [STRANGER, write_item()]})
    assert result["cards"] == 1
    assert [warning["item_id"] for warning in result["warnings"]] == [STRANGER]


def test_a_sheet_of_only_unknown_items_fails():
    with pytest.raises(PermanentError, match="none of these 1 items"):
        generate_index_cards.call({"item_ids": [STRANGER]})


@pytest.mark.parametrize(
    "arguments",
    [
        {"item_ids": []},
        {"item_ids": [STRANGER] * 1001},
        {"item_ids": [STRANGER], "skip": 3},
        {"item_ids": [STRANGER], "used": [4]},
        {"item_ids": [STRANGER], "used": [0]},
        {"item_ids": [STRANGER], "skip": 2, "used": [3]},
        {"item_ids": [STRANGER], "stock": "papyrus"},
        {"item_ids": [STRANGER], "offset_down": 80},
    ],
)
def test_a_print_job_without_cards_or_with_too_many_is_refused(arguments):
    with pytest.raises(InvalidArguments):
        generate_index_cards.call(arguments)


def test_a_job_that_runs_out_of_time_continues_with_the_next_sheet():
    item_ids = [write_item(number, f"Item number {number}") for number in range(1, 6)]
    arguments = {"item_ids": item_ids, "skip": 1}

    with running(Context("job", deadline=time.monotonic() + CLOSING_SECONDS - 1)), pytest.raises(Continue) as stop:
        generate_index_cards.call(arguments)
    with running(Context("job", state=stop.value.state)):
        result = generate_index_cards.call(arguments)

    assert result["sheets"] == ["index_cards/sheets/job.pdf", "index_cards/sheets/job-2.pdf"]
    assert (result["cards"], result["pages"]) == (5, 2)
    first, second = (pages_of(key) for key in result["sheets"])
    assert [len(first), len(second)] == [1, 1]
    assert all(f"Item number {number}" in first[0] for number in (1, 2))
    assert all(f"Item number {number}" in second[0] for number in (3, 4, 5))
