"""Stacked bars and lines, drawn by the server: figures in, positions of rectangles and points out.

Pure. The drawing is stretched to the page's width, so text is outside of it, in HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from makertasks.records.states import Status

# In the drawing's own units; style sheets set its real size.
WIDTH, HEIGHT = 1000, 100
# A bar's share of its column's width.
FILLED = 0.78
# Number of colours in the style sheet for series other than statuses.
COLOURS = 10
# Statuses from the bottom of a bar upwards, the same in every chart.
STATUSES = (Status.SUCCESS, Status.FAILURE, Status.REVOKED, Status.RETRY, Status.STARTED, Status.PENDING)


@dataclass(frozen=True)
class Point:
    """One column: its label, its link, and its figures by series."""

    label: str
    link: str
    values: Mapping[str, int]
    hour: str = ""  # an hour's start, which readers see in their own time zone


@dataclass(frozen=True)
class Bar:
    """One rectangle of a column."""

    series: str
    y: float
    height: float
    value: int


@dataclass(frozen=True)
class Column:
    """A column's bars, position and label."""

    label: str
    link: str
    x: float
    left: float
    total: int
    bars: list[Bar]
    hour: str = ""


@dataclass(frozen=True)
class Line:
    """One series as a line that is broken where there is no figure; `dots` marks each figure. Both are SVG paths."""

    series: str
    path: str
    dots: str


@dataclass(frozen=True)
class Chart:
    """A whole chart; `top` is the figure at its upper edge. It has bars or lines."""

    series: list[str]
    columns: list[Column]
    top: int
    step: float
    width: float
    lines: list[Line] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to draw."""
        return not any(column.total for column in self.columns)


def stacked(points: Sequence[Point], order: Sequence[str]) -> Chart:
    """Return a chart of the points, from left to right, without series that have no figure."""
    series = [name for name in order if any(point.values.get(name, 0) > 0 for point in points)]
    top = ceiling(max((sum(_of(point, series)) for point in points), default=0))
    step = WIDTH / max(len(points), 1)
    columns = []
    for number, point in enumerate(points):
        values = _of(point, series)
        ends = list(accumulate(values))
        bars = [
            Bar(name, round(HEIGHT - end / top * HEIGHT, 2), round(value / top * HEIGHT, 2), value)
            for name, value, end in zip(series, values, ends, strict=True)
            if value
        ]
        x = number * step
        left, total = round(x + step * (1 - FILLED) / 2, 2), sum(values)
        columns.append(Column(point.label, point.link, round(x, 2), left, total, bars, point.hour))
    return Chart(series, columns, top, round(step, 2), round(step * FILLED, 2))


def lines(points: Sequence[Point], order: Sequence[str]) -> Chart:
    """Return a chart of lines, whose columns hold each figure at its height; zero counts as no figure."""
    series = [name for name in order if any(point.values.get(name, 0) > 0 for point in points)]
    top = ceiling(max((point.values.get(name, 0) for point in points for name in series), default=0))
    step = WIDTH / max(len(points), 1)
    columns = []
    for number, point in enumerate(points):
        values = [(name, point.values[name]) for name in series if point.values.get(name, 0) > 0]
        bars = [Bar(name, round(HEIGHT - value / top * HEIGHT, 2), 0, value) for name, value in values]
        x = round(number * step, 2)
        total = sum(_of(point, series))
        columns.append(Column(point.label, point.link, x, round(x + step / 2, 2), total, bars, point.hour))
    return Chart(series, columns, top, round(step, 2), 0, [_line(name, columns) for name in series])


def _line(series: str, columns: Sequence[Column]) -> Line:
    path, dots, is_open = [], [], False
    for column in columns:
        bar = next((bar for bar in column.bars if bar.series == series), None)
        if bar:
            path.append(f"{'L' if is_open else 'M'}{column.left} {bar.y}")
            # A line of zero length with round ends is a dot, however the drawing is stretched.
            dots.append(f"M{column.left} {bar.y}h0")
        is_open = bar is not None
    return Line(series, "".join(path), "".join(dots))


def kinds(names: Sequence[str]) -> dict[str, str]:
    """Return a colour's class for each name: the same name has the same colour in every chart."""
    return {name: f"n{number % COLOURS}" for number, name in enumerate(sorted(names))}


def ceiling(value: int) -> int:
    """Return the next round figure: a digit times a power of ten.

    >>> [ceiling(value) for value in (0, 3, 10, 11, 230)]
    [1, 3, 10, 20, 300]
    """
    step = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 6, 8):
            if factor * step >= value:
                return factor * step
        step *= 10


def _of(point: Point, series: Sequence[str]) -> list[int]:
    return [max(point.values.get(name, 0), 0) for name in series]
