"""CPU time of QR codes and cards compared with a straightforward implementation, measured alternately in the same run.

The straightforward implementation: qrcode's `QRCode.make` and `make_image`, saved as PNG; and the
same card with that PNG embedded.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import qrcode
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import drawing, sheet
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.photo import printable
from makertasks.media.qr_codes import encode
from tests.bench.figures import Figure
from tests.unit.card_samples import URL, card, picture

ROUNDS = 25
# Maximum share of the straightforward implementation's CPU time.
MOST_CODE, MOST_CARD, MOST_FROM_JPEG = 0.25, 0.6, 0.7


def plain_png(url: str) -> bytes:
    """A QR code as the qrcode library's own example makes it."""
    code = qrcode.QRCode()
    code.add_data(url)
    code.make()
    buffer = io.BytesIO()
    code.make_image().save(buffer, "PNG")
    return buffer.getvalue()


def _draw_plain_code(canvas: Canvas, url: str, box: Box, _scale: float) -> None:
    image = ImageReader(io.BytesIO(plain_png(url)))
    canvas.drawImage(image, box.left, box.bottom, box.width, box.height)


@contextmanager
def _plain_codes() -> Iterator[None]:
    ours = drawing._draw_code  # the only difference
    drawing._draw_code = _draw_plain_code
    yield
    drawing._draw_code = ours


def _card(thumbnail: bytes) -> bytes:
    made = card("Isopropyl alcohol 99 %", "Consumables", "#fef08a", photo=printable(thumbnail))
    return sheet.pdf_of([made], f"Index card: {made.name}")


def _compare(what: str, most: float, ours: Callable[[], object], plain: Callable[[], object]) -> Figure:
    """Median CPU time of both, measured alternately so that other load affects both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for run, taken in ((ours, times[0]), (plain, times[1])):
            start = time.process_time()
            run()
            taken.append((time.process_time() - start) * 1000)
    one, other = (statistics.median(taken) for taken in times)
    return Figure(f"{what}: {one:.1f} ms CPU, straightforward {other:.1f} ms", one / other, "×", most)


def bench_scan_code() -> Figure:
    """A QR code as PNG."""
    return _compare("QR code as PNG", MOST_CODE, lambda: encode(URL).png(), lambda: plain_png(URL))


def bench_card(what: str, most: float, image: bytes) -> Figure:
    """A card with an image, from the image's bytes to the PDF's."""

    def plain() -> bytes:
        with _plain_codes():
            return _card(image)

    return _compare(what, most, lambda: _card(image), plain)


def rows() -> list[Figure]:
    """Every comparison."""
    return [
        bench_scan_code(),
        bench_card("Card with a stored thumbnail", MOST_CARD, picture()),
        bench_card("Card from a JPEG of 1200 × 900", MOST_FROM_JPEG, picture(1200, 900, "JPEG")),
    ]
