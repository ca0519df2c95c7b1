"""The package carries the folders of the tasks, so that a client knows their names and arguments by itself."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "layers/makertasks/python"
TASKS = [handler.parent.name for handler in Path("functions").glob("*/handler.py") if "@task(" in handler.read_text()]

setup(
    packages=[*find_packages(PACKAGE), "makertasks.functions", *(f"makertasks.functions.{name}" for name in TASKS)],
    package_dir={"": PACKAGE, "makertasks.functions": "functions"},
)
