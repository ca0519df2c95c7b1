"""Index cards: what they say, that it fits, and that what is printed can be read and scanned."""

from __future__ import annotations

import io
import os
import random
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pikepdf
import pypdf
import pypdfium2 as pdfium
import pytest
from bidi import get_display
from PIL import Image, ImageChops, ImageStat

from makertasks.inventory.table import Item, ItemSupplier
from makertasks.media.cards import bidirectional, colours, content, fonts, layout, shaping
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.content import Hazard, card_of
from makertasks.media.cards.layout import lay_out
from makertasks.media.cards.photo import PLACE, Photo, printable
from makertasks.media.pictures import UnusablePicture
from tests.unit.card_samples import FACTS, ITEM_ID, SHEET, URL, card, cut_out, draw, golden_cards, picture, render, scan

GOLDEN = Path(__file__).parent / "golden" / "cards"
# `RENEW_GOLDEN_CARDS=1 pytest tests/unit/test_cards.py` draws the kept pictures anew; look at them before committing.
RENEW = "RENEW_GOLDEN_CARDS"
GOLDEN_DOTS_AN_INCH = 96
# Another version of the renderer draws edges a little differently, and nothing else: on average of all pixels at most
# this much of 255, and not more than this share of them by more than a third.
MEAN_DIFFERENCE, FAR_OFF_SHARE = 1.5, 0.01

WORDS = {
    "latin": "washer Größe spool <b>bold</b> & 1/4\" d'Or Żółć ½ M3×12 №5 supercalifragilistic",
    "greek and cyrillic": "Ωμέγα αντίσταση Отвёртка крестовая щётка",
    "hebrew": "מברגה נטענת שקע ברגים",
    "east asian": "树莓派电源 ラズベリーパイ 電子部品 라즈베리파이 전원",
    "symbols": "→ ⌀ ☢ ⚡ ★ ∅ ± µ Ω",
    "unbroken": "x" * 90 + " " + "漢" * 60 + " " + "W" * 45,
}


def item(name: str = "Kapton tape", **attributes) -> Item:
    return Item(f"item#{ITEM_ID}", "item", name=name, sort_name=name.lower(), **attributes)


def supplier(days: int, cost: str | None = None, *, primary: bool = False, active: bool = True) -> ItemSupplier:
    return ItemSupplier(
        f"item#{ITEM_ID}",
        f"supplier#{days}",
        supplier_id="1",
        average_lead_time=days,
        unit_cost=cost,
        is_primary=primary,
        is_active=active,
    )


def names(count: int) -> list[str]:
    """Names of 1 to 300 letters from many alphabets, mixed."""
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


def text_of(pdf: bytes, page: int = 0) -> str:
    return pypdf.PdfReader(io.BytesIO(pdf)).pages[page].extract_text()


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


# --- What a card says


@pytest.mark.parametrize(
    ("suppliers", "said"),
    [
        ([], ""),
        ([supplier(5)], "5 days"),
        ([supplier(1)], "1 day"),
        ([supplier(0)], "0 days"),
        ([supplier(0, "1"), supplier(1, "2")], "0 days (max 1)"),
        ([supplier(5, "9.50"), supplier(14, "10.00")], "5 days (max 14)"),
        ([supplier(5, "1"), supplier(14, "2", primary=True)], "14 days"),
        ([supplier(5), supplier(14, "2")], "14 days"),
        ([supplier(5), supplier(30, "1", primary=True, active=False)], "5 days"),
        ([supplier(30, active=False)], ""),
    ],
)
def test_lead_times_are_of_the_primary_and_the_slowest_active_supplier(suppliers, said):
    assert dict(content.facts_of(item(), suppliers))["Lead time"] == said


@pytest.mark.parametrize(("stock", "line"), [(0, "0 units"), (1, "1 unit"), (20, "20 units")])
def test_the_reorder_point_is_counted_in_units(stock, line):
    assert dict(card_of(item(minimum_stock=stock), [], URL).facts)["Reorder at"] == line


