"""Openly licensed fonts that index cards embed, each as a subset of the letters that a card uses.

    NotoSans-*.ttf                         Latin, Greek, Cyrillic
    NotoSansArabic, Hebrew, Thai, …        one font, or two weights, for each other script
    NotoSansSymbols, Symbols2, Math        symbols, pictographs, arrows, technical signs
    NotoEmoji-Regular.ttf                  emoji in one colour
                                           SIL Open Font License 1.1: LICENSE-Noto.txt
    wqy-microhei.ttc 0.2.0-beta            Chinese, Japanese, Korean
                                           Apache License 2.0: LICENSE-WenQuanYiMicroHei.txt

Noto's files are those of Debian's fonts-noto-core (20201225-1) and of npm's @expo-google-fonts/noto-emoji (0.4.7),
without hints for screens and, of the larger ones, with the letters alone that cards need: `python -m infra.card_fonts`
made them. WenQuanYi's file is unchanged, as Debian distributes it (fonts-wqy-microhei 0.2.0-beta-3.1). All have
TrueType outlines.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent
