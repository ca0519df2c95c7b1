"""Where everything stands on a card: boxes in points, made without drawing. Origin is the card's lower left corner.

    ┌──────────────────────────────────────────────┐
    │ name, up to two lines at full size           │
    │ facts            diamond      QR code        │
    │ image                         (with its      │
    │                               quiet zone)    │
    │ footer                        call to action │
    └──────────────────────────────────────────────┘

Sizes, colours and margins are OpenMakerSuite's. Its right column is moved inside the card, and the QR code takes the
room there is, so that it can be scanned from further away although the quiet zone has doubled.
"""

from __future__ import annotations

from dataclasses import dataclass

from makertasks.media.cards import colours, diamond, fonts
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.colours import Colour
from makertasks.media.cards.content import CALL_TO_ACTION, Card
from makertasks.media.cards.photo import Photo
from makertasks.media.cards.text import Fitted, Style, fit

WIDTH, HEIGHT = 360.0, 216.0  # Avery 5388: 5 by 3 inches
PADDING = 10.8  # 0.15 inches
RADIUS = 12.0  # of the border's corners
INNER_WIDTH = WIDTH - 2 * PADDING
TITLE_HEIGHT = 36.0  # two lines at full size
GAP = 10.8  # between the name and what is below it, and between the columns
SMALL_GAP = 7.2
RIGHT_WIDTH = 129.6
LEFT_WIDTH = INNER_WIDTH - RIGHT_WIDTH - GAP
RIGHT_LEFT = WIDTH - PADDING - RIGHT_WIDTH
QR_SIDE = 111.6  # 1.55 inches with the quiet zone: 0.87 mm a module where the address has 63 to 84 characters
FRAME_PADDING, FRAME_LINE = 1.5, 2.0  # of the frame round the QR code on cards of a light category
DIAMOND_SIDE = 64.0
CALL_PADDING = 3.0

TITLE = Style(fonts.BOLD, 16, 18, smallest=10)
FACT = Style(fonts.BOLD, 11, 14, smallest=6)
CALL = Style(fonts.BOLD, 8, 10, smallest=6)
FOOTER = Style(fonts.REGULAR, 8, 10, smallest=6)


@dataclass(frozen=True)
class TextBox:
    """Lines of text in a box, from its top. `text` is the whole text, of which `fitted` may hold a part."""

    role: str  # of the tagged PDF: H1 or P
    text: str
    box: Box
    fitted: Fitted
    colour: Colour
    centred: bool = False


@dataclass(frozen=True)
class Layout:
    """Everything on a card, in reading order. A blank card has only `code`."""

    card: Card
    code: Box
    texts: tuple[TextBox, ...] = ()
    closing: tuple[TextBox, ...] = ()  # texts that are read after the pictures
    call: Box | None = None
    frame: bool = False
    photo: Box | None = None
    diamond: Box | None = None
    special: Fitted | None = None  # the diamond's special hazards

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the card does not show: the content's warnings, and every text that an ellipsis cuts."""
        cut = [text.text for text in (*self.texts, *self.closing) if not text.fitted.whole]
        special = self.card.hazard.special if self.card.hazard and self.special and not self.special.whole else ""
        return (
            *self.card.warnings,
            *(f"too long for its box, cut with an ellipsis: {text}" for text in cut),
            *((f"special hazards too long for the diamond, cut with an ellipsis: {special}",) if special else ()),
        )

    def boxes(self) -> list[Box]:
        """What must neither overlap nor leave the card."""
        texts = [text.box for text in (*self.texts, *self.closing) if not text.centred]
        return [*texts, self.code, *(box for box in (self.call, self.photo, self.diamond) if box)]


def lay_out(card: Card) -> Layout:
    """Boxes of a card."""
    if card.blank:
        return Layout(card, Box((WIDTH - QR_SIDE) / 2, (HEIGHT - QR_SIDE) / 2, QR_SIDE, QR_SIDE))
    title = _title(card.name)
    top = title.box.bottom - GAP
    code = Box(RIGHT_LEFT + (RIGHT_WIDTH - QR_SIDE) / 2, top - QR_SIDE, QR_SIDE, QR_SIDE)
    call_height = CALL.leading * len(CALL_TO_ACTION) + 2 * CALL_PADDING
    call = Box(RIGHT_LEFT, code.bottom - SMALL_GAP - call_height, RIGHT_WIDTH, call_height)
    hazards = Box(PADDING + LEFT_WIDTH - DIAMOND_SIDE, top - DIAMOND_SIDE, DIAMOND_SIDE, DIAMOND_SIDE)
    left_width = LEFT_WIDTH - (DIAMOND_SIDE + SMALL_GAP if card.hazard else 0)
    facts = _facts(card.facts, top, left_width)
    footer = _footer(card)
    image_top = (facts[-1].box.bottom if facts else top) - SMALL_GAP
    image_bottom = PADDING + FOOTER.leading + SMALL_GAP if footer else PADDING
    return Layout(
        card,
        code,
        (title, *facts),
        (_call(card, call), *footer),
        call,
        frame=bool(card.category) and colours.is_light(card.colour),
        photo=_photo(card.photo, Box(PADDING, image_bottom, left_width, image_top - image_bottom)),
        diamond=hazards if card.hazard else None,
        special=diamond.special_of(card.hazard, DIAMOND_SIDE) if card.hazard and card.hazard.special else None,
    )


def _title(name: str) -> TextBox:
    fitted = fit(name, TITLE, INNER_WIDTH, TITLE_HEIGHT)
    box = Box(PADDING, HEIGHT - PADDING - fitted.height, INNER_WIDTH, fitted.height)
    return TextBox("H1", name, box, fitted, colours.TITLE)


def _facts(facts: tuple[str, ...], top: float, width: float) -> list[TextBox]:
    boxes = []
    for number, fact in enumerate(facts, start=1):
        box = Box(PADDING, top - number * FACT.leading, width, FACT.leading)
        boxes.append(TextBox("P", fact, box, fit(fact, FACT, width, FACT.leading), colours.TEXT))
    return boxes


def _call(card: Card, box: Box) -> TextBox:
    fitted = Fitted(CALL_TO_ACTION, CALL.font, CALL.size, CALL.leading)
    inner = Box(box.left, box.bottom + CALL_PADDING, box.width, fitted.height)
    colour = colours.text_on(card.colour)
    return TextBox("P", " ".join(CALL_TO_ACTION), inner, fitted, colour, centred=True)


def _footer(card: Card) -> tuple[TextBox, ...]:
    if not card.category:
        return ()
    text = f"Category: {card.category}"
    box = Box(PADDING, PADDING, LEFT_WIDTH, FOOTER.leading)
    fitted = fit(text, FOOTER, LEFT_WIDTH, FOOTER.leading)
    return (TextBox("P", text, box, fitted, colours.text_in(card.colour)),)


def _photo(photo: Photo | None, place: Box) -> Box | None:
    """The image in the upper left of its place: in proportion, and at most one point a pixel."""
    if photo is None:
        return None
    scale = min(place.width / photo.width, place.height / photo.height, 1)
    height = photo.height * scale
    return Box(place.left, place.top - height, photo.width * scale, height)
