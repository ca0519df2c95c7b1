"""Computes lead times from deliveries: finds each delivery's supplier, and measures each supplier link.

Pure. Days are calendar days, and dates are in UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from makertasks.inventory.primary import primary

# Deliveries of the last 180 days count, as in OpenMakerSuite, but by date of arrival.
WINDOW_DAYS = 180

# The source of a delivery's supplier if none was recorded.
PRIMARY = "primary"

# Longer lead times are mistyped dates: "0001-01-01" would make an average of two thousand years.
LONGEST_DAYS = 3_650

# Maximum number of implausible deliveries per reason in the result; all of them are counted.
NAMED_DELIVERIES = 20


class Rule(StrEnum):
    """How a link's lead time is computed, and from which deliveries."""

    SUPPLIER = "supplier"  # default: its own supplier's deliveries in the window, with halves rounded up
    OPENMAKERSUITE = "openmakersuite"  # all requests of the item ordered in the window, rounded down


class Received(NamedTuple):
    """One delivery: a received request, or a record of a lead-time log or a purchase order."""

    item_id: str
    entry: str  # `request#12`, `log#3`, `part#7`: sort key in the inventory table
    delivered: date
    ordered: date | None
    supplier_id: str | None = None
    source: str | None = None  # the supplier's source: request, purchase_order or lead_time_log
    order_number: str | None = None
    ordered_at: datetime | None = None  # `ordered` with the time of day

    @property
    def is_request(self) -> bool:
        """Whether it is a member's request, not a record from receiving."""
        return self.entry.startswith("request#")


class Offer(NamedTuple):
    """The attributes of a supplier link for lead times; times in days, None if never measured."""

    number: str
    supplier_id: str
    is_primary: bool = False
    is_active: bool = True
    unit_cost: str | None = None
    mean: int | None = None
    median: int | None = None
    p90: int | None = None


class LeadTime(NamedTuple):
    """A link's measured lead times in whole days, and the number of deliveries."""

    mean: int
    median: int
    p90: int
    deliveries: int


@dataclass
class Bucket:
    """The deliveries of one item from one supplier: how often each lead time and each source occurred."""

    days: Counter[int] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def merge(self, other: Bucket) -> None:
        """Add another bucket's deliveries."""
        self.days.update(other.days)
        self.sources.update(other.sources)


@dataclass
class History:
    """The window's deliveries by item and supplier; memory grows with the number of pairs, not of deliveries."""

    rule: Rule = Rule.SUPPLIER
    ordered_since: datetime | None = None  # if the rule needs it
    items: dict[str, dict[str | None, Bucket]] = field(default_factory=dict)
    deliveries: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    negative: list[dict[str, Any]] = field(default_factory=list)
    too_long: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[dict[str, Any]] = field(default_factory=list)

    def leave_out(self, item_id: str, entry: str, reason: str) -> None:
        """Count a delivery whose row cannot be read."""
        self.deliveries += 1
        self.skipped["its row cannot be read"] += 1
        if len(self.unreadable) < NAMED_DELIVERIES:
            self.unreadable.append({"item_id": item_id, "delivery": entry, "reason": reason[:200]})

    def add(self, received: Received) -> None:
        """Count one delivery, or the reason for ignoring it."""
        self.deliveries += 1
        if received.ordered is None:
            self.skipped["no order date"] += 1
            return
        days = (received.delivered - received.ordered).days
        if not 0 <= days <= LONGEST_DAYS:
            named = self.negative if days < 0 else self.too_long
            self.skipped["delivered before it was ordered" if days < 0 else f"took more than {LONGEST_DAYS} days"] += 1
            named.append({"item_id": received.item_id, "delivery": received.entry, "days": days})
            named.sort(key=lambda each: (each["item_id"], each["delivery"]))
            del named[NAMED_DELIVERIES:]
            return
        if self.rule is Rule.OPENMAKERSUITE and (reason := self._passed_over(received, days)):
            self.skipped[reason] += 1
            return
        supplier_id = received.supplier_id if self.rule is Rule.SUPPLIER else None
        bucket = self.items.setdefault(received.item_id, {}).setdefault(supplier_id, Bucket())
        bucket.days[days] += 1
        bucket.sources[received.source or PRIMARY] += 1

    def _passed_over(self, received: Received, days: int) -> str | None:
        """Return why OpenMakerSuite ignores a delivery; None if it counts."""
        if not received.is_request:
            return "not a request"
        if days == 0:
            return "delivered on the day it was ordered"
        if self.ordered_since and received.ordered_at and received.ordered_at < self.ordered_since:
            return "ordered before the window"
        return None


