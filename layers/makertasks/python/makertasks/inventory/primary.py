"""An item's primary supplier by OpenMakerSuite's rule, used for cards and lead times."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Protocol, TypeVar

UNKNOWN = Decimal("Infinity")


class Offer(Protocol):
    """The attributes of a supplier link that the rule uses."""

    @property
    def number(self) -> str:
        """OpenMakerSuite's number of the link."""

    @property
    def is_primary(self) -> bool:
        """Whether somebody marked it."""

    @property
    def unit_cost(self) -> str | None:
        """A decimal as text."""


Link = TypeVar("Link", bound=Offer)


def primary(links: Sequence[Link]) -> Link:
    """Return the first link marked as primary, otherwise the cheapest, of equals the older. `links` is not empty."""
    return min(links, key=lambda link: (not link.is_primary, _rank(link), len(link.number), link.number))


def cost(text: str | None) -> Decimal:
    """Return a unit cost for sorting; a missing, invalid, NaN or infinite one is unknown and sorts last.

    >>> cost("1.25"), cost("NaN"), cost(None)
    (Decimal('1.25'), Decimal('Infinity'), Decimal('Infinity'))
    """
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return UNKNOWN
    return amount if amount.is_finite() else UNKNOWN


def _rank(link: Offer) -> Decimal:
    """The sort key by cost, which is ignored among marked links."""
    return Decimal(0) if link.is_primary else cost(link.unit_cost)
