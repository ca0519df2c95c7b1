"""Draws a laid-out card. Every card begins and ends in the same state, so nothing of it reaches the next one."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import diamond, fonts, layout
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.colours import Colour
from makertasks.media.cards.layout import Layout, TextBox
from makertasks.media.cards.photo import Photo
from makertasks.media.cards.structure import Structure
from makertasks.media.qr_codes import encode

# A font without bold is drawn with an outline of this part of its size.
EMBOLDEN = 1 / 30
FILL, FILL_AND_STROKE = 0, 2  # text render modes
# Part of a line's height between its top and its base line: the same for every font, so that runs stand on one line.
BASE_LINE = 0.8
CALL_RADIUS = 3


def draw(canvas: Canvas, structure: Structure, laid_out: Layout, left: float, bottom: float) -> None:
    """Draw a card whose lower left corner stands at (`left`, `bottom`) of the page."""
    with _state(canvas), structure.section():
        canvas.translate(left, bottom)
        with structure.decoration():
            canvas.roundRect(0, 0, layout.WIDTH, layout.HEIGHT, layout.RADIUS)
            _decorate(canvas, laid_out)
        _draw_texts(canvas, structure, laid_out.texts)
        card = laid_out.card
        if laid_out.diamond and card.hazard:
            with structure.element("Figure", alternative=card.hazard.spoken):
                diamond.draw(canvas, card.hazard, laid_out.special, laid_out.diamond)
        if laid_out.photo and card.photo:
            with structure.element("Figure", alternative=f"Picture of {card.name}"):
                _draw_photo(canvas, card.photo, laid_out.photo)
        with structure.element("Figure", alternative=f"QR code: {card.url}"):
            _draw_code(canvas, card.url, laid_out.code)
        _draw_texts(canvas, structure, laid_out.closing)


def _draw_texts(canvas: Canvas, structure: Structure, texts: Sequence[TextBox]) -> None:
    for text in texts:
        # What is drawn may not be what is meant: cut, or in another order.
        meant = not text.fitted.whole or fonts.has_right_to_left(text.text)
        with structure.element(text.role, spoken=text.text if meant else ""):
            _draw_text(canvas, text)


@contextmanager
def _state(canvas: Canvas) -> Iterator[None]:
    canvas.saveState()
    yield
    canvas.restoreState()


def _decorate(canvas: Canvas, laid_out: Layout) -> None:
    """The box behind the call to action, and the frame round the QR code."""
    colour = laid_out.card.colour
    if laid_out.call:
        with _state(canvas):
            _fill(canvas, colour)
            box = laid_out.call
            canvas.roundRect(box.left, box.bottom, box.width, box.height, CALL_RADIUS, stroke=0, fill=1)
    if laid_out.frame:
        with _state(canvas):
            canvas.setStrokeColorRGB(*(part / 255 for part in colour))
            canvas.setLineWidth(layout.FRAME_LINE)
            out, box = layout.FRAME_PADDING, laid_out.code
            canvas.rect(box.left - out, box.bottom - out, box.width + 2 * out, box.height + 2 * out)


def _draw_text(canvas: Canvas, text: TextBox) -> None:
    fitted = text.fitted
    with _state(canvas):
        _fill(canvas, text.colour)
        canvas.setStrokeColorRGB(*(part / 255 for part in text.colour))
        canvas.setLineWidth(fitted.size * EMBOLDEN)
        for number, line in enumerate(fitted.lines):
            written = canvas.beginText()
            indent = (text.box.width - fonts.width(line, fitted.font, fitted.size)) / 2 if text.centred else 0
            base = text.box.top - number * fitted.leading - BASE_LINE * fitted.leading
            written.setTextOrigin(text.box.left + indent, base)
            for run in fonts.runs(line, fitted.font, right_to_left=fitted.right_to_left):
                written.setTextRenderMode(FILL_AND_STROKE if run.embolden else FILL)
                written.setFont(run.font, fitted.size)
                written.textOut(run.text)
            canvas.drawText(written)


def _draw_photo(canvas: Canvas, photo: Photo, box: Box) -> None:
    image = ImageReader(io.BytesIO(photo.jpeg))
    canvas.drawImage(image, box.left, box.bottom, box.width, box.height)


def _draw_code(canvas: Canvas, url: str, box: Box) -> None:
    """The QR code as one filled path of strips, on white; a unit is a module and rows run downwards."""
    code = encode(url)
    module = box.width / code.full_size
    side = code.full_size
    strips = "\n".join(f"{column} {-row - 1} {length} 1 re" for column, row, length in code.runs())
    with _state(canvas):
        canvas.translate(box.left, box.top)
        canvas.scale(module, module)
        canvas.addLiteral(f"1 g\n0 {-side} {side} {side} re f\n0 g\n{strips}\nf")


def _fill(canvas: Canvas, colour: Colour) -> None:
    canvas.setFillColorRGB(*(part / 255 for part in colour))
