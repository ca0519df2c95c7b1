"""Fits text into a box: wraps it, shrinks it, and finally cuts it with an ellipsis. Sizes are in points."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from makertasks.media.cards import bidirectional, fonts, shaping

ELLIPSIS = "…"
SHRINK_STEP = 0.5
# Text in scripts without spaces between words may be broken between any two characters, except before these.
_FREE_BREAKS = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\uff00", "\uffef"))
_NOT_FIRST = set("、。，．！？：；）」』】〉》’”…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ％!),.:;?]}%")


@dataclass(frozen=True)
class Style:
    """A font at its normal size, its line height, and its minimum size."""

    font: str
    size: float
    leading: float
    smallest: float


@dataclass(frozen=True)
class Fitted:
    """Lines, their font and the size at which they fit. `whole` is false if they end with an ellipsis."""

    lines: tuple[str, ...]
    font: str
    size: float
    leading: float
    whole: bool = True
    right_to_left: bool = False  # of the whole text, however a single line begins

    @property
    def height(self) -> float:
        """Height of all lines."""
        return self.leading * len(self.lines)

    @property
    def width(self) -> float:
        """Width of the widest line."""
        return max(shaping.width(line, self.font, self.size) for line in self.lines)


def fit(text: str, style: Style, width: float, height: float) -> Fitted:
    """Fit `text` into a box of `width` by `height`: whole at the largest possible size, or cut at the minimum."""
    right_to_left = bidirectional.begins_right_to_left(text)
    pieces = list(_pieces(text))
    size = style.size
    while True:
        leading = style.leading * size / style.size
        room = max(1, int(height / leading + 1e-9))
        lines = _wrap(pieces, style.font, width / size)
        if len(lines) <= room:
            return Fitted(tuple(lines), style.font, size, leading, right_to_left=right_to_left)
        if size - SHRINK_STEP < style.smallest:
            kept = (*lines[: room - 1], _cut(lines[room - 1 :], style.font, width / size))
            return Fitted(kept, style.font, size, leading, whole=False, right_to_left=right_to_left)
        size -= SHRINK_STEP


def _wrap(pieces: list[str], font: str, width: float) -> list[str]:
    """Break pieces into lines no wider than `width` at size 1; a piece that is wider than a line is split."""
    lines = [""]
    for piece in pieces:
        if _width(lines[-1] + piece, font) <= width:
            lines[-1] += piece
        else:
            lines += _split(piece, font, width)
    return [line.strip() for line in lines if line.strip()] or [""]


def _pieces(text: str) -> Iterator[str]:
    """Split `text` where lines may end; a space belongs to the word before it."""
    start = 0
    for index, (before, after) in enumerate(pairwise(text), start=1):
        free = (_breaks_freely(before) or _breaks_freely(after)) and after not in _NOT_FIRST and after != " "
        if (before == " " or free) and not fonts.is_attached(after):
            yield text[start:index]
            start = index
    yield text[start:]


def _breaks_freely(letter: str) -> bool:
    return letter > "\u2e7f" and any(first <= letter <= last for first, last in _FREE_BREAKS)


def _split(word: str, font: str, width: float) -> list[str]:
    """Split a word into parts no wider than `width` at size 1; a word that fits is one part."""
    parts = []
    while _width(word, font) > width and (end := _longest(word, font, width)) < len(word):
        parts.append(word[:end])
        word = word[end:]
    return [*parts, word]


def _longest(word: str, font: str, width: float) -> int:
    """The number of characters of a word that fit, at least one; characters attached to another stay with it."""
    end = bisect_right(range(1, len(word)), width, key=lambda count: _width(word[:count], font))
    while end > 0 and fonts.is_attached(word[end]):
        end -= 1
    if end == 0:
        end = 1
        while end < len(word) and fonts.is_attached(word[end]):
            end += 1
    return end


def _cut(lines: list[str], font: str, width: float) -> str:
    """The first lines, ending with an ellipsis."""
    line = lines[0]
    while line and _width(line + ELLIPSIS, font) > width:
        line = line[: _longest(line, font, width - _width(ELLIPSIS, font))] if len(line) > 1 else ""
    return line.rstrip() + ELLIPSIS


def _width(line: str, font: str) -> float:
    return shaping.width(line.rstrip(), font, 1)
