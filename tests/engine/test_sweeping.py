"""The sweep: stuck tasks are resent or ended; tasks in a backlog are not touched."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from makertasks import clock
from makertasks.errors import TemporaryError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import sweeping
from makertasks.worker.sweeping import Verdict, judge

PATIENCE = timedelta(minutes=10)
PRESENT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def lost(echo, monkeypatch):
    """An echo task whose messages were lost long enough ago for the sweep."""
    monkeypatch.setenv("SWEEP_PATIENCE_SECONDS", str(PATIENCE.total_seconds()))

    def lose():
        echo.time_passes(minutes=1)  # until messages in flight have returned
        for message in echo.queue.receive() + echo.queue.receive():
            echo.queue.sqs.delete_message(QueueUrl=echo.queue.url, ReceiptHandle=message["receiptHandle"])
        echo.time_passes(minutes=11)

    echo.lose = lose
    return echo


def test_a_pending_task_whose_message_was_lost_is_resent_and_runs(lost):
    task_id = lost.submit("kept", expires=clock.now() + timedelta(hours=1), time_limit=20)
    lost.lose()
    assert sweeping.sweep(10).requeued == 1
    lost.queue.deliver()
    record = lost.record(task_id)
    assert (record.status, record.requeues) == (Status.SUCCESS, None)
    assert lost.calls == ["kept"]


def test_a_crashed_workers_task_continues_without_waiting_for_the_queue(lost):
    task_id = lost.submit()
    lost.lose()
    lifecycle.claim(lost.record(task_id), "echo@lost", clock.now().timestamp() - 60)
    assert sweeping.sweep(10).requeued == 1
    lost.queue.deliver()
    assert lost.record(task_id).status == Status.SUCCESS


def test_a_retry_whose_message_was_lost_is_resent_and_runs(lost):
    lost.plan = [TemporaryError("busy")]
    task_id = lost.submit()
    lost.queue.deliver()
    lost.lose()
    assert sweeping.sweep(10).requeued == 1
    lost.queue.deliver()
    assert lost.record(task_id).status == Status.SUCCESS


def resent_to_the_limit(lost):
    """A task whose message was lost once more than the sweep resends it."""
    task_id = lost.submit()
    for _ in range(sweeping.REQUEUES):
        lost.lose()
        assert sweeping.sweep(10).requeued == 1
        lost.time_passes(days=1)
    lost.lose()
    return task_id


def test_messages_that_cannot_run_become_failures_with_the_reason(lost):
    task_id = resent_to_the_limit(lost)
    assert sweeping.sweep(10).given_up == 1
    record = lost.record(task_id)
    assert (record.status, record.error_type) == (Status.FAILURE, "MessageLost")


def test_a_task_is_not_given_up_while_its_queue_has_messages(lost):
    """At its concurrency limit, Lambda receives and returns messages: none is visible, and none is lost."""
    task_id = resent_to_the_limit(lost)
    lost.submit("in flight")
    assert lost.queue.receive()
    swept = sweeping.sweep(10)
    assert (swept.requeued, swept.given_up) == (1, 0)
    assert lost.record(task_id).status == Status.PENDING


def test_a_task_whose_queue_is_gone_is_given_up_in_the_end(lost):
    task_id = lost.submit()
    lost.record(task_id).update(actions=[TaskRecord.queue.set("removed"), TaskRecord.requeues.set(sweeping.REQUEUES)])
    lost.time_passes(days=1)
    assert sweeping.sweep(10).given_up == 1
    assert lost.record(task_id).status == Status.FAILURE


def test_tasks_in_a_backlog_are_not_resent(lost):
    for _ in range(3):
        lost.submit()
    lost.time_passes(minutes=11)
    assert sweeping.sweep(10) == sweeping.Swept(examined=3, waiting={"echo"})
    assert lost.queue.count() == 3


def test_the_sweep_does_not_read_finished_tasks(lost):
    lost.submit()
    lost.queue.deliver()
    lost.time_passes(minutes=11)
    assert sweeping.sweep(10).examined == 0


def test_the_next_run_continues_where_this_one_stopped(lost, monkeypatch):
    monkeypatch.setattr(sweeping, "EXAMINED", 2)
    monkeypatch.setattr(sweeping, "PAGE", 2)
    ids = {lost.submit() for _ in range(12)}
    lost.lose()
    complete, runs = False, 0
    while not complete:
        swept = sweeping.sweep(10)
        assert swept.examined <= 2 * records.ACTIVE_SHARDS
        complete, runs = swept.complete, runs + 1
        lost.queue.deliver()
    assert runs > 1
    assert {lost.record(task_id).status for task_id in ids} == {Status.SUCCESS}


def test_a_sweep_short_of_time_reads_every_shard(lost, monkeypatch):
    # given many tasks, and pages that take a second each
    present, looks, page = [0.0], Counter(), sweeping._page

    def slow_page(shard, after):
        present[0] += 1
        looks[shard] += 1
        return page(shard, after)

    monkeypatch.setattr(sweeping, "PAGE", 1)
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(monotonic=lambda: present[0]))
    monkeypatch.setattr(sweeping, "_page", slow_page)
    for number in range(40):
        lost.submit(task_id=f"task-{number}")

    # when a run has eight seconds
    swept = sweeping.sweep(8)

    # then each partition gets its share of them
    assert looks == dict.fromkeys(records.active_keys(), 2)
    assert not swept.complete


def active(status, minutes, **more):
    """A task that has been overdue for this many minutes."""
    due = PRESENT - timedelta(minutes=minutes)
    times = {
        "PENDING": {"created": clock.text(due)},
        "RETRY": {"created": clock.text(due - timedelta(days=1)), "retry_at": clock.text(due)},
        "STARTED": {"created": clock.text(due - timedelta(days=1)), "lease": due.timestamp()},
    }
    return TaskRecord("id", status=status, **{**times[status], **more})


@pytest.mark.parametrize("status", ["PENDING", "RETRY"])
def test_recently_submitted_tasks_are_not_resent(status):
    assert judge(active(status, 9), PRESENT, PATIENCE, backlog=False) is Verdict.LEAVE
    assert judge(active(status, 11), PRESENT, PATIENCE, backlog=False) is Verdict.REQUEUE
    assert judge(active(status, 11), PRESENT, PATIENCE, backlog=True) is Verdict.LEAVE
    assert judge(active(status, 7 * 60), PRESENT, PATIENCE, backlog=True) is Verdict.REQUEUE


def test_scheduled_and_rate_limited_tasks_are_not_overdue():
    later = clock.text(PRESENT + timedelta(hours=5))
    for name in ("eta", "slot"):
        assert judge(active("PENDING", 600, **{name: later}), PRESENT, PATIENCE, backlog=False) is Verdict.LEAVE


def test_a_lost_workers_task_is_resent_at_once_and_then_with_growing_delays():
    assert judge(active("STARTED", 1), PRESENT, PATIENCE, backlog=True) is Verdict.REQUEUE
    again = active("STARTED", 1, requeues=1, requeued=clock.text(PRESENT - timedelta(minutes=5)))
    assert judge(again, PRESENT, PATIENCE, backlog=True) is Verdict.LEAVE
    assert judge(active("STARTED", -1), PRESENT, PATIENCE, backlog=False) is Verdict.LEAVE


@pytest.mark.parametrize("days", [1, 14, 60])
def test_a_paused_queue_collects_few_copies_however_long_it_is_paused(days):
    record, copies = active("PENDING", 0), 0
    for run in range(0, days * 24, 3):  # a run every three hours
        present = PRESENT + timedelta(hours=run)
        verdict = judge(record, present, PATIENCE, backlog=True)
        assert verdict is not Verdict.GIVE_UP
        if verdict is Verdict.REQUEUE:
            copies += 1
            record.requeues, record.requeued = copies, clock.text(present)
    assert copies <= 4 + days / 4
