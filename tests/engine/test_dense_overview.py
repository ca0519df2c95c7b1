"""Live updates of the overview on a stack with many task types, queues and causes of failure in every script."""

from __future__ import annotations

import gzip
import random
import re
from datetime import timedelta
from string import ascii_lowercase
from uuid import UUID

import pytest
import time_machine
from api_calls import pool  # noqa: F401 - the fixture
from browsing import browse
from test_charts import NOW, UPDATE_BYTES, update

from makertasks import clock, tasks, wire
from makertasks.errors import PermanentError
from makertasks.monitoring import acknowledgements, queues, schedules
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status

LETTERS = "אבגדהוזחטיכלמנסעפצקרשתабвгдежзиклмнопрстуфхцчшщ가나다라마바사아자차카타파하漢字仮名交文章説明語 "
TYPES = 30
CAUSES = 12


def words(chance, characters):
    return "".join(chance.choice(LETTERS) for _ in range(characters))


def fail(chance, number, name):
    """Record a failure with a cause of its own; return the cause's fingerprint."""
    message = wire.Message(str(UUID(int=chance.getrandbits(128))), name, kwargs={})
    record = records.new(message, queue="generate_qr_code", created=NOW - timedelta(minutes=number))
    lifecycle.close(record, Status.FAILURE, PermanentError(words(random.Random(number), 200)))
    return records.get(message.task_id).fingerprint


@pytest.fixture
def crowded(tasks_table, counters_table, inventory_table, media_bucket, task_queues, monkeypatch):
    """Thirty task types in every hour, as many busy queues, acknowledged causes with long texts, long schedules."""
    chance = random.Random(3)
    names = [f"shop.tasks.{''.join(chance.choices(ascii_lowercase, k=12))}_{number}" for number in range(TYPES)]
    task = tasks.find("inventory.tasks.generate_qr_code")
    known = {**tasks.discover(), **dict.fromkeys(names[:-1], task)}  # the code of the last one was removed
    monkeypatch.setattr(tasks, "discover", lambda: known)
    monkeypatch.setattr("makertasks.aws.event_sources.mappings", lambda: iter(()))
    coming = [
        {"name": f"{words(chance, 20)}-{number}", "next_run": clock.text(NOW + timedelta(minutes=number))}
        for number in range(9)
    ]
    monkeypatch.setattr(schedules, "list_schedules", lambda: coming)
    listed = [
        {
            "name": name.rpartition(".")[2], "task": name, "tasks": [name], "state": "paused", "delayed": 0,
            "waiting": chance.randrange(10**5), "in_flight": chance.randrange(10**4), "dead": chance.randrange(40),
            "oldest_seconds": chance.random() * 1e5, "maximum_concurrency": None,
        }
        for name in names
    ]  # fmt: skip
    monkeypatch.setattr(queues, "list_queues", lambda: listed)
    with time_machine.travel(NOW, tick=False):
        changes = []
        for back in range(24):
            for name in names:
                created = clock.text(NOW - timedelta(hours=back))
                old = {"name": name, "created": created, "status": "PENDING", "id": f"x{len(changes)}"}
                changes.append(counting.change_of(f"{len(changes):032}", None, old))
        counting.count(changes)
        for number in range(CAUSES):
            cause = fail(chance, number, names[number])
            acknowledgements.acknowledge(cause, who=words(chance, 12), note=words(chance, 120))
        yield chance, listed, names


def opened():
    """What an open overview sends with its next request."""
    _, html, _ = browse("GET", "/", groups=("viewers",))
    have = re.findall(r'<tr id="[cq]-[^"]+" data-v="([^"]+)"', html)
    [known] = re.findall(r'<div id="overview"[^>]* data-digest="([^"]+)"', html)
    return f"/?known={known}&have={'.'.join(have)}", have


def test_an_update_has_only_the_rows_that_changed(crowded):
    chance, listed, names = crowded
    path, have = opened()
    assert len(have) == 8 + len(listed)
    # when a task fails for a new cause, and one queue has other lengths
    fail(chance, CAUSES, names[0])
    listed[3]["waiting"] += 1
    body = update(path)
    # then only those rows are sent in full, and the others as placeholders
    html = gzip.decompress(body).decode()
    rows = re.findall(r'<tr id="([cq])-[^"]+" data-v="[^"]+"( data-same)?>(.*?)</tr>', html, re.DOTALL)
    assert [(kind, bool(same)) for kind, same, _ in rows].count(("q", False)) == 1
    assert len(rows) == len(have)
    assert all(bool(same) != bool(content.strip()) for _, same, content in rows)
    assert 300 < len(body) < UPDATE_BYTES


def test_an_update_in_which_every_queue_changed_is_light(crowded):
    _, listed, _ = crowded
    path, _ = opened()
    for queue in listed:
        queue["waiting"] += 7
        queue["in_flight"] += 3
    assert 300 < len(update(path)) < UPDATE_BYTES


@pytest.mark.parametrize("part", ["by_status", "by_type", "failure_rate", "medians", "runtimes"])
def test_an_update_of_a_chart_with_many_task_types_is_light(crowded, part):
    assert 300 < len(update(f"/charts?part={part}&range=hour")) < UPDATE_BYTES


def test_types_beyond_the_most_frequent_ones_are_one_series(crowded):
    _, html, _ = browse("GET", "/", groups=("viewers",))
    chart = html.partition('id="chart-by_type"')[2].partition('id="chart-failure_rate"')[0]
    legend = re.findall(r'<li><i class="([^"]+)"></i>([^<]+)</li>', chart)
    assert len(legend) == 11
    assert legend[0] == ("revoked", "other types")
