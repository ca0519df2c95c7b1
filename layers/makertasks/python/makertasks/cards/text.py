"""Fitting text into a place: wrapped, shrunk, and at last cut with an ellipsis. Sizes are in points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from makertasks.cards import fonts

ELLIPSIS = "…"
SHRINK_STEP = 0.5
# Scripts without spaces between words may be broken between any two letters, except before these.
_FREE_BREAKS = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\uff00", "\uffef"))
_NOT_FIRST = set("、。，．！？：；）」』】〉》’”…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ％!),.:;?]}%")  # noqa: RUF001 - these very letters are meant


@dataclass(frozen=True)
class Style:
    """A font at its normal size, its line height, and the smallest size it may be shrunk to."""

    font: str
    size: float
    leading: float
    smallest: float


@dataclass(frozen=True)
class Fitted:
    """Lines at the size at which they fit. `whole` is false where an ellipsis stands for the rest."""

    lines: tuple[str, ...]
    size: float
    leading: float
    whole: bool

    @property
    def height(self) -> float:
        """Height of all lines."""
        return self.leading * len(self.lines)


def fit(text: str, style: Style, width: float, height: float) -> Fitted:
    """`text` in a place of `width` by `height`: at the largest size that holds it whole, else cut at the smallest."""
    size = style.size
    while True:
        leading = style.leading * size / style.size
        room = max(1, int(height / leading + 1e-9))
        lines = _wrap(text, style.font, size, width)
        if len(lines) <= room:
            return Fitted(tuple(lines), size, leading, whole=True)
        if size - SHRINK_STEP < style.smallest:
            rest = " ".join(lines[room - 1 :])
            return Fitted((*lines[: room - 1], _cut(rest, style.font, size, width)), size, leading, whole=False)
        size -= SHRINK_STEP


def _wrap(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width`, broken at spaces where possible."""
    if fonts.width(text, font, size) <= width:
        return [text]
    lines = [""]
    for piece in _pieces(text):
        candidate = lines[-1] + piece
        if fonts.width(candidate.rstrip(), font, size) <= width:
            lines[-1] = candidate
            continue
        if lines[-1]:
            lines.append("")
        for part in _split(piece.lstrip(), font, size, width):
            if lines[-1]:
                lines.append("")
            lines[-1] = part
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


def _split(word: str, font: str, size: float, width: float) -> Iterator[str]:
    """A word in parts no wider than `width`: only one that is wider than a line has more than one part."""
    while fonts.width(word.rstrip(), font, size) > width:
        length = max(1, _longest(word, font, size, width))
        yield word[:length]
        word = word[length:]
    yield word


def _longest(text: str, font: str, size: float, width: float) -> int:
    """How many letters of `text` fit `width`, by halving."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if fonts.width(text[:middle], font, size) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, font: str, size: float, width: float) -> str:
    """The beginning of `text` with an ellipsis, no wider than `width`."""
    room = width - fonts.width(ELLIPSIS, font, size)
    return text[: _longest(text, font, size, room)].rstrip() + ELLIPSIS
