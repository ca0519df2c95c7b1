"""Stacked bars and lines, drawn by the server: computes positions of rectangles and points from figures.

Pure. The drawing is stretched to the page's width, so its texts are in the HTML around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from makertasks.records.states import Status

# Size in the drawing's own units; the style sheet sets its real size.
WIDTH, HEIGHT = 1000, 100
# A bar's share of its column's width.
FILLED = 0.78
# Number of colours in the style sheet for series other than statuses.
COLOURS = 10
# A column more than this many times as high as nearly all others is cut off, so that it does not flatten them.
SPIKE = 4
# Maximum share of columns that are cut off; at least one may be.
SPIKES = 0.05
# Statuses from the bottom of a bar upwards, the same in every chart.
STATUSES = (Status.SUCCESS, Status.FAILURE, Status.REVOKED, Status.RETRY, Status.STARTED, Status.PENDING)


@dataclass(frozen=True)
class Point:
    """One column: its label, its link, and its figures by series."""

    label: str
    link: str
    values: Mapping[str, int]
    hour: str = ""  # start of the hour, which pages show in the reader's time zone


@dataclass(frozen=True)
class Bar:
    """One rectangle of a column."""

    series: str
    y: float
    height: float
    value: int


@dataclass(frozen=True)
class Column:
    """A column's bars, position and label; `is_cut` if it is higher than the chart."""

    label: str
    link: str
    x: float
    left: float
    total: int
    bars: list[Bar]
    hour: str = ""
    is_cut: bool = False


@dataclass(frozen=True)
class Line:
    """One series as a line with gaps where it has no figure; `dots` marks each figure. Both are SVG paths."""

    series: str
    path: str
    dots: str


@dataclass(frozen=True)
class Mark:
    """A vertical line for an event such as a deployment: its position, time, label and link."""

    x: float
    moment: str
    label: str
    link: str


@dataclass(frozen=True)
class Chart:
    """A chart with bars or lines; `top` is the figure at its upper edge."""

    series: list[str]
    columns: list[Column]
    top: int
    step: float
    width: float
    lines: list[Line] = field(default_factory=list)
    unit: str = ""  # of the figures: none for tasks, `ms` or `%`
    marks: Sequence[Mark] = ()

    @property
    def cut(self) -> list[Column]:
        """The columns that are higher than the chart."""
        return [column for column in self.columns if column.is_cut]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(column.total for column in self.columns)


def stacked(points: Sequence[Point], order: Sequence[str]) -> Chart:
    """Return a bar chart of the points, from left to right; series without figures are omitted."""
    series = [name for name in order if any(point.values.get(name, 0) > 0 for point in points)]
    top = ceiling(scale([sum(_of(point, series)) for point in points]))
    step = WIDTH / max(len(points), 1)
    columns = []
    for number, point in enumerate(points):
        values = _of(point, series)
        # Whatever is higher than the top is cut off.
        ends = [_height(end, top) for end in accumulate(values, initial=0)]
        bars = [
            Bar(name, round(HEIGHT - end, 1), round(end - begin, 1), value)
            for name, value, begin, end in zip(series, values, ends[:-1], ends[1:], strict=True)
            if value
        ]
        x = number * step
        left, total = round(x + step * (1 - FILLED) / 2, 1), sum(values)
        columns.append(Column(point.label, point.link, round(x, 1), left, total, bars, point.hour, total > top))
    return Chart(series, columns, top, round(step, 2), round(step * FILLED, 2))


def lines(points: Sequence[Point], order: Sequence[str], unit: str = "ms", *, least: int = 1) -> Chart:
    """Return a line chart of the points, from left to right; values below `least` count as missing."""

    def figures(point: Point) -> list[tuple[str, int]]:
        return [(name, point.values[name]) for name in order if point.values.get(name, least - 1) >= least]

    series = [name for name in order if any(name in dict(figures(point)) for point in points)]
    top = ceiling(scale([max((value for _, value in figures(point)), default=0) for point in points]))
    step = WIDTH / max(len(points), 1)
    columns = []
    for number, point in enumerate(points):
        values = figures(point)
        bars = [Bar(name, round(HEIGHT - _height(value, top), 1), 0, value) for name, value in values]
        x, is_cut = round(number * step, 1), any(value > top for _, value in values)
        columns.append(Column(point.label, point.link, x, round(x + step / 2, 1), len(bars), bars, point.hour, is_cut))
    return Chart(series, columns, top, round(step, 2), 0, [_line(name, columns) for name in series], unit)


def _line(series: str, columns: Sequence[Column]) -> Line:
    path, dots, is_open = [], [], False
    for column in columns:
        bar = next((bar for bar in column.bars if bar.series == series), None)
        if bar:
            path.append(f"{'L' if is_open else 'M'}{column.left} {bar.y}")
            # A line of zero length with round ends is a dot even in a stretched drawing.
            dots.append(f"M{column.left} {bar.y}h0")
        is_open = bar is not None
    return Line(series, "".join(path), "".join(dots))


def kinds(names: Sequence[str]) -> dict[str, str]:
    """Return the CSS class of each name's colour; a name has the same colour in every chart."""
    return {name: f"n{number % COLOURS}" for number, name in enumerate(sorted(names))}


def scale(values: Sequence[int]) -> int:
    """Return the figure that the scale must reach: the largest, apart from a few spikes (`SPIKE`, `SPIKES`).

    >>> scale([3, 5, 4, 9]), scale([3, 5, 4, 300]), scale([0, 0, 300]), scale([])
    (9, 7, 300, 0)
    """
    ordered = sorted((value for value in values if value > 0), reverse=True)
    spikes = max(1, int(len(values) * SPIKES))
    typical = ordered[spikes] if len(ordered) > spikes else 0
    return typical * 3 // 2 if typical and ordered[0] > SPIKE * typical else max(ordered, default=0)


def _height(value: int, top: int) -> float:
    return min(value / top, 1) * HEIGHT


def ceiling(value: int) -> int:
    """Return the next round figure: a digit (not 7 or 9) times a power of ten.

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