def window(today: date) -> tuple[date, date]:
    """Return the first and last delivery date of the window, inclusive."""
    return today - timedelta(days=WINDOW_DAYS), today


def physical(received: Iterable[Received]) -> Iterator[Received]:
    """Yield each physical delivery once, from records sorted by delivery date.

    The same goods may be recorded three times: as a request, as a line of an order's delivery and in a lead-time log.
    Records of one item on one date are the same delivery if their suppliers are the same, or if the request has none;
    then the request takes its supplier from the other record.
    """
    for _, same_date in groupby(received, key=lambda each: each.delivered):
        by_item: dict[str, list[Received]] = {}
        for each in same_date:
            by_item.setdefault(each.item_id, []).append(each)
        for records in by_item.values():
            yield from _joined(records) if len(records) > 1 else records


def _joined(records: list[Received]) -> Iterator[Received]:
    logged: dict[tuple[str | None, str | None], Received] = {}
    for record in sorted((each for each in records if not each.is_request), key=lambda each: each.entry):
        logged.setdefault((record.supplier_id, record.order_number), record)  # "log#" sorts before "part#"
    requests = [each for each in records if each.is_request]
    requests.sort(key=lambda each: (each.supplier_id is None, each.ordered or date.max, each.entry))
    for request in requests:
        twin = _twin(request, logged.values())
        if twin is None:
            yield request
            continue
        del logged[twin.supplier_id, twin.order_number]
        dated = request._replace(ordered=request.ordered or twin.ordered)
        yield dated if dated.supplier_id else dated._replace(supplier_id=twin.supplier_id, source=twin.source)
    yield from logged.values()


def _twin(request: Received, logged: Iterable[Received]) -> Received | None:
    """Return the record of the same goods: the one whose order date is nearest to the request's."""
    candidates = [each for each in logged if request.supplier_id in {None, each.supplier_id}]

    def distance(each: Received) -> tuple[bool, int, str]:
        apart = abs((each.ordered - request.ordered).days) if each.ordered and request.ordered else 0
        return each.order_number != request.order_number, apart, each.entry

    return min(candidates, key=distance, default=None)


def settle(offers: Sequence[Offer], buckets: dict[str | None, Bucket], rule: Rule = Rule.SUPPLIER) -> None:
    """Assign an item's deliveries without a supplier to its primary one, or by OpenMakerSuite's rule to all."""
    unknown = buckets.pop(None, None)
    if unknown is None:
        return
    if rule is Rule.OPENMAKERSUITE:
        buckets.update((offer.supplier_id, unknown) for offer in offers if offer.is_active)
    else:
        buckets.setdefault(primary(offers).supplier_id, Bucket()).merge(unknown)


def lead_time(days: Counter[int], rule: Rule = Rule.SUPPLIER) -> LeadTime:
    """Return mean and median, halves rounded up, and the 90th percentile by nearest rank; `days` must not be empty.

    By OpenMakerSuite's rule the mean is rounded down.
    """
    count = days.total()
    total = sum(value * times for value, times in days.items())
    middle = _ranked(days, (count + 1) // 2) + _ranked(days, count // 2 + 1)
    return LeadTime(
        mean=total // count if rule is Rule.OPENMAKERSUITE else (2 * total + count) // (2 * count),
        median=(middle + 1) // 2,
        p90=_ranked(days, -(-9 * count // 10)),
        deliveries=count,
    )


def _ranked(days: Counter[int], rank: int) -> int:
    """Return the value at a rank, counted from 1, of the sorted values."""
    seen = 0
    for value in sorted(days):
        seen += days[value]
        if seen >= rank:
            return value
    raise ValueError(f"there are {seen} deliveries, none at rank {rank}")
