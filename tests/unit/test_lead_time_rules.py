"""The two lead time rules, makertasks' and OpenMakerSuite's, applied to the same history."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from makertasks import clock
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item, ItemSupplier, LoggedDelivery, ReorderRequest
from update_average_lead_times.handler import update_average_lead_times

ITEM = str(UUID(int=1))


def ago(days: int) -> date:
    return clock.now().date() - timedelta(days=days)


def received(number: int, ordered: int, delivered: int, supplier: str | None = None) -> ReorderRequest:
    """A request, with dates in days before today."""
    return ReorderRequest(
        f"item#{ITEM}", f"request#{number}", status="received", supplier_id=supplier,
        ordered_at=f"{ago(ordered)}T12:00:00Z", actual_delivery=str(ago(delivered)),
    )  # fmt: skip


@pytest.fixture
def measure(inventory_table, monkeypatch):
    """The means of two suppliers' links after a run with a rule, and the run's result."""

    def run(rule: str, *deliveries) -> tuple[dict[str, int], dict]:
        monkeypatch.setenv("LEAD_TIME_RULE", rule)
        inventory.write(
            [
                Item(f"item#{ITEM}", "item", name="Drill"),
                ItemSupplier(f"item#{ITEM}", "supplier#1", supplier_id="A", is_primary=True),
                ItemSupplier(f"item#{ITEM}", "supplier#2", supplier_id="B"),
                ItemSupplier(f"item#{ITEM}", "supplier#3", supplier_id="C", is_active=False),
                *deliveries,
            ]
        )
        result = update_average_lead_times.call({})
        links = inventory.get_item_page(ITEM).suppliers
        return {link.supplier_id: link.average_lead_time for link in links}, result

    return run


def test_the_example_of_the_documentation(measure):
    deliveries = [
        received(1, 12, 10, "A"),
        received(2, 13, 10, "A"),
        received(3, 14, 10, "A"),
        received(4, 30, 10, "B"),
    ]

    assert measure("supplier", *deliveries)[0] == {"A": 3, "B": 20, "C": 7}
    means, result = measure("openmakersuite", *deliveries)

    assert means == {"A": 7, "B": 7, "C": 7}
    assert result["rule"] == "openmakersuite"
    assert result["deliveries"] == {"in_window": 4, "counted": 4}


def test_openmakersuites_rule_excludes_what_its_own_task_excludes(measure):
    """Same-day deliveries, orders before the window, and deliveries without a request."""
    log = LoggedDelivery(
        f"item#{ITEM}", "log#9", supplier_id="A", ordered_at=f"{ago(50)}T12:00:00Z", actual_delivery=str(ago(10))
    )

    means, result = measure(
        "openmakersuite", received(1, 10, 10), received(2, 185, 5), received(3, 20, 11), received(4, 20, 10), log
    )

    assert means["A"] == means["B"] == 9  # (9 + 10) / 2, rounded down
    assert result["deliveries_skipped"] == {
        "delivered on the day it was ordered": 1,
        "ordered before the window": 1,
        "not a request": 1,
    }
