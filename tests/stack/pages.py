"""The commands of a documentation page, run one after the other as a user with credentials would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from infra.local.stack import LocalStack
from tests import shells

# Runs commands one after the other in one process, as the installed command would, and prints their exit codes.
RUNNER = """
import contextlib, io, json, shlex, sys
from makertasks.cli.application import run
for line in sys.stdin:
    said = io.StringIO()
    code = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            run(shlex.split(line)[1:])
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([line.strip(), code, said.getvalue()]), flush=True)
"""


def environment(stack: LocalStack, folder: Path) -> dict[str, str]:
    """The environment of a shell with AWS credentials and the command line's configuration in `folder`."""
    return {**shells.with_package(stack), "HOME": str(folder)}


def run(stack: LocalStack, folder: Path, lines: list[str]) -> list[tuple[str, int, str]]:
    """Run commands; return each one with its exit code and output."""
    ran = subprocess.run(  # noqa: S603 - the commands of our own pages
        [sys.executable, "-c", RUNNER],
        input="\n".join(lines),
        env=environment(stack, folder),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [tuple(json.loads(line)) for line in ran.stdout.splitlines()]
