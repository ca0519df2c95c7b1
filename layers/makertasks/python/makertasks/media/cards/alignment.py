"""A test page: outlines of the labels, to hold against a sheet of the stock."""

from __future__ import annotations

from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import fonts, shaping
from makertasks.media.cards.embedding import Fonts
from makertasks.media.cards.stock import Stock
from makertasks.media.cards.structure import Structure
from makertasks.media.cards.text import Style, fit

TEXT = Style(fonts.REGULAR, 9, 12, smallest=5)
MARGIN = 10.0  # of the text, unless a stock needs more
CROSS = 6.0  # length of the marks at the corners


def draw(canvas: Canvas, structure: Structure, embedded: Fonts, stock: Stock, shift: tuple[float, float]) -> None:
    """Draw the outlines of all labels, a cross at the centre of each, and instructions."""
    right, down = shift
    across, upright = (max(MARGIN, padding) for padding in stock.padding)
    with structure.section():
        for slot, (left, bottom) in enumerate(stock.corners(), start=1):
            x, y = left + right, bottom - down
            with structure.decoration():
                canvas.setLineWidth(0.4)
                canvas.rect(x, y, stock.width, stock.height)
                middle_x, middle_y = x + stock.width / 2, y + stock.height / 2
                canvas.line(middle_x - CROSS, middle_y, middle_x + CROSS, middle_y)
                canvas.line(middle_x, middle_y - CROSS, middle_x, middle_y + CROSS)
            text = f"Slot {slot}"
            if slot == 1:
                text += (
                    f" of {stock.description}. Print at 100 %, without scaling, and hold it against a sheet: where the"
                    f" outlines are off, set offset_right and offset_down (now {right:g} and {down:g} points)."
                )
            fitted = fit(text, TEXT, stock.width - 2 * across, stock.height / 2 - upright)
            with structure.element("P"):
                for number, line in enumerate(fitted.lines):
                    base = y + stock.height - upright - (number + 0.8) * fitted.leading
                    embedded.draw(canvas, shaping.shape(line, fitted.font), fitted.size, x + across, base)
