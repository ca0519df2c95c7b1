"""Openly licensed fonts that index cards embed where Helvetica lacks a letter; a package so that any `sys.path` finds it.

    file                            writes                                                  licence
    DejaVuSans{,-Bold}.ttf 2.37     Latin, Greek, Cyrillic, Hebrew, Armenian, Georgian,     LICENSE-DejaVu.txt (free,
                                    arrows, mathematics, technical signs                    Bitstream Vera and Arev terms)
    wqy-microhei.ttc 0.2.0-beta     Chinese, Japanese, Korean                               LICENSE-WenQuanYiMicroHei.txt
                                                                                            (Apache 2.0)
    NotoSansSymbols-Regular.ttf     symbols, pictographs                                    LICENSE-NotoSansSymbols.txt
    NotoSansSymbols2-Regular.ttf                                                            (SIL Open Font License 1.1)

The files are unchanged, as Debian 12 distributes them (fonts-dejavu-core 2.37-6, fonts-wqy-microhei 0.2.0-beta-3.1,
fonts-noto-core 20201225-1). All have TrueType outlines, which reportlab embeds as subsets.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent
