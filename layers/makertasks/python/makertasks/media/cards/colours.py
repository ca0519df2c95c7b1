"""Category colours, and readable text colours for them. Colours are (red, green, blue), 0 to 255 each."""

from __future__ import annotations

import re

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
TITLE: Colour = (0x1F, 0x29, 0x37)
TEXT: Colour = (0x11, 0x18, 0x27)
MUTED: Colour = (0x6B, 0x72, 0x80)
DEFAULT: Colour = (0x25, 0x63, 0xEB)  # of cards without a category, or with an invalid colour
# NFPA 704's quadrants
HEALTH_BLUE: Colour = (0x00, 0x5E, 0xB8)
FIRE_RED: Colour = (0xE0, 0x1F, 0x26)
INSTABILITY_YELLOW: Colour = (0xFF, 0xE1, 0x00)

LIGHT_ABOVE = 0.5  # luma
READABLE_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 level AA

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def parse(text: str | None) -> Colour | None:
    """Parse a colour as OpenMakerSuite stores it; returns None if the text is not one.

    >>> parse("#2563eb"), parse(" fff "), parse("blue")
    ((37, 99, 235), (255, 255, 255), None)
    """
    match = _HEX.fullmatch((text or "").strip())
    if match is None:
        return None
    digits = match[1] if len(match[1]) == len("rrggbb") else "".join(digit * 2 for digit in match[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def is_light(colour: Colour) -> bool:
    """Whether text on this colour should be black, by the luma of ITU-R BT.601."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255 > LIGHT_ABOVE


def text_on(colour: Colour) -> Colour:
    """Black on light colours, white on dark ones."""
    return BLACK if is_light(colour) else WHITE


def text_in(colour: Colour) -> Colour:
    """The colour itself if it is readable on white paper, otherwise a grey that is."""
    return colour if contrast(colour, WHITE) >= READABLE_CONTRAST else MUTED


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of WCAG 2.2, 1 to 21.

    >>> round(contrast(BLACK, WHITE))
    21
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    """Relative luminance of WCAG 2.2."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own constants
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
