"""A week of operation with a clock moved by hand, over each change of daylight saving time and the end of a month.

Every hour, due schedules send their messages, people submit tasks with every possible fate, functions process visible
messages, some functions crash, and some messages get lost. Every four hours the sweep runs and the stream is counted,
often twice; every day DynamoDB deletes expired records.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine
from lambda_queue import LambdaContext, Queue
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from makertasks import clock, tasks, wire
from makertasks.context import current
from makertasks.control import revoking
from makertasks.errors import NotFound, PermanentError, TemporaryError
from makertasks.monitoring import schedules
from makertasks.monitoring.counters import reading, rebuilding
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, Status
from makertasks.submission import delays, producer
from makertasks.worker import handler as worker
from makertasks.worker import sweeping, task_limits
from task_events import handler as task_events

STEP = timedelta(hours=1)
SWEEPS = timedelta(hours=4)
KEPT_DAYS = 2
BERLIN = ZoneInfo("Europe/Berlin")
# The night's schedule is in the hour that occurs twice when daylight saving time ends.
EXPRESSIONS = {
    "night": "cron(30 2 * * ? *)",
    "morning": "cron(0 6 * * ? *)",
    "first": "cron(5 0 1 * ? *)",
    "last": "cron(0 4 L * ? *)",
}
FATES = ["good", "good", "bad", "passing", "dies", "dies-early", "lost", "delayed", "expires", "revoked", "limited"]
ENDS = {"bad": Status.FAILURE, "expires": Status.REVOKED, "revoked": Status.REVOKED}


class World:
    """A stack on moto, and everything that happens around it."""

    def __init__(self, aws, traveller, start: datetime) -> None:
        self.traveller, self.chance, self.start = traveller, random.Random(20261026), start
        self.sent: dict[str, str] = {}  # fate by task id
        self.starts: list[datetime] = []  # of limited tasks
        self.slots: Counter[str] = Counter()
        self.streamed = 0
        self.deaths: set[str] = set()
        self.queues: dict[str, Queue] = {}
        self.scheduler = aws.client("scheduler")
        self.scheduler.create_schedule_group(Name=delays.group())
        for name in ("week", "limited"):
            aws.client("sqs").create_queue(QueueName=f"unit-tasks-{name}", Attributes={"VisibilityTimeout": "30"})
            declared = tasks.find(f"tests.{name}")
            self.queues[name] = Queue(aws.client("sqs"), f"unit-tasks-{name}", worker.lambda_handler(declared))

    def step(self) -> None:
        """One hour."""
        before = clock.now()
        self.traveller.shift(STEP)
        for name, expression in EXPRESSIONS.items():
            due = schedules.next_run(expression, "Europe/Berlin", before)
            if due and due <= clock.now():
                self.fire(name, due)
        self.fire_delayed(before)
        self.work()

    def fire(self, name: str, due: datetime) -> None:
        """Send a due schedule's message as EventBridge Scheduler does, sometimes twice; the slot is the task's id."""
        self.slots[name] += 1
        slot = f"{name}:{clock.text(due)}"
        self.sent[slot] = "good"
        body = wire.encode(wire.Message(slot, "tests.week", kwargs={"fate": "good"}), "week")
        for _ in range(self.chance.choice([1, 1, 2])):
            self.queues["week"].send(body)

    def fire_delayed(self, before: datetime) -> None:
        """Send the messages of delayed tasks that are due; each one's schedule ends with it."""
        for entry in self.scheduler.list_schedules(GroupName=delays.group())["Schedules"]:
            found = self.scheduler.get_schedule(GroupName=delays.group(), Name=entry["Name"])
            due = schedules.next_run(found["ScheduleExpression"], found["ScheduleExpressionTimezone"], before)
            if due is None or due <= clock.now():
                self.queues["week"].send(found["Target"]["Input"])
                self.scheduler.delete_schedule(GroupName=delays.group(), Name=entry["Name"])

    def submit(self, fate: str) -> None:
        """Submit one task; what happens to its message is part of its fate."""
        later = {"delayed": {"countdown": 3 * 3600}, "expires": {"countdown": 7200, "expires": 3600}}.get(fate, {})
        name = "tests.limited" if fate == "limited" else "tests.week"
        task_id = producer.submit(producer.Submission(name, {"fate": fate}, **later)).task_id
        self.sent[task_id] = fate
        queue = self.queues["week"]
        if fate == "revoked":
            revoking.revoke(task_id)
        if fate in {"dies", "lost"}:
            for message in queue.receive():
                if wire.decode(message["body"], message_id="").task_id != task_id:
                    queue.send(message["body"])  # another task's message: it is redelivered
                elif fate == "dies":
                    self.die(task_id)
                queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["receiptHandle"])

    def die(self, task_id: str) -> None:
        """A function claims the task and crashes without recording anything else."""
        claimed = lifecycle.claim(records.get(task_id), "week@dead", clock.now().timestamp() + 30)
        assert claimed.attempt == 1
        self.deaths.add(task_id)

    def work(self) -> None:
        """Let functions process all visible messages."""
        for queue in self.queues.values():
            while batch := queue.receive():
                for message in batch:
                    body = wire.decode(message["body"], message_id="")
                    if body.kwargs.get("fate") == "dies-early" and body.task_id not in self.deaths:
                        self.deaths.add(body.task_id)  # invisible until the visibility time-out ends
                        batch = [each for each in batch if each is not message]
                self.run(queue, batch)

    def run(self, queue: Queue, batch: list[dict]) -> None:
        if not batch:
            return
        answer = queue.handler({"Records": batch}, LambdaContext())
        back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in batch:
            if message["messageId"] not in back:
                queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["receiptHandle"])

    def count(self) -> None:
        """Pass the stream's new records to the function that counts, sometimes twice."""
        shard = dynamodb_backends[ACCOUNT_ID]["us-east-1"].tables["unit-tasks"].stream_shard
        new = [self.delivered(record.to_json()) for record in shard.items[self.streamed :]]
        self.streamed += len(new)
        for times in range(2):
            if new and (not times or self.chance.random() < 0.3):
                task_events.handler({"Records": new}, LambdaContext())

    @staticmethod
    def delivered(record: dict) -> dict:
        """A stream's record as Lambda delivers it, without binary attributes, which counting does not read."""
        images = {
            side: {name: value for name, value in record["dynamodb"].get(side, {}).items() if "B" not in value}
            for side in ("OldImage", "NewImage")
        }
        return {**record, "dynamodb": {side: image for side, image in images.items() if image}}

    def forget(self) -> None:
        """Delete expired records, as DynamoDB's time to live does."""
        present = clock.now()
        for record in list(TaskRecord.scan(TaskRecord.ttl.exists())):
            if record.ttl <= present:
                with pytest.raises(NotFound, match="has expired"):
                    records.get(record.task_id)
                record.delete()

    def live(self, duration: timedelta, *, busy: bool) -> None:
        """Let this much time pass, with or without new tasks."""
        ends = clock.now() + duration
        hours = days = clock.now()
        while clock.now() < ends:
            if busy and self.chance.random() < 0.5:
                self.submit(self.chance.choice(FATES))
            self.step()
            if clock.now() - hours >= SWEEPS:
                hours = clock.now()
                sweeping.sweep(60)
                self.work()
                self.count()
            if clock.now() - days >= timedelta(days=1):
                days = clock.now()
                self.forget()


@pytest.fixture
def world(request, aws, tasks_table, counters_table, media_bucket, monkeypatch):
    """A world at the given time."""
    monkeypatch.setattr(tasks, "_registry", dict(tasks._registry))
    monkeypatch.setattr(task_limits, "_cache", {})
    monkeypatch.setenv("RETENTION_DAYS_SUCCESS", str(KEPT_DAYS))
    monkeypatch.setenv("RETENTION_DAYS_REVOKED", str(KEPT_DAYS))
    started: list[datetime] = []

    @tasks.task("tests.week", max_retries=3)
    def week(fate: str) -> None:
        """Finish according to the task's fate."""
        if fate == "bad":
            raise PermanentError("never")
        if fate == "passing" and current().attempt < 3:
            raise TemporaryError("not now")

    @tasks.task("tests.limited", rate_limit="0.4/h")
    def limited(fate: str) -> None:
        """Record when it started."""
        started.append(clock.now())

    with time_machine.travel(request.param, tick=False) as traveller:
        made = World(aws, traveller, request.param)
        made.starts = started
        yield made


def local_days(start: datetime, end: datetime) -> int:
    """The number of mornings by the local calendar."""
    return (end.astimezone(BERLIN).date() - start.astimezone(BERLIN).date()).days


@pytest.mark.parametrize(
    ("world", "nights"),
    [
        # clocks go back on 25 October: that night's 02:30 comes twice, and the schedule is due once
        pytest.param(datetime(2026, 10, 24, 12, tzinfo=UTC), 8, id="autumn"),
        # clocks go forward on 28 March: that night has no 02:30, and EventBridge Scheduler skips its run
        pytest.param(datetime(2027, 3, 27, 12, tzinfo=UTC), 7, id="spring"),
    ],
    indirect=["world"],
)
def test_a_week_of_operation_ends_with_everything_in_order(world, nights):
    # given a busy week, and a quiet half day after it
    start = clock.now()
    world.live(timedelta(days=8), busy=True)
    end = clock.now()
    world.live(timedelta(hours=12), busy=False)
    world.count()
    kept = {record.task_id: record for record in TaskRecord.scan(TaskRecord.name_key.exists())}

    # then each schedule was due as often as the calendar says, however long the days were
    quiet = Counter(
        slot.partition(":")[0] for slot in world.sent if ":" in slot and slot.partition(":")[2] > clock.text(end)
    )
    due = world.slots - quiet
    assert due["morning"] == local_days(start, end)
    assert due["night"] == nights
    assert (due["first"], due["last"]) == (1, 1)

    # every retained task has ended according to its fate, in one record
    assert set(kept) <= set(world.sent)
    wrong = {
        task_id: (world.sent[task_id], record.status, record.error_message)
        for task_id, record in kept.items()
        if record.status != ENDS.get(world.sent[task_id], Status.SUCCESS)
    }
    assert not wrong
    assert set(world.sent.values()) == set(FATES)
    assert not any(queue.count() for queue in world.queues.values())

    # a crash has used one attempt, whether or not the task had started
    dead = [record for task_id, record in kept.items() if world.sent[task_id] == "dies"]
    early = [kept[each] for each in world.deaths & set(kept) if world.sent[each] == "dies-early"]
    assert dead
    assert early
    assert all([each["outcome"] for each in record.attempts] == ["CRASHED"] for record in dead)
    assert all(record.attempt == 1 for record in early)

    # failures are kept; other finished tasks expire after their retention and not before
    gone = set(world.sent) - set(kept)
    assert not {task_id for task_id in gone if world.sent[task_id] == "bad"}
    assert gone
    oldest = clock.now() - timedelta(days=KEPT_DAYS + 1)
    assert all(clock.parse(record.done) > oldest for record in kept.values() if record.status != Status.FAILURE)

    # rate-limited tasks started as far apart as their rate requires, even in the hour that occurs twice
    assert len(world.starts) > 3
    assert min(later - earlier for earlier, later in pairwise(world.starts)) >= timedelta(hours=2.5) - STEP
    assert len(world.starts) == sum(fate == "limited" for fate in world.sent.values())

    # the counters equal a count of the table, and hours, days and months add up
    rebuilt = rebuilding.rebuild(repair=False, behind=0)
    assert (rebuilt.differences, rebuilt.moving, rebuilt.examined) == ([], [], len(kept))
    by_hour, by_day = Counter(), Counter()
    for hour in reading.hours("9", "0"):
        for name, counts in hour.names.items():
            by_hour.update({(hour.hour[:10], name, status): number for status, number in counts.items() if number})
    for month in reading.months():
        for day, names in reading.days(month).items():
            by_day.update(
                {(day, name, status): n for name, counts in names.items() for status, n in counts.items() if n}
            )
    assert by_hour == by_day
    assert len(reading.months()) == 2
    assert sum(by_hour.values()) == len(kept)
    assert {status for _, _, status in by_hour} <= {status.value for status in FINAL}
