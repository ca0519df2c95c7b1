"""Stocks: every one that can be asked for exists, is documented, and fits its paper."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from generate_index_cards.handler import StockName
from makertasks.media.cards.stock import MM, STOCKS

CARDS = (Path(__file__).parents[2] / "docs/cards.md").read_text()


def test_every_stock_can_be_asked_for_and_is_documented():
    names = get_args(get_args(StockName)[0])

    assert set(names) == set(STOCKS)
    assert [name for name in names if f"| `{name}` |" not in CARDS] == []


@pytest.mark.parametrize("name", STOCKS)
def test_labels_stand_on_their_paper_with_the_same_margin_on_both_sides(name):
    stock = STOCKS[name]
    corners = list(stock.corners())
    left, right = min(x for x, _ in corners), max(x for x, _ in corners) + stock.width
    bottom, top = min(y for _, y in corners), max(y for _, y in corners) + stock.height

    assert left == pytest.approx(stock.page[0] - right, abs=0.1 * MM)
    assert bottom == pytest.approx(stock.page[1] - top, abs=0.6 * MM)
    assert min(left, bottom) >= -0.01
