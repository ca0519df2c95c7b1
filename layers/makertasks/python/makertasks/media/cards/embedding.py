"""Fonts in the PDF: the glyphs that its texts use, and the text for each of them.

Here a character of a PDF's font is a pair of glyph and text. Copying and searching therefore give the original text,
even if one glyph stands for several letters, or different letters share a glyph in different words.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream, PDFString
from reportlab.pdfgen.canvas import Canvas

from makertasks.media.cards import fonts
from makertasks.media.cards.shaping import Glyph, Run

# Fonts without bold are drawn with an outline of this width, relative to their size.
EMBOLDEN = 1 / 30
FILL, FILL_AND_STROKE = 0, 2  # text render modes
UNITS = 1000  # unit of a PDF's glyph widths, per font size
SYMBOLIC = 4  # flag of a font descriptor
MOST_MAPPINGS = 100  # maximum of one block in a CMap


class Fonts:
    """The fonts of one PDF."""

    def __init__(self, canvas: Canvas) -> None:
        """Create it; `canvas` must have no page yet."""
        self._document = canvas._doc  # noqa: SLF001 - reportlab has no public way to its document
        self._used: dict[str, dict[tuple[int, str], tuple[int, float]]] = {}
        # reportlab begins each page with Helvetica, which is not needed here.
        canvas._make_preamble = lambda: None  # noqa: SLF001
        canvas._preamble = "1 0 0 1 0 0 cm"  # noqa: SLF001
        self._resources = self._document.idToObject["BasicFonts"].dict
        self._resources.clear()

    def draw(self, canvas: Canvas, runs: Sequence[Run], size: float, x: float, y: float) -> None:
        """Draw a line of text whose baseline begins at (`x`, `y`), in the current colours."""
        places = [x + size * before for before in accumulate((run.width for run in runs), initial=0)]
        operators = ["BT"]
        for run, left in sorted(zip(runs, places, strict=False), key=lambda each: each[0].index):  # in reading order
            name = self._resource(run.font)
            outline = f"{FILL_AND_STROKE} Tr {size * EMBOLDEN:.3f} w" if run.embolden else f"{FILL} Tr"
            operators.append(f"/{name} {size:g} Tf {outline}")
            operators += self._shown(run, size, left, y)
        operators.append("ET")
        if any(run.turned for run in runs):
            # Most programs copy and search this text, however they order the letters.
            meant = "".join(glyph.text for run in sorted(runs, key=lambda run: run.index) for glyph in run.glyphs)
            written = (codecs.BOM_UTF16_BE + meant.encode("utf-16-be")).hex()
            operators = [f"/Span <</ActualText <{written}>>> BDC", *operators, "EMC"]
        canvas.addLiteral("\n".join(operators))

    def finish(self) -> None:
        """Add every font that was used to the document."""
        for number, (font, used) in enumerate(self._used.items()):
            self._resources[f"T{number}"] = self._embedded(font, used)

    def _resource(self, font: str) -> str:
        self._used.setdefault(font, {})
        return f"T{list(self._used).index(font)}"

    def _shown(self, run: Run, size: float, x: float, y: float) -> list[str]:
        """Operators for a run: one piece for consecutive glyphs at the same height."""
        operators: list[str] = []
        piece: list[str] = []
        height = None
        for glyph in run.glyphs:
            if glyph.up != height:
                operators += [f"[{' '.join(piece)}] TJ"] if piece else []
                operators.append(f"1 0 0 1 {x + glyph.across * size:.3f} {y + glyph.up * size:.3f} Tm")
                height, piece, shift = glyph.up, [], glyph.across
            else:
                shift = glyph.across
                piece += [f"{-shift * UNITS:.0f}"] if shift else []
            piece.append(f"<{self._character(run.font, glyph):04X}>")
            rest = glyph.advance - glyph.natural - shift
            piece += [f"{-rest * UNITS:.0f}"] if round(rest * UNITS) else []
            x += glyph.advance * size
        return [*operators, f"[{' '.join(piece)}] TJ"] if piece else operators

    def _character(self, font: str, glyph: Glyph) -> int:
        used = self._used[font]
        return used.setdefault((glyph.number, glyph.text), (len(used) + 1, glyph.natural))[0]

    def _embedded(self, font: str, used: dict[tuple[int, str], tuple[int, float]]) -> Any:
        data, renumbered = _subset(font, {glyph for glyph, _text in used})
        name = f"MAKERT+{font}"
        numbers = b"\0\0" + b"".join(renumbered[glyph].to_bytes(2, "big") for glyph, _text in used)
        descendant = PDFDictionary(
            {
                "Type": PDFName("Font"),
                "Subtype": PDFName("CIDFontType2"),
                "BaseFont": PDFName(name),
                "CIDSystemInfo": PDFDictionary(
                    {"Registry": PDFString("Adobe"), "Ordering": PDFString("Identity"), "Supplement": 0}
                ),
                "FontDescriptor": self._reference(self._descriptor(font, name, data)),
                "DW": UNITS,
                "W": PDFArray([1, PDFArray([round(width * UNITS) for _number, width in used.values()])]),
                "CIDToGIDMap": self._stream(numbers),
            }
        )
        return self._reference(
            PDFDictionary(
                {
                    "Type": PDFName("Font"),
                    "Subtype": PDFName("Type0"),
                    "BaseFont": PDFName(name),
                    "Encoding": PDFName("Identity-H"),
                    "DescendantFonts": PDFArray([self._reference(descendant)]),
                    "ToUnicode": self._stream(_unicode_map([text for _glyph, text in used])),
                }
            )
        )

    def _descriptor(self, font: str, name: str, data: bytes) -> PDFDictionary:
        loaded = fonts.load(font)
        extents = loaded.get_font_extents("ltr")
        unit = UNITS / loaded.face.upem
        ascent, descent = round(extents.ascender * unit), round(extents.descender * unit)
        return PDFDictionary(
            {
                "Type": PDFName("FontDescriptor"),
                "FontName": PDFName(name),
                "Flags": SYMBOLIC,
                "FontBBox": PDFArray([-UNITS, descent, 2 * UNITS, ascent]),
                "ItalicAngle": 0,
                "Ascent": ascent,
                "Descent": descent,
                "CapHeight": round(ascent * 0.7),
                "StemV": 140 if fonts.is_bold(font) else 80,
                "FontFile2": self._stream(data, {"Length1": len(data)}),
            }
        )

    def _stream(self, content: bytes, entries: dict[str, Any] | None = None) -> Any:
        stream = PDFStream(PDFDictionary(entries or {}), content, filters=self._document.defaultStreamFilters)
        return self._reference(stream)

    def _reference(self, entry: Any) -> Any:
        return self._document.Reference(entry)


def _subset(font: str, glyphs: set[int]) -> tuple[bytes, dict[int, int]]:
    """The font reduced to these glyphs, as TrueType, and the glyphs' new numbers."""
    import uharfbuzz  # noqa: PLC0415 - importing this module stays cheap

    wanted = uharfbuzz.SubsetInput()
    wanted.sets(uharfbuzz.SubsetInputSets.GLYPH_INDEX).update(glyphs)
    for table in (b"GSUB", b"GPOS", b"GDEF", b"cmap", b"name", b"OS/2", b"post", b"kern"):
        wanted.drop_table_tag_set.add(int.from_bytes(table, "big"))
    wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING
    plan = uharfbuzz.SubsetPlan(fonts.load(font).face, wanted)
    return bytes(plan.execute().blob.data), dict(plan.old_to_new_glyph_mapping)


def _unicode_map(texts: list[str]) -> bytes:
    """A CMap from the font's characters, numbered from 1, to their texts."""
    lines = [f"<{number:04X}> <{text.encode('utf-16-be').hex().upper()}>" for number, text in enumerate(texts, start=1)]
    blocks = [lines[start : start + MOST_MAPPINGS] for start in range(0, len(lines), MOST_MAPPINGS)]
    mapped = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{mapped}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
