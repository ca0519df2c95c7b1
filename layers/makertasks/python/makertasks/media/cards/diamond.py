"""The NFPA 704 diamond: health left, fire above, instability right, special hazards below."""

from __future__ import annotations

from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import colours, fonts
from makertasks.media.cards.colours import Colour
from makertasks.media.cards.content import Hazard
from makertasks.media.cards.layout import Box
from makertasks.media.cards.text import Style, fit

DIGIT_SIZE = 18.0
# The special hazards' quarter is narrow: its widest line is a third of the diamond's.
SPECIAL = Style(fonts.BOLD, 11, 11, smallest=5)
# W with a stroke through it: reacts with water (NFPA 704, chapter 8).
NO_WATER = {"W", "W̶", "₩"}
CAP_HEIGHT = 0.72  # of Helvetica, by its size


def draw(canvas: Canvas, hazard: Hazard, box: Box) -> None:
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
        _write(canvas, digit, fonts.BOLD, DIGIT_SIZE, centre_x, centre_y)
    _write_special(canvas, hazard.special, x, y - half, half)
    canvas.restoreState()


def _write_special(canvas: Canvas, text: str, x: float, y: float, half: float) -> None:
    if not text:
        return
    _fill(canvas, colours.BLACK)
    struck = text.upper() in NO_WATER
    fitted = fit("W" if struck else text, SPECIAL, half * 1.3, SPECIAL.leading)
    _write(canvas, fitted.lines[0], fitted.font, fitted.size, x, y)
    if struck:
        reach = fonts.width("W", fonts.BOLD, fitted.size) / 2 + 1
        canvas.line(x - reach, y, x + reach, y)


def _write(canvas: Canvas, text: str, font: str, size: float, x: float, y: float) -> None:
    """One line with its middle at (`x`, `y`)."""
    line = canvas.beginText(x - fonts.width(text, font, size) / 2, y - CAP_HEIGHT * size / 2)
    for run in fonts.runs(text, font):
        line.setFont(run.font, size)
        line.textOut(run.text)
    canvas.drawText(line)


def _fill(canvas: Canvas, colour: Colour) -> None:
    canvas.setFillColorRGB(*(part / 255 for part in colour))
