"""Figures of lead times: averages, and which records are one delivery."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from uuid import UUID

import pytest

from makertasks.inventory.primary import primary
from update_average_lead_times.averages import (
    Bucket,
    History,
    Offer,
    Received,
    lead_time,
    physical,
    window,
)
from update_average_lead_times.measurement import Tally, examine

ITEM = str(UUID(int=1))
TODAY = datetime.now(UTC).date()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


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
