"""Rectangles of a card and the texts in them, in points from the card's lower left corner."""

from __future__ import annotations

from dataclasses import dataclass

from makertasks.media.cards.colours import TEXT, Colour
from makertasks.media.cards.text import Fitted, Style, fit


@dataclass(frozen=True)
class Box:
    """A rectangle by its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.bottom + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether the boxes share more than an edge."""
        apart = 1e-6
        return (
            self.left < other.right - apart
            and other.left < self.right - apart
            and self.bottom < other.top - apart
            and other.bottom < self.top - apart
        )


@dataclass(frozen=True)
class TextBox:
    """Lines of text in a box, from its top. `text` is the whole text; `fitted` may hold only a part."""

    role: str  # of the tagged PDF: H1 or P
    text: str
    box: Box
    fitted: Fitted
    colour: Colour = TEXT
    centred: bool = False

    @property
    def warning(self) -> tuple[str, ...]:
        """Return a warning if the box does not show its whole text."""
        return () if self.fitted.whole else (f"too long for its box, cut with an ellipsis: {self.text}",)


def text_box(
    text: str, style: Style, box: Box, colour: Colour = TEXT, *, role: str = "P", centred: bool = False
) -> TextBox:
    """Fit a text into a box; if an ellipsis cuts it, the box has a warning."""
    return TextBox(role, text, box, fit(text, style, box.width, box.height), colour, centred)
