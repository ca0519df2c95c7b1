"""What a record keeps of an error: its type, message, traceback and a fingerprint that similar failures share.

All of it is limited in size, so that an error that quotes a whole file fits into a record, and without credentials and
AWS account numbers.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from typing import Any

from makertasks import masking, wire

# Maximum characters of an error's message and of each of its arguments, and of a traceback's end.
MESSAGE_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 20_000

# What differs between similar failures: ids, addresses, quoted values, numbers.
_VARIABLE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|https?://\S+|'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|[0-9]+")


def fingerprint(name: str, error_type: str, message: str) -> str:
    """Return 12 hexadecimal digits, equal for a task's failures that differ only in ids, numbers and quoted values.

    >>> fingerprint("t", "E", "item 7 is gone") == fingerprint("t", "E", "item 8 is gone")
    True
    """
    text = f"{name}\n{error_type}\n{_VARIABLE.sub('*', message)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def message(error: BaseException) -> str:
    """Return the error's text, or its type if it has none or its text cannot be read."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a task's own exception may do anything in __str__
        text = ""
    return _shown(str(wire.plain(text)))[:MESSAGE_CHARACTERS] or type(error).__name__


def as_celery(error: BaseException) -> dict[str, Any]:
    """Return the error as Celery stores it."""
    stored = wire.failure(error)
    stored["exc_message"] = [
        argument if len(repr(argument)) <= MESSAGE_CHARACTERS else repr(argument)[:MESSAGE_CHARACTERS]
        for argument in masking.without_accounts(masking.masked(stored["exc_message"]))
    ]
    return stored


def traceback_text(error: BaseException) -> str:
    """Return the traceback as Celery stores it; empty if the error was never raised."""
    text = _shown(str(wire.plain("".join(traceback.format_exception(error))))) if error.__traceback__ else ""
    return text if len(text) <= TRACEBACK_CHARACTERS else f"…{text[-TRACEBACK_CHARACTERS:]}"


def _shown(text: str) -> str:
    return str(masking.without_accounts(masking.text(text)))
