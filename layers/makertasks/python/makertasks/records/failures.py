"""What is kept of an error: its type, its message, its traceback and a fingerprint that alike failures share.

All of it bounded, so that an error that quotes a whole file still fits into a record, and without credentials and
numbers of AWS accounts.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from typing import Any

from makertasks import masking, wire

# Characters kept of an error's message and of each of its arguments, and of a traceback: its end says most.
MESSAGE_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 20_000

# What makes alike failures different: ids, addresses, quoted values, numbers.
_VARIABLE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|https?://\S+|'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|[0-9]+")


def fingerprint(name: str, error_type: str, message: str) -> str:
    """12 hexadecimal digits, equal for failures of one task that differ only in ids, numbers, addresses and values.

    >>> fingerprint("t", "E", "item 7 is gone") == fingerprint("t", "E", "item 8 is gone")
    True
    """
    text = f"{name}\n{error_type}\n{_VARIABLE.sub('*', message)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def message(error: BaseException) -> str:
    """The error's text; its type where it has none or cannot say it."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a task's own exception may do anything in __str__
        text = ""
    return _shown(str(wire.plain(text)))[:MESSAGE_CHARACTERS] or type(error).__name__


def as_celery(error: BaseException) -> dict[str, Any]:
    """The error as Celery stores it."""
    stored = wire.failure(error)
    stored["exc_message"] = [
        argument if len(repr(argument)) <= MESSAGE_CHARACTERS else repr(argument)[:MESSAGE_CHARACTERS]
        for argument in masking.without_accounts(masking.masked(stored["exc_message"]))
    ]
    return stored


def traceback_text(error: BaseException) -> str:
    """The traceback as Celery stores it; empty where the error was never raised."""
    text = _shown(str(wire.plain("".join(traceback.format_exception(error))))) if error.__traceback__ else ""
    return text if len(text) <= TRACEBACK_CHARACTERS else f"…{text[-TRACEBACK_CHARACTERS:]}"


def _shown(text: str) -> str:
    return str(masking.without_accounts(masking.text(text)))
