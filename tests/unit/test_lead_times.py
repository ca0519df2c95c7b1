"""Lead times: deliveries in, averages of each supplier link out."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from makertasks import clock
from makertasks.context import Context, Continue, running
from makertasks.inventory import deliveries
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item, ItemSupplier, LoggedDelivery, ReorderRequest
from update_average_lead_times.handler import update_average_lead_times

ITEM = str(UUID(int=1))
TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def no_midnight(monkeypatch):
    """Keep today's date fixed during the tests."""
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: noon)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def link(number: int, *, item: str = ITEM, supplier: str = "1", **attributes) -> ItemSupplier:
    return ItemSupplier(f"item#{item}", f"supplier#{number}", supplier_id=supplier, **attributes)


def request(
    number: int,
    lead: int,
    *,
    item: str = ITEM,
    delivered: date | None = None,
    supplier: str | None = None,
    **attributes,
) -> ReorderRequest:
    """A request that took `lead` days, by default delivered ten days ago."""
    delivered = delivered or ago(10)
    values = {
        "status": "received",
        "actual_delivery": delivered.isoformat(),
        "ordered_at": f"{(delivered - timedelta(days=lead)).isoformat()}T08:00:00Z",
        "supplier_id": supplier,
        "supplier_source": "request" if supplier else None,
    }
    return ReorderRequest(f"item#{item}", f"request#{number}", **{**values, **attributes})


def log(number: int, lead: int, supplier: str, *, delivered: date | None = None, kind: str = "log", **attributes):
    delivered = delivered or ago(10)
    values = {
        "actual_delivery": delivered.isoformat(),
        "ordered_at": f"{(delivered - timedelta(days=lead)).isoformat()}T08:00:00Z",
        "supplier_id": supplier,
        "supplier_source": "lead_time_log" if kind == "log" else "purchase_order",
    }
    return LoggedDelivery(f"item#{ITEM}", f"{kind}#{number}", **{**values, **attributes})


def links_of(item: str = ITEM) -> dict[str, ItemSupplier]:
    return {each.number: each for each in inventory.get_item_page(item).suppliers}


@pytest.fixture
def write(inventory_table):
    """Write entries to the table, with the item that they belong to."""

    def put(*entries: inventory.Entry) -> None:
        items = {entry.owner: Item(entry.owner, "item", name="M3 screws", current_stock=5) for entry in entries}
        inventory.write([*items.values(), *entries])

    return put


class TestTheTask:
    def test_each_supplier_gets_the_average_of_its_own_deliveries(self, write):
        write(
            link(1, supplier="1", is_primary=True),
            link(2, supplier="2"),
            request(1, 3, supplier="1"),
            request(2, 4, supplier="1"),
            request(3, 20, supplier="2"),
        )
        result = update_average_lead_times.call({})
        assert {number: each.average_lead_time for number, each in links_of().items()} == {"1": 4, "2": 20}
        assert result["links"] == {"looked_at": 2, "changed": 2, "unchanged": 0}
        assert result["suppliers_from"] == {"request": 3, "purchase_order": 0, "lead_time_log": 0, "primary": 0}

    def test_suppliers_come_from_request_then_orders_and_logs_then_primary(self, write):
        write(
            *(link(number, supplier=str(number), is_primary=number == 4) for number in (1, 2, 3, 4)),
            request(1, 1, supplier="1", delivered=ago(1)),
            request(2, 2, delivered=ago(2)),
            log(1, 9, "2", delivered=ago(2)),
            request(3, 3, delivered=ago(3)),
            log(2, 9, "3", delivered=ago(3), kind="part"),
            request(4, 4, delivered=ago(4)),
        )
        result = update_average_lead_times.call({})
        assert result["suppliers_from"] == {"request": 1, "purchase_order": 1, "lead_time_log": 1, "primary": 1}
        assert {number: each.average_lead_time for number, each in links_of().items()} == {
            "1": 1, "2": 2, "3": 3, "4": 4
        }  # fmt: skip

    def test_the_delivery_date_decides_what_is_in_the_window(self, write):
        write(
            link(1),
            request(1, 200, delivered=ago(5)),  # ordered long before the window
            request(2, 100, delivered=ago(180)),
            request(3, 1, delivered=ago(181)),
            request(4, 1, delivered=ago(-1)),
        )
        assert update_average_lead_times.call({})["deliveries"]["in_window"] == 2
        assert links_of()["1"].average_lead_time == 150

    def test_same_day_counts_as_zero(self, write):
        write(link(1), request(1, 0))
        update_average_lead_times.call({})
        assert links_of()["1"].average_lead_time == 0

    def test_a_negative_lead_time_is_reported_and_not_averaged(self, write):
        write(link(1), request(1, -2), request(2, 6))
        result = update_average_lead_times.call({})
        assert result["negative"] == [{"item_id": ITEM, "delivery": "request#1", "days": -2}]
        assert result["deliveries_skipped"] == {"delivered before it was ordered": 1}
        assert links_of()["1"].average_lead_time == 6

    def test_uncounted_deliveries_are_reported_with_the_reason(self, write):
        other = str(UUID(int=2))
        write(
            link(1),
            link(2, supplier="2", is_active=False),
            request(1, 5, supplier="9"),
            request(2, 5, supplier="2"),
            request(3, 5, item=other),
            request(4, 5, ordered_at=None),
            request(5, 5, status="ordered"),
        )
        result = update_average_lead_times.call({})
        assert result["deliveries"] == {"in_window": 4, "counted": 0}
        assert result["deliveries_skipped"] == {
            "no order date": 1,
            "the item has no link to the supplier": 1,
            "the supplier's link is inactive": 1,
            "the item has no supplier link or was deleted": 1,
        }
        assert result["links_skipped"] == {"inactive": 1, "no deliveries in the window": 1}
        assert links_of()["2"].average_lead_time == 7

    def test_a_second_run_writes_nothing(self, write):
        write(link(1), request(1, 5))
        update_average_lead_times.call({})
        assert update_average_lead_times.call({})["links"] == {"looked_at": 1, "changed": 0, "unchanged": 1}

    def test_the_largest_changes_are_named_first(self, write):
        write(link(1, supplier_name="Digi-Key"), link(2, supplier="2"), request(1, 8), request(2, 60, supplier="2"))
        changes = update_average_lead_times.call({})["largest_changes"]
        assert [(each["supplier"], each["from"], each["to"]) for each in changes] == [("2", 7, 60), ("Digi-Key", 7, 8)]

    def test_only_lead_times_change_while_a_member_takes_stock(self, write):
        write(link(1, unit_cost="1.00"), request(1, 5))
        inventory.connect()
        Item(f"item#{ITEM}", "item").update(actions=[Item.current_stock.set(2)])
        update_average_lead_times.call({})
        assert inventory.get_item(ITEM).current_stock == 2
        assert links_of()["1"].unit_cost == "1.00"

    def test_a_link_removed_meanwhile_stays_removed_and_the_others_are_written(self, write):
        write(link(1), link(2, supplier="2"))
        written = deliveries.set_lead_times(
            [(f"item#{ITEM}", "supplier#1", (3, 3, 3)), (f"item#{ITEM}", "supplier#99", (3, 3, 3))]
        )
        assert written == [True, False]
        assert links_of().keys() == {"1", "2"}

    def test_a_run_continues_where_the_time_ran_out(self, write):
        # given a dozen items, and invocations that have time for one link each, until the sixth
        items = [str(UUID(int=number)) for number in range(12)]
        for number, item in enumerate(items):
            write(link(number, item=item), request(number, number + 20, item=item))
        # when the task runs to its end
        context, invocations = Context("t", deadline=time.monotonic() + 1), 0
        while True:
            invocations += 1
            try:
                with running(context):
                    result = update_average_lead_times.call({})
                break
            except Continue as pause:
                done = pause.state["links"]
                assert done == invocations  # each invocation makes progress
                deadline = time.monotonic() + (1 if done < 5 else 900)
                context = Context("t", deadline=deadline, state=pause.state)
        # then every link was changed, and counted once
        assert invocations == 6
        assert result["links"] == {"looked_at": 12, "changed": 12, "unchanged": 0}
        assert result["deliveries"] == {"in_window": 12, "counted": 12}
        assert result["deliveries_skipped"] == {}
        for number, item in enumerate(items):
            assert [each.average_lead_time for each in links_of(item).values()] == [number + 20]
