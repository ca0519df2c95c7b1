"""Lead times: deliveries in, averages of each supplier link out."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from uuid import UUID

import pytest

from makertasks import clock
from makertasks.context import Context, Continue, running
from makertasks.inventory import deliveries
from makertasks.inventory import table as inventory
from makertasks.inventory.primary import primary
from makertasks.inventory.table import Item, ItemSupplier, LoggedDelivery, ReorderRequest
from update_average_lead_times.averages import (
    Bucket,
    History,
    Offer,
    Received,
    lead_time,
    physical,
    window,
)
from update_average_lead_times.handler import update_average_lead_times
from update_average_lead_times.measurement import Tally, examine

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


class TestAverages:
    def test_three_and_four_days_average_to_four(self):
        assert lead_time(Counter([3, 4])).mean == 4

    def test_median_rounds_half_up_and_p90_is_the_nearest_rank(self):
        measured = lead_time(Counter([1, 2, 3, 4, 5, 6, 7, 8, 9, 30]))
        assert measured == (8, 6, 9, 10)  # mean 7.5, median 5.5, ninth of ten values

    def test_a_same_day_delivery_takes_zero_days(self):
        assert lead_time(Counter([0])) == (0, 0, 0, 1)

    def test_figures_agree_with_the_statistics_module(self):
        rng = Random(7)
        for _ in range(200):
            values = [rng.randrange(60) for _ in range(rng.randrange(1, 40))]
            measured = lead_time(Counter(values))
            assert measured.mean == half_up(Decimal(sum(values)) / len(values))
            assert measured.median == half_up(Decimal(str(statistics.median(values))))
            assert measured.p90 == sorted(values)[math.ceil(0.9 * len(values)) - 1]

    def test_the_window_is_180_days_back_from_today(self):
        assert window(date(2026, 3, 1)) == (date(2025, 9, 2), date(2026, 3, 1))

    def test_the_primary_supplier_is_the_marked_one_else_the_cheapest(self):
        cheap, dear, unknown = Offer("2", "b", unit_cost="1.10"), Offer("1", "a", unit_cost="10.00"), Offer("3", "c")
        marked = unknown._replace(is_primary=True)
        assert primary([dear, cheap, unknown]) == cheap
        assert primary([dear, cheap, marked]) == marked


def half_up(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


class TestOneDeliveryManyRecords:
    def received(self, entry: str, supplier: str | None = None, **values) -> Received:
        source = {"log": "lead_time_log", "part": "purchase_order"}.get(entry.partition("#")[0], "request")
        base = Received(ITEM, entry, ago(10), ago(15), supplier, source if supplier else None)
        return base._replace(**values)

    def test_a_request_learns_its_supplier_from_the_log_of_the_same_day(self):
        [only] = physical([self.received("request#1"), self.received("log#1", "7")])
        assert (only.entry, only.supplier_id, only.source) == ("request#1", "7", "lead_time_log")

    def test_a_request_that_knows_its_supplier_keeps_it(self):
        joined = list(physical([self.received("request#1", "3"), self.received("log#1", "7")]))
        assert {each.supplier_id for each in joined} == {"3", "7"}

    def test_a_log_entry_and_its_orders_delivery_count_once(self):
        joined = list(physical([self.received("part#1", "7"), self.received("log#9", "7")]))
        assert [each.entry for each in joined] == ["log#9"]

    def test_of_two_logs_the_one_ordered_nearest_belongs_to_the_request(self):
        near, far = self.received("log#1", "7", ordered=ago(14)), self.received("log#2", "8", ordered=ago(40))
        joined = {each.entry: each for each in physical([far, self.received("request#1"), near])}
        assert joined["request#1"].supplier_id == "7"
        assert joined["log#2"].supplier_id == "8"

    def test_records_of_different_days_are_different_deliveries(self):
        earlier = self.received("log#1", "7", delivered=ago(11))
        assert len(list(physical([earlier, self.received("request#1")]))) == 2


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
        items = [str(UUID(int=number)) for number in range(12)]
        for number, item in enumerate(items):
            write(link(number, item=item), request(number, number + 20, item=item))
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
        assert invocations == 6
        assert result["links"] == {"looked_at": 12, "changed": 12, "unchanged": 0}
        assert result["deliveries"] == {"in_window": 12, "counted": 12}
        assert result["deliveries_skipped"] == {}
        for number, item in enumerate(items):
            assert [each.average_lead_time for each in links_of(item).values()] == [number + 20]


def generated(rng: Random) -> tuple[list[Offer], list[Received]]:
    """An item's links and deliveries, one per day, so that no two records are the same delivery."""
    offers = [
        Offer(str(number), f"s{number}", is_primary=rng.random() < 0.3, is_active=rng.random() < 0.8,
              unit_cost=rng.choice([None, "2.50", "10.00", "3.75"]))
        for number in range(1, rng.randrange(2, 6))
    ]  # fmt: skip
    received = []
    for number in range(rng.randrange(40)):
        delivered = ago(rng.randrange(181))
        supplier = rng.choice([None, *(offer.supplier_id for offer in offers), "stranger"])
        ordered = None if rng.random() < 0.05 else delivered - timedelta(days=rng.randrange(-2, 50))
        received.append(
            Received(ITEM, f"request#{number}", delivered, ordered, supplier, "request" if supplier else None)
        )
    return offers, received


