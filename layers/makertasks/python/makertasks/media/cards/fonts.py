"""Letters on cards: which font of the layer `fonts` draws which, and a cleaned text to begin with."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uharfbuzz

# What a letter becomes that no font has.
REPLACEMENT = "\N{WHITE SQUARE}"
REGULAR, BOLD = "NotoSans-Regular", "NotoSans-Bold"
EMOJI, MATHEMATICS, EAST_ASIAN = "NotoEmoji-Regular", "NotoSansMath-Regular", "wqy-microhei"
# Scripts whose bold letters have a font of their own; the other fonts are made bold by drawing their outlines as well.
IN_TWO_WEIGHTS = ("Hebrew", "Arabic", "Thai", "Devanagari")
IN_ONE_WEIGHT = (
    *("Armenian", "Georgian", "Bengali", "Tamil", "Telugu", "Gujarati", "Gurmukhi", "Kannada", "Malayalam"),
    *("Sinhala", "Lao", "Khmer", "Myanmar", "Ethiopic", "CanadianAboriginal"),
)
_ONE_WEIGHT = tuple(f"NotoSans{script}-Regular" for script in IN_ONE_WEIGHT)
_SYMBOLS = (MATHEMATICS, "NotoSansSymbols-Regular", "NotoSansSymbols2-Regular")
# The fonts that a letter is looked for in, by the font that its text is set in.
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
# Files of the layer `fonts`; of a collection, its first font.
FILES = {name: f"{name}.ttf" for chain in CHAINS.values() for name in chain} | {EAST_ASIAN: "wqy-microhei.ttc"}
PICTOGRAPHS = "\U0001f000"  # from here on, emoji come before symbols
# Joiners, which shape what stands beside them, and the selectors of an emoji's or a sign's form.
_JOINERS = "\u200c\u200d"


# More combining marks in a row than a letter of any language carries.
_TOWERS = re.compile(
    r"([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{8})"
    r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean(text: str) -> str:
    """`text` as a card can hold it: composed letters, single spaces, no controls and no direction marks.

    Joiners and variation selectors stay where they follow a letter that they may shape. Of accents heaped on one letter
    the first eight stay, more than any language has: others would leave the card.
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
    """Whether a letter belongs to the one before it: marks, joiners, variation selectors, tones of skin."""
    return (
        letter in _JOINERS
        or unicodedata.category(letter)[0] == "M"
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U0001f3fb" <= letter <= "\U0001f3ff"
        or "\U000e0100" <= letter <= "\U000e01ef"
    )


def missing(text: str) -> list[str]:
    """Letters of a cleaned text that no font has, each once."""
    return sorted({letter for letter in text if font_of(letter, REGULAR) is None and not _is_ignorable(letter)})


@cache
def font_of(letter: str, font: str) -> str | None:
    """The font that draws a letter of a text that is set in `font`; None where no font has it."""
    chain = CHAINS[font]
    if letter >= PICTOGRAPHS:
        chain = (EMOJI, *chain)
    return next((name for name in chain if has(name, letter)), None)


def has(font: str, letter: str) -> bool:
    """Whether a font has a letter, or needs none for it."""
    return load(font).get_nominal_glyph(ord(letter)) is not None


def is_bold(font: str) -> bool:
    """Whether a font's letters are bold."""
    return font.endswith("-Bold")


@cache
def load(font: str) -> uharfbuzz.Font:
    """A font of the layer, in its own units; read once a process."""
    import uharfbuzz  # noqa: PLC0415 - importing this module stays cheap
    from card_fonts import DIRECTORY  # noqa: PLC0415 - a layer of its own

    blob = uharfbuzz.Blob.from_file_path(str(DIRECTORY / FILES[font]))
    return uharfbuzz.Font(uharfbuzz.Face(blob, 0))


def _is_ignorable(letter: str) -> bool:
    return letter in _JOINERS or "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