def test_a_name_is_plain_text_whatever_it_holds():
    name = "M3 <b>x & \"y\"</i> 'z' {0} %s \\n <50 sheets>"
    assert name in " ".join(text_of(draw([card_of(item(name), [], URL)])).split())


def test_line_breaks_controls_and_invisible_letters_become_single_spaces_or_nothing():
    assert card_of(item("a\r\n b\t\u200bc\u202ed\x00e"), [], URL).name == "a b cd e"


def test_accents_heaped_on_one_letter_do_not_leave_the_card():
    assert len(fonts.clean("q" + "\u0301" * 500)) == 9


def test_a_name_without_letters_is_replaced_by_the_items_id():
    assert card_of(item("\u200b "), [], URL).name == f"Item {ITEM_ID}"


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
def test_lines_stand_in_the_order_of_the_unicode_bidirectional_algorithm(base):
    """Beside python-bidi, which knows the order, but not the levels from which letters are shaped and mirrored."""
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
def test_lines_from_right_to_left_are_found_as_they_were_written_and_begin_at_the_right(name):
    pdf = draw([card(name, facts=())])
    assert "".join(name.split()) in "".join(text_of(pdf).split())
    left, _bottom, right, _top = _ink(pdf, lay_out(card(name)).texts[0].box)
    assert (right > layout.INNER_WIDTH - 3) if name[0] != "B" else (left < 3)


def _ink(pdf: bytes, box: Box) -> tuple[float, float, float, float]:
    """Where within a box of the first card something is drawn, in points."""
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
def test_letters_are_joined_and_stacked_as_their_script_asks(written, glyphs):
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
def test_every_script_of_the_fonts_is_drawn_and_found_as_it_was_written(name):
    made = card_of(item(name), [], URL)
    assert made.warnings == ()
    assert "".join(name.split()) in "".join(text_of(draw([made])).split())


def test_what_has_no_glyph_is_named_on_the_card():
    made = card_of(item("tape \U00012000", location="\U00012001"), [], URL)
    assert made.warnings == ("no font of the cards has these characters, drawn as boxes: U+12000 U+12001",)
    assert f"{fonts.REPLACEMENT} = U+12000 U+12001" in text_of(draw([made]))


def test_every_font_is_embedded_and_a_card_is_small():
    plain, mixed = draw([card("Kapton tape", "Metal", "#2563eb")]), draw([card("树莓派 Größe שקע 🔧")])
    for pdf in (plain, mixed):
        page = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]
        for font in page["/Resources"]["/Font"].values():
            (descendant,) = font["/DescendantFonts"]
            assert descendant.get_object()["/FontDescriptor"]["/FontFile2"]
    assert len(plain) < 40_000
    assert len(mixed) < 60_000


@pytest.mark.parametrize("name", sorted(golden_cards()))
def test_qpdf_finds_nothing_wrong_with_a_card(name):
    with pikepdf.open(io.BytesIO(draw([golden_cards()[name]]))) as document:
        assert document.check_pdf_syntax() == []


# --- Colours


def test_text_on_a_colour_is_black_or_white_by_its_brightness():
    assert [colours.text_on(colours.parse(text)) for text in ("#fef08a", "#f59e0b", "#2563eb", "#8B4513", "000")] == [
        colours.BLACK,
        colours.BLACK,
        colours.WHITE,
        colours.WHITE,
        colours.WHITE,
    ]


@pytest.mark.parametrize("text", ["#fef08a", "#94a3b8", "#ff4400", "#ffffff", "#2563eb", "#000000"])
def test_the_footer_is_readable_on_paper_in_any_category(text):
    assert colours.contrast(colours.text_in(colours.parse(text)), colours.WHITE) >= 4.5


