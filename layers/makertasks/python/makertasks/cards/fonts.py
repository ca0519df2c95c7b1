"""Text on cards: which font draws which letter, how wide a line is, and in which order its letters stand.

Helvetica and Helvetica-Bold, which every reader has, draw what they can; the fonts of the layer `fonts` are loaded when
the first letter needs them, and embedded as subsets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

# What a letter becomes that no font has.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
# Files of the layer `fonts` in the order they are asked for a letter; of a collection, its first font.
FALLBACKS = {
    REGULAR: ("DejaVuSans.ttf", "NotoSansSymbols-Regular.ttf", "NotoSansSymbols2-Regular.ttf", "wqy-microhei.ttc"),
    BOLD: ("DejaVuSans-Bold.ttf", "NotoSansSymbols-Regular.ttf", "NotoSansSymbols2-Regular.ttf", "wqy-microhei.ttc"),
}
RIGHT_TO_LEFT = {"R", "AL"}


@dataclass(frozen=True)
class Run:
    """Letters of one line that one font draws. `embolden`: the font has no bold, so its outline is drawn as well."""

    text: str
    font: str
    embolden: bool


def clean(text: str) -> str:
    """`text` as a card can hold it: composed letters, single spaces, no controls and no invisible format characters.

    Format characters (joiners, direction marks, variation selectors) have no picture of their own.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Zs"} else letter
        for letter in composed
        if unicodedata.category(letter) not in {"Cf", "Cs"} and not _is_variation_selector(letter)
    )
    return " ".join(kept.split())


def missing(text: str) -> list[str]:
    """Letters of a cleaned text that no font has, each once."""
    return sorted({letter for letter in text if not _in_helvetica(letter) and not _embedded(letter, REGULAR)})


def runs(text: str, font: str) -> list[Run]:
    """A cleaned line as the runs that draw it, from left to right."""
    ordered = in_display_order(text)
    if _helvetica_suffices(ordered):
        return [Run(ordered, font, embolden=False)]
    return [
        Run(
            "".join(letter for letter, _ in group),
            name,
            embolden=font == BOLD and name not in {BOLD, "DejaVuSans-Bold"},
        )
        for name, group in groupby(_choose(ordered, font), key=lambda choice: choice[1])
    ]


def width(text: str, font: str, size: float) -> float:
    """Width of a cleaned line in points."""
    if _helvetica_suffices(text):
        return float(pdfmetrics.stringWidth(text, font, size))
    return float(sum(pdfmetrics.stringWidth(run.text, run.font, size) for run in runs(text, font)))


def is_right_to_left(text: str) -> bool:
    """Whether a line holds letters that are written from right to left."""
    return any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text)


def in_display_order(text: str) -> str:
    """Letters of one line from left to right, by the Unicode bidirectional algorithm."""
    if not is_right_to_left(text):
        return text
    from bidi import get_display  # noqa: PLC0415 - most cards need none of it

    displayed: str = get_display(text)
    return displayed


def _choose(text: str, font: str) -> Iterator[tuple[str, str]]:
    """Each letter with the name of its font; a word never changes its font between letters of one alphabet."""
    fallbacks = FALLBACKS[font]
    primary_lacks_letters = any(
        unicodedata.category(letter)[0] in "LM" and not _in_helvetica(letter) and _has(fallbacks[0], letter)
        for letter in text
    )
    for letter in text:
        if _in_helvetica(letter) and not primary_lacks_letters:
            yield letter, font
            continue
        name = _embedded(letter, font)
        if name:
            yield letter, name
        elif _in_helvetica(letter):
            yield letter, font
        else:
            yield REPLACEMENT, _load(fallbacks[0])


def _embedded(letter: str, font: str) -> str | None:
    return next((_load(file) for file in FALLBACKS[font] if _has(file, letter)), None)


def _helvetica_suffices(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _in_helvetica(letter: str) -> bool:
    """Whether the standard encoding of PDF's own Helvetica has the letter."""
    return _helvetica_suffices(letter)


def _has(file: str, letter: str) -> bool:
    return ord(letter) in pdfmetrics.getFont(_load(file)).face.charToGlyph


@cache
def _load(file: str) -> str:
    """Register a font of the layer with reportlab, once a process; answers its name."""
    from card_fonts import DIRECTORY  # noqa: PLC0415 - a layer of its own, needed by few cards

    name = file.partition(".")[0]
    pdfmetrics.registerFont(TTFont(name, str(DIRECTORY / file)))
    return name


def _is_variation_selector(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
