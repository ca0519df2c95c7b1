"""The NFPA 704 diamond: health left, fire above, instability right, special hazards below."""

from __future__ import annotations

import re

from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import colours, fonts, shaping
from makertasks.media.cards.boxes import Box
from makertasks.media.cards.colours import Colour
from makertasks.media.cards.content import Hazard
from makertasks.media.cards.embedding import Fonts
from makertasks.media.cards.text import Fitted, Style, fit

DIGIT_SIZE = 0.26  # relative to the diamond's width
# The largest box for text in a quarter whose half diagonal is 1: wide and high enough for two lines.
SPECIAL_WIDTH, SPECIAL_HEIGHT = 1.25, 0.75
SPECIAL = Style(fonts.BOLD, 11, 11, smallest=5)
# W with a stroke through it: reacts with water (NFPA 704, chapter 8).
NO_WATER = {"W̶": "W", "₩": "W", "w": "W"}
WATER = re.compile(r"(?<!\S)W(?!\S)")
STRIKE_REACH = 0.8  # points by which the stroke extends beyond the letter, on each side
CAP_HEIGHT = 0.714  # of Noto Sans, relative to its size


def draw(canvas: Canvas, embedded: Fonts, hazard: Hazard, special: Fitted | None, box: Box) -> None:
    """Draw the diamond into a square box."""
    half = box.width / 4  # of a quarter's diagonal
    x, y = box.left + 2 * half, box.bottom + 2 * half
    quarters: tuple[tuple[float, float, Colour, str], ...] = (
        (x - half, y, colours.HEALTH_BLUE, hazard.health),
        (x, y + half, colours.FIRE_RED, hazard.fire),
        (x + half, y, colours.INSTABILITY_YELLOW, hazard.instability),
        (x, y - half, colours.WHITE, ""),
    )
    canvas.saveState()
    canvas.setLineWidth(1)
    for centre_x, centre_y, colour, digit in quarters:
        _fill(canvas, colour)
        path = canvas.beginPath()
        path.moveTo(centre_x - half, centre_y)
        for corner_x, corner_y in ((0, half), (half, 0), (0, -half)):
            path.lineTo(centre_x + corner_x, centre_y + corner_y)
        path.close()
        canvas.drawPath(path, fill=1)
        _fill(canvas, colours.text_on(colour))
        _write(canvas, embedded, digit, DIGIT_SIZE * box.width, centre_x, centre_y)
    if special:
        _write_special(canvas, embedded, special, x, y - half)
    canvas.restoreState()


def special_of(hazard: Hazard, side: float) -> Fitted:
    """The special hazards fitted into the lowest quarter of a diamond of this width; W alone is always "W"."""
    half = side / 4
    symbols = " ".join(NO_WATER.get(symbol, symbol) for symbol in hazard.symbols)
    return fit(symbols, SPECIAL, half * SPECIAL_WIDTH, half * SPECIAL_HEIGHT)


def _write_special(canvas: Canvas, embedded: Fonts, fitted: Fitted, x: float, y: float) -> None:
    _fill(canvas, colours.BLACK)
    middle = y + fitted.height / 2 - fitted.leading / 2
    for number, line in enumerate(fitted.lines):
        line_y = middle - number * fitted.leading
        _write(canvas, embedded, line, fitted.size, x, line_y)
        left = x - shaping.width(line, fitted.font, fitted.size) / 2
        for match in WATER.finditer(line):
            start = left + shaping.width(line[: match.start()], fitted.font, fitted.size)
            end = start + shaping.width("W", fitted.font, fitted.size)
            canvas.setLineWidth(fitted.size / 11)
            canvas.line(start - STRIKE_REACH, line_y, end + STRIKE_REACH, line_y)


def _write(canvas: Canvas, embedded: Fonts, text: str, size: float, x: float, y: float) -> None:
    """Write one line centred at (`x`, `y`)."""
    runs = shaping.shape(text, fonts.BOLD)
    embedded.draw(canvas, runs, size, x - shaping.width(text, fonts.BOLD, size) / 2, y - CAP_HEIGHT * size / 2)


def _fill(canvas: Canvas, colour: Colour) -> None:
    canvas.setFillColorRGB(*(part / 255 for part in colour))
