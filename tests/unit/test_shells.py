"""Completion in real shells: a line is typed at a terminal, and Tab is pressed."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import pytest

from tests.template import ROOT

ITEMS = {"Safety glasses, clear": "94cb6421", "Glass cutter's $5 [big]": "0b3f", "Small saw": "2222", "Saw bench": "33"}

# The command with these items instead of a table's; without a shell's request it prints its arguments.
COMMAND = """#!{python}
import json, os, sys
if "_MAKERTASKS_COMPLETE" not in os.environ:
    print("ARGUMENTS", json.dumps(sys.argv[1:]))
    sys.exit()
sys.path.insert(0, "{package}")
from types import SimpleNamespace
from makertasks.cli import application, completion

def search(text, _limit):
    words = text.lower().split()
    found = [each for each in {items}.items() if all(word in each[0].lower() for word in words)]
    return SimpleNamespace(items=[SimpleNamespace(name=name, item_id=item_id) for name, item_id in found])

completion.names.search = search
completion._of_stack = lambda read: list(read())
application.run()
"""
STARTED = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}
BEFORE = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u -D; ", "fish": ""}


@pytest.fixture(params=STARTED)
def shell(request, tmp_path, monkeypatch):
    """The name of a shell that finds the command and its completion script."""
    assert shutil.which(request.param), f"{request.param} is not installed: run `make shells`"
    command = tmp_path / "makertasks"
    package = ROOT / "layers/makertasks/python"
    command.write_text(COMMAND.format(python=sys.executable, package=package, items=ITEMS), encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(ROOT / "functions"))
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    script = subprocess.run(  # noqa: S603 - our own
        [command],
        env={**os.environ, "_MAKERTASKS_COMPLETE": f"source_{request.param}"},
        capture_output=True,
        check=True,
    ).stdout
    (tmp_path / "script").write_bytes(script)
    monkeypatch.chdir(tmp_path)
    return request.param


class Terminal:
    """A shell at a terminal."""

    def __init__(self, shell):
        self.process, self.screen = pty.fork()
        if not self.process:
            os.environ.update(TERM="dumb", PS1="$ ", PROMPT="$ ")
            os.execvp(shell, [shell, *STARTED[shell]])  # noqa: S606 - a shell is what is tested

    def types(self, text):
        os.write(self.screen, text.encode())

    def shows(self, wanted):
        """The output up to the first match."""
        written, end = "", time.monotonic() + 60
        while not (found := re.search(wanted, written)):
            assert time.monotonic() < end, written
            if select.select([self.screen], [], [], 0.2)[0]:
                written += os.read(self.screen, 65_536).decode(errors="replace")
        return found

    def close(self):
        os.kill(self.process, 9)
        os.waitpid(self.process, 0)
        os.close(self.screen)


def completed(shell, line):
    """The arguments of the command whose line was typed, followed by Tab and Enter."""
    terminal = Terminal(shell)
    try:
        terminal.types(f"{BEFORE[shell]}source script; echo rea''dy\n")
        terminal.shows(r"ready\r?\n")
        terminal.types(f"{line}\t\n")
        return json.loads(terminal.shows(r"ARGUMENTS (\[.*\])")[1])
    finally:
        terminal.close()


def offered_by_fish(line):
    """Fish's completions of a line, without a terminal: fish sends queries to which only a real one replies."""
    command = [str(shutil.which("fish")), "--no-config", "-c", f"source script; complete -C {line!r}"]
    ran = subprocess.run(  # noqa: S603 - our own
        command,
        capture_output=True,
        text=True,
        check=True,
    )
    return [offer.partition("\t")[0] for offer in ran.stdout.splitlines()]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("list --item clear", "Safety glasses, clear"),
        ("list --item cutter", "Glass cutter's $5 [big]"),
        ("list --status FAI", "FAILURE"),
        ("inspect --he", "--help"),
    ],
)
def test_the_only_match_is_inserted_as_one_argument(shell, typed, expected):
    if shell == "fish":
        assert offered_by_fish(f"makertasks {typed}") == [expected]
    else:
        assert completed(shell, f"makertasks {typed}")[-1] == expected


def test_several_matches_do_not_destroy_what_was_typed(shell):
    if shell == "fish":
        # fish shows only its best kind of match, as documented
        assert {*offered_by_fish("makertasks list --item sa")} >= {"Saw bench"}
    else:
        # bash lists them and waits; zsh inserts the first, and the next one at the next Tab
        assert (
            completed(shell, "makertasks list --item sa")[-1] == {"bash": "sa", "zsh": "Safety glasses, clear"}[shell]
        )
