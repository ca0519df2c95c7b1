"""Lines of text as positioned glyphs: HarfBuzz joins, stacks and reorders letters as each script requires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from makertasks.media.cards import bidirectional, fonts

# Number of cached lines: texts are measured often while they are fitted.
KEPT_LINES = 4096


@dataclass(frozen=True)
class Glyph:
    """A glyph of a font and its `text`; lengths are relative to the font's size."""

    number: int
    text: str
    advance: float
    natural: float  # the glyph's advance in the font
    across: float
    up: float


@dataclass(frozen=True)
class Run:
    """Glyphs of one font, from left to right."""

    font: str
    glyphs: tuple[Glyph, ...]
    embolden: bool  # the font is not bold, so outlines are drawn as well
    index: int  # of the run, in reading order
    turned: bool = False  # written from right to left

    @property
    def width(self) -> float:
        """Width relative to the font's size."""
        return sum(glyph.advance for glyph in self.glyphs)


@lru_cache(KEPT_LINES)
def shape(line: str, font: str, *, right_to_left: bool = False) -> tuple[Run, ...]:
    """Shape a line into runs from left to right; `font` is the font of its text."""
    shown = "".join(fonts.REPLACEMENT if _lacking(letter, font) else letter for letter in line)
    levels = (
        bidirectional.levels(shown, right_to_left=right_to_left)
        if right_to_left or bidirectional.has_right_to_left(shown)
        else [0] * len(shown)
    )
    letters = zip(levels, _fonts_of(shown, font), shown, strict=True)
    pieces = [(key, "".join(each[2] for each in group)) for key, group in groupby(letters, key=lambda each: each[:2])]
    bold = fonts.is_bold(font)
    runs = []
    for index in bidirectional.display_order([level for (level, _name), _text in pieces]):
        (level, name), text = pieces[index]
        glyphs = _glyphs(text, name, turned=bool(level % 2))
        meant = _meaning(text, glyphs) if level % 2 else glyphs
        runs.append(
            Run(name, tuple(meant), embolden=bold and not fonts.is_bold(name), index=index, turned=bool(level % 2))
        )
    return tuple(runs)


def width(line: str, font: str, size: float) -> float:
    """Width of a line in points."""
    return size * _advance(line, font)


@lru_cache(KEPT_LINES)
def _advance(line: str, font: str) -> float:
    """Width of a line at size 1: wrapping asks for the same lines at every size that it tries."""
    return sum(run.width for run in shape(line, font))


def _meaning(text: str, glyphs: Iterable[Glyph]) -> Iterator[Glyph]:
    """For a right-to-left run, give the first glyph drawn the text of the whole run, in reading order.

    Programs that extract text from a PDF disagree on whether to reverse the letters; this leaves nothing to reverse.
    """
    for glyph in glyphs:
        yield replace(glyph, text=text)
        text = ""


def _lacking(letter: str, font: str) -> bool:
    return not fonts.is_attached(letter) and fonts.font_of(letter, font) is None


def _fonts_of(line: str, font: str) -> Iterator[str]:
    """The font of each letter: marks and joiners stay with the letter before them."""
    before = ""
    for letter in line:
        if not (before and fonts.is_attached(letter)):
            before = fonts.font_of(letter, font) or font
        yield before


@lru_cache(KEPT_LINES)
def _glyphs(text: str, font: str, *, turned: bool) -> tuple[Glyph, ...]:
    """Shape a piece of one font and direction; the pieces of a line are the pieces of most of its beginnings."""
    return tuple(_shaped(text, font, turned=turned))


def _shaped(text: str, font: str, *, turned: bool) -> Iterator[Glyph]:
    import uharfbuzz  # noqa: PLC0415 - importing this module stays cheap

    loaded = fonts.load(font)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if turned else "ltr"
    buffer.flags = uharfbuzz.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    uharfbuzz.shape(loaded, buffer)
    unit = 1 / loaded.face.upem
    infos, positions = buffer.glyph_infos, buffer.glyph_positions
    starts = sorted({info.cluster for info in infos})
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    seen: set[int] = set()
    for info, place in zip(infos, positions, strict=True):
        meant = "" if info.cluster in seen else text[info.cluster : ends[info.cluster]]
        seen.add(info.cluster)
        yield Glyph(
            info.codepoint,
            meant,
            place.x_advance * unit,
            loaded.get_glyph_h_advance(info.codepoint) * unit,
            place.x_offset * unit,
            place.y_offset * unit,
        )
