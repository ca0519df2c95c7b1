"""The layout of labels: a card's content in a few lines, beside a QR code as high as the label.

┌───────────────────────────────┐
│ name                   ┌────┐ │
│ ────────────────────── │ QR │ │
│ NFPA 704: health 2, …  │    │ │
│ location · SKU         │    │ │
│ 8 units · 5 days       └────┘ │
└───────────────────────────────┘

The rule has the category's colour. Text is larger on labels larger than an address label.
"""

from __future__ import annotations

from dataclasses import replace

from makertasks.media.cards import colours, fonts, layout
from makertasks.media.cards.boxes import Box, TextBox, text_box
from makertasks.media.cards.content import Card
from makertasks.media.cards.layout import Layout
from makertasks.media.cards.stock import Stock
from makertasks.media.cards.text import Style

PADDING = 5.0
LARGEST_CODE = 0.45  # of the label's width
SMALLEST_SCALE = 0.75  # relative to a card of 5 by 3 inches: smaller labels have less text in larger letters

ADDRESS_LABEL = (189.0, 72.0)  # 2⅝ by 1 inches, the size that the styles are for
LARGEST_SCALE = 1.6
RULE = 1.2

NAME = Style(fonts.BOLD, 11, 12.5, smallest=5.5)
LINE = Style(fonts.REGULAR, 7, 8.5, smallest=4.5)
HAZARD = Style(fonts.BOLD, 7, 8.5, smallest=4.5)


def lay_out(card: Card, stock: Stock) -> tuple[Layout, float]:
    """Boxes of a card for a stock's labels, and their scale: the whole card if the labels are large enough for it."""
    across, upright = (max(PADDING, padding) for padding in stock.padding)
    inner = Box(across, upright, stock.width - 2 * across, stock.height - 2 * upright)
    scale = min(
        stock.width / layout.WIDTH,
        stock.height / layout.HEIGHT,
        inner.width / layout.INNER_WIDTH,
        inner.height / layout.INNER_HEIGHT,
    )
    if scale >= SMALLEST_SCALE:
        return layout.lay_out(card), scale
    side = min(inner.height, inner.width * (1 if card.blank else LARGEST_CODE))
    if card.blank:
        code = Box((stock.width - side) / 2, (stock.height - side) / 2, side, side)
        return Layout(card, code, stock.width, stock.height), 1
    code = Box(inner.right - side, inner.bottom + (inner.height - side) / 2, side, side)
    scale = max(1.0, min(stock.width / ADDRESS_LABEL[0], stock.height / ADDRESS_LABEL[1], LARGEST_SCALE))
    return _beside(card, stock, code, replace(inner, width=inner.width - side - PADDING), scale), 1


def _beside(card: Card, stock: Stock, code: Box, inner: Box, scale: float) -> Layout:
    """The name, a rule and the lines in the space beside the code."""
    texts, bottom = _lines(card, inner, scale)
    rule = Box(inner.left, bottom + 2 * scale, inner.width, RULE * scale)
    name = Box(inner.left, rule.top + 2 * scale, inner.width, inner.top - rule.top - 2 * scale)
    title = text_box(card.name, _scaled(NAME, scale), name, colours.TITLE, role="H1")
    return Layout(card, code, stock.width, stock.height, texts=(title, *texts), bars=((rule, 0),))


def _lines(card: Card, inner: Box, scale: float) -> tuple[list[TextBox], float]:
    """The lines from the bottom, each at a fixed position, and the top of the uppermost."""
    facts = {fact.label: fact.value for fact in card.facts}
    stock = " · ".join(filter(None, (f"Reorder at {facts.get('Reorder at', '')}", facts.get("Lead time"))))
    line, hazard = _scaled(LINE, scale), _scaled(HAZARD, scale)
    lines = [(f"NFPA 704: {card.hazard.brief}", hazard, 2)] if card.hazard else []
    lines += [(" · ".join(filter(None, (facts.get("Location"), facts.get("SKU")))), line, 1), (stock, line, 1)]
    if card.unwritable:
        lines.append((f"{fonts.REPLACEMENT} = {card.unwritable}", line, 1))
    bottom = inner.bottom
    texts: list[TextBox] = []
    for text, style, rows in reversed(lines):
        if text:
            made = text_box(text, style, Box(inner.left, bottom, inner.width, rows * style.leading))
            texts.insert(0, replace(made, box=replace(made.box, height=made.fitted.height)))
        bottom += texts[0].fitted.height if rows > 1 else style.leading
    return texts, bottom


def _scaled(style: Style, scale: float) -> Style:
    return replace(style, size=style.size * scale, leading=style.leading * scale)
