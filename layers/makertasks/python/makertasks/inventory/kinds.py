"""The attribute `kind`, which says what class a row is of; rows of a wrong one are to be seen, and named as broken."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import DiscriminatorAttribute

# What a sort key, or its part before `#`, belongs to.
_KINDS = {
    "item": "item",
    "supplier": "supplier",
    "request": "request",
    "log": "delivery",
    "part": "delivery",
    "reference": "reference",
}


def check(row: dict[str, Any]) -> None:
    """Raise ValueError where a row, as DynamoDB has it, is of another kind than its sort key says."""
    expected = _KINDS.get(row["entry"]["S"].partition("#")[0])
    given = row.get("kind", {"NULL": True})
    if expected is not None and given != {"S": expected}:
        said = "missing" if given == {"NULL": True} else repr(next(iter(given.values())))
        raise ValueError(f"'kind' is {said}, where this entry has '{expected}'")


class _All:
    """A condition that every row fulfils."""

    def __rand__(self, other: Any) -> Any:
        return other


class KindAttribute(DiscriminatorAttribute):
    """PynamoDB would filter every query by the known classes, and rows of an unknown one would vanish from all of them.

    None of our queries needs the filter: keys and indexes hold one class each, or are read as a whole.
    """

    def is_in(self, *_classes: Any) -> Any:
        """The condition that PynamoDB adds to queries and scans."""
        return _All()
