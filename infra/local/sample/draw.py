"""Draws the sample images. Run it after a change: `python -m infra.local.sample.draw`."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

IMAGES = Path(__file__).with_name("images")
WIDTH, HEIGHT = 800, 600
SCALE = 3  # drawn larger and reduced at the end, which smooths every edge

Point = tuple[float, float]
Colour = tuple[int, int, int]


class Sheet:
    """A picture in WIDTH by HEIGHT units, with a light background that darkens towards the bottom."""

    def __init__(self, top: Colour, bottom: Colour) -> None:
        column = Image.new("RGB", (1, HEIGHT))
        for y in range(HEIGHT):
            share = y / HEIGHT
            column.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
        self.image = column.resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.BICUBIC)

    def polygon(self, points: Sequence[Point], fill: Colour, outline: Colour | None = None, width: float = 0) -> None:
        """A filled polygon."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        ImageDraw.Draw(self.image).polygon(scaled, fill, outline, round(width * SCALE) or 1)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A line with round corners."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        ImageDraw.Draw(self.image).line(scaled, fill, round(width * SCALE), joint="curve")

    def ellipse(
        self, centre: Point, radii: Point, fill: Colour | None, outline: Colour | None = None, width: float = 0
    ) -> None:
        """An ellipse; without `fill` a ring of `width`."""
        (x, y), (across, down) = centre, radii
        box = [(x - across) * SCALE, (y - down) * SCALE, (x + across) * SCALE, (y + down) * SCALE]
        ImageDraw.Draw(self.image).ellipse(box, fill, outline, round(width * SCALE))

    def shadow(self, centre: Point, radii: Point, strength: int = 90) -> None:
        """A soft shadow on the table."""
        small = Image.new("L", (WIDTH, HEIGHT), 0)
        (x, y), (across, down) = centre, radii
        ImageDraw.Draw(small).ellipse([x - across, y - down, x + across, y + down], strength)
        mask = small.filter(ImageFilter.GaussianBlur(18)).resize(self.image.size)
        self.image.paste((20, 24, 32), mask=mask)

    def save(self, name: str, **options: object) -> None:
        """Reduce and write the picture."""
        self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(IMAGES / name, **options)  # type: ignore[arg-type]


def draw_plywood() -> None:
    """Three sheets of birch plywood, their plies visible at the edge."""
    sheet = Sheet((236, 240, 244), (198, 206, 214))
    chance = random.Random(7)  # noqa: S311  # grain, not secrets
    sheet.shadow((500, 500), (300, 40))
    for x, y in ((60, 120), (30, 70), (0, 20)):
        corners = [(150 + x, 160 + y), (620 + x, 100 + y), (700 + x, 330 + y), (200 + x, 420 + y)]
        for ply in range(5):
            drop = 4 * (4 - ply)
            shade = (222, 187, 135) if ply % 2 else (176, 134, 84)
            sheet.polygon([(px, py + drop) for px, py in corners], shade)
        sheet.polygon(corners, (236, 208, 163))
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
        for _ in range(46):
            share, wave = chance.random(), chance.uniform(0, 6.28)
            grain: list[Point] = []
            for step in range(25):
                along = 0.01 + step / 24.6
                across = min(1.0, max(0.0, share + 0.012 * math.sin(wave + along * 9)))
                left, right = (
                    (ax + (dx - ax) * across, ay + (dy - ay) * across),
                    (bx + (cx - bx) * across, by + (cy - by) * across),
                )
                grain.append((left[0] + (right[0] - left[0]) * along, left[1] + (right[1] - left[1]) * along))
            sheet.line(
                grain, chance.choice([(226, 194, 145), (218, 183, 131), (241, 217, 176)]), chance.uniform(0.8, 2)
            )
    sheet.save("plywood.jpg", quality=82, optimize=True)


