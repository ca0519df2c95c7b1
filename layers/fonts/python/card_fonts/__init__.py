"""Openly licensed fonts that index cards embed where Helvetica lacks a letter.

    DejaVuSans.ttf, DejaVuSans-Bold.ttf 2.37     Latin, Greek, Cyrillic, Hebrew, Armenian, Georgian, technical signs
                                                 free, on Bitstream Vera's and Arev's terms: LICENSE-DejaVu.txt
    wqy-microhei.ttc 0.2.0-beta                  Chinese, Japanese, Korean
                                                 Apache License 2.0: LICENSE-WenQuanYiMicroHei.txt
    NotoSansSymbols-Regular.ttf,                 symbols and pictographs
    NotoSansSymbols2-Regular.ttf                 SIL Open Font License 1.1: LICENSE-NotoSansSymbols.txt

The files are unchanged, as Debian 12 distributes them (fonts-dejavu-core 2.37-6, fonts-wqy-microhei 0.2.0-beta-3.1,
fonts-noto-core 20201225-1). All have TrueType outlines, which reportlab embeds as subsets.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent
