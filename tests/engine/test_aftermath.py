"""Canvas in the engine: what a stock client asked to happen after a task happens, once, also after a crash."""

from __future__ import annotations

import json
import uuid

import pytest
from echo_task import NAME
from lambda_queue import Queue

from makertasks import clock, context, tasks, wire
from makertasks.aws import queues
from makertasks.aws.dynamodb import ConditionFailed
from makertasks.errors import Unavailable
from makertasks.records import chords, lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import generations, producer
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


def test_a_callback_gets_the_result_and_is_the_tasks_child(shop):
    first = shop.send(message("add", 1, 2, callbacks=[signature("add", 10)]))
    shop.run()
    assert shop.calls == [("add", 1, 2), ("add", 3, 10)]
    [child] = records.get(first).child_ids
    assert shop.meta(first)["children"] == [[[child, None], None]]
    assert shop.meta(child)["result"] == 13
    assert records.get(child).parent_id == first
    assert records.get(child).root_id == first


def test_a_chain_continues_with_each_result(shop):
    steps = [signature("add", 3, task_id="last"), signature("add", 2, task_id="second")]
    shop.send(message("add", 1, 1, chain=steps, task_id="first"))
    shop.run()
    assert shop.meta("last")["result"] == 7
    assert (records.get("last").parent_id, records.get("last").root_id) == ("second", "first")


def test_if_a_step_fails_its_errback_runs_and_later_steps_fail_too(shop):
    steps = [signature("add", 3, task_id="last")]
    shop.send(message("fail", 1, chain=steps, errbacks=[signature("note")], task_id="first"))
    shop.run()
    assert shop.calls == [("note", "first")]
    assert records.get("last").status == Status.FAILURE
    assert shop.meta("last")["result"] == {"exc_type": "ValueError", "exc_message": ["no 1"], "exc_module": "builtins"}


def test_the_last_part_of_a_chord_sends_its_body(shop):
    for part in chord_of(shop, ("add", 1, 1), ("add", 2, 2), ("add", 3, 3), body=signature("total", task_id="sum")):
        shop.send(part)
    shop.run()
    assert shop.meta("sum")["result"] == 12
    assert [name for name, *_ in shop.calls].count("total") == 1


def test_a_chord_with_a_failed_part_fails_its_body_with_the_reason(shop):
    body = signature("total", task_id="sum", link_error=[signature("note")])
    parts = chord_of(shop, ("add", 1, 1), ("fail", 2), body=body)
    for part in parts:
        shop.send(part)
    shop.run()
    result = shop.meta("sum")["result"]
    assert (result["exc_module"], result["exc_type"]) == ("celery.exceptions", "ChordError")
    assert result["exc_message"] == [f"Dependency {parts[1].task_id} raised ValueError('no 2')"]
    assert ("note", "sum") in shop.calls


def test_a_chord_whose_group_is_gone_fails_instead_of_waiting_forever(shop):
    [part] = chord_of(shop, ("add", 1, 1), body=signature("total", task_id="sum"))
    chords.SavedGroup(wire.group_key(part.group_id)).delete()
    shop.send(part)
    shop.run()
    assert "no longer exists" in shop.meta("sum")["result"]["exc_message"][0]


def test_a_revoked_part_counts_as_failed(shop):
    parts = chord_of(shop, ("add", 1, 1), ("add", 2, 2), body=signature("total", task_id="sum"))
    record = records.new(parts[0], queue="add")
    lifecycle.close(record, Status.REVOKED, Exception("not today"))
    for part in parts:
        shop.send(part)
    shop.run()
    assert records.get("sum").status == Status.FAILURE
    assert shop.calls == [("add", 2, 2)]


def test_messages_delivered_again_send_nothing_twice(shop):
    parts = chord_of(shop, ("add", 1, 1), ("add", 2, 2), body=signature("total", task_id="sum"))
    linked = message("add", 5, callbacks=[signature("add", 1)], chain=[signature("add", 2, task_id="next")])
    for _ in range(3):
        for sent in (*parts, linked):
            shop.send(sent)
        shop.run()
    assert sorted(map(str, shop.calls)) == sorted(
        map(str, [("add", 1, 1), ("add", 2, 2), ("add", 5, 0), ("add", 5, 1), ("add", 5, 2), ("total", [2, 4])])
    )


def test_unsent_follow_ups_are_sent_when_the_message_is_redelivered(shop, monkeypatch):
    # given a queue that refuses while a task ends
    send = queues.send
    monkeypatch.setattr(queues, "send", lambda *_: (_ for _ in ()).throw(Unavailable("away")))
    body = wire.encode(message("add", 1, callbacks=[signature("add", 1)]), "add")
    shop.workers["add"].send(body)
    assert shop.workers["add"].deliver() == [body]

    # when the message is delivered once more
    monkeypatch.setattr(queues, "send", send)
    shop.sqs.purge_queue(QueueUrl=shop.workers["add"].url)
    shop.workers["add"].send(body)
    shop.run()

    # then the callback has run, and the task itself did not run again
    assert shop.calls == [("add", 1, 0), ("add", 1, 1)]


def test_a_callback_of_an_unknown_task_fails_and_calls_its_own_errback(shop):
    unknown = signature("nothing", task_id="lost", link_error=[signature("note")])
    shop.send(message("add", 1, callbacks=[unknown]))
    shop.run()
    assert shop.meta("lost")["result"]["exc_type"] == "NotRegistered"
    assert ("note", "lost") in shop.calls


