"""A shop with three tasks and their queues, and the messages that a stock client sends it."""

from __future__ import annotations

import uuid

import pytest
from lambda_queue import Queue

from makertasks import tasks, wire
from makertasks.records import chords
from makertasks.records import table as records
from makertasks.worker import handler as worker


class Shop:
    """Three tasks, their queues, and a sender."""

    def __init__(self, sqs):
        self.sqs = sqs
        self.calls = []
        self.workers = {}

    def add_task(self, run):
        declared = tasks.task(f"shop.{run.__name__}", max_retries=0)(run)
        self.sqs.create_queue(QueueName=f"unit-tasks-{run.__name__}")
        self.workers[run.__name__] = Queue(self.sqs, f"unit-tasks-{run.__name__}", worker.lambda_handler(declared))

    def send(self, message):
        """What a stock client does: a message, and no record."""
        name = message.name.rpartition(".")[2]
        self.workers[name].send(wire.encode(message, name))
        return message.task_id

    def run(self):
        """Deliver until every queue is empty."""
        while waiting := [queue for queue in self.workers.values() if queue.count()]:
            for queue in waiting:
                queue.deliver()

    def meta(self, task_id):
        return wire.parse_result_meta(records.get(task_id).result)


@pytest.fixture
def shop(aws, tasks_table, monkeypatch):
    monkeypatch.setattr(tasks, "_registry", {})
    opened = Shop(aws.client("sqs"))

    def add(x: int, y: int = 0) -> int:
        """A sum."""
        opened.calls.append(("add", x, y))
        return x + y

    def total(numbers: list[int]) -> int:
        """A sum of many."""
        opened.calls.append(("total", numbers))
        return sum(numbers)

    def fail(x: int) -> int:
        """Never works."""
        raise ValueError(f"no {x}")

    def note(task_id: str) -> str:
        """An errback."""
        opened.calls.append(("note", task_id))
        return task_id

    for run in (add, total, fail, note):
        opened.add_task(run)
    return opened


def signature(name, *args, **options):
    return {
        "task": f"shop.{name}",
        "args": list(args),
        "kwargs": {},
        "options": options,
        "subtask_type": None,
        "immutable": False,
    }


def message(name, *args, **options):
    return wire.Message(options.pop("task_id", str(uuid.uuid4())), f"shop.{name}", list(args), **options)


def chord_of(shop, *parts, body):
    """Save a chord as a stock client does; return the messages of its parts."""
    group_id = str(uuid.uuid4())
    sent = [message(*part, group_id=group_id, group_index=index, chord=body) for index, part in enumerate(parts)]
    tree = [[group_id, None], [[[part.task_id, None], None] for part in sent]]
    chords.begin(wire.StartedChord(group_id, tree, len(sent)))
    return sent
