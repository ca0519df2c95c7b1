"""The layout of labels: what a card says in a few lines, beside a QR code as high as the label.

┌───────────────────────────────┐
│ name, up to two lines  ┌────┐ │
│ NFPA 704: health 2, …  │ QR │ │
│ location · SKU         │    │ │
│ 8 units · 5 days       └────┘ │
└───────────────────────────────┘
"""

from __future__ import annotations

from makertasks.media.cards import colours, fonts, layout
from makertasks.media.cards.boxes import Box, TextBox, text_box
from makertasks.media.cards.content import Card
from makertasks.media.cards.layout import Layout
from makertasks.media.cards.text import Style

PADDING = 5.0
LARGEST_CODE = 0.45  # of the label's width
SMALLEST_SCALE = 0.75  # of a card of 5 by 3 inches: below it, a label says less in larger letters

NAME = Style(fonts.BOLD, 11, 12.5, smallest=5.5)
LINE = Style(fonts.REGULAR, 7, 8.5, smallest=4.5)
HAZARD = Style(fonts.BOLD, 7, 8.5, smallest=4.5)


def lay_out(card: Card, width: float, height: float) -> Layout:
    """Boxes of a card for labels of this size: the whole card where they are large enough, else a label's."""
    scale = min(width / layout.WIDTH, height / layout.HEIGHT)
    if scale >= SMALLEST_SCALE:
        return layout.lay_out(card)
    side = min(height - 2 * PADDING, (width - 2 * PADDING) * (1 if card.blank else LARGEST_CODE))
    if card.blank:
        return Layout(card, Box((width - side) / 2, (height - side) / 2, side, side), width, height)
    code = Box(width - PADDING - side, (height - side) / 2, side, side)
    return Layout(card, code, width, height, texts=tuple(_texts(card, code.left - 2 * PADDING, height)))


def _texts(card: Card, width: float, height: float) -> list[TextBox]:
    """The name from the top, the lines from the bottom: each has its position, whatever the others say."""
    facts = {fact.label: fact.value for fact in card.facts}
    stock = " · ".join(filter(None, (f"Reorder at {facts.get('Reorder at', '')}", facts.get("Lead time"))))
    lines = [(f"NFPA 704: {card.hazard.brief}", HAZARD, 2)] if card.hazard else []
    lines += [(" · ".join(filter(None, (facts.get("Location"), facts.get("SKU")))), LINE, 1), (stock, LINE, 1)]
    if card.unwritable:
        lines.append((f"{fonts.REPLACEMENT} = {card.unwritable}", LINE, 1))
    bottom = PADDING
    texts: list[TextBox] = []
    for line, style, rows in reversed(lines):
        if line:
            texts.insert(0, text_box(line, style, Box(PADDING, bottom, width, rows * style.leading)))
        bottom += rows * style.leading
    name = Box(PADDING, bottom + 2, width, height - PADDING - bottom - 2)
    texts.insert(0, text_box(card.name, NAME, name, colours.TITLE, role="H1"))
    return texts
