"""The pages with charts on a busy stack: what they show, and how small their updates are."""

from __future__ import annotations

import base64
import pickle
import random
from datetime import timedelta

import pytest
import time_machine
from api_calls import pool, token  # noqa: F401 - the fixture
from browsing import browse
from lambda_queue import LambdaContext
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from api.handler import handler
from makertasks import clock, tasks, wire
from makertasks.errors import PermanentError
from makertasks.monitoring import history, schedules
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import FINAL, Status

NOW = clock.parse("2026-11-22T20:40:00Z")
# Maximum size of a live update; headers take up to 900 of it.
UPDATE_BYTES = 5_000 - 900
CAUSES = 12
PARTS = ("by_status", "by_type", "failure_rate", "medians", "runtimes")
CHARTS = [f"/charts?part={part}&range={each}" for part in PARTS for each in ("hour", "day")]
BUILDS = ("0123456789ab", "ba9876543210")


@pytest.fixture
def dense(tasks_table, counters_table, inventory_table, media_bucket, task_queues, monkeypatch):
    """A stack at its busiest: every task type in every hour, in every status, eight causes of failure and more."""
    with time_machine.travel(NOW, tick=False) as traveller:
        monkeypatch.setattr("makertasks.aws.event_sources.mappings", lambda: iter(()))
        coming = [
            {"name": f"s-nightly-{number}", "next_run": clock.text(NOW + timedelta(hours=number))}
            for number in range(6)
        ]
        monkeypatch.setattr(schedules, "list_schedules", lambda: coming)
        _fill()
        yield traveller


# Contents of the busy stack's tables, written once: twenty tests read the same.
_contents: dict[str, bytes] = {}


def _fill():
    """Fill the tables as tasks of the last day do."""
    tables = dynamodb_backends[ACCOUNT_ID]["us-east-1"].tables
    if _contents:
        for name, content in _contents.items():
            tables[name].items = pickle.loads(content)  # noqa: S301 - our own
        return
    names = list(tasks.discover())
    _count(random.Random(7), names)
    for number in range(CAUSES):
        for again in range(3):
            message = wire.Message(f"f{number}-{again}", names[number % 4], kwargs={})
            record = records.new(message, queue="generate_qr_code", created=NOW - timedelta(minutes=7 * number))
            error = PermanentError(f"https://shop{number}.example/{'abcdefghijkl'[number]}.jpg answered {number}04")
            lifecycle.close(record, Status.FAILURE, error)
    _note()
    _contents.update({name: pickle.dumps(table.items) for name, table in tables.items()})


def _count(chance, names):
    """Change the counters as tasks of the last day do."""
    changes = []
    for back in range(24):
        moment = NOW - timedelta(hours=back)
        for name in names:
            for status in (*FINAL, Status.RETRY, Status.STARTED, Status.PENDING):
                created = clock.text(moment - timedelta(minutes=chance.randrange(30)))
                old = {"name": name, "created": created, "status": "PENDING", "id": f"x{len(changes)}"}
                begun = clock.text(clock.parse(created) + timedelta(seconds=chance.random() * 90))
                started = {**old, "status": "STARTED", "started": begun}
                ended = {**started, "status": str(status), "runtime": chance.random() * 20}
                for pair in ((None, old), (old, started), (started, ended)):
                    if change := counting.change_of(f"{len(changes):032}", *pair):
                        changes.append(change)
    for start in range(0, len(changes), 500):
        counting.count(changes[start : start + 500])


def _note():
    """Write lengths and deployments as sweeps do."""
    history._connect()
    for day in ("21", "22"):
        hours = {f"{hour:02}": (hour * 7) % 23 + 1 for hour in range(24)}
        history.Entry("lengths#2026-11", f"{day}#generate_qr_code", hours=hours).save()
    for hour, build in zip((9, 15), BUILDS, strict=True):
        history.Entry(history.DEPLOYMENTS, f"2026-11-22T{hour:02}:30:00.000000Z", build=build).save()


def update(path):
    """Return the size of a live update in bytes."""
    query = path.partition("?")[2]
    event = {
        "version": "2.0", "rawPath": path.partition("?")[0], "rawQueryString": query,
        "headers": {"accept": "text/html", "accept-encoding": "gzip", "hx-request": "true"},
        "cookies": [f"makertasks_session={token('viewers')}"],
        "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default"},
    }  # fmt: skip
    answer = handler(event, LambdaContext())
    assert answer["statusCode"] == 200
    return base64.b64decode(answer["body"])


@pytest.mark.parametrize("path", ["/", *CHARTS, "/tasks", "/queues", "/workers"])
def test_an_update_of_a_busy_stack_is_light(dense, path):
    body = update(path)
    assert 300 < len(body) <= UPDATE_BYTES


def test_a_queue_shows_how_long_its_tasks_waited_and_how_many_messages_did(dense):
    status, html, _ = browse("GET", "/queues/generate_qr_code")
    assert status == 200
    chart = html.partition('id="history"')[2]
    # each hour's column leads to the tasks of that hour
    link = "/tasks?name=inventory.tasks.generate_qr_code&amp;created_from=2026-11-22T15%3A00%3A00Z"
    assert chart.count(link) >= 2, chart[:4000]
    assert "09:00 UTC: waiting 18" in chart
    assert "average" in chart
    # and the hours of deployments are marked, and listed as text
    assert chart.count('class="mark"') == 2 * len(BUILDS)
    assert all(f"<code>{build}</code>" in chart for build in BUILDS)


@pytest.mark.parametrize("range_", ["day", "month"])
def test_longer_periods_show_the_most_waiting_messages_of_each(dense, range_):
    status, html, _ = browse("GET", f"/queues/generate_qr_code?range={range_}")
    assert (status, "waiting 23" in html) == (200, True)


def test_a_chart_of_a_queue_without_waiting_messages_says_so(dense):
    _, html, _ = browse("GET", "/queues/import_dump")
    assert "No messages were waiting when the queue was measured" in html


def test_the_overview_marks_deployments(dense):
    _, html, _ = browse("GET", "/")
    assert html.count('class="mark"') == 4 * len(BUILDS)
    assert all(f"<code>{build}</code>" in html for build in BUILDS)
    _, html, _ = browse("GET", "/?range=month")
    assert html.count('class="mark"') == 4 * len(BUILDS)
