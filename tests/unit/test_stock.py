"""Label stocks: every one exists, is documented, and fits its paper."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from PIL import ImageChops

from generate_index_cards.handler import StockName
from makertasks.media.cards.sheet import Sheets
from makertasks.media.cards.stock import MM, SHEET_EDGE, STOCKS
from tests.unit.card_samples import FACTS, card, golden_cards, photo, render

DOTS_AN_INCH = 300
CARDS = (Path(__file__).parents[2] / "docs/cards.md").read_text()


def test_every_label_stock_can_be_requested_and_is_documented():
    names = get_args(get_args(StockName)[0])

    assert set(names) == set(STOCKS)
    assert [name for name in names if f"| `{name}` |" not in CARDS] == []


@pytest.mark.parametrize("name", STOCKS)
def test_labels_are_centred_on_their_paper(name):
    stock = STOCKS[name]
    corners = list(stock.corners())
    left, right = min(x for x, _ in corners), max(x for x, _ in corners) + stock.width
    bottom, top = min(y for _, y in corners), max(y for _, y in corners) + stock.height

    assert left == pytest.approx(stock.page[0] - right, abs=0.1 * MM)
    assert bottom == pytest.approx(stock.page[1] - top, abs=0.6 * MM)
    assert min(left, bottom) >= -0.01


def drawn_within(pdf: bytes, page: int = 0) -> tuple[float, float, float, float]:
    """White margins at the left, top, right and bottom of a page, in points."""
    drawn = render(pdf, page, DOTS_AN_INCH).convert("L")
    left, top, right, bottom = ImageChops.invert(drawn).getbbox()
    return tuple(72 / DOTS_AN_INCH * dots for dots in (left, top, drawn.width - right, drawn.height - bottom))


@pytest.mark.parametrize("name", STOCKS)
@pytest.mark.parametrize("blank", [False, True])
def test_nothing_is_drawn_where_printers_do_not_print(name, blank):
    stock = STOCKS[name]
    long = " ".join(word for fact in FACTS for word in fact.value.split()) * 5
    facts = tuple(fact._replace(value=long) for fact in FACTS)
    samples = golden_cards()
    full = card(long, long, "#ffffff", facts=facts, hazard=samples["multi_hazard"].hazard, photo=photo(), blank=blank)
    sheets = Sheets(name, stock=stock)
    for _ in range(stock.slots):
        sheets.add(full)

    left, top, right, bottom = drawn_within(sheets.finish())

    dot = 72 / DOTS_AN_INCH
    assert min(left, right) >= stock.edge[0] - dot
    assert min(top, bottom) >= stock.edge[1] - dot


def test_sheets_keep_a_margin_of_five_millimetres_and_rolls_that_of_their_driver():
    sheets = {name for name, stock in STOCKS.items() if stock.slots > 1}

    assert {STOCKS[name].edge for name in sheets} == {SHEET_EDGE} == {(5 * MM, 5 * MM)}
    assert {
        name: tuple(round(side / MM, 1) for side in STOCKS[name].edge) for name in sorted(set(STOCKS) - sheets)
    } == {
        "brother-62x100": (3, 1.5),
        "brother-62x29": (1.5, 3),
        "dymo-89x28": (6, 1.5),
        "dymo-89x36": (6, 1.5),
    }


def test_a_test_pages_text_is_inside_the_printable_area_of_sheets_without_margins():
    stock = STOCKS["a4-3x8"]
    pdf = Sheets("Test", stock=stock, test_page=True).finish()
    drawn = render(pdf, 0, 72).convert("L")
    edge = round(stock.edge[0])

    # Nothing but the labels' outlines is at the edge.
    inside_first = drawn.crop((2, 4, edge - 1, round(stock.height) - 2))
    assert min(inside_first.tobytes()) == 255
