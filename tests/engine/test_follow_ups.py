"""Canvas in the engine: the follow-ups that a stock client requested are sent exactly once, even after a crash."""

from __future__ import annotations

import json

import pytest
from canvas_shop import chord_of, message, signature

from makertasks import clock, wire
from makertasks.aws import queues
from makertasks.aws.dynamodb import ConditionFailed
from makertasks.errors import Unavailable
from makertasks.records import chords, lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status


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
    # given a queue that refuses messages while a task ends
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
        assert len(set(sizes[chords.MARKS_INSIDE :])) < 3  # only the number's digits
        # redelivered parts, whether marked inside or outside of the counter, are not counted again
        for number in (0, chords.MARKS_INSIDE - 1, chords.MARKS_INSIDE, self.PARTS - 1):
            assert chords.count(group, f"part {number}") == self.PARTS

    def test_parts_that_finish_at_the_same_moment_are_all_counted(self, group, monkeypatch):
        for number in range(chords.MARKS_INSIDE):
            chords.count(group, f"part {number}")
        # given a transaction that conflicts with other parts' three times
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