def test_a_colour_that_is_none_is_replaced_and_said():
    made = card_of(item(category={"name": "Metal", "color": "reddish"}), [], URL)
    assert made.colour == colours.DEFAULT
    assert made.warnings == ("the category's color is 'reddish', not #rrggbb; the default colour stands in",)
    assert card_of(item(category={"name": "Safety", "color": ""}), [], URL).warnings == ()


def test_a_card_looks_the_same_wherever_it_stands_and_whatever_was_drawn_before():
    """Three cards without category, alone on their sheet and after cards of every other kind."""
    plain = card("Kapton tape")
    others = [c for c in golden_cards().values() if not c.blank][:6]
    alone = render(draw([plain] * 3))
    for place in range(3):
        page = [*others, plain][6 - place :]
        after = render(draw(page))
        one, other = cut_out(alone, place), cut_out(after, place)
        inner = (5, 5, one.width - 5, one.height - 5)  # the border may be shared with the card above
        assert ImageChops.difference(one.crop(inner), other.crop(inner)).getbbox() is None


# --- That it fits


def test_no_box_overlaps_another_or_leaves_the_card_for_500_names():
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


def test_every_letter_of_the_pdf_stands_inside_its_card_and_apart_from_the_qr_code():
    """The same, measured in the PDF by another library, with its own idea of where letters are."""
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


def test_an_image_is_in_proportion_and_never_enlarged():
    small = lay_out(card(photo=Photo(b"", 40, 20))).photo
    wide = lay_out(card(photo=Photo(b"", 3000, 1000))).photo
    assert (small.width, small.height) == (40, 20)
    assert wide.width / wide.height == pytest.approx(3)


# --- Photos


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_embedded_as_a_jpeg_of_at_most_300_dots_an_inch(kind):
    made = printable(picture(1000, 750, kind))
    embedded = Image.open(io.BytesIO(made.jpeg))
    assert embedded.format == "JPEG"
    assert embedded.width <= 409
    assert embedded.height <= 463
    assert made.width / made.height == pytest.approx(4 / 3, rel=0.01)


def test_the_largest_place_for_an_image_has_the_size_that_it_is_embedded_for():
    place = lay_out(card(photo=Photo(b"", 3000, 3000))).photo
    wide, high = (lay_out(card(photo=Photo(b"", *size))).photo for size in ((3000, 10), (10, 3000)))
    assert wide.width == pytest.approx(PLACE[0])
    assert high.height <= PLACE[1] < high.height + 1
    assert place.width <= PLACE[0]


def test_transparent_parts_become_white():
    buffer = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(buffer, "PNG")
    assert Image.open(io.BytesIO(printable(buffer.getvalue()).jpeg)).getpixel((25, 25)) == (255, 255, 255)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>not found</html>", picture(kind="JPEG")[:900], picture(kind="PNG")[:2000], b"GIF89a" + b"\0" * 50],
)
def test_a_file_that_is_no_picture_is_refused(body):
    with pytest.raises(UnusablePicture):
        printable(body)


def test_a_picture_that_claims_to_be_enormous_is_refused_before_it_is_decoded():
    body = bytearray(picture(kind="PNG"))
    body[16:24] = (40_000).to_bytes(4, "big") * 2
    with pytest.raises(UnusablePicture):
        printable(bytes(body))


# --- Hazards


def test_hazard_ratings_and_special_hazards_stand_in_the_diamond():
    hazardous = item(is_hazardous=True, nfpa_health_hazard=2, nfpa_fire_hazard=3, nfpa_instability_hazard=0)
    hazardous.nfpa_special_hazards = "OX"
    made = card_of(hazardous, [], URL)
    assert made.hazard == Hazard("2", "3", "0", "OX")
    assert made.hazard.spoken == "NFPA 704 hazards: health 2, fire 3, instability 0, special: OX"
    assert {"2", "3", "0", "OX"} <= set(text_of(draw([made])).split())


