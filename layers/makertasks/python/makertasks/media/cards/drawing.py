"""Draws a card from its layout. Every card begins and ends in the same graphics state, so none affects the next."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from makertasks.errors import PermanentError
from makertasks.media.cards import bidirectional, colours, diamond, shaping
from makertasks.media.cards.boxes import Box, TextBox
from makertasks.media.cards.colours import Colour
from makertasks.media.cards.embedding import Fonts
from makertasks.media.cards.layout import Layout
from makertasks.media.cards.photo import Photo
from makertasks.media.cards.stock import MM
from makertasks.media.cards.structure import Structure
from makertasks.media.qr_codes import encode

# Smallest size that a phone still scans from an arm's length, in points.
SMALLEST_CODE, SMALLEST_MODULE = 15 * MM, 0.4 * MM
# Share of a line's height above its baseline, the same for every font, so that all runs share one baseline.
BASE_LINE = 0.8
OUTLINE = 0.5  # line width of a bar's outline


def draw(canvas: Canvas, structure: Structure, embedded: Fonts, laid_out: Layout, scale: float = 1) -> None:
    """Draw a card with its lower left corner at the origin of a canvas that is already scaled."""
    card = laid_out.card
    with _state(canvas), structure.section():
        with structure.decoration():
            for box, radius in laid_out.bars:
                _draw_bar(canvas, laid_out, box, radius)
        _draw_texts(canvas, structure, embedded, laid_out.texts)
        if laid_out.diamond and card.hazard:
            with structure.element("Figure", alternative=card.hazard.spoken):
                diamond.draw(canvas, embedded, card.hazard, laid_out.special, laid_out.diamond)
        if laid_out.photo and card.photo:
            with structure.element("Figure", alternative=f"Picture of {card.name}"):
                _draw_photo(canvas, card.photo, laid_out.photo)
        with structure.element("Figure", alternative=f"QR code: {card.url}"):
            _draw_code(canvas, card.url, laid_out.code, scale)
        _draw_texts(canvas, structure, embedded, laid_out.closing)


def _draw_texts(canvas: Canvas, structure: Structure, embedded: Fonts, texts: Sequence[TextBox]) -> None:
    for text in texts:
        # The drawn text may differ from the original: cut, or in another order.
        meant = not text.fitted.whole or bidirectional.has_right_to_left(text.text)
        with structure.element(text.role, spoken=text.text if meant else ""):
            _draw_text(canvas, embedded, text)


@contextmanager
def _state(canvas: Canvas) -> Iterator[None]:
    canvas.saveState()
    yield
    canvas.restoreState()


def _draw_bar(canvas: Canvas, laid_out: Layout, box: Box, radius: float) -> None:
    """Draw a box in the category's colour, with an outline inside it if the colour is barely visible on paper."""
    inset = OUTLINE / 2 if laid_out.outlined else 0
    with _state(canvas):
        _fill(canvas, laid_out.card.colour)
        canvas.setStrokeColorRGB(*(part / 255 for part in colours.MUTED))
        canvas.setLineWidth(OUTLINE)
        canvas.roundRect(
            box.left + inset, box.bottom + inset, box.width - 2 * inset, box.height - 2 * inset, radius,
            stroke=int(laid_out.outlined), fill=1,
        )  # fmt: skip


def _draw_text(canvas: Canvas, embedded: Fonts, text: TextBox) -> None:
    """Draw the lines of a box from its top: aligned left, right for right-to-left text, or centred."""
    fitted = text.fitted
    with _state(canvas):
        _fill(canvas, text.colour)
        canvas.setStrokeColorRGB(*(part / 255 for part in text.colour))
        for number, line in enumerate(fitted.lines):
            runs = shaping.shape(line, fitted.font, right_to_left=fitted.right_to_left)
            free = text.box.width - fitted.size * sum(run.width for run in runs)
            indent = free / 2 if text.centred else free * fitted.right_to_left
            base = text.box.top - number * fitted.leading - BASE_LINE * fitted.leading
            embedded.draw(canvas, runs, fitted.size, text.box.left + indent, base)


def _draw_photo(canvas: Canvas, photo: Photo, box: Box) -> None:
    image = ImageReader(io.BytesIO(photo.jpeg))
    canvas.drawImage(image, box.left, box.bottom, box.width, box.height)


def _draw_code(canvas: Canvas, url: str, box: Box, scale: float) -> None:
    """Draw the QR code as one filled path of strips, on white; a unit is a module and rows run downwards.

    Raises PermanentError if it would be too small to scan because the address is too long for the label.
    """
    code = encode(url)
    smallest = max(SMALLEST_CODE, SMALLEST_MODULE * code.full_size)
    if box.width * scale < smallest:
        raise PermanentError(
            f"stock: a QR code of {url} needs {smallest / MM:.1f} mm and has {box.width * scale / MM:.1f} mm here;"
            " choose larger labels or a shorter FrontendUrl"
        )
    module = box.width / code.full_size
    side = code.full_size
    strips = "\n".join(f"{column} {-row - 1} {length} 1 re" for column, row, length in code.runs())
    with _state(canvas):
        canvas.translate(box.left, box.top)
        canvas.scale(module, module)
        canvas.addLiteral(f"1 g\n0 {-side} {side} {side} re f\n0 g\n{strips}\nf")


def _fill(canvas: Canvas, colour: Colour) -> None:
    canvas.setFillColorRGB(*(part / 255 for part in colour))
