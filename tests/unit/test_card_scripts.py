"""Text on index cards in any script: fonts, shaping, writing direction, and searchability in the PDF."""

from __future__ import annotations

import random

import pytest
from bidi import get_display

from makertasks.media.cards import bidirectional, fonts, layout, shaping
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.content import card_of
from makertasks.media.cards.layout import lay_out
from tests.unit.card_samples import (
    URL,
    card,
    cut_out,
    draw,
    item,
    render,
    text_of,
)


@pytest.mark.parametrize("name", ["漢字 ✓ Ω", "Größe", "שלום", "Привет", "한국어", "☢ ⚡ → ⌀ ½"])
def test_every_required_alphabet_has_a_font_and_can_be_searched(name):
    made = card_of(item(name), [], URL)
    assert made.warnings == ()
    shown = text_of(draw([made]))
    assert all(letter in shown for letter in name if letter != " ")


def test_a_character_that_no_font_has_is_shown_as_a_box_and_named_in_a_warning():
    made = card_of(item("tape \U00012000"), [], URL)
    assert made.warnings == ("no font of the cards has these characters, drawn as boxes: U+12000",)
    assert fonts.REPLACEMENT in text_of(draw([made]))


@pytest.mark.parametrize("base", ["L", "R"])
def test_lines_are_ordered_by_the_unicode_bidirectional_algorithm(base):
    """Compared with python-bidi, which computes the order, but not the levels for shaping and mirroring."""
    choices = random.Random(9)
    pieces = [
        "שקע",
        "מברגה",
        "كهرباء",
        "براغي",
        "Bosch",
        "M3",
        "12",
        "(",
        ")",
        "[",
        "]",
        "-",
        "/",
        "%",
        ".",
        ",",
        " ",
        " ",
    ]
    for _ in range(2000):
        line = "".join(choices.choices(pieces, k=choices.randint(1, 12)))
        levels = bidirectional.levels(line, right_to_left=base == "R")
        order = bidirectional.display_order(levels)
        shown = "".join(line[at] for at in order)
        assert shown == get_display(line, base_dir=base), line


MIXED = ["שקע Bosch (12V) [מברגה]", "مفك براغي (12V) كهربائي ABC", "בָּרָג שׁוּלְחָן", "Bosch שקע 220V"]


@pytest.mark.parametrize("name", MIXED)
def test_right_to_left_lines_are_searchable_and_aligned_right(name):
    pdf = draw([card(name, facts=())])
    assert "".join(name.split()) in "".join(text_of(pdf).split())
    left, _bottom, right, _top = _ink(pdf, lay_out(card(name)).texts[0].box)
    assert (right > layout.INNER_WIDTH - 3) if name[0] != "B" else (left < 3)


def _ink(pdf: bytes, box: Box) -> tuple[float, float, float, float]:
    """The positions of drawings within a box of the first card, in points."""
    scale = 3
    page = render(pdf, dots_an_inch=72 * scale)
    left, top = box.left * scale, (layout.HEIGHT - box.top) * scale
    part = cut_out(page).crop((left, top, left + box.width * scale, top + box.height * scale)).convert("L")
    found = part.point(lambda value: 255 if value < 128 else 0).getbbox()
    assert found
    return tuple(side / scale for side in found)


@pytest.mark.parametrize(
    ("written", "glyphs"),
    [
        ("👩\u200d🔧", 1),  # one picture of two and a joiner
        ("☢\ufe0f", 1),
        ("क्ष", 1),  # a conjunct
        ("लि", 2),
        ("لا", 1),  # a ligature
        ("ปี่", 3),
    ],
)
def test_letters_are_joined_and_stacked_by_the_rules_of_their_script(written, glyphs):
    drawn = [glyph for run in shaping.shape(written, fonts.BOLD) for glyph in run.glyphs]
    assert len(drawn) == glyphs
    assert all(glyph.number for glyph in drawn)
    assert "".join(glyph.text for glyph in drawn) == written


@pytest.mark.parametrize(
    "name",
    [
        "สายไฟ ทองแดง ปลั๊ก",
        "हिन्दी स्क्रू ड्राइवर",
        "தமிழ் తెలుగు ಕನ್ನಡ",
        "ខ្មែរ မြန်မာ ລາວ",
        "ᐃᓄᒃᑎᑐᑦ አማርኛ ქართული հայերեն",
        "🔧 👩‍🔧 🧪",
    ],
)
def test_every_script_of_the_fonts_is_drawn_and_searchable(name):
    made = card_of(item(name), [], URL)
    assert made.warnings == ()
    assert "".join(name.split()) in "".join(text_of(draw([made])).split())


def test_characters_without_a_glyph_are_listed_on_the_card():
    made = card_of(item("tape \U00012000", location="\U00012001"), [], URL)
    assert made.warnings == ("no font of the cards has these characters, drawn as boxes: U+12000 U+12001",)
    assert f"{fonts.REPLACEMENT} = U+12000 U+12001" in text_of(draw([made]))
