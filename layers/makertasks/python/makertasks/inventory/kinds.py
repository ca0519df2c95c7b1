"""The attribute `kind` names a row's class; rows with a wrong kind are returned, too, and reported as broken."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import DiscriminatorAttribute

# The kind for a sort key, or for its part before `#`.
_KINDS = {
    "item": "item",
    "supplier": "supplier",
    "request": "request",
    "log": "delivery",
    "part": "delivery",
    "reference": "reference",
}


def check(row: dict[str, Any]) -> None:
    """Raise ValueError if the kind of a row, in DynamoDB's format, does not match its sort key."""
    expected = _KINDS.get(row["entry"]["S"].partition("#")[0])
    given = row.get("kind", {"NULL": True})
    if expected is not None and given != {"S": expected}:
        said = "missing" if given == {"NULL": True} else repr(next(iter(given.values())))
        raise ValueError(f"'kind' is {said}, where this entry has '{expected}'")


class _All:
    """A condition that is true for every row."""

    def __rand__(self, other: Any) -> Any:
        return other


class KindAttribute(DiscriminatorAttribute):
    """A discriminator without PynamoDB's filter by known classes, which would hide rows of unknown ones in every query.

    No query here needs that filter: each key range and index holds one class, or is read as a whole.
    """

    def is_in(self, *_classes: Any) -> Any:
        """The condition that PynamoDB adds to queries and scans."""
        return _All()
