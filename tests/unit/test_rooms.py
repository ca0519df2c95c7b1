"""The package's rooms: the names in `makertasks`, and which room may import which."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import makertasks

PACKAGE = Path(makertasks.__file__).parent
# Imported by task authors and by every room. These modules import only each other.
GROUND = {"tasks", "context", "errors", "settings", "clock", "logs", "masking"}
# Rooms on one line do not import each other; each imports only from lines above.
ORDER: list[set[str]] = [
    GROUND,
    {"aws"},
    {"wire"},
    {"records", "inventory"},
    {"media", "submission"},
    {"monitoring"},
    {"worker", "control"},
    {"client"},
    {"contrib"},
    {"cli"},
]
LINE = {room: number for number, rooms in enumerate(ORDER) for room in rooms}
AWS_LIBRARIES = ("boto3", "botocore", "pynamodb.exceptions", "pynamodb.connection")
LONGEST_MODULE = 300

MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = sorted((Path(__file__).parents[2] / "functions").rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[str]:
    """Full names of a module's imports, including those inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def test_the_package_has_few_top_level_names():
    names = {file.name for file in PACKAGE.iterdir() if file.name != "__pycache__"}
    assert len(names) <= 22, sorted(names)


def test_every_module_belongs_to_a_room():
    assert {room_of(file) for file in MODULES} - {"__init__", "__main__"} == LINE.keys()


@pytest.mark.parametrize("room", sorted(LINE))
def test_a_room_imports_only_from_earlier_rooms(room):
    wrong = []
    for file in MODULES:
        if room_of(file) != room:
            continue
        for name in imports(file):
            parts = name.split(".")
            other = parts[1] if parts[0] == "makertasks" and len(parts) > 1 else None
            if other in LINE and other != room and not (LINE[other] < LINE[room] or {room, other} <= GROUND):
                wrong.append(f"{file.relative_to(PACKAGE)} imports {name}")
    assert not wrong


def test_no_module_hides_its_room_by_a_relative_import():
    assert [str(file) for file in MODULES for name in imports(file) if name.startswith(".")] == []


def test_only_the_room_aws_imports_the_libraries_of_aws():
    wrong = [
        f"{file} imports {name}"
        for file in [*MODULES, *FUNCTIONS]
        if file.parent != PACKAGE / "aws"
        for name in imports(file)
        if name.startswith(AWS_LIBRARIES)
    ]
    assert not wrong


def test_only_the_room_aws_makes_requests_with_a_client_of_boto3():
    wrong = [
        f"{file} imports {name}"
        for file in [*MODULES, *FUNCTIONS]
        if file.parent != PACKAGE / "aws"
        for name in imports(file)
        if name.startswith("makertasks.aws.session")
    ]
    assert not wrong


def test_no_module_is_long():
    lengths = {str(file.relative_to(PACKAGE)): len(file.read_text().splitlines()) for file in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


@pytest.mark.parametrize("file", [*MODULES, *FUNCTIONS], ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_docstring_can_be_written_as_utf_8(file):
    """Python 3.13.0 cannot compile one with half a surrogate pair."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, documented):
            (ast.get_docstring(node, clean=False) or "").encode()
