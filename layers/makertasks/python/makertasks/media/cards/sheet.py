"""Cards and labels on the sheets or rolls of a stock, as one PDF."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import alignment, labels
from makertasks.media.cards.content import Card
from makertasks.media.cards.drawing import draw
from makertasks.media.cards.embedding import Fonts
from makertasks.media.cards.stock import DEFAULT, STOCKS, Stock
from makertasks.media.cards.structure import Structure

LANGUAGE = "en-US"  # of the fixed words on cards

# Otherwise reportlab writes streams as ASCII, a quarter larger.
rl_config.useA85 = 0


class Sheets:
    """A PDF to which cards are added one by one."""

    def __init__(
        self,
        title: str,
        used: Collection[int] = (),
        *,
        stock: Stock = STOCKS[DEFAULT],
        shift: tuple[float, float] = (0, 0),
        test_page: bool = False,
    ) -> None:
        """`used` are the slots of the first sheet without a label, from 0; at least one slot must be left.

        `shift` moves everything, in points to the right and down. A test page shows where the labels are expected.
        """
        self._file = io.BytesIO()
        # Invariant: no times and no random identifiers, so that the same cards are the same bytes.
        self._canvas = Canvas(
            self._file, pagesize=stock.page, pageCompression=1, invariant=1, lang=LANGUAGE, pdfVersion=(1, 7)
        )
        self._canvas.setTitle(title)
        self._canvas.setAuthor("makertasks")
        self._canvas.setCreator("makertasks")
        self._canvas.setSubject(f"Index cards for {stock.description}")
        self._canvas.setViewerPreference("DisplayDocTitle", "true")
        self._canvas.setViewerPreference("PrintScaling", "None")
        self._fonts = Fonts(self._canvas)
        self._structure = Structure(self._canvas)
        self._stock, self._shift = stock, shift
        self._corners = list(stock.corners())
        if test_page:
            alignment.draw(self._canvas, self._structure, self._fonts, stock, shift)
            self._structure.end_page()
        self._free = [slot for slot in range(stock.slots) if slot not in used]

    def add(self, card: Card) -> tuple[str, ...]:
        """Draw a card in the next free slot; returns warnings for content it could not show."""
        if self.at_page_end:
            self._structure.end_page()
            self._free = list(range(self._stock.slots))
        left, bottom = self._corners[self._free.pop(0)]
        laid_out, scale = labels.lay_out(card, self._stock)
        self._canvas.saveState()
        self._canvas.translate(
            left + self._shift[0] + (self._stock.width - laid_out.width * scale) / 2,
            bottom - self._shift[1] + (self._stock.height - laid_out.height * scale) / 2,
        )
        self._canvas.scale(scale, scale)
        draw(self._canvas, self._structure, self._fonts, laid_out, scale)
        self._canvas.restoreState()
        return laid_out.warnings

    @property
    def at_page_end(self) -> bool:
        """Whether the next card begins a new page."""
        return not self._free

    def finish(self) -> bytes:
        """Return the PDF, to which nothing more can be added."""
        self._structure.end_page()
        self._structure.end_document()
        self._fonts.finish()
        self._canvas.save()
        return self._file.getvalue()


def pdf_of(cards: Sequence[Card], title: str, used: Collection[int] = (), stock: Stock = STOCKS[DEFAULT]) -> bytes:
    """Return the cards as one PDF."""
    sheets = Sheets(title, used, stock=stock)
    for card in cards:
        sheets.add(card)
    return sheets.finish()
