"""Characters on cards: cleans texts, and finds the font of the layer `fonts` for each character."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uharfbuzz

# Replaces a character that no font has.
REPLACEMENT = "\N{WHITE SQUARE}"
REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
EMOJI, MATHEMATICS, EAST_ASIAN = "NotoEmoji-Regular", "NotoSansMath-Regular", "wqy-microhei"
# Scripts with a bold font; other fonts are made bold by also drawing their outlines.
IN_TWO_WEIGHTS = ("Hebrew", "Arabic", "Thai", "Devanagari")
IN_ONE_WEIGHT = (
    *("Armenian", "Georgian", "Bengali", "Tamil", "Telugu", "Gujarati", "Gurmukhi", "Kannada", "Malayalam"),
    *("Sinhala", "Lao", "Khmer", "Myanmar", "Ethiopic", "CanadianAboriginal"),
)
_ONE_WEIGHT = tuple(f"NotoSans{script}-Regular" for script in IN_ONE_WEIGHT)
_SYMBOLS = (MATHEMATICS, "NotoSansSymbols-Regular", "NotoSansSymbols2-Regular")
# The fonts to search for a character, by the font of its text.
CHAINS = {
    f"NotoSans-{weight}": (
        f"NotoSans-{weight}",
        *(f"NotoSans{script}-{weight}" for script in IN_TWO_WEIGHTS),
        *_ONE_WEIGHT,
        EAST_ASIAN,
        *_SYMBOLS,
        EMOJI,
    )
    for weight in ("Regular", "Bold")
}
# Files of the layer `fonts`; of a collection, the first font is used.
FILES = {name: f"{name}.ttf" for chain in CHAINS.values() for name in chain} | {EAST_ASIAN: "wqy-microhei.ttc"}
PICTOGRAPHS = "\U0001f000"  # from here on, emoji fonts come before symbol fonts
# Joiners, which change the shape of their neighbours, and variation selectors.
_JOINERS = "\u200c\u200d"


# More consecutive combining marks than a letter of any language has.
_TOWERS = re.compile(
    r"([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{8})"
    r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean(text: str) -> str:
    """Clean a text for a card: composed letters, single spaces, no control characters and no direction marks.

    Joiners and variation selectors stay if they follow a letter that they may shape. Of the accents on one letter only
    the first eight stay, more than any language has: further ones would extend beyond the card.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Zs"} else letter
        for letter in composed
        if unicodedata.category(letter) not in {"Cf", "Cs"} or letter in _JOINERS
    )
    words = (word.strip(_JOINERS) for word in _TOWERS.sub(r"\1", kept).split())
    return " ".join(word for word in words if any(not is_attached(letter) for letter in word))


def is_attached(letter: str) -> bool:
    """Whether a character belongs to the one before it: marks, joiners, variation selectors, skin tones."""
    return (
        letter in _JOINERS
        or unicodedata.category(letter)[0] == "M"
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U0001f3fb" <= letter <= "\U0001f3ff"
        or "\U000e0100" <= letter <= "\U000e01ef"
    )


def missing(text: str) -> list[str]:
    """Characters of a cleaned text that no font has, each once."""
    return sorted({letter for letter in text if font_of(letter, REGULAR) is None and not _is_ignorable(letter)})


@cache
def font_of(letter: str, font: str) -> str | None:
    """The font for a character of a text set in `font`; None if no font has it."""
    chain = CHAINS[font]
    if letter >= PICTOGRAPHS:
        chain = (EMOJI, *chain)
    return next((name for name in chain if has(name, letter)), None)


def has(font: str, letter: str) -> bool:
    """Whether a font has a character, or needs no glyph for it."""
    return load(font).get_nominal_glyph(ord(letter)) is not None


def is_bold(font: str) -> bool:
    """Whether a font is bold."""
    return font.endswith("-Bold")


@cache
def load(font: str) -> uharfbuzz.Font:
    """A font of the layer, in font units; read once per process."""
    import uharfbuzz  # noqa: PLC0415 - importing this module stays cheap
    from card_fonts import DIRECTORY  # noqa: PLC0415 - a layer of its own

    blob = uharfbuzz.Blob.from_file_path(str(DIRECTORY / FILES[font]))
    return uharfbuzz.Font(uharfbuzz.Face(blob, 0))


def _is_ignorable(letter: str) -> bool:
    return letter in _JOINERS or "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
