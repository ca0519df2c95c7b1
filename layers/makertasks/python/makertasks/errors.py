"""Every error of this package.

MakertasksError
├── InvalidRequest            what the caller sent is wrong: `field` says where, the message says what and the remedy
│   └── UnknownTask           no task has that name
├── NotFound                  a task or an item that does not exist
├── Unavailable               a service that the call needs refused or failed; calling again later is right
└── TaskError                 raised by a running task
    ├── PermanentError        trying again would not help: FAILURE at once
    │   ├── InvalidArguments  the message's arguments do not fit the task
    │   └── UnknownItem       the inventory has no such item
    └── TemporaryError          trying again later may help: RETRY, until the task's attempts are used up
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MakertasksError(Exception):
    """Base of every error this package raises on purpose."""


class InvalidRequest(MakertasksError):
    """What the caller sent is wrong; nothing was written or sent."""

    def __init__(self, field: str, reason: str) -> None:
        """`field` is the argument's path (`kwargs.item_id`), `reason` a sentence with the remedy."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class UnknownTask(InvalidRequest):
    """No task has that name."""


class NotFound(MakertasksError):
    """A task or an item that does not exist."""


class Unavailable(MakertasksError):
    """A service that the call needs refused or failed; calling again later is right."""


class TaskError(MakertasksError):
    """Base of what a running task raises to say how it failed."""


class PermanentError(TaskError):
    """Trying again would not help: the task becomes FAILURE at once."""


class InvalidArguments(PermanentError):
    """The message's arguments do not fit the task's signature."""


class UnknownItem(PermanentError):
    """The inventory has no such item."""

    def __init__(self, item_id: str) -> None:
        """`item_id` as the caller gave it."""
        super().__init__(f"item_id: the inventory has no item {item_id}; it may have been deleted or not imported yet")
        self.item_id = item_id


class TemporaryError(TaskError):
    """Trying again later may help: the task becomes RETRY until its attempts are used up."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds, where the other side asked for a pause."""
        super().__init__(message)
        self.retry_after = retry_after


def did_you_mean(name: str, known: Iterable[str], *, near: bool = False) -> str:
    """What an error says of a misspelt name: the nearest known one, else all of them, or with `near` nothing.

    Dotted names may be given by their last part.

    >>> did_you_mean("generate_qr_cod", ["inventory.tasks.generate_qr_code", "import_dump"])
    '; did you mean inventory.tasks.generate_qr_code?'
    >>> did_you_mean("drill", ["generate_qr_code", "import_dump"]), did_you_mean("drill", [])
    ('; choose one of generate_qr_code, import_dump', '; there are none')
    """
    by_last_part = {each.rpartition(".")[2]: each for each in known}
    if close := difflib.get_close_matches(name[:200].rpartition(".")[2], by_last_part, 1):
        return f"; did you mean {by_last_part[close[0]]}?"
    if near:
        return ""
    return f"; choose one of {', '.join(by_last_part.values())}" if by_last_part else "; there are none"
