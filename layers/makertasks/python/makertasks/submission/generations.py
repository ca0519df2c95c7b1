"""Generations: how many tasks preceded one, each sent on behalf of the previous one; limits endless sending.

Lambda's recursive loop detection is off for the tasks' functions, because it drops a message after about 16 rounds, and
chains, retries and split work need more. So a header counts messages that are sent on behalf of others: callbacks,
steps of a chain, a chord's body, tasks that a running task submits, and resent messages.
"""

from __future__ import annotations

from dataclasses import replace

from makertasks import context, wire
from makertasks.errors import PermanentError

HEADER = "makertasks-generation"
# More than any chain that fits into a message; a loop of short tasks ends within minutes, for a few cents.
MOST = 10_000


class TooManyGenerations(PermanentError):
    """The task is the last of too many tasks that each sent the next, probably of one that sends itself."""


def of(message: wire.Message) -> int:
    """Return a message's generation; 0 for a first one, or if the header is invalid."""
    value = message.headers.get(HEADER)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def after(generation: int, message: wire.Message) -> wire.Message:
    """Return the message, counted as sent on behalf of another of that generation."""
    return replace(message, headers={**message.headers, HEADER: generation + 1})


def within_task(message: wire.Message) -> wire.Message:
    """Return the message, counted as sent on behalf of the running task, if any."""
    running = context.current()
    return after(running.generation, message) if running.task_id else message


def check(message: wire.Message) -> None:
    """Raises TooManyGenerations."""
    if of(message) > MOST:
        raise TooManyGenerations(
            f"more than {MOST:,} tasks have each submitted the next one (root {message.root_id}); a task that submits "
            "itself, or links back to an earlier one, must stop at some point"
        )
