"""The sheets and rolls of cards and labels that can be printed on: the position of each label, in points.

Sizes are the makers' own; docs/cards.md says where they were checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

INCH = 72.0
MM = INCH / 25.4
LETTER = (8.5 * INCH, 11 * INCH)
A4 = (210 * MM, 297 * MM)

# Margins that printers cannot print on: left and right, top and bottom. A page of a roll's label is in reading
# direction. Dymo's driver leaves 5.8 mm at one end of a label and 1.5 mm at its sides, Brother's 3 mm and 1.5 mm; most
# laser and inkjet printers need 4 to 5 mm all around.
SHEET_EDGE = (5 * MM, 5 * MM)
BROTHER_LONG_EDGE, BROTHER_WIDE_EDGE = (3 * MM, 1.5 * MM), (1.5 * MM, 3 * MM)
DYMO_EDGE = (6 * MM, 1.5 * MM)


@dataclass(frozen=True)
class Stock:
    """A sheet of labels: `left` and `top` are its margins, `across` and `down` the steps to the next label."""

    description: str
    page: tuple[float, float]
    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    across: float
    down: float
    edge: tuple[float, float] = SHEET_EDGE

    @property
    def padding(self) -> tuple[float, float]:
        """The white margin inside every label, left and right, top and bottom: outer labels reach the page's edges.

        It is the same for all labels of a sheet, so that they look alike.
        """
        left = min(self.left, self.page[0] - self.left - (self.columns - 1) * self.across - self.width)
        top = min(self.top, self.page[1] - self.top - (self.rows - 1) * self.down - self.height)
        return max(0.0, self.edge[0] - left), max(0.0, self.edge[1] - top)

    @property
    def slots(self) -> int:
        """Number of labels on a sheet."""
        return self.columns * self.rows

    def corners(self) -> Iterator[tuple[float, float]]:
        """The lower left corner of each label, row by row from the top."""
        for row in range(self.rows):
            for column in range(self.columns):
                yield self.left + column * self.across, self.page[1] - self.top - self.height - row * self.down


def _sheet(
    description: str,
    page: tuple[float, float],
    grid: tuple[int, int],
    size: tuple[float, float],
    margins: tuple[float, float],
    gap: float = 0,
) -> Stock:
    """A sheet of `grid` (columns, rows) labels with a gap between columns."""
    return Stock(description, page, *grid, *size, *margins, size[0] + gap, size[1])


def _roll(description: str, width: float, height: float, edge: tuple[float, float]) -> Stock:
    """Labels on a roll, one per page."""
    return Stock(description, (width * MM, height * MM), 1, 1, width * MM, height * MM, 0, 0, 0, 0, edge)


DEFAULT = "avery-5388"
STOCKS = {
    DEFAULT: _sheet("Avery 5388, 3 cards of 5 × 3 in", LETTER, (1, 3), (5 * INCH, 3 * INCH), (1.75 * INCH, INCH)),
    "avery-5160": _sheet(
        "Avery 5160, 30 address labels of 2⅝ × 1 in",
        LETTER, (3, 10), (2.625 * INCH, INCH), (0.1875 * INCH, 0.5 * INCH), 0.125 * INCH,
    ),
    "avery-5163": _sheet(
        "Avery 5163, 10 labels of 4 × 2 in",
        LETTER, (2, 5), (4 * INCH, 2 * INCH), (0.15625 * INCH, 0.5 * INCH), 0.1875 * INCH,
    ),
    "a4-2x4": _sheet("A4, 8 cards of 105 × 74 mm (Avery 3427)", A4, (2, 4), (105 * MM, 74 * MM), (0, 0.5 * MM)),
    "a4-3x8": _sheet("A4, 24 labels of 70 × 37 mm (Avery 3474)", A4, (3, 8), (70 * MM, 37 * MM), (0, 0.5 * MM)),
    "avery-l7159": _sheet(
        "A4, 24 address labels of 63.5 × 33.9 mm (Avery L7159)",
        A4, (3, 8), (63.5 * MM, 33.9 * MM), (7.21 * MM, 12.9 * MM), 2.54 * MM,
    ),
    "a4-3x7": _sheet(
        "A4, 21 address labels of 63.5 × 38.1 mm (Avery L7160)",
        A4, (3, 7), (63.5 * MM, 38.1 * MM), (7.21 * MM, 15.15 * MM), 2.54 * MM,
    ),
    "brother-62x100": _roll("Brother DK-11202, 62 mm roll, labels of 100 × 62 mm", 100, 62, BROTHER_LONG_EDGE),
    "brother-62x29": _roll("Brother DK-11209, 62 mm roll, labels of 62 × 29 mm", 62, 29, BROTHER_WIDE_EDGE),
    "dymo-89x36": _roll("Dymo 99012, labels of 89 × 36 mm", 89, 36, DYMO_EDGE),
    "dymo-89x28": _roll("Dymo 99010 and 30252, labels of 89 × 28 mm", 89, 28, DYMO_EDGE),
}  # fmt: skip
