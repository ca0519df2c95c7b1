"""The package as installed by `pip install .`: importable tasks, types, and the command."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.stack.extra import ROOT

USE = """
from makertasks import AsyncResult, generate_index_card, generate_qr_code

result: AsyncResult = generate_qr_code.delay(item_id="94cb6421-7fa1-4dab-802f-ec76eba2bfe7")
generate_index_card.s(blank=True).delay().get(timeout=30)
generate_qr_code.delay(item_id=7)  # not a UUID
generate_qr_code.delay()  # an argument is missing
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, built from a copy of its sources."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("functions", "layers/makertasks"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    target = tmp_path_factory.mktemp("site")
    run(str(ROOT / ".venv/bin/uv"), "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source))
    return target


def run(*command: str, code: int = 0, **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_the_package_contains_every_task(installed: Path):
    folders = sorted(file.parent.name for file in ROOT.glob("functions/*/handler.py") if "@task(" in file.read_text())
    script = "import makertasks; [print(n, getattr(makertasks, n).name) for n in makertasks.client.tasks.folders()]"
    said = run(sys.executable, "-c", f"import makertasks.client.tasks; {script}", PYTHONPATH=str(installed))
    assert [line.split()[0] for line in said.splitlines()] == folders
    assert "generate_qr_code inventory.tasks.generate_qr_code" in said


def test_a_type_checker_checks_each_tasks_arguments(installed: Path, tmp_path: Path):
    (tmp_path / "use.py").write_text(USE.lstrip())
    options = ("--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file", os.devnull)
    said = run(sys.executable, "-m", "mypy", *options, str(tmp_path / "use.py"), code=1, PYTHONPATH=str(installed))
    assert [line.split(":")[1] for line in said.splitlines() if ": error:" in line] == ["5", "6"]


def test_the_command_has_help_and_names_missing_packages(installed: Path, tmp_path: Path):
    command = str(installed / "bin/makertasks")
    assert "events" in run(sys.executable, command, "--help", PYTHONPATH=str(installed))
    said = run(
        sys.executable, command, "list", code=5, PYTHONPATH=str(installed), MAKERTASKS_CONFIG=str(tmp_path / "none")
    )  # fmt: skip
    assert "makertasks configure --stack NAME" in " ".join(said.split())
    without_typer = "import sys; sys.modules['typer'] = None; from makertasks.cli import main; main()"
    assert "makertasks[cli]" in run(sys.executable, "-c", without_typer, code=1, PYTHONPATH=str(installed))


def test_the_command_line_needs_only_declared_packages():
    # given pyproject.toml's dependencies, and everything that the commands import
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [re.match(r"[\w-]+", each)[0] for each in project["dependencies"] + project["optional-dependencies"]["cli"]]
    brought = {"boto3": {"boto3", "botocore"}}  # botocore comes with boto3
    given = {name for each in asked for name in brought.get(each, {each.replace("-", "_")})}
    foreign = imports_behind("makertasks.cli.application") - set(sys.stdlib_module_names) - {"makertasks"}
    assert foreign <= given


def imports_behind(start: str) -> set[str]:
    """Top-level names of all modules that a module imports, directly or through the package."""
    source, names, known, left = ROOT / "layers/makertasks/python", set(), set(), [start]
    while left:
        module = left.pop()
        found = [source / f"{module.replace('.', '/')}{end}" for end in (".py", "/__init__.py")]
        file = next((path for path in found if path.is_file()), None)
        if module in known or file is None:
            continue
        known.add(module)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                named = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            names |= {name.partition(".")[0] for name in named}
            left += [name for name in named if name.startswith("makertasks")]
    return names