def draw_filament() -> None:
    """A spool of orange filament."""
    sheet = Sheet((241, 245, 249), (203, 213, 225))
    sheet.shadow((410, 535), (220, 24), 120)
    sheet.ellipse((440, 300), (225, 240), (30, 41, 59))
    for turn in range(24):
        shade = (249, 115, 22) if turn % 2 else (234, 98, 10)
        sheet.ellipse((438 - turn * 1.7, 300), (190, 205), shade)
    sheet.ellipse((385, 300), (225, 240), (51, 65, 85))
    sheet.ellipse((385, 300), (213, 228), (71, 85, 105))
    for spoke in range(6):
        angle = spoke * math.pi / 3 + 0.3
        centre = (385 + 137 * math.cos(angle), 300 + 147 * math.sin(angle))
        sheet.ellipse(centre, (45, 48), (194, 82, 16))
        sheet.ellipse(centre, (40, 43), (249, 115, 22))
    sheet.ellipse((385, 300), (62, 66), (30, 41, 59))
    sheet.ellipse((388, 300), (46, 49), (222, 229, 238))
    loose: list[Point] = [
        (622 + 6.5 * step + 16 * math.sin(step / 5), 250 + 240 * math.sin(step / 18)) for step in range(25)
    ]
    sheet.line(loose, (249, 115, 22), 6)
    sheet.save("filament.webp", quality=84, method=6)


def draw_glasses() -> None:
    """Safety glasses with blue temples."""
    sheet = Sheet((254, 249, 231), (236, 214, 158))
    sheet.shadow((400, 440), (330, 26))
    for side in (-1, 1):
        sheet.line(
            [(400 + side * 290, 250), (400 + side * 330, 215), (400 + side * 345, 330), (400 + side * 300, 400)],
            (29, 78, 216),
            20,
        )
    for side in (-1, 1):
        lens = [
            (400 + side * x, y)
            for x, y in ((30, 268), (48, 228), (200, 205), (285, 222), (298, 290), (262, 372), (170, 400), (70, 370))
        ]
        sheet.polygon(lens, (205, 231, 240), (30, 58, 138), 9)
        sheet.polygon(
            [(400 + side * x + 12, y) for x, y in ((90, 240), (150, 232), (110, 340), (72, 330))], (232, 246, 250)
        )
    sheet.line([(118, 232), (250, 208), (400, 232), (550, 208), (682, 232)], (37, 99, 235), 18)
    sheet.save("safety-glasses.png", optimize=True)


def draw_screws() -> None:
    """Five socket head screws, some upright and one seen from above."""
    sheet = Sheet((226, 232, 240), (168, 180, 196))
    for column, height in enumerate((250, 310, 210, 280)):
        x = 130 + column * 140
        bottom, top = 480, 480 - height
        sheet.shadow((x + 14, bottom + 4), (48, 12), 110)
        sheet.polygon(
            [
                (x - 22, top),
                (x + 22, top),
                (x + 22, bottom - 10),
                (x + 12, bottom),
                (x - 12, bottom),
                (x - 22, bottom - 10),
            ],
            (100, 112, 130),
        )
        sheet.polygon([(x - 14, top), (x - 4, top), (x - 4, bottom - 4), (x - 12, bottom - 4)], (176, 188, 204))
        for turn in range(int(top) + 22, bottom - 12, 11):
            sheet.line([(x - 25, turn + 6), (x + 25, turn)], (62, 74, 92), 4)
        sheet.polygon([(x - 46, top - 62), (x + 46, top - 62), (x + 46, top), (x - 46, top)], (71, 85, 105))
        sheet.polygon([(x - 34, top - 62), (x - 18, top - 62), (x - 18, top), (x - 34, top)], (148, 163, 184))
        sheet.ellipse((x, top - 62), (46, 13), (120, 134, 154))
        sheet.ellipse((x, top - 62), (22, 6), (30, 41, 59))
    sheet.shadow((690, 452), (62, 50), 110)
    sheet.ellipse((680, 430), (66, 66), (71, 85, 105))
    sheet.ellipse((680, 430), (58, 58), (120, 134, 154))
    hexagon = [(680 + 32 * math.cos(k * math.pi / 3), 430 + 32 * math.sin(k * math.pi / 3)) for k in range(6)]
    sheet.polygon(hexagon, (30, 41, 59))
    sheet.save("screws.jpg", quality=84, optimize=True)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for draw in (draw_plywood, draw_filament, draw_glasses, draw_screws):
        draw()