def test_a_rating_that_is_missing_or_out_of_range_is_a_question_mark_and_a_warning():
    made = card_of(item(is_hazardous=True, nfpa_health_hazard=7, nfpa_fire_hazard=4), [], URL)
    assert (made.hazard.health, made.hazard.fire, made.hazard.instability) == ("?", "4", "?")
    assert made.warnings == (
        "nfpa_health_hazard is 7, not 0 to 4; the diamond shows ?",
        "nfpa_instability_hazard is not set; the diamond shows ?",
    )


@pytest.mark.parametrize(
    ("special", "symbols"),
    [
        ("OX COR", {"OX", "COR"}),
        ("COR ALK", {"COR", "ALK"}),
        ("W OX SA", {"W", "OX", "SA"}),
        ("W̶, OX", {"W", "OX"}),
        ("SA/COR", {"SA", "COR"}),
    ],
)
def test_the_diamond_shows_every_special_hazard(special, symbols):
    laid_out = lay_out(card(hazard=Hazard("2", "3", "0", special)))
    assert laid_out.warnings == ()
    assert symbols <= set(text_of(draw([laid_out.card])).split())


@pytest.mark.parametrize("special", ["COR ALK ACID BIO POI", "OXIDISER AND ACID", "X" * 20])
def test_special_hazards_that_do_not_fit_end_with_an_ellipsis_and_a_warning(special):
    made = card(hazard=Hazard("2", "3", "0", special))
    laid_out = lay_out(made)
    assert laid_out.warnings == (f"special hazards too long for the diamond, cut with an ellipsis: {special}",)
    assert "…" in text_of(draw([made]))


def test_every_text_that_is_cut_is_named_in_a_warning():
    made = card("spool " * 90)
    assert lay_out(made).warnings == (f"too long for its box, cut with an ellipsis: {made.name}",)


def test_an_item_that_is_not_hazardous_has_no_diamond():
    assert card_of(item(nfpa_fire_hazard=4), [], URL).hazard is None


# --- The PDF


def test_the_qr_code_of_every_card_reads_back_at_the_resolution_of_a_cheap_printer():
    cards = list(golden_cards().values())
    pdf = draw(cards)
    pages = [scan(render(pdf, page, dots_an_inch=150)) for page in range(5)]
    assert [len(codes) for codes in pages] == [3, 3, 3, 3, 1]
    assert {code for codes in pages for code in codes} == {URL}


def test_the_qr_code_is_drawn_as_vectors_with_four_modules_of_white_around():
    pdf = draw([card(category="Metal", colour="#fef08a")])
    assert b"/Subtype /Image" not in pdf
    place = lay_out(card(category="Metal", colour="#fef08a")).code
    scale = 300 / 72
    left, top = place.left * scale, (layout.HEIGHT - place.top) * scale
    code = cut_out(render(pdf, dots_an_inch=300)).crop(
        (left, top, left + place.width * scale, top + place.height * scale)
    )
    dark = code.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    module = place.width * scale / 45
    assert dark == pytest.approx((4 * module, 4 * module, 41 * module, 41 * module), abs=1.5)


def test_the_pdf_is_tagged_with_title_language_and_structure():
    document = pypdf.PdfReader(io.BytesIO(draw([golden_cards()["hazard"]] * 4, "Index cards: 4 items")))
    root = document.trailer["/Root"]
    assert document.metadata.title == "Index cards: 4 items"
    assert root["/Lang"] == "en-US"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    top = root["/StructTreeRoot"]["/K"][0]
    sections = [section.get_object() for section in top["/K"]]
    assert (top["/S"], [section["/S"] for section in sections]) == ("/Document", ["/Sect"] * 4)
    elements = [element.get_object() for element in sections[3]["/K"]]
    facts, footer = ["/P"] * 10, ["/P"] * 2  # each fact's label and value; the call to action and the category
    assert [element["/S"] for element in elements] == ["/H1", *facts, "/Figure", "/Figure", "/Figure", *footer]
    assert [element["/Alt"] for element in elements if element["/S"] == "/Figure"] == [
        "NFPA 704 hazards: health 2, fire 3, instability 0",
        "Picture of Isopropyl alcohol 99 %",
        f"QR code: {URL}",
    ]
    numbers = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    assert [page["/StructParents"] for page in document.pages] == numbers[::2]
    for page, parents in zip(document.pages, numbers[1::2], strict=True):
        marks = page.get_contents().get_data().count(b"/MCID")
        assert len(parents) == marks
        assert all(parent.get_object()["/Pg"].get_object() == page for parent in parents)


