"""QR codes: content and standard conformance, as PNG and SVG, and the task that stores them."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest
import qrcode
import zxingcpp
from PIL import Image, ImageDraw
from pyzbar import pyzbar
from qrcode import util

from generate_qr_code.handler import generate_qr_code
from makertasks.aws import bucket
from makertasks.errors import PermanentError, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media.qr_codes import QUIET_ZONE, ScanCode, encode, penalty, scan_url

ITEM_ID = "98022698-88f6-41d4-a196-53fb4c1f8059"
ADDRESS = f"https://makerspace.example.org/scan/{ITEM_ID}"
TEXTS = [ADDRESS, "A", "1234567890" * 12, "Größe Ω 漢字", "x" * 400]


def number_of(code: ScanCode) -> int:
    return int("".join(code.rows), 2)


@pytest.mark.parametrize("base", ["https://m.example", "https://m.example/", "https://m.example///"])
def test_the_address_has_one_slash_however_the_base_ends(base):
    assert scan_url(base, UUID(ITEM_ID)) == f"https://m.example/scan/{ITEM_ID}"


@pytest.mark.parametrize(
    ("base", "written"),
    [
        ("https://größe.example", "https://xn--gre-6ka8i.example"),
        ("https://straße.example:8443/", "https://xn--strae-oqa.example:8443"),
        ("https://München.Example", "https://xn--mnchen-3ya.example"),
        ("https://лагер.example/склад", "https://xn--80aggv2a.example/%D1%81%D0%BA%D0%BB%D0%B0%D0%B4"),
        ("https://m.example/our inventory/", "https://m.example/our%20inventory"),
        ("https://m.example/a%20b", "https://m.example/a%20b"),
        ("https://m.example/100%", "https://m.example/100%25"),
        ("https://m.example/#", "https://m.example/#"),
        ('https://m.example/?q="ä"&r=|', "https://m.example/?q=%22%C3%A4%22&r=%7C"),
        ("HTTP://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_the_address_is_ascii_whatever_the_front_ends_is(base, written):
    assert scan_url(base, ITEM_ID) == f"{written}/scan/{ITEM_ID}"


@pytest.mark.parametrize("base", ["inventory.example", "ftp://m.example", "https://", "https://a b/", "https://xn--ä/"])
def test_a_front_end_without_a_valid_address_is_refused_by_the_parameters_name(base):
    with pytest.raises(PermanentError, match="FrontendUrl"):
        scan_url(base, ITEM_ID)


def read_by_all(picture: Image.Image) -> list[str]:
    """What zbar, zxing-cpp and OpenCV each read in a picture.

    OpenCV has two detectors; from 8 pixels a module, the older one misses one clean code in ten, whichever library drew
    it.
    """
    grey = picture.convert("L")
    (by_zbar,) = pyzbar.decode(grey)
    by_opencv, _corners, _modules = cv2.QRCodeDetectorAruco().detectAndDecode(np.asarray(grey))
    return [by_zbar.data.decode(), zxingcpp.read_barcode(grey).text, by_opencv]


@pytest.mark.parametrize(
    "base",
    [
        "https://makerspace.example.org",
        "http://localhost:3000",
        "https://größe.example",
        "https://werkstatt.münchen.example/bestände/",
        "https://m.example/our inventory",
        "https://лагер.example/склад",
        "https://工房.example/在庫",
        "https://m.example/#/über",
    ],
)
def test_every_scanner_reads_the_same_url(base):
    url = scan_url(base, ITEM_ID)
    assert read_by_all(Image.open(io.BytesIO(encode(url).png()))) == [url] * 3


def test_png_and_svg_report_the_same_size():
    code = encode(ADDRESS)
    picture = Image.open(io.BytesIO(code.png()))
    inches = picture.width / picture.info["dpi"][0]
    root = ET.fromstring(code.svg())  # noqa: S314 - made right here
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert root.get("width") == root.get("height") == "38.1mm"
    assert inches * 25.4 == pytest.approx(38.1, abs=0.01)


@pytest.mark.parametrize("text", TEXTS)
def test_a_png_is_one_bit_deep_and_scannable(text):
    picture = Image.open(io.BytesIO(encode(text).png()))
    picture.load()
    assert picture.mode == "1"
    code = zxingcpp.read_barcode(picture)
    assert code.text == text
    assert code.ec_level == "M"


@pytest.mark.parametrize("text", TEXTS)
def test_a_rendered_svg_is_scannable(text):
    """Draws the SVG's path module by module: horizontal strips of one row each, on a white background."""
    root = ET.fromstring(encode(text).svg("a <title> & more"))  # noqa: S314 - made right here
    side = int(root.get("viewBox").split()[2])
    title, _ground, strips = root
    assert title.text == "a <title> & more"
    picture = Image.new("1", (side * 4, side * 4), 1)
    draw = ImageDraw.Draw(picture)
    for strip in strips.get("d").split("M")[1:]:
        start, _, rest = strip.partition("h")
        (column, row), length = map(int, start.split()), int(rest.split("v")[0])
        draw.rectangle((column * 4, row * 4, (column + length) * 4 - 1, row * 4 + 3), 0)
    assert zxingcpp.read_barcode(picture).text == text


def test_the_quiet_zone_is_four_modules_on_every_side():
    code = encode(ADDRESS)
    picture = Image.open(io.BytesIO(code.png(pixels=1))).convert("L")
    dark = picture.point(lambda value: 255 - value).getbbox()
    assert QUIET_ZONE == 4
    assert dark == (4, 4, code.full_size - 4, code.full_size - 4)


def test_the_qr_code_has_the_best_of_the_eight_masks_by_the_librarys_measure():
    letters = random.Random(7)
    for _ in range(12):
        text = "".join(letters.choices("abcdefXYZ0189:/-", k=letters.randint(1, 120)))
        penalties = []
        for mask in range(8):
            plain = qrcode.QRCode(mask_pattern=mask)
            plain.add_data(text)
            plain.make()
            penalties.append(util.lost_point(plain.modules))
        code = encode(text)
        assert penalty(number_of(code), code.size) == min(penalties)


def test_text_too_long_for_any_qr_code_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="3000 characters do not fit"):
        encode("x" * 3000)


def test_importing_needs_no_qrcode_library_and_drawing_needs_no_pillow():
    """The API imports the task's module without the layer; the function has only the layer `qrcode`."""
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['PIL', 'png']))\n"
        "from makertasks.media import qr_codes\n"
        "assert 'qrcode' not in sys.modules\n"
        "sys.stdout.buffer.write(qr_codes.encode('hello').png())"
    )
    package = Path(sys.modules["makertasks"].__file__).parents[1]
    png = subprocess.run(  # noqa: S603 - this interpreter, this script
        [sys.executable, "-c", script], check=True, capture_output=True, env={"PYTHONPATH": str(package)}
    ).stdout
    assert zxingcpp.read_barcode(Image.open(io.BytesIO(png))).text == "hello"


@pytest.fixture
def item(inventory_table, media_bucket, monkeypatch) -> str:
    monkeypatch.setenv("FRONTEND_URL", "https://makerspace.example.org/")
    inventory.write([Item(f"item#{ITEM_ID}", "item", name="Kapton tape", sort_name="kapton tape", current_stock=7)])
    return ITEM_ID


def test_the_task_stores_one_picture_and_sets_the_items_code(item):
    result = generate_qr_code.call({"item_id": item})

    key = f"inventory/qrcodes/qr_{item}.png"
    assert result == {"qr_code": key}
    stored = bucket.get(key)
    assert stored.content_type == "image/png"
    assert zxingcpp.read_barcode(Image.open(io.BytesIO(stored.body))).text == ADDRESS
    assert list(bucket.keys("")) == [key]
    assert inventory.get_item(item).qr_code == key
    assert inventory.get_item(item).current_stock == 7


def test_running_it_again_changes_nothing(item):
    first = generate_qr_code.call({"item_id": item})
    before = bucket.get(f"inventory/qrcodes/qr_{item}.png").body
    assert generate_qr_code.call({"item_id": item}) == first
    assert bucket.get(f"inventory/qrcodes/qr_{item}.png").body == before


def test_an_imported_qr_code_under_another_name_is_deleted(item):
    old = f"inventory/qrcodes/qr_{item}_Xy3kQ1.png"
    bucket.put(old, b"old", "image/png")
    inventory.update_item(item, qr_code=old)
    generate_qr_code.call({"item_id": item})
    with pytest.raises(bucket.NotFound):
        bucket.get(old)


def test_an_unknown_item_is_reported_and_leaves_nothing_behind(item):
    stranger = str(UUID(int=5))
    with pytest.raises(UnknownItem, match=stranger):
        generate_qr_code.call({"item_id": stranger})
    with pytest.raises(bucket.NotFound):
        bucket.get(f"inventory/qrcodes/qr_{stranger}.png")
