"""The two passes over the inventory table: over the window's deliveries, then over the links in item order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from makertasks import clock, settings
from makertasks.context import Continue, current
from makertasks.inventory import deliveries
from makertasks.inventory import table as inventory

from .averages import WINDOW_DAYS, History, Offer, Received, Rule, physical, window
from .measurement import Change, Tally, examine, record, result, state_of

# With fewer seconds left, a run continues in another invocation: enough for one more transaction and the record.
MARGIN_SECONDS = 10.0


def run() -> dict[str, Any]:
    """Measure every link; raises Continue when time runs out and TemporaryError if DynamoDB fails."""
    context = current()
    tally = Tally(**context.state) if context.state else Tally(today=clock.now().date().isoformat())
    history = read(date.fromisoformat(tally.today), Rule(settings.lead_time_rule()))
    pending: list[Change] = []
    for shard, owner, offers in _items(tally):
        pending += examine(owner, offers, history, tally)
        tally.shard, tally.after = shard, owner
        time_is_short = context.remaining() < MARGIN_SECONDS
        if time_is_short or len(pending) >= inventory.TRANSACTION_ENTRIES:
            _write(pending, tally)
            context.checkpoint(shard, deliveries.LINK_SHARDS)
        if time_is_short:
            raise Continue(state_of(tally))
    _write(pending, tally)
    return result(history, tally)


def read(today: date, rule: Rule = Rule.SUPPLIER) -> History:
    """Read the window's deliveries, once."""
    history = History(rule, clock.now() - timedelta(days=WINDOW_DAYS))
    received = _received(today, history)
    for each in received if rule is Rule.OPENMAKERSUITE else physical(received):
        history.add(each)
    return history


def _received(today: date, history: History) -> Iterator[Received]:
    for row in deliveries.received(*window(today)):
        problem = row.problem
        try:
            delivered = date.fromisoformat(row.actual_delivery)
            ordered_at = clock.parse(row.ordered_at) if row.ordered_at else None
        except ValueError as error:
            problem = str(error)
        if problem:
            history.leave_out(row.owner.removeprefix("item#"), row.entry, problem)
            continue
        yield Received(
            item_id=row.owner.removeprefix("item#"),
            entry=row.entry,
            delivered=delivered,
            ordered=ordered_at.date() if ordered_at else None,
            supplier_id=row.supplier_id,
            source=row.supplier_source or ("request" if row.supplier_id else None),
            order_number=row.order_number,
            ordered_at=ordered_at,
        )


def _items(tally: Tally) -> Iterator[tuple[int, str, list[tuple[Offer, str | None]]]]:
    """Yield each item's links, from where the last invocation stopped: (shard, owner, [(offer, supplier's name)])."""
    for shard in range(tally.shard, deliveries.LINK_SHARDS):
        after = tally.after if shard == tally.shard else ""
        for owner, rows in groupby(deliveries.links(shard, after), key=lambda row: str(row.owner)):
            offers: list[tuple[Offer, str | None]] = []
            for row in rows:
                if isinstance(row, inventory.Broken):
                    tally.leave_out(row.item_id, str(row.entry), row.problem)
                else:
                    offers.append((_offer(row), row.supplier_name))
            yield shard, owner, offers


def _offer(link: inventory.ItemSupplier) -> Offer:
    return Offer(
        number=link.number,
        supplier_id=link.supplier_id,
        is_primary=link.is_primary,
        is_active=link.is_active,
        unit_cost=link.unit_cost,
        mean=_whole(link.average_lead_time),
        median=_whole(link.lead_time_median),
        p90=_whole(link.lead_time_p90),
    )


def _whole(days: float | None) -> int | None:
    return None if days is None else int(days)


def _write(pending: list[Change], tally: Tally) -> None:
    """Write the pending changes, record them in the tally and empty the list."""
    times = [(change.owner, f"supplier#{change.offer.number}", change.new[:3]) for change in pending]
    record(pending, deliveries.set_lead_times(times), tally)
    pending.clear()
