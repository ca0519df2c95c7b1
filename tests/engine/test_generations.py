"""Tasks that lead to further tasks for ever: the limit of generations ends them."""

from __future__ import annotations

import uuid

import pytest
from echo_task import NAME

from makertasks import context, wire
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import generations, producer


class TestEndlessLoops:
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

        # when it runs until its queue is empty
        while echo.queue.count():
            echo.queue.deliver()

        # then only the last one failed
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

    def test_a_chain_above_the_limit_fails_with_all_its_remaining_steps(self, shop):
        last = str(uuid.uuid4())
        chain = [{"task": "shop.add", "args": [1], "kwargs": {}, "options": {}} for _ in range(9)]
        chain[0]["options"] = {"task_id": last}
        shop.send(wire.Message("first", "shop.add", args=[1, 1], chain=chain))
        shop.run()
        assert len(shop.calls) == generations.MOST + 1
        assert records.get(last).status == Status.FAILURE

    def test_a_continued_task_counts_towards_the_loop_limit(self, echo):
        # given a task that always continues in another invocation
        def go_on():
            echo.plan.append(go_on)
            raise context.Continue({})

        echo.plan.append(go_on)
        task_id = echo.submit()

        # when it is delivered again and again
        for _ in range(1_000):
            if not echo.queue.count():
                break
            echo.queue.deliver()
            echo.time_passes(seconds=2)

        # then the limit ends it
        record = echo.record(task_id)
        assert (record.status, record.error_type) == (Status.FAILURE, "TooManyGenerations")

    @pytest.mark.parametrize("value", [-5, "9999999", True, None, 1.5])
    def test_an_invalid_generation_header_counts_as_zero(self, value):
        assert generations.of(wire.Message("m", NAME, headers={generations.HEADER: value})) == 0
