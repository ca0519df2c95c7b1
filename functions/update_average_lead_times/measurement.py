"""The state of one run over all supplier links: the links examined, the changes, and the result.

A run may take several invocations; each further one needs this state and reads the window's deliveries again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from .averages import NAMED_DELIVERIES, Bucket, History, LeadTime, Offer, Rule, lead_time, settle, window

# Number of the largest changes that the result lists.
NAMED_CHANGES = 10


@dataclass
class Tally:
    """Links by outcome so far; JSON, so that it can be passed to the next invocation."""

    today: str
    shard: int = 0
    after: str = ""  # owner of the last item whose links were examined
    links: int = 0
    changed: int = 0
    unchanged: int = 0
    accounted: int = 0  # deliveries of items with links
    counted: int = 0  # deliveries used in a lead time
    skipped: dict[str, int] = field(default_factory=dict)  # links, by reason
    without_link: dict[str, int] = field(default_factory=dict)  # deliveries, by reason
    sources: dict[str, int] = field(default_factory=dict)
    largest: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[dict[str, Any]] = field(default_factory=list)  # links

    def add(self, counts: str, reason: str, number: int = 1) -> None:
        """Add to one of the counts by reason."""
        reasons: dict[str, int] = getattr(self, counts)
        reasons[reason] = reasons.get(reason, 0) + number

    def leave_out(self, item_id: str, entry: str, reason: str) -> None:
        """Count a link whose row cannot be read."""
        self.links += 1
        self.add("skipped", "its row cannot be read")
        if len(self.unreadable) < NAMED_DELIVERIES:
            self.unreadable.append({"item_id": item_id, "link": entry, "reason": reason[:200]})


@dataclass(frozen=True)
class Change:
    """A link's new lead time."""

    owner: str
    offer: Offer
    supplier_name: str | None
    new: LeadTime

    def as_json(self) -> dict[str, Any]:
        """Return the change as it appears in the result."""
        return {
            "item_id": self.owner.removeprefix("item#"),
            "supplier": self.supplier_name or self.offer.supplier_id,
            "from": self.offer.mean,
            "to": self.new.mean,
            "deliveries": self.new.deliveries,
        }


def examine(owner: str, offers: list[tuple[Offer, str | None]], history: History, tally: Tally) -> list[Change]:
    """Examine every link of one item and return the changes; `offers` are pairs of link and supplier name."""
    buckets = history.items.pop(owner.removeprefix("item#"), {})
    tally.accounted += sum(bucket.days.total() for bucket in buckets.values())
    if offers:
        settle([offer for offer, _ in offers], buckets, history.rule)
    changes: list[Change] = []
    for offer, name in offers:
        tally.links += 1
        bucket = buckets.get(offer.supplier_id)
        if not offer.is_active:
            tally.add("skipped", "inactive")
        elif bucket is None:
            tally.add("skipped", "no deliveries in the window")
        else:
            new = lead_time(bucket.days, history.rule)
            if (new.mean, new.median, new.p90) == (offer.mean, offer.median, offer.p90):
                tally.unchanged += 1
            else:
                changes.append(Change(owner, offer, name, new))
    if history.rule is Rule.OPENMAKERSUITE:  # all links of an item share its deliveries
        buckets = dict(list(buckets.items())[:1])
    _count(buckets, {offer.supplier_id: offer.is_active for offer, _ in offers}, tally)
    return changes


def _count(buckets: dict[str | None, Bucket], active: dict[str, bool], tally: Tally) -> None:
    """Count an item's deliveries by outcome."""
    for supplier_id, bucket in buckets.items():
        state = active.get(supplier_id or "")
        if state is None:
            tally.add("without_link", "the item has no link to the supplier", bucket.days.total())
        elif not state:
            tally.add("without_link", "the supplier's link is inactive", bucket.days.total())
        else:
            tally.counted += bucket.days.total()
            for source, number in bucket.sources.items():
                tally.add("sources", source, number)


def record(changes: Iterable[Change], written: Iterable[bool], tally: Tally) -> None:
    """Record the changes that were written, and keep the largest."""
    for change, done in zip(changes, written, strict=True):
        if done:
            tally.changed += 1
            tally.largest.append(change.as_json())
        else:
            tally.add("skipped", "deleted, inactive or no longer writable")
    tally.largest.sort(key=lambda each: (-abs(each["to"] - (each["from"] or 0)), each["item_id"], each["supplier"]))
    del tally.largest[NAMED_CHANGES:]


def result(history: History, tally: Tally) -> dict[str, Any]:
    """Return the task's result, after all links have been examined."""
    first, last = window(date.fromisoformat(tally.today))
    skipped = Counter(history.skipped)
    skipped.update(tally.without_link)
    without = history.deliveries - history.skipped.total() - tally.accounted
    if without > 0:
        skipped["the item has no supplier link or was deleted"] += without
    return {
        "rule": str(history.rule),
        "window": {"first": first.isoformat(), "last": last.isoformat()},
        "links": {"looked_at": tally.links, "changed": tally.changed, "unchanged": tally.unchanged},
        "links_skipped": tally.skipped,
        "deliveries": {"in_window": history.deliveries, "counted": tally.counted},
        "suppliers_from": {name: tally.sources.get(name, 0) for name in _SOURCES},
        "deliveries_skipped": dict(skipped),
        "negative": history.negative,
        "too_long": history.too_long,
        "unreadable": [*tally.unreadable, *history.unreadable],
        "largest_changes": tally.largest,
    }


_SOURCES = ("request", "purchase_order", "lead_time_log", "primary")


def state_of(tally: Tally) -> dict[str, Any]:
    """Return the tally as JSON, for `Continue`."""
    return asdict(tally)
