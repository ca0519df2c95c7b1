"""Makes the fonts of the layer `fonts` from their full releases: fewer characters, and no hinting.

    python -m infra.card_fonts FOLDER      FOLDER holds the .ttf files of Noto

Noto's files come from Debian's package fonts-noto-core (20201225-1), Noto Emoji from npm's
@expo-google-fonts/noto-emoji (0.4.7).
"""

from __future__ import annotations

import sys
from pathlib import Path

import uharfbuzz

from makertasks.media.cards.fonts import BOLD, EMOJI, FILES, MATHEMATICS, REGULAR

INTO = Path(__file__).parents[1] / "layers/fonts/python/card_fonts"
# Latin, Greek and Cyrillic letters with diacritics, punctuation, currency, symbols, numbers, arrows, operators.
EUROPEAN = ((0x20, 0x7E), (0xA0, 0x52F), (0x1D00, 0x20CF), (0x2100, 0x22FF), (0x2C60, 0x2C7F), (0xA640, 0xA7FF))
TECHNICAL = ((0x2190, 0x23FF), (0x25A0, 0x25FF), (0x27C0, 0x27FF), (0x2900, 0x297F), (0x2B00, 0x2BFF))
KEPT = {REGULAR: EUROPEAN, BOLD: EUROPEAN, MATHEMATICS: TECHNICAL}
# Tables that a PDF does not need.
DROPPED = {"STAT", "MATH", "meta", "DSIG", "name"}


def reduced(path: Path, ranges: tuple[tuple[int, int], ...] | None) -> bytes:
    """Return a font reduced to the characters in `ranges` (None: all characters), with all their glyphs."""
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
    wanted = uharfbuzz.SubsetInput()
    wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING
    kept = {letter for first, last in ranges for letter in range(first, last + 1)} if ranges else set(face.unicodes)
    wanted.sets(uharfbuzz.SubsetInputSets.UNICODE).update(kept)
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in DROPPED)
    return bytes(uharfbuzz.subset(face, wanted).blob.data)


def main(folder: Path) -> None:
    """Write every font that cards use except WenQuanYi's, which is kept whole."""
    for name, file in FILES.items():
        if file.endswith(".ttf"):
            source = folder / ("NotoEmoji_400Regular.ttf" if name == EMOJI else file)
            (INTO / file).write_bytes(reduced(source, KEPT.get(name)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
