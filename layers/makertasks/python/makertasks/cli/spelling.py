"""Other spellings of the commands in groups: Celery's, with underscores, and the dashboard's words."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

WORDS = {"pause": "cancel-consumer", "resume": "add-consumer"}


class Commands(TyperGroup):
    """A group that takes these spellings without offering them in help, completion and suggestions."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # Typer's copy of Click is private
        """Return a command by any spelling."""
        name = cmd_name.replace("_", "-")
        return super().get_command(ctx, name) or super().get_command(ctx, WORDS.get(name, name))
