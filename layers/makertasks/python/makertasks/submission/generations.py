"""How many tasks came before one, each sent on behalf of the last: a bound for what would send for ever.

Lambda's own detection of loops is off for the tasks' functions, because it drops a message after about 16 rounds, and
chains, retries and split work have more. So each message that is sent on behalf of another one counts in a header:
callbacks, steps of a chain, a chord's body, what a running task submits, and a message that is sent anew.
"""

from __future__ import annotations

from dataclasses import replace

from makertasks import context, wire
from makertasks.errors import PermanentError

HEADER = "makertasks-generation"
# Beyond every chain that fits into a message, and a loop of short tasks ends within minutes and for a few cents.
MOST = 10_000


class TooManyGenerations(PermanentError):
    """The task comes of a chain of tasks that is too long, most likely of one that sends itself."""


def of(message: wire.Message) -> int:
    """A message's generation; 0 where nothing came before, or the header is not one of ours."""
    value = message.headers.get(HEADER)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def after(generation: int, message: wire.Message) -> wire.Message:
    """The message as one that is sent on behalf of another of that generation."""
    return replace(message, headers={**message.headers, HEADER: generation + 1})


def within_task(message: wire.Message) -> wire.Message:
    """The message, which counts on where it is sent by a task that runs now."""
    running = context.current()
    return after(running.generation, message) if running.task_id else message


def check(message: wire.Message) -> None:
    """Raises TooManyGenerations."""
    if of(message) > MOST:
        raise TooManyGenerations(
            f"it comes of more than {MOST:,} tasks that each sent the next (root {message.root_id}); a task that sends "
            "itself, or links back to one before it, must end somewhere"
        )