def test_a_chain_may_start_a_group_and_a_chord(shop):
    fan_out = {**signature("group"), "task": "celery.group", "subtask_type": "group"}
    fan_out["kwargs"] = {"tasks": [signature("add", 1), signature("add", 2)]}
    shop.send(message("add", 1, callbacks=[fan_out], task_id="first"))
    shop.run()
    assert shop.calls[1:] == [("add", 1, 1), ("add", 1, 2)]
    assert len(records.get("first").child_ids) == 2
    [[group_id, _], members] = shop.meta("first")["children"][0]
    assert {records.get(member[0][0]).group_id for member in members} == {group_id}


def test_an_ignored_result_is_not_stored_but_passed_to_callbacks(shop):
    shop.send(message("add", 1, ignore_result=True, task_id="ignored"))
    shop.send(message("add", 1, ignore_result=True, callbacks=[signature("add", 1)], task_id="needed"))
    shop.run()
    assert (shop.meta("ignored")["status"], shop.meta("ignored")["result"]) == ("SUCCESS", None)
    assert shop.calls[-1] == ("add", 1, 1)


class TestALargeChord:
    PARTS = 115

    @pytest.fixture
    def group(self, shop):  # noqa: ARG002 - it makes the table
        chords.begin(wire.StartedChord("large", wire.begin(signature("add"), new_id=str, now=clock.now()).tree, 1))
        return "large"

    def size(self, aws):
        key = {"id": {"S": wire.chord_key("large")}}
        return len(json.dumps(aws.client("dynamodb").get_item(TableName="unit-tasks", Key=key)["Item"], default=repr))

    def test_counts_each_part_once_and_its_counter_does_not_grow_with_them(self, aws, group):
        sizes = []
        for number in range(self.PARTS):
            assert chords.count(group, f"part {number}") == number + 1
            sizes.append(self.size(aws))
        # one write unit is 1,024 bytes
        item = chords.PartCounter.get(wire.chord_key(group)).serialize()
        assert sum(map(len, item["marks"]["BS"])) < 1_024
        assert len(set(sizes[chords.MARKS_INSIDE :])) < 3  # the number's digits alone
        # redelivered parts, whether marked inside or outside of the counter, are not counted again
        for number in (0, chords.MARKS_INSIDE - 1, chords.MARKS_INSIDE, self.PARTS - 1):
            assert chords.count(group, f"part {number}") == self.PARTS

    def test_parts_that_finish_at_the_same_moment_are_all_counted(self, group, monkeypatch):
        for number in range(chords.MARKS_INSIDE):
            chords.count(group, f"part {number}")
        # given a transaction that meets another part's, three times
        add, raced = chords._add, [None] * 3

        def racing(counter, own):
            if raced:
                raced.pop()
                raise ConditionFailed
            add(counter, own)

        monkeypatch.setattr(chords, "_add", racing)
        assert chords.count(group, "late") == chords.MARKS_INSIDE + 1

    @pytest.mark.usefixtures("tasks_table")
    def test_of_a_finished_chord_is_not_counted(self):
        assert chords.count("gone", "part") == 0


class TestWhatSendsItselfForEver:
    """Lambda's recursive loop detection is off for tasks' functions; our limit ends a loop with a reason."""

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch):
        monkeypatch.setattr(generations, "MOST", 5)

    def test_a_task_that_submits_itself_ends_as_failure_with_the_reason(self, echo):
        # given a task that submits itself each time it runs
        def again():
            submitted.append(producer.submit(producer.Submission(NAME, {"text": "again"})).task_id)
            echo.plan.append(again)
            return {}

        submitted = []
        echo.plan.append(again)
        submitted.append(echo.submit())

        # when it runs for as long as something is in its queue
        while echo.queue.count():
            echo.queue.deliver()

        # then the last one failed, and no other
        assert len(submitted) == generations.MOST + 2
        assert {echo.record(task_id).status for task_id in submitted[:-1]} == {Status.SUCCESS}
        last = echo.record(submitted[-1])
        assert (last.status, last.error_type) == (Status.FAILURE, "TooManyGenerations")
        assert "more than 5 tasks have each submitted the next one" in last.error_message

    def test_a_chain_within_the_limit_runs_to_its_end_and_counts_its_steps(self, shop):
        steps = [{"task": "shop.add", "args": [1], "kwargs": {}, "options": {}} for _ in range(5)]
        shop.send(wire.Message("first", "shop.add", args=[1, 1], chain=steps))
        shop.run()
        assert len(shop.calls) == 6

    @pytest.mark.parametrize("steps", [9])
    def test_a_chain_above_the_limit_fails_with_all_its_remaining_steps(self, shop, steps):
        last = str(uuid.uuid4())
        chain = [{"task": "shop.add", "args": [1], "kwargs": {}, "options": {}} for _ in range(steps)]
        chain[0]["options"] = {"task_id": last}
        shop.send(wire.Message("first", "shop.add", args=[1, 1], chain=chain))
        shop.run()
        assert len(shop.calls) == generations.MOST + 1
        assert records.get(last).status == Status.FAILURE

    def test_a_continued_task_counts_towards_the_loop_limit(self, echo):
        # given a task that continues in another invocation without end
        def go_on():
            echo.plan.append(go_on)
            raise context.Continue({})

        echo.plan.append(go_on)
        task_id = echo.submit()

        # when it has been delivered often enough
        for _ in range(1_000):
            if not echo.queue.count():
                break
            echo.queue.deliver()
            echo.time_passes(seconds=2)

        # then it has ended
        record = echo.record(task_id)
        assert (record.status, record.error_type) == (Status.FAILURE, "TooManyGenerations")

    @pytest.mark.parametrize("value", [-5, "9999999", True, None, 1.5])
    def test_an_invalid_generation_header_counts_as_zero(self, value):
        assert generations.of(wire.Message("m", NAME, headers={generations.HEADER: value})) == 0
