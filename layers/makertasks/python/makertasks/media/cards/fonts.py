"""Letters on cards: which font draws which, how wide a line is, and in which order its letters stand.

Helvetica and Helvetica-Bold, which every reader has, draw what they can; the fonts of the layer `fonts` are loaded when
the first letter needs them, and embedded as subsets.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

# What a letter becomes that no font has.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
# What stands in for Helvetica as a whole where an alphabet lacks letters in it, so that no word mixes two fonts.
WIDER = {REGULAR: "DejaVuSans", BOLD: "DejaVuSans-Bold"}
SYMBOLS = ("NotoSansSymbols-Regular", "NotoSansSymbols2-Regular", "wqy-microhei")
# The fonts that a letter is looked for in, by the font that its text is set in.
CHAINS = {
    REGULAR: (REGULAR, "DejaVuSans", *SYMBOLS),
    BOLD: (BOLD, "DejaVuSans-Bold", *SYMBOLS),
    "DejaVuSans": ("DejaVuSans", *SYMBOLS, REGULAR),
    "DejaVuSans-Bold": ("DejaVuSans-Bold", *SYMBOLS, BOLD),
}
# Files of the layer `fonts`; of a collection, its first font.
FILES = {name: f"{name}.ttf" for name in (*WIDER.values(), *SYMBOLS)} | {"wqy-microhei": "wqy-microhei.ttc"}
HAVE_BOLD = {BOLD, "DejaVuSans-Bold"}
RIGHT_TO_LEFT = {"R", "AL"}


@dataclass(frozen=True)
class Run:
    """Letters of one line that one font draws. `embolden`: the font has no bold, so its outline is drawn as well."""

    text: str
    font: str
    embolden: bool


@dataclass(frozen=True)
class Glyph:
    """The font that draws a letter, the letter it draws (a box where no font has it), and its width at size 1."""

    font: str
    letter: str
    width: float


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
    return sorted({letter for letter in text if _find(letter, REGULAR) is None})


def font_for(text: str, font: str) -> str:
    """`font`, or its wider one where a letter is missing that the wider one has.

    Signs, and scripts that neither has, are looked for letter by letter and change nothing.
    """
    if _in_helvetica(text):
        return font
    lacking = any(
        unicodedata.category(letter)[0] in "LM" and not _in_helvetica(letter) and _has(WIDER[font], letter)
        for letter in text
    )
    return WIDER[font] if lacking else font


def runs(line: str, font: str, *, right_to_left: bool = False) -> list[Run]:
    """A line as the runs that draw it, from left to right; `font` is what `font_for` said of its text."""
    ordered = in_display_order(line, right_to_left=right_to_left)
    if font in WIDER and _in_helvetica(ordered):
        return [Run(ordered, font, embolden=False)]
    glyphs = (glyph(letter, font) for letter in ordered)
    bold = font in HAVE_BOLD
    return [
        Run("".join(one.letter for one in group), name, embolden=bold and name not in HAVE_BOLD)
        for name, group in groupby(glyphs, key=lambda one: one.font)
    ]


def width(line: str, font: str, size: float) -> float:
    """Width of a line in points. Letters are not kerned: it is the sum of their widths."""
    return size * sum(glyph(letter, font).width for letter in line)


@cache
def glyph(letter: str, font: str) -> Glyph:
    """What draws a letter of a text that is set in `font`."""
    name = _find(letter, font)
    if name is None:
        letter, name = REPLACEMENT, WIDER.get(font, font)
    _load(name)
    return Glyph(name, letter, pdfmetrics.stringWidth(letter, name, 1))


def begins_right_to_left(text: str) -> bool:
    """Whether a text as a whole is written from right to left: its first letter says so."""
    directions = (unicodedata.bidirectional(letter) for letter in text)
    return next((direction for direction in directions if direction in {"L", *RIGHT_TO_LEFT}), "L") in RIGHT_TO_LEFT


def has_right_to_left(text: str) -> bool:
    """Whether any letter is written from right to left."""
    return any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text)


def in_display_order(line: str, *, right_to_left: bool = False) -> str:
    """Letters of one line from left to right, by the Unicode bidirectional algorithm."""
    if not right_to_left and not has_right_to_left(line):
        return line
    from bidi import get_display  # noqa: PLC0415 - most cards need none of it

    displayed: str = get_display(line, base_dir="R" if right_to_left else "L")
    return displayed


def _find(letter: str, font: str) -> str | None:
    return next((name for name in CHAINS[font] if _has(name, letter)), None)


def _has(name: str, letter: str) -> bool:
    if name in WIDER:
        return _in_helvetica(letter)
    _load(name)
    return ord(letter) in pdfmetrics.getFont(name).face.charToGlyph


def _in_helvetica(text: str) -> bool:
    """Whether the standard encoding of PDF's own Helvetica has every letter."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _load(name: str) -> None:
    """Register a font of the layer with reportlab, once a process; PDF's own need none of it."""
    if name in FILES:
        from card_fonts import DIRECTORY  # noqa: PLC0415 - a layer of its own, needed by few cards

        pdfmetrics.registerFont(TTFont(name, str(DIRECTORY / FILES[name])))


def _is_variation_selector(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
