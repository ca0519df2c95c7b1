"""The layout of a card: boxes in points, computed without drawing. The origin is the card's lower left corner.

    ┌──────────────────────────────────────────────────┐
    │ name, one line at full size or more smaller ones │
    │ ──────────────────────────────────────────────── │
    │ LOCATION        picture              QR code     │
    │ SKU                                  (with its   │
    │ REORDER AT      diamond              quiet zone) │
    │ …                                                │
    │ category        letters without glyph     call   │
    └──────────────────────────────────────────────────┘

Positions do not depend on the length of texts or on missing parts; only without picture and diamond, the facts use
their column as well. Nothing is drawn within an eighth of an inch of the edge, where the sheet may be perforated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from makertasks.media.cards import colours, diamond, fonts
from makertasks.media.cards.boxes import Box, TextBox, text_box
from makertasks.media.cards.content import CALL_TO_ACTION, Card
from makertasks.media.cards.photo import Photo
from makertasks.media.cards.text import Fitted, Style

WIDTH, HEIGHT = 360.0, 216.0  # Avery 5388: 5 by 3 inches
PADDING = 14.4  # 0.2 inches
INNER_WIDTH, INNER_HEIGHT = WIDTH - 2 * PADDING, HEIGHT - 2 * PADDING
GAP = 9.0  # between columns, and below the rule

TITLE_HEIGHT = 40.0  # one line at full size, or two smaller ones
TITLE_GAP = 6.5  # above the rule: room for letters with deep descenders
RULE_BOTTOM, RULE_HEIGHT = HEIGHT - PADDING - TITLE_HEIGHT - TITLE_GAP, 1.5
TOP = RULE_BOTTOM - GAP  # of the columns
FOOTER_HEIGHT = 14.0
BOTTOM = PADDING + FOOTER_HEIGHT + 7  # of the columns on the left

RIGHT_WIDTH = 115.2
RIGHT_LEFT = WIDTH - PADDING - RIGHT_WIDTH
QR_SIDE = 106.0  # 37 mm with the quiet zone: 0.83 mm per module for an address of 63 to 84 characters
QR_TOP = RULE_BOTTOM - 3  # the quiet zone is enough space
CALL_HEIGHT = 28.0
LEFT_WIDTH = INNER_WIDTH - RIGHT_WIDTH - GAP
SIDE_WIDTH = 98.0  # of the column with picture and diamond
SIDE_LEFT = PADDING + LEFT_WIDTH - SIDE_WIDTH
DIAMOND_SIDE = 72.0
FACT_ROWS = 5
ROW_HEIGHT = (TOP - BOTTOM) / FACT_ROWS
LABEL_HEIGHT = 7.0

TITLE = Style(fonts.BOLD, 25, 29.5, smallest=9)  # of one line; two have 17
LABEL = Style(fonts.REGULAR, 5.5, 7, smallest=4)
FACT = Style(fonts.BOLD, 10, 12, smallest=5)
LARGE_FACT = Style(fonts.BOLD, 11, 13, smallest=5)
CALL = Style(fonts.BOLD, 8, 10.5, smallest=6)
CATEGORY = Style(fonts.BOLD, 7.5, 9.5, smallest=5)
NOTE = Style(fonts.REGULAR, 5.5, 7, smallest=4)
LIGHTEST = 1.3  # a colour with less contrast with the paper needs an outline


@dataclass(frozen=True)
class Layout:
    """Everything on a card, in reading order. A blank card has only `code`."""

    card: Card
    code: Box
    width: float = WIDTH
    height: float = HEIGHT
    texts: tuple[TextBox, ...] = ()
    closing: tuple[TextBox, ...] = ()  # texts read after the pictures
    bars: tuple[tuple[Box, float], ...] = ()  # in the category's colour, each with its corner radius
    photo: Box | None = None
    diamond: Box | None = None
    special: Fitted | None = None  # the diamond's special hazards

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the content's warnings, and one for every text that is cut with an ellipsis."""
        hazard = self.card.hazard
        cut = hazard is not None and self.special is not None and not self.special.whole
        return (
            *self.card.warnings,
            *(warning for text in (*self.texts, *self.closing) for warning in text.warning),
            *(
                (f"special hazards too long for the diamond, cut with an ellipsis: {hazard.special}",)
                if hazard and cut
                else ()
            ),
        )

    @property
    def outlined(self) -> bool:
        """Whether the category's colour is barely visible on paper."""
        return colours.contrast(self.card.colour, colours.WHITE) < LIGHTEST

    def boxes(self) -> list[Box]:
        """The boxes that must neither overlap nor extend beyond the card."""
        texts = [text.box for text in (*self.texts, *self.closing)]
        return [*texts, self.code, *(box for box in (self.photo, self.diamond) if box)]


