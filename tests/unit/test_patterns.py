"""Regular expressions that validate text: only ASCII digits, no trailing line break."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import ValidationError, convert

from api.flower.fields import DATE_PATTERN
from api.resources.schedules import ScheduleName
from api.resources.task_types import Rate
from makertasks import clock

ROOT = Path(__file__).parents[2]
SOURCES = [
    file
    for room in ("functions", "layers/makertasks", "infra")
    for file in sorted((ROOT / room).rglob("*.py"))
    if "build" not in file.parts
]
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


def patterns(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line, text and whether re.ASCII is set, of each pattern: `re.…(…)`, `pattern=…` and names that end in PATTERN."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            is_re = isinstance(function, ast.Attribute) and ast.unparse(function.value) == "re"
            if is_re and function.attr in FUNCTIONS and node.args:
                yield node.lineno, text_of(node.args[0]), "ASCII" in ast.unparse(node)
            yield from ((node.lineno, text_of(each.value), False) for each in node.keywords if each.arg == "pattern")
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(("PATTERN", "PLAIN")):
            yield node.lineno, text_of(node.value), False


def text_of(node: ast.AST) -> str:
    """The constant parts of a string or an f-string."""
    return "".join(
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def test_patterns_accept_only_ascii_digits_and_no_trailing_line_break():
    wrong, seen = [], 0
    for file in SOURCES:
        for line, text, is_ascii in patterns(ast.parse(file.read_text())):
            seen += 1
            if r"\d" in text and not is_ascii:
                wrong.append(f"{file.relative_to(ROOT)}:{line}: \\d matches digits of every script; write [0-9]")
            if re.search(r"(?<!\\)\$(?!\(\?!\\n\)|[^\[]*\])", text):
                wrong.append(
                    f"{file.relative_to(ROOT)}:{line}: $ allows a final line break; write \\Z, or $(?!\\n) in a schema"
                )
    assert seen > 40
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rate", ["١٠/m", "1٠/m", "10/m\n", " 10/m", "10/m ", "1_0/m", "1e3/s", "+1/s", "10 /m"])
def test_a_rate_accepts_only_ascii_digits(rate):
    with pytest.raises(ValueError, match="is not a rate"):
        clock.interval_of(rate)
    with pytest.raises(ValidationError):
        convert(rate, Rate)


@pytest.mark.parametrize("rate", ["0.0000001/h", "0.04/h", "1001/s", "999999999/s", "0.00001"])
def test_a_rate_outside_one_a_day_to_a_thousand_a_second_is_refused(rate):
    with pytest.raises(ValueError, match="use a rate from"):
        clock.interval_of(rate)


@pytest.mark.parametrize("rate", ["0.042/h", "1000/s", "60000/m", "1/h", "1", "0", "0.0/s"])
def test_rates_within_the_range_are_accepted(rate):
    interval = clock.interval_of(rate)
    assert interval is None or clock.SHORTEST_INTERVAL <= interval <= clock.LONGEST_INTERVAL


@pytest.mark.parametrize("name", ["nightly\n", "nächtlich", "naechtlich١", ""])
def test_a_schedules_name_accepts_only_ascii(name):
    with pytest.raises(ValidationError):
        convert(name, ScheduleName)


def test_flowers_dates_accept_only_ascii():
    assert re.search(DATE_PATTERN, "2026-11-22 09:30")
    assert not re.search(DATE_PATTERN, "2026-11-22 09:30\n")
    assert not re.search(DATE_PATTERN, "2026-11-٢٢ 09:30")
