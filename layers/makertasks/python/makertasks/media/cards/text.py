"""Fitting text into a place: wrapped, shrunk, and at last cut with an ellipsis. Sizes are in points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from makertasks.media.cards import fonts

ELLIPSIS = "…"
SHRINK_STEP = 0.5
# Scripts without spaces between words may be broken between any two letters, except before these.
_FREE_BREAKS = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\uff00", "\uffef"))
_NOT_FIRST = set("、。，．！？：；）」』】〉》’”…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ％!),.:;?]}%")


@dataclass(frozen=True)
class Style:
    """A font at its normal size, its line height, and the smallest size it may be shrunk to."""

    font: str
    size: float
    leading: float
    smallest: float


@dataclass(frozen=True)
class Fitted:
    """Lines in the font and at the size at which they fit. `whole` is false where an ellipsis stands for the rest."""

    lines: tuple[str, ...]
    font: str
    size: float
    leading: float
    whole: bool = True
    right_to_left: bool = False  # the text as a whole, whatever one line of it begins with

    @property
    def height(self) -> float:
        """Height of all lines."""
        return self.leading * len(self.lines)


def fit(text: str, style: Style, width: float, height: float) -> Fitted:
    """`text` in a place of `width` by `height`: at the largest size that holds it whole, else cut at the smallest."""
    font = fonts.font_for(text, style.font)
    right_to_left = fonts.begins_right_to_left(text)
    pieces = [_measure(piece, font) for piece in _pieces(text)]
    size = style.size
    while True:
        leading = style.leading * size / style.size
        room = max(1, int(height / leading + 1e-9))
        lines = _wrap(pieces, font, width / size)
        if len(lines) <= room:
            return Fitted(tuple(lines), font, size, leading, right_to_left=right_to_left)
        if size - SHRINK_STEP < style.smallest:
            last = _cut(text, lines[: room - 1], font, width / size)
            kept = (*lines[: room - 1], last)
            return Fitted(kept, font, size, leading, whole=False, right_to_left=right_to_left)
        size -= SHRINK_STEP


@dataclass(frozen=True)
class _Piece:
    """Text up to where a line may end, with its width at size 1, and without the space at its end."""

    text: str
    width: float
    bare_width: float


def _measure(text: str, font: str) -> _Piece:
    return _Piece(text, fonts.width(text, font, 1), fonts.width(text.rstrip(), font, 1))


def _wrap(pieces: list[_Piece], font: str, width: float) -> list[str]:
    """Lines no wider than `width` at size 1, broken between pieces; a piece that is wider than a line is split."""
    lines = [""]
    used = 0.0
    for piece in pieces:
        if used + piece.bare_width <= width:
            lines[-1] += piece.text
            used += piece.width
            continue
        *full, rest = _split(piece.text, font, width)
        lines += [*full, rest]
        used = fonts.width(rest, font, 1)
    return [line.strip() for line in lines if line.strip()]


def _pieces(text: str) -> Iterator[str]:
    """`text` cut where a line may end; a space stays with the word before it."""
    start = 0
    for index, (before, after) in enumerate(pairwise(text), start=1):
        free = (_breaks_freely(before) or _breaks_freely(after)) and after not in _NOT_FIRST and after != " "
        if before == " " or free:
            yield text[start:index]
            start = index
    yield text[start:]


def _breaks_freely(letter: str) -> bool:
    return letter > "\u2e7f" and any(first <= letter <= last for first, last in _FREE_BREAKS)


def _split(word: str, font: str, width: float) -> list[str]:
    """A word in parts no wider than `width` at size 1; one that fits is one part."""
    parts = [""]
    used = 0.0
    for letter in word:
        wide = fonts.glyph(letter, font).width
        if used + wide > width and letter != " " and parts[-1]:
            parts.append("")
            used = 0.0
        parts[-1] += letter
        used += wide
    return parts


def _cut(text: str, before: list[str], font: str, width: float) -> str:
    """The line after `before`, ended with an ellipsis where it is full."""
    rest = text
    for line in before:
        rest = rest.lstrip()[len(line) :]
    room = width - fonts.width(ELLIPSIS, font, 1)
    return _split(rest.lstrip(), font, room)[0].rstrip() + ELLIPSIS