def test_everything_drawn_is_either_tagged_or_decoration():
    """Outside of marked content nothing is painted."""
    document = pypdf.PdfReader(io.BytesIO(draw([golden_cards()["hazard"]])))
    depth = 0
    for _operands, operator in pypdf.generic.ContentStream(document.pages[0].get_contents(), document).operations:
        depth += (operator in {b"BDC", b"BMC"}) - (operator == b"EMC")
        assert depth in {0, 1}
        assert depth or operator not in {b"f", b"S", b"B", b"b", b"f*", b"Tj", b"TJ", b"Do", b"s"}


def test_three_cards_stand_on_a_page_without_gap_from_the_place_that_is_free():
    pdf = draw([card(f"Card {number}") for number in range(4)], skip=2)
    pages = [text_of(pdf, page) for page in range(2)]
    assert "Card 0" in pages[0]
    assert all(f"Card {number}" in pages[1] for number in (1, 2, 3))
    picture_of = render(pdf, 0)
    assert scan(picture_of) == [URL]
    assert scan(cut_out(picture_of, 2)) == [URL]
    bottom_margin = SHEET.page[1] - SHEET.top - 3 * layout.HEIGHT
    assert bottom_margin == SHEET.top


def test_a_blank_card_is_a_centred_qr_code_alone():
    pdf = draw([card("Kapton tape", blank=True)])
    assert text_of(pdf).strip() == ""
    drawn = cut_out(render(pdf)).convert("L").point(lambda value: 255 if value < 128 else 0)
    left, top, right, bottom = drawn.crop((5, 5, drawn.width - 5, drawn.height - 5)).getbbox()
    assert (left + right) / 2 == pytest.approx(drawn.width / 2 - 5, abs=2)
    assert (top + bottom) / 2 == pytest.approx(drawn.height / 2 - 5, abs=2)
    assert scan(render(pdf)) == [URL]


def test_the_same_cards_are_the_same_bytes():
    cards = [golden_cards()[name] for name in ("hazard", "european", "east_asian")]
    assert draw(cards) == draw(cards)


@pytest.mark.parametrize("name", sorted(golden_cards()))
def test_a_card_looks_as_its_golden_picture(name):
    made = golden_cards()[name]
    drawn = cut_out(render(draw([made], name), dots_an_inch=GOLDEN_DOTS_AN_INCH))
    path = GOLDEN / f"{name}.png"
    if os.environ.get(RENEW):
        drawn.save(path, optimize=True)
    golden = Image.open(path).convert("RGB")
    difference = ImageChops.difference(drawn, golden).convert("L")
    far_off = sum(difference.histogram()[85:]) / (difference.width * difference.height)
    assert ImageStat.Stat(difference).mean[0] <= MEAN_DIFFERENCE
    assert far_off <= FAR_OFF_SHARE


def test_golden_pictures_tell_cards_apart():
    """The tolerance is narrow enough: another card, or one word more, is no match."""
    drawn = [cut_out(render(draw([made]), dots_an_inch=96)) for made in golden_cards().values()]
    for one, other in pairwise(drawn):
        difference = ImageChops.difference(one, other).convert("L")
        assert sum(difference.histogram()[85:]) / (difference.width * difference.height) > FAR_OFF_SHARE
