"""Changes of tasks' records, as the stream delivers them to the counters."""

from __future__ import annotations

from makertasks.monitoring.counters import counting, reading

HOURS = ("2026-11-22T09", "2026-11-22T10", "2026-12-01T00")


def image(status, name="shop.tasks.one", hour=HOURS[0], **more):
    return {"name": name, "created": f"{hour}:00:00.000000Z", "status": status, **more}


def life(number, ends_as="SUCCESS", **more):
    """The three changes of a task's life, as (event, old, new)."""
    steps = [None, image("PENDING", **more), image("STARTED", **more), image(ends_as, runtime=0.2, **more)]
    return [(f"{number:010}{step}", steps[step], steps[step + 1]) for step in range(3)]


def changes(events):
    return [change for event in events if (change := counting.change_of(*event))]


def counted():
    """The hourly counters, {(hour, name): {status: tasks}}, and the daily ones."""
    by_hour = {(hour.hour, name): counts for hour in reading.hours("9", "0") for name, counts in hour.names.items()}
    by_day = {}
    for month in reading.months():
        for day, names in reading.days(month).items():
            for name, counts in names.items():
                by_day[day, name] = counts
    return by_hour, by_day
