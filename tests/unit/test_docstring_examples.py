"""Every example in a docstring is true."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("layers/makertasks/python", "functions")
# Imports Celery; its examples run with both versions in tests/celery.
WITH_CELERY = "makertasks.contrib.celery.describing"


def modules_with_examples():
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if re.search(r"^ +>>> ", file.read_text(), re.MULTILINE):
                name = ".".join(file.relative_to(ROOT / package).with_suffix("").parts)
                if name != WITH_CELERY:
                    yield name


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_in_docstrings_are_true(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert failed == 0
