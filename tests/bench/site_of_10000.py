"""Run by bench_site.py where Django is installed: a site with 10,000 items goes through its first days with the stack.

    python -m tests.bench.site_of_10000 FOLDER

The functions' code runs in this process, so that every request can be counted. Each step prints a line
of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ITEMS = 10_000
SUPPLIERS = 40
REQUESTS_AN_ITEM = 1
# New deliveries on a usual day.
DELIVERIES_A_DAY = 100


def main(folder: Path) -> None:
    """Set the site up, fill it, and measure each step."""
    os.environ |= {"SITE_FOLDER": str(folder), "DJANGO_SETTINGS_MODULE": "makerspace.settings"}
    sys.path[:0] = [str(ROOT / "tests/site"), str(ROOT / "functions")]
    import django  # noqa: PLC0415 - where the settings are known

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", run_syncdb=True, verbosity=0)
    fill()
    steps(folder)


def fill() -> None:
    """Create the site's rows without signals, as a database import would."""
    from inventory.models import Category, InventoryItem, ItemSupplier, Location, Supplier  # noqa: PLC0415
    from reorder_queue.models import ReorderRequest  # noqa: PLC0415

    rng, now = Random(1), datetime.now(UTC)
    [category] = Category.objects.bulk_create([Category(name="Hardware", color="#336699")])
    [location] = Location.objects.bulk_create([Location(name="Shelf 1")])
    suppliers = Supplier.objects.bulk_create(Supplier(name=f"Supplier {number}") for number in range(SUPPLIERS))
    items = InventoryItem.objects.bulk_create(
        InventoryItem(
            name=f"Item {number}",
            description="A part that somebody describes in a sentence or two, as makers do.",
            sku=f"SKU-{number}",
            category=category,
            location=location,
            current_stock=number % 50,
        )
        for number in range(ITEMS)
    )
    ItemSupplier.objects.bulk_create(
        ItemSupplier(item=item, supplier=suppliers[number % SUPPLIERS], unit_cost="1.50", is_primary=True)
        for number, item in enumerate(items)
    )
    ReorderRequest.objects.bulk_create(
        delivered(item, now - timedelta(days=rng.randrange(1, 170)), rng.randrange(1, 40))
        for item in items
        for _ in range(REQUESTS_AN_ITEM)
    )


def delivered(item: Any, moment: datetime, days: int) -> Any:
    """A reorder request that was delivered after this number of days."""
    from reorder_queue.models import ReorderRequest  # noqa: PLC0415

    ordered = moment - timedelta(days=days)
    return ReorderRequest(item=item, status="received", ordered_at=ordered, actual_delivery=moment.date())


def steps(folder: Path) -> None:
    """Run each step and check its outcome."""
    from makertasks.aws import bucket  # noqa: PLC0415
    from makertasks.contrib.django import comparing  # noqa: PLC0415

    measure = Measure()
    key = "imports/dump.json"
    bucket.put(key, dump(folder), "application/json")
    objects = ITEMS * (2 + REQUESTS_AN_ITEM) + SUPPLIERS + 2
    with measure("first import") as done:
        done(imported(key)["created"], objects)
    with measure("makertasks_sync --all, nothing to do") as done:
        done(dict(comparing.compare().stack), {"unchanged": objects, "deleted": 0, "refused": 0})
    with measure("first night of lead times") as done:
        done(lead_times() > ITEMS / 2, True)
    a_day()
    with measure(f"a night of lead times after {DELIVERIES_A_DAY} deliveries") as done:
        done(0 < lead_times() <= DELIVERIES_A_DAY, True)


def dump(folder: Path) -> bytes:
    """The output of `manage.py dumpdata inventory reorder_queue`."""
    from django.core.management import call_command  # noqa: PLC0415

    file = folder / "dump.json"
    call_command("dumpdata", "inventory", "reorder_queue", output=str(file), verbosity=0)
    return file.read_bytes()


def imported(key: str) -> dict[str, Any]:
    """The report of an import."""
    from import_dump import importing  # noqa: PLC0415

    return goes_on(lambda: importing.run(key, None))


def lead_times() -> int:
    """The number of links that a night's run changed."""
    from update_average_lead_times import passes  # noqa: PLC0415

    changed: int = goes_on(passes.run)["links"]["changed"]
    return changed


def a_day() -> None:
    """Write new deliveries as an import does."""
    from inventory.models import ItemSupplier  # noqa: PLC0415

    from makertasks.inventory import table as inventory  # noqa: PLC0415

    delivered_on = datetime.now(UTC)
    links = ItemSupplier.objects.order_by("pk")[:DELIVERIES_A_DAY]
    inventory.write(
        inventory.ReorderRequest(
            inventory.owner_of(link.item_id),
            f"request#day-{link.pk}",
            status="received",
            supplier_id=str(link.supplier_id),
            ordered_at=(delivered_on - timedelta(days=60)).isoformat(),
            actual_delivery=delivered_on.date().isoformat(),
        )
        for link in links
    )


def goes_on(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run a task, in as many invocations of 15 minutes as it needs, and return its result."""
    from makertasks.context import Context, Continue, running  # noqa: PLC0415

    state: dict[str, Any] = {}
    while True:
        try:
            with running(Context("bench", deadline=time.monotonic() + 900, state=state)):
                return run()
        except Continue as pause:
            state = pause.state


class Measure:
    """Measures steps and prints the figures."""

    def __init__(self) -> None:
        from makertasks.aws import session  # noqa: PLC0415
        from makertasks.inventory import table as inventory  # noqa: PLC0415
        from tests.bench.metering import Requests  # noqa: PLC0415

        self.requests = Requests()
        model = inventory.connect()
        self.requests.attach(model._get_connection().connection.client, session.client("s3"), session.client("sqs"))

    @contextmanager
    def __call__(self, what: str) -> Iterator[Callable[[object, object], None]]:
        """Measure a step, which passes its result and the expected result to `done`."""

        def done(result: object, expected: object) -> None:
            if result != expected:
                raise RuntimeError(f"{what}: {result}, expected {expected}")

        self.requests.clear()
        began, worked = time.perf_counter(), time.process_time()
        yield done
        step = {
            "what": what,
            "seconds": time.perf_counter() - began,
            "processor": time.process_time() - worked,
            "requests": sum(self.requests.sent.values()),
            "units": self.requests.units(),
        }
        sys.stdout.write(json.dumps(step) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
