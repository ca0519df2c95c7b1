"""Cards on Avery 5388 sheets as one PDF: US Letter, three cards a page, no gap between them."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import layout
from makertasks.media.cards.content import Card
from makertasks.media.cards.drawing import draw
from makertasks.media.cards.structure import Structure

PAGE = (612.0, 792.0)  # US Letter
LEFT_MARGIN = 126.0  # 1.75 inches
TOP_MARGIN = 72.0  # 1 inch
CARDS_A_PAGE = 3
LANGUAGE = "en-US"  # of the words that the cards themselves say

# reportlab writes streams as text otherwise, which makes them a quarter larger.
rl_config.useA85 = 0


class Sheets:
    """A PDF that cards are added to, one after the other."""

    def __init__(self, title: str, skip: int = 0) -> None:
        """`skip` is how many cards of the first sheet are used up already: 0, 1 or 2."""
        self._file = io.BytesIO()
        # Invariant: no times and no random identifiers, so that the same cards are the same bytes.
        self._canvas = Canvas(
            self._file, pagesize=PAGE, pageCompression=1, invariant=1, lang=LANGUAGE, pdfVersion=(1, 7)
        )
        self._canvas.setTitle(title)
        self._canvas.setAuthor("makertasks")
        self._canvas.setCreator("makertasks")
        self._canvas.setSubject("Index cards for Avery 5388 sheets")
        self._canvas.setViewerPreference("DisplayDocTitle", "true")
        self._structure = Structure(self._canvas)
        self._place = skip

    def add(self, card: Card) -> tuple[str, ...]:
        """Draw a card at the next place; returns warnings of all that it could not show."""
        if self.at_page_end:
            self._structure.end_page()
            self._place = 0
        bottom = PAGE[1] - TOP_MARGIN - (self._place + 1) * layout.HEIGHT
        laid_out = layout.lay_out(card)
        draw(self._canvas, self._structure, laid_out, LEFT_MARGIN, bottom)
        self._place += 1
        return laid_out.warnings

    @property
    def at_page_end(self) -> bool:
        """Whether the next card begins a new page."""
        return self._place == CARDS_A_PAGE

    def finish(self) -> bytes:
        """The PDF; nothing can be added any more."""
        self._structure.end_page()
        self._structure.end_document()
        self._canvas.save()
        return self._file.getvalue()


def pdf_of(cards: Sequence[Card], title: str, skip: int = 0) -> bytes:
    """The cards as one PDF, three a page."""
    sheets = Sheets(title, skip)
    for card in cards:
        sheets.add(card)
    return sheets.finish()
