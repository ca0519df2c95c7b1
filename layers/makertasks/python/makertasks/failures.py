"""What is kept of an error: its type, its message, its traceback and a fingerprint that alike failures share."""

from __future__ import annotations

import hashlib
import re
import traceback

# What makes alike failures different: ids, addresses, quoted values, numbers.
_VARIABLE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|https?://\S+|'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|\d+")


def fingerprint(name: str, error_type: str, message: str) -> str:
    """12 hexadecimal digits, equal for failures of one task that differ only in ids, numbers, addresses and values.

    >>> fingerprint("t", "E", "item 7 is gone") == fingerprint("t", "E", "item 8 is gone")
    True
    """
    text = f"{name}\n{error_type}\n{_VARIABLE.sub('*', message)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def traceback_text(error: BaseException) -> str:
    """The traceback as Celery stores it; empty where the error was never raised."""
    return "".join(traceback.format_exception(error)) if error.__traceback__ else ""
