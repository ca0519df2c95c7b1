"""Completion for bash and zsh that offers values which only contain what was typed, such as an item's name.

Typer leaves the choice among them to the shell. zsh drops those that do not begin with the typed text, and bash
replaces the text by the beginning that they have in common. fish finds text within values by itself, but hides such
values while others begin with the text; no option of its `complete` changes that.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

from typer._completion_classes import BashComplete, ZshComplete

VARIABLE = "_MAKERTASKS_COMPLETE"
# Escaped so that bash takes a value as one word.
SPECIAL = re.compile(r"""([\s'"\\$`!*?\[\](){}<>|&;#~])""")


class Zsh(ZshComplete):
    """Prints zsh code for its function, which Typer's script evaluates."""

    def complete(self) -> str:
        """Return a `compadd` of every value, or of files if there is none."""
        typed = self.get_completion_args()
        found = [(str(item.value), str(item.help or "")) for item in self.get_completions(*typed)]
        if not found:
            return "_files"
        values = " ".join(shlex.quote(value) for value, _ in found)
        width = max(len(value) for value, _ in found)
        shown = " ".join(
            shlex.quote(f"{value.ljust(width)} -- {' '.join(text.split())}" if text else value) for value, text in found
        )
        # Values that do not begin with the typed text replace it, one after the other.
        menu = "" if _all_begin(found, typed[1]) else "compstate[insert]=menu; compstate[list]=list; "
        return f"local -a values shown; values=({values}); shown=({shown}); {menu}compadd -U -l -d shown -a values"


class Bash(BashComplete):
    """Prints values as bash reads them, a line each."""

    def complete(self) -> str:
        """Return the values; the typed text is one of them where the others do not begin with it."""
        args, incomplete = self.get_completion_args()
        found = [(str(item.value), "") for item in self.get_completions(args, incomplete)]
        if len(found) > 1 and not _all_begin(found, incomplete):
            found.append((incomplete, ""))
        written = re.sub(r"\\.", "", os.environ["COMP_WORDS"])
        is_quoted = any(written.count(quote) % 2 for quote in "'\"")
        return "\n".join(value if is_quoted else SPECIAL.sub(r"\\\1", value) for value, _ in found)


def _all_begin(found: list[tuple[str, str]], text: str) -> bool:
    return all(value.startswith(text) for value, _ in found)


def completions(command: Any) -> str | None:
    """Return what the shell's function asked for; None if it is not bash's or zsh's."""
    kind = {"complete_bash": Bash, "complete_zsh": Zsh}.get(os.environ.get(VARIABLE, ""))
    return kind(command, {}, "makertasks", VARIABLE).complete() if kind else None
