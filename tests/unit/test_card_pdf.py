"""The PDF of index cards: valid, tagged, small, scannable, and like its golden pictures."""

from __future__ import annotations

import io
import os
from itertools import pairwise
from pathlib import Path

import pikepdf
import pypdf
import pytest
from PIL import Image, ImageChops, ImageStat

from makertasks.media.cards import layout
from makertasks.media.cards.layout import lay_out
from makertasks.media.cards.photo import printable
from makertasks.media.pictures import UnusablePicture
from tests.unit.card_samples import (
    URL,
    card,
    cut_out,
    draw,
    golden_cards,
    picture,
    render,
    scan,
    text_of,
)

GOLDEN = Path(__file__).parent / "golden" / "cards"
# `RENEW_GOLDEN_CARDS=1 pytest tests/unit/test_card_pdf.py` redraws the golden pictures; check them before committing.
RENEW = "RENEW_GOLDEN_CARDS"
GOLDEN_DOTS_AN_INCH = 96
# Another version of the renderer may only draw edges slightly differently: on average over all pixels by at most
# this much of 255, and at most this share of pixels by more than a third.
MEAN_DIFFERENCE, FAR_OFF_SHARE = 1.5, 0.01


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
def test_qpdf_accepts_a_card(name):
    with pikepdf.open(io.BytesIO(draw([golden_cards()[name]]))) as document:
        assert document.check_pdf_syntax() == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_embedded_as_a_jpeg_of_at_most_300_dots_an_inch(kind):
    made = printable(picture(1000, 750, kind))
    embedded = Image.open(io.BytesIO(made.jpeg))
    assert embedded.format == "JPEG"
    assert embedded.width <= 409
    assert embedded.height <= 463
    assert made.width / made.height == pytest.approx(4 / 3, rel=0.01)


def test_transparent_pixels_become_white():
    buffer = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(buffer, "PNG")
    assert Image.open(io.BytesIO(printable(buffer.getvalue()).jpeg)).getpixel((25, 25)) == (255, 255, 255)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>not found</html>", picture(kind="JPEG")[:900], picture(kind="PNG")[:2000], b"GIF89a" + b"\0" * 50],
)
def test_a_file_that_is_not_a_picture_is_refused(body):
    with pytest.raises(UnusablePicture):
        printable(body)


def test_a_picture_that_claims_to_be_enormous_is_refused_before_it_is_decoded():
    body = bytearray(picture(kind="PNG"))
    body[16:24] = (40_000).to_bytes(4, "big") * 2
    with pytest.raises(UnusablePicture):
        printable(bytes(body))


def test_the_qr_code_of_every_card_can_be_scanned_at_150_dots_an_inch():
    cards = list(golden_cards().values())
    pdf = draw(cards)
    pages = [scan(render(pdf, page, dots_an_inch=150)) for page in range(5)]
    assert [len(codes) for codes in pages] == [3, 3, 3, 3, 1]
    assert {code for codes in pages for code in codes} == {URL}


def test_the_qr_code_is_drawn_as_vectors_with_a_quiet_zone_of_four_modules():
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


def test_everything_drawn_is_either_tagged_or_an_artifact():
    """Nothing is painted outside marked content."""
    document = pypdf.PdfReader(io.BytesIO(draw([golden_cards()["hazard"]])))
    depth = 0
    for _operands, operator in pypdf.generic.ContentStream(document.pages[0].get_contents(), document).operations:
        depth += (operator in {b"BDC", b"BMC"}) - (operator == b"EMC")
        assert depth in {0, 1}
        assert depth or operator not in {b"f", b"S", b"B", b"b", b"f*", b"Tj", b"TJ", b"Do", b"s"}


def test_a_blank_card_has_only_a_centred_qr_code():
    pdf = draw([card("Kapton tape", blank=True)])
    assert text_of(pdf).strip() == ""
    drawn = cut_out(render(pdf)).convert("L").point(lambda value: 255 if value < 128 else 0)
    left, top, right, bottom = drawn.crop((5, 5, drawn.width - 5, drawn.height - 5)).getbbox()
    assert (left + right) / 2 == pytest.approx(drawn.width / 2 - 5, abs=2)
    assert (top + bottom) / 2 == pytest.approx(drawn.height / 2 - 5, abs=2)
    assert scan(render(pdf)) == [URL]


def test_the_same_cards_give_the_same_bytes():
    cards = [golden_cards()[name] for name in ("hazard", "european", "east_asian")]
    assert draw(cards) == draw(cards)


@pytest.mark.parametrize("name", sorted(golden_cards()))
def test_a_card_matches_its_golden_picture(name):
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


def test_the_tolerance_of_golden_pictures_tells_cards_apart():
    """The tolerance is narrow enough: another card, or one additional word, does not match."""
    drawn = [cut_out(render(draw([made]), dots_an_inch=96)) for made in golden_cards().values()]
    for one, other in pairwise(drawn):
        difference = ImageChops.difference(one, other).convert("L")
        assert sum(difference.histogram()[85:]) / (difference.width * difference.height) > FAR_OFF_SHARE