def lay_out(card: Card) -> Layout:
    """Boxes of a card of 5 by 3 inches."""
    if card.blank:
        return Layout(card, Box((WIDTH - QR_SIDE) / 2, (HEIGHT - QR_SIDE) / 2, QR_SIDE, QR_SIDE))
    code = Box(RIGHT_LEFT + (RIGHT_WIDTH - QR_SIDE) / 2, QR_TOP - QR_SIDE, QR_SIDE, QR_SIDE)
    call = Box(RIGHT_LEFT, PADDING, RIGHT_WIDTH, CALL_HEIGHT)
    beside = card.photo is not None or card.hazard is not None
    footer, pill = _footer(card)
    side_bottom = BOTTOM + (DIAMOND_SIDE + 5 if card.hazard else 0)
    return Layout(
        card,
        code,
        texts=(_title(card.name), *_facts(card, beside=beside)),
        closing=(_call(card, call), *footer),
        bars=((Box(PADDING, RULE_BOTTOM, INNER_WIDTH, RULE_HEIGHT), 0), (call, 4), *pill),
        photo=_photo(card.photo, Box(SIDE_LEFT, side_bottom, SIDE_WIDTH, TOP - side_bottom)),
        diamond=Box(SIDE_LEFT + (SIDE_WIDTH - DIAMOND_SIDE) / 2, BOTTOM, DIAMOND_SIDE, DIAMOND_SIDE)
        if card.hazard
        else None,
        special=special_of(card, DIAMOND_SIDE),
    )


def special_of(card: Card, side: float) -> Fitted | None:
    """The special hazards, fitted into a diamond of this width."""
    return diamond.special_of(card.hazard, side) if card.hazard and card.hazard.special else None


def _title(name: str) -> TextBox:
    """The name, with its last line just above the rule."""
    box = Box(PADDING, RULE_BOTTOM + TITLE_GAP, INNER_WIDTH, TITLE_HEIGHT)
    text = text_box(name, TITLE, box, colours.TITLE, role="H1")
    return replace(text, box=replace(box, height=text.fitted.height))


def _facts(card: Card, *, beside: bool) -> list[TextBox]:
    """Return the facts at their positions; larger if there is nothing beside them."""
    width = LEFT_WIDTH - (SIDE_WIDTH + GAP if beside else 0)
    style = FACT if beside else LARGE_FACT
    boxes = []
    for number, fact in enumerate(card.facts[:FACT_ROWS]):
        if fact.value:
            top = TOP - number * ROW_HEIGHT
            label = Box(PADDING, top - LABEL_HEIGHT, width, LABEL_HEIGHT)
            value = Box(PADDING, top - LABEL_HEIGHT - style.leading, width, style.leading)
            boxes.append(text_box(fact.label, LABEL, label, colours.MUTED))
            boxes.append(text_box(fact.value, style, value))
    return boxes


def _call(card: Card, box: Box) -> TextBox:
    inner = Box(box.left, box.bottom + (box.height - 2 * CALL.leading) / 2, box.width, 2 * CALL.leading)
    fitted = Fitted(CALL_TO_ACTION, CALL.font, CALL.size, CALL.leading)
    return TextBox("P", " ".join(CALL_TO_ACTION), inner, fitted, colours.text_on(card.colour), centred=True)


def _footer(card: Card) -> tuple[list[TextBox], list[tuple[Box, float]]]:
    """The category on its colour, and beside it the letters that could not be drawn."""
    texts: list[TextBox] = []
    bars: list[tuple[Box, float]] = []
    left, middle = PADDING, PADDING + (FOOTER_HEIGHT - CATEGORY.leading) / 2
    if card.category:
        width = LEFT_WIDTH - (SIDE_WIDTH + GAP if card.unwritable else 0)
        text = text_box(
            card.category, CATEGORY, Box(left + 6, middle, width - 12, CATEGORY.leading), colours.text_on(card.colour)
        )
        used = text.fitted.width
        bars.append((Box(left, PADDING, used + 12, FOOTER_HEIGHT), FOOTER_HEIGHT / 2))
        texts.append(replace(text, box=Box(left + 6, middle, used, CATEGORY.leading)))
        left += width + GAP
    if card.unwritable:
        box = Box(left, middle, PADDING + LEFT_WIDTH - left, NOTE.leading)
        texts.append(text_box(f"{fonts.REPLACEMENT} = {card.unwritable}", NOTE, box, colours.MUTED))
    return texts, bars


def _photo(photo: Photo | None, place: Box) -> Box | None:
    """Return the image's box, at the top centre of the available one: in proportion, at most one point per pixel."""
    if photo is None:
        return None
    scale = min(place.width / photo.width, place.height / photo.height, 1)
    width, height = photo.width * scale, photo.height * scale
    return Box(place.left + (place.width - width) / 2, place.top - height, width, height)