def reference(offers: list[Offer], received: list[Received]) -> dict[str, tuple[int, int, int]]:
    """A straightforward reference implementation of the rules, link by link."""
    marked = [offer for offer in offers if offer.is_primary]
    by_cost = sorted(offers, key=lambda each: Decimal(each.unit_cost or 10**9))
    main = (marked or by_cost)[0].supplier_id
    expected = {}
    for offer in offers:
        days = [
            (each.delivered - each.ordered).days
            for each in received
            if each.ordered and each.delivered >= each.ordered and (each.supplier_id or main) == offer.supplier_id
        ]
        if days and offer.is_active:
            mean = half_up(Decimal(sum(days)) / len(days))
            median = half_up(Decimal(str(statistics.median(days))))
            expected[offer.number] = (mean, median, sorted(days)[math.ceil(len(days) * 9 / 10) - 1])
    return expected


def measured(offers: list[Offer], received: list[Received]) -> dict[str, tuple[int, int, int]]:
    history = History()
    for each in physical(received):
        history.add(each)
    changes = examine(f"item#{ITEM}", [(offer, None) for offer in offers], history, Tally(today=TODAY.isoformat()))
    return {change.offer.number: change.new[:3] for change in changes}


@pytest.mark.parametrize("seed", range(200))
def test_generated_histories_agree_with_a_straightforward_reference(seed):
    offers, received = generated(Random(seed))
    in_order = sorted(received, key=lambda each: each.delivered)
    expected = reference(offers, received)
    assert measured(offers, in_order) == expected
    shuffled = Random(seed + 1).sample(received, len(received))
    assert measured(offers[::-1], sorted(shuffled, key=lambda each: each.delivered)) == expected


def test_records_of_one_day_may_come_in_any_order():
    rng = Random(3)
    for _ in range(100):
        records = [
            Received(ITEM, f"{kind}#{number}", ago(10), ago(rng.randrange(10, 20)),
                     rng.choice(["1", "2", None]) if kind == "request" else rng.choice(["1", "2"]),
                     None if kind == "request" else "lead_time_log")
            for number, kind in enumerate(rng.choices(["request", "log", "part"], k=6))
        ]  # fmt: skip
        joined = sorted(physical(records))
        assert sorted(physical(rng.sample(records, len(records)))) == joined


def test_a_bucket_merges_counts():
    bucket = Bucket(Counter([1]), Counter(["request"]))
    bucket.merge(Bucket(Counter([1, 2]), Counter(["primary"])))
    assert bucket == replace(bucket, days=Counter({1: 2, 2: 1}), sources=Counter(["request", "primary"]))
