"""Names of tasks, arguments and results as people write them. Pure."""

from __future__ import annotations

from makertasks.records.table import UNKNOWN

ABBREVIATIONS = frozenset({"qr", "svg", "pdf", "url"})


def short_name(name: str) -> str:
    """Return the last dotted part of a task's name."""
    return name.rpartition(".")[2] or name


def words(name: str) -> str:
    """Return a task's or an argument's name as words.

    >>> words("inventory.tasks.generate_qr_code")
    'generate qr code'
    """
    return short_name(name).replace("_", " ")


def label(name: str) -> str:
    """Return a result's name as words.

    >>> label("qr_code"), label("index_card")
    ('QR code', 'index card')
    """
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in words(name).split())


def heading(name: str) -> str:
    """Return a task's name as a heading.

    >>> heading("inventory.tasks.generate_qr_code")
    'Generate QR code'
    >>> heading("unknown")
    'Unknown task'
    """
    if name == UNKNOWN:
        return "Unknown task"
    text = label(name)
    return text[:1].upper() + text[1:]
