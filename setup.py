"""The package carries the folders of the tasks, so that a client knows their names and arguments by itself.

For type checkers and editors a stub of `makertasks/__init__.py` is written into the built package: with the arguments
of every task.
"""

import ast
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

PACKAGE = "layers/makertasks/python"
TASKS = sorted(file.parent.name for file in Path("functions").glob("*/handler.py") if "@task(" in file.read_text())

STUB = """\
from typing import Any
from uuid import UUID

from makertasks.client.canvas import Canvas as Canvas
from makertasks.client.canvas import chain as chain
from makertasks.client.canvas import chord as chord
from makertasks.client.canvas import group as group
from makertasks.client.failures import TaskFailure as TaskFailure
from makertasks.client.failures import TaskRevoked as TaskRevoked
from makertasks.client.results import AsyncResult as AsyncResult
from makertasks.client.results import GroupResult as GroupResult
from makertasks.client.tasks import RemoteTask as RemoteTask
from makertasks.client.tasks import Signature as Signature
from makertasks.client.tasks import get_task as get_task
from makertasks.client.tasks import submit_many as submit_many
from makertasks.client.tasks import task_names as task_names
from makertasks.submission.bulk import Submitted as Submitted
"""
TASK_STUB = """
class _{name}(RemoteTask):
    def delay(self{arguments}) -> AsyncResult: ...
    def s(self{optional}) -> Signature: ...
    def si(self{arguments}) -> Signature: ...

{name}: _{name}
"""


class Types(ast.NodeTransformer):
    """Annotations as a caller sees them: without what only checks values, and with text for an item's id."""

    def __init__(self, aliases: dict[str, ast.expr]) -> None:
        """`aliases` are the handler's own names of types."""
        self.aliases = aliases

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The type behind a name."""
        if node.id == "ItemId":
            return ast.parse("UUID | str", mode="eval").body
        return self.visit(self.aliases[node.id]) if node.id in self.aliases else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`Annotated[a, b]` is a; the parts of others are looked at one by one."""
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)


def stub_of(name: str) -> str:
    """The stub of one task, from the source of its handler."""
    module = ast.parse(Path("functions", name, "handler.py").read_text())
    aliases = {
        statement.targets[0].id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    run = next(each for each in module.body if isinstance(each, ast.FunctionDef) and each.name == name)
    types = [ast.unparse(Types(aliases).visit(argument.annotation)) for argument in run.args.args]
    required = len(types) - len(run.args.defaults)
    given = [f", {argument.arg}: {kind}" for argument, kind in zip(run.args.args, types, strict=True)]
    arguments = [text if place < required else f"{text} = ..." for place, text in enumerate(given)]
    optional = [f"{text} = ..." for text in given]
    return TASK_STUB.format(name=name, arguments="".join(arguments), optional="".join(optional))


class BuildWithStub(build_py):
    """Builds the package, and its stub with it."""

    def run(self) -> None:
        """Build."""
        super().run()
        stub = STUB + "".join(map(stub_of, TASKS))
        Path(self.build_lib, "makertasks", "__init__.pyi").write_text(stub)


# Building in a checkout leaves its notes here, not among what a layer packs.
NOTES = Path("build")
NOTES.mkdir(exist_ok=True)

setup(
    options={"egg_info": {"egg_base": str(NOTES)}},
    packages=[*find_packages(PACKAGE), "makertasks.functions", *(f"makertasks.functions.{name}" for name in TASKS)],
    package_dir={"": PACKAGE, "makertasks.functions": "functions"},
    cmdclass={"build_py": BuildWithStub},
)
