"""Lead times in the inventory table: deliveries by date, supplier links in item order, and how the two are joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition

from makertasks.aws.dynamodb import answering
from makertasks.errors import TemporaryError
from makertasks.inventory import site_changes
from makertasks.inventory import table as inventory
from makertasks.inventory.model import LINK_SHARDS, Broken, Delivery, ItemSupplier, week_of
from makertasks.inventory.table import Change

__all__ = ["LINK_SHARDS", "DeliveryRow", "links", "received", "set_lead_times"]


class DeliveryRow(NamedTuple):
    """A delivery's attributes in the `deliveries` index, named as in `Delivery`."""

    owner: str
    entry: str
    actual_delivery: str
    ordered_at: str | None
    supplier_id: str | None
    supplier_source: str | None
    order_number: str | None
    problem: str | None = None  # why the row cannot be used


def received(first: date, last: date) -> Iterator[DeliveryRow]:
    """Deliveries received between two dates (inclusive), oldest first, a page at a time: each week is read once.

    Rows instead of models, and no filter by class: building models would double the work for 100,000 deliveries.
    """
    inventory.connect()
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    for week in dict.fromkeys(week_of(day.isoformat()) for day in days):
        yield from _week(week, Delivery.actual_delivery.between(first.isoformat(), last.isoformat()))


def _week(week: str, condition: Condition) -> Iterator[DeliveryRow]:
    connection = Delivery._get_connection()  # noqa: SLF001 - PynamoDB gives no other way to the bound table
    start = None
    while True:
        with answering("the inventory table did not respond", raises=TemporaryError):
            page = connection.query(week, condition, index_name="deliveries", exclusive_start_key=start)
        yield from map(_row, page["Items"])
        start = page.get("LastEvaluatedKey")
        if start is None:
            return


def _row(row: dict[str, dict[str, Any]]) -> DeliveryRow:
    """Return a row of the index; attributes that should be text and are not are left out and named in `problem`."""
    values: dict[str, Any] = dict.fromkeys(DeliveryRow._fields)
    for name in values:
        kind, value = next(iter(row.get(name, {"NULL": True}).items()))
        if kind == "S":
            values[name] = value
        elif kind != "NULL":
            values["problem"] = f"{name} has DynamoDB's type {kind}, not S (text)"
    return DeliveryRow(**values)


def links(shard: int, after: str = "") -> Iterator[ItemSupplier | Broken]:
    """The supplier links of one shard in the order of their items, those after the owner `after`, a page at a time."""
    inventory.connect()
    condition = ItemSupplier.owner > after if after else None
    with answering("the inventory table did not respond", raises=TemporaryError):
        yield from ItemSupplier.links.query(str(shard), condition)


def set_lead_times(times: Sequence[tuple[str, str, tuple[int, int, int]]]) -> list[bool]:
    """Set mean, median and 90th percentile, in days, of links named by (owner, entry); all three of a link at once.

    Returns False for each link that is gone, is no longer active, or whose row has values that cannot be overwritten.
    A transaction writes at most 100 links; if one of them cannot be written, the others are written one by one.
    Raises TemporaryError where DynamoDB refuses.
    """
    written: list[bool] = []
    for start in range(0, len(times), inventory.TRANSACTION_ENTRIES):
        part = [_lead_time_change(*each) for each in times[start : start + inventory.TRANSACTION_ENTRIES]]
        try:
            together = inventory.transact([], part)
        except inventory.Unstorable:  # one of the rows holds another type; the others are written one by one
            together = False
        written += [together or _changed(change) for change in part]
    return written


def _changed(change: Change) -> bool:
    try:
        return inventory.change(change)
    except inventory.Unstorable:
        return False


def _lead_time_change(owner: str, entry: str, days: tuple[int, int, int]) -> Change:
    attributes = (ItemSupplier.average_lead_time, ItemSupplier.lead_time_median, ItemSupplier.lead_time_p90)
    actions = [attribute.set(value) for attribute, value in zip(attributes, days, strict=True)]
    actions.append(site_changes.next_version(site_changes.lead_time_version()))
    is_active = ItemSupplier.is_active == True  # noqa: E712 - PynamoDB's expression, not a comparison
    return Change(ItemSupplier(owner, entry), actions, is_active)
