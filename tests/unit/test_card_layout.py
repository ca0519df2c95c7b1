"""The layout of index cards: nothing overlaps, leaves its card or is enlarged."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations

import pypdfium2 as pdfium
import pytest
from PIL import ImageChops

from makertasks.media.cards import content, fonts, layout, shaping
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.content import Hazard
from makertasks.media.cards.layout import lay_out
from makertasks.media.cards.photo import LARGEST, Photo
from tests.unit.card_samples import (
    FACTS,
    SHEET,
    URL,
    card,
    cut_out,
    draw,
    golden_cards,
    render,
    scan,
    text_of,
)

WORDS = {
    "latin": "washer Größe spool <b>bold</b> & 1/4\" d'Or Żółć ½ M3×12 №5 supercalifragilistic",
    "greek and cyrillic": "Ωμέγα αντίσταση Отвёртка крестовая щётка",
    "hebrew": "מברגה נטענת שקע ברגים",
    "east asian": "树莓派电源 ラズベリーパイ 電子部品 라즈베리파이 전원",
    "symbols": "→ ⌀ ☢ ⚡ ★ ∅ ± µ Ω",
    "unbroken": "x" * 90 + " " + "漢" * 60 + " " + "W" * 45,
}


def names(count: int) -> list[str]:
    """Names of 1 to 300 letters from a mix of many alphabets."""
    choices = random.Random(20)
    words = [word for group in WORDS.values() for word in group.split()]
    made = []
    for _ in range(count):
        length = int(300 ** choices.random())
        name = choices.choice(words)
        while len(name) < length:
            name += choices.choice([" ", " ", " ", "-", ""]) + choices.choice(words)
        made.append(fonts.clean(name[:length]) or "?")
    return made


def within(inner: Box, outer: Box) -> bool:
    slack = 1e-6
    return (
        inner.left >= outer.left - slack
        and inner.right <= outer.right + slack
        and inner.bottom >= outer.bottom - slack
        and inner.top <= outer.top + slack
    )


def random_card(name: str, choices: random.Random) -> content.Card:
    rating = lambda: choices.choice("01234?")  # noqa: E731 - three of the same below
    hazard = Hazard(rating(), rating(), rating(), choices.choice(["", "W", "OX", "SA, COR"]))
    values = (choices.choice(["", name]), choices.choice(["", "KAP-050", name]), "8 units", "5 days (max 123456)", "")
    facts = tuple(content.Fact(fact.label, value) for fact, value in zip(FACTS, values, strict=True))
    return card(
        name,
        choices.choice(["", "Metal", name]),
        choices.choice(["#2563eb", "#fef08a", "#000000", "#ffffff"]),
        facts=facts,
        hazard=choices.choice([None, hazard]),
        photo=choices.choice([None, Photo(b"", 300, 225), Photo(b"", 1, 300), Photo(b"", 3000, 10)]),
    )


def test_a_card_looks_the_same_in_every_slot_and_after_any_other_card():
    """Three cards without category, first on their sheet and after cards of every other kind."""
    plain = card("Kapton tape")
    others = [c for c in golden_cards().values() if not c.blank][:6]
    alone = render(draw([plain] * 3))
    for place in range(3):
        page = [*others, plain][6 - place :]
        after = render(draw(page))
        one, other = cut_out(alone, place), cut_out(after, place)
        inner = (5, 5, one.width - 5, one.height - 5)  # the border may be shared with the card above
        assert ImageChops.difference(one.crop(inner), other.crop(inner)).getbbox() is None


def test_no_text_box_overlaps_another_or_leaves_the_card_for_500_names():
    choices = random.Random(4)
    inside = Box(layout.PADDING, layout.PADDING, layout.INNER_WIDTH, layout.HEIGHT - 2 * layout.PADDING)
    for name in names(500):
        laid_out = lay_out(random_card(name, choices))
        boxes = laid_out.boxes()
        assert all(within(box, inside) for box in boxes), name
        assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])], name
        for text in (*laid_out.texts, *laid_out.closing):
            assert text.fitted.height <= text.box.height + 1e-6
            for line in text.fitted.lines:
                assert shaping.width(line, text.fitted.font, text.fitted.size) <= text.box.width + 0.2, name


def test_every_letter_of_the_pdf_is_inside_its_card_and_outside_the_qr_code():
    """The same check in the PDF, with another library's positions of the letters."""
    choices = random.Random(5)
    cards = [random_card(name, choices) for name in names(45)]
    cards = [replace(made, photo=None) for made in cards]
    document = pdfium.PdfDocument(draw(cards))
    for number, drawn in enumerate(cards):
        bottom = SHEET.page[1] - SHEET.top - (number % 3 + 1) * layout.HEIGHT
        place = Box(SHEET.left, bottom, layout.WIDTH, layout.HEIGHT)
        code = lay_out(drawn).code
        code = Box(code.left + place.left, code.bottom + place.bottom, code.width, code.height)
        letters = _letters(document, number // 3, place)
        assert letters
        for left, low, right, high in letters:
            box = Box(left, low, right - left, high - low)
            assert within(box, place), drawn.name
            assert not box.overlaps(code), drawn.name


def _letters(document: pdfium.PdfDocument, page: int, place: Box) -> list[tuple[float, float, float, float]]:
    """Boxes of the letters whose middle is at the height of `place`."""
    text = document[page].get_textpage()
    boxes = [text.get_charbox(index) for index in range(text.count_chars())]
    return [box for box in boxes if box[2] > box[0] and place.bottom <= (box[1] + box[3]) / 2 < place.top]


def test_a_long_name_is_shrunk_first_and_then_cut_with_an_ellipsis():
    short, longer, longest = (lay_out(card("spool " * count)).texts[0].fitted for count in (4, 18, 90))
    assert (short.size, len(short.lines)) == (25, 1)
    assert 9 <= longer.size < 25
    assert longer.whole
    assert (longest.size, longest.whole) == (9, False)
    assert longest.lines[-1].endswith("…")


def test_an_image_keeps_its_proportions_and_is_never_enlarged():
    small = lay_out(card(photo=Photo(b"", 40, 20))).photo
    wide = lay_out(card(photo=Photo(b"", 3000, 1000))).photo
    assert (small.width, small.height) == (40, 20)
    assert wide.width / wide.height == pytest.approx(3)


def test_images_are_embedded_at_the_size_of_the_largest_image_box():
    place = lay_out(card(photo=Photo(b"", 3000, 3000))).photo
    wide, high = (lay_out(card(photo=Photo(b"", *size))).photo for size in ((3000, 10), (10, 3000)))
    assert wide.width == pytest.approx(LARGEST[0])
    assert high.height <= LARGEST[1] < high.height + 1
    assert place.width <= LARGEST[0]


def test_a_sheet_is_filled_without_gaps_from_the_first_unused_slot():
    pdf = draw([card(f"Card {number}") for number in range(4)], skip=2)
    pages = [text_of(pdf, page) for page in range(2)]
    assert "Card 0" in pages[0]
    assert all(f"Card {number}" in pages[1] for number in (1, 2, 3))
    picture_of = render(pdf, 0)
    assert scan(picture_of) == [URL]
    assert scan(cut_out(picture_of, 2)) == [URL]
    bottom_margin = SHEET.page[1] - SHEET.top - 3 * layout.HEIGHT
    assert bottom_margin == SHEET.top
