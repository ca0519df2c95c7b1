"""Cards that tests and the benchmark draw, and functions that read them back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pypdf
import pypdfium2 as pdfium
import zxingcpp
from PIL import Image

from makertasks.inventory.table import Item
from makertasks.media.cards import layout, sheet
from makertasks.media.cards.colours import DEFAULT, parse
from makertasks.media.cards.content import Card, Fact, Hazard
from makertasks.media.cards.photo import Photo, printable
from makertasks.media.cards.stock import DEFAULT as DEFAULT_STOCK
from makertasks.media.cards.stock import STOCKS
from makertasks.media.qr_codes import scan_url

ITEM_ID = "98022698-88f6-41d4-a196-53fb4c1f8059"
URL = scan_url("https://makerspace.example.org", ITEM_ID)
FACTS = (
    Fact("Location", "Shelf B3, bin 12"),
    Fact("SKU", "KAP-050-33"),
    Fact("Reorder at", "8 units"),
    Fact("Lead time", "5 days (max 14)"),
    Fact("Supplier's part number", "5413 1/2IN X 36YD"),
)
POINTS_AN_INCH = 72
SHEET = STOCKS[DEFAULT_STOCK]
SCREEN_DOTS_AN_INCH = 100  # far coarser than any printer


def picture(width: int = 300, height: int = 225, kind: str = "WEBP") -> bytes:
    """A photograph-like picture with edges, gradients and colour."""
    red = Image.linear_gradient("L").resize((width, height))
    green = Image.radial_gradient("L").resize((width, height))
    blue = red.transpose(Image.Transpose.ROTATE_180)
    buffer = io.BytesIO()
    Image.merge("RGB", (red, green, blue)).save(buffer, kind, quality=85)
    return buffer.getvalue()


def photo(width: int = 300, height: int = 225) -> Photo:
    return printable(picture(width, height))


def card(name: str = "Kapton tape", category: str = "", colour: str | None = None, **values: Any) -> Card:
    values = {"facts": FACTS, "url": URL} | values
    return Card(name=name, category=category, colour=parse(colour) or DEFAULT, **values)


def golden_cards() -> dict[str, Card]:
    """The cards with golden pictures."""
    long = (
        "Extremely long item name that a member typed in without thinking about how it would ever fit the three by "
        "five inch card it is printed on"
    )
    solvent = Hazard("2", "3", "0", "")
    return {
        "plain": card("Kapton tape 1/2 in", facts=(Fact("Reorder at", "8 units"),)),
        "markup": card('M3 <b>x</b> & "8" sheets', "Metal", "#2563eb"),
        "long_name": card(long, "Electronics", "#2563eb", photo=photo()),
        "light_category": card("Shop towels", "Consumables", "#fef08a", photo=photo(120, 300)),
        "dark_category": card("Baltic birch plywood", "Woodshop", "#8B4513", photo=photo()),
        "hazard": card("Isopropyl alcohol 99 %", "Safety", None, hazard=solvent, photo=photo()),
        "water_reactive": card("Lithium cells", "Electronics", "#94a3b8", hazard=Hazard("1", "?", "4", "W")),
        "east_asian": card("ラズベリーパイ 5 树莓派 라즈베리 파이", "電子部品", "#db2777", photo=photo(300, 100)),
        "european": card("Ελληνικά Привет מברגה נטענת Ω → ☢", "Żółte", "#f59e0b"),
        "multi_hazard": card("Nitric acid 65 %", "Safety", "#dc2626", hazard=Hazard("4", "0", "1", "W OX COR")),
        "right_to_left": card("مفك براغي (12V) كهربائي", "עץ", "#0d9488"),
        "devanagari_and_thai": card("स्क्रू ड्राइवर สายไฟ ปลั๊ก", "🔧", "#7c3aed", unwritable="U+12000"),
        "blank": card(blank=True),
    }


def draw(cards: Sequence[Card], title: str = "Index cards", skip: int = 0) -> bytes:
    """The cards as PDF, after rendering each and reading its QR code."""
    pdf = sheet.pdf_of(cards, title, range(skip))
    for page in range(-(-(len(cards) + skip) // SHEET.slots)):
        first = page * SHEET.slots - skip
        on_page = cards[max(first, 0) : first + SHEET.slots]
        assert scan(render(pdf, page, SCREEN_DOTS_AN_INCH)) == [made.url for made in on_page]
    return pdf


def render(pdf: bytes, page: int = 0, dots_an_inch: int = 150) -> Image.Image:
    """A page as a picture."""
    document = pdfium.PdfDocument(pdf)
    return document[page].render(scale=dots_an_inch / POINTS_AN_INCH).to_pil().convert("RGB")


def cut_out(page: Image.Image, place: int = 0) -> Image.Image:
    """One card of a rendered page."""
    scale = page.height / SHEET.page[1]
    left, top = SHEET.left, SHEET.top + place * layout.HEIGHT
    box = (left, top, left + layout.WIDTH, top + layout.HEIGHT)
    return page.crop(tuple(round(side * scale) for side in box))


def scan(picture: Image.Image) -> list[str]:
    """The contents of a picture's QR codes, from top to bottom."""
    codes = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return [code.text for code in sorted(codes, key=lambda code: code.position.top_left.y)]


def item(name: str = "Kapton tape", **attributes) -> Item:
    return Item(f"item#{ITEM_ID}", "item", name=name, sort_name=name.lower(), **attributes)


def text_of(pdf: bytes, page: int = 0) -> str:
    return pypdf.PdfReader(io.BytesIO(pdf)).pages[page].extract_text()
