"""The test suites themselves: short modules, and names that differ, so that any of them run in one process."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from test_rooms import LONGEST_MODULE

SUITES = Path(__file__).parents[1]
TESTS = sorted(SUITES.rglob("test_*.py"))


def test_no_two_test_files_have_the_same_name():
    """pytest imports them by name, without their folder."""
    counted = Counter(file.name for file in TESTS)
    assert [name for name, number in counted.items() if number > 1] == []


def test_no_test_has_the_name_of_a_test_in_another_file():
    found: dict[str, set[str]] = {}
    for file in TESTS:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, set()).add(str(file.relative_to(SUITES)))
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_no_test_module_is_long():
    lengths = {str(file.relative_to(SUITES)): len(file.read_text().splitlines()) for file in SUITES.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}
