"""The table's conditions agree with the state machine, whatever the events and their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from makertasks import clock, wire
from makertasks.errors import MakertasksError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.lifecycle import Claim, StillActive
from makertasks.records.states import FINAL, Status
from tests import task_life
from tests.task_life import Life, Refused

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = 30
WORKERS = st.sampled_from(["a@1", "b@2"])
EVENTS = st.one_of(
    st.tuples(st.just("create")),
    st.tuples(st.just("claim"), WORKERS),
    st.tuples(st.just("finish"), WORKERS, st.sampled_from(sorted(FINAL | {Status.RETRY}))),
    st.tuples(st.just("release"), WORKERS),
    st.tuples(st.just("close"), st.sampled_from([Status.FAILURE, Status.REVOKED])),
    st.tuples(st.just("terminate")),
    st.tuples(st.just("progress"), WORKERS),
    st.tuples(st.just("wait"), st.sampled_from([1, 6, 31])),
)
numbers = count()


class Reason(MakertasksError):
    """Why something ended."""


@dataclass
class Both:
    """One task in the pure machine and in the table."""

    task_id: str = field(default_factory=lambda: f"task {next(numbers)}")
    life: Life = field(default_factory=Life)
    seconds: int = 0
    held: dict[str, Claim] = field(default_factory=dict)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def record(self):
        return records.new(wire.Message(task_id=self.task_id, name="tests.any"), queue="any", created=START)

    def in_table(self, kind, *what) -> bool:  # noqa: PLR0911 - one for each kind of event
        """Whether the table allowed the event."""
        if kind == "create":
            return lifecycle.create(self.record())
        if kind == "claim":
            # No two invocations end in the same microsecond: a claim identifies itself by that time.
            ends = (self.now() + timedelta(seconds=LEASE, microseconds=-next(numbers))).timestamp()
            claimed = lifecycle.claim(self.record(), what[0], ends)
            if isinstance(claimed, Claim):
                self.held[what[0]] = claimed
            return isinstance(claimed, Claim)
        if kind == "close":
            return lifecycle.close(self.record(), what[0], Reason("closed"))
        if kind == "terminate":
            return lifecycle.ask_to_terminate(self.task_id, "ada")
        claimed = self.held.get(what[0])
        if claimed is None:
            return False
        if kind == "progress":
            return lifecycle.report_progress(claimed, 1, 2)
        if kind == "release":
            return lifecycle.release(claimed, {"next": 1}, self.now() + timedelta(seconds=1))
        return self._finish(claimed, what[1])

    def _finish(self, claimed, target) -> bool:
        match target:
            case Status.SUCCESS:
                return lifecycle.succeed(claimed, {"ok": True})
            case Status.FAILURE:
                return lifecycle.fail(claimed, Reason("failed"))
            case Status.REVOKED:
                return lifecycle.revoke_running(claimed, Reason("revoked"))
        return lifecycle.retry(claimed, Reason("again"), self.now() + timedelta(seconds=5))

    def in_machine(self, kind, *what) -> bool:
        """Whether the pure machine allows the event."""
        try:
            self.life = self._moved(kind, *what)
        except Refused:
            return False
        return True

    def _moved(self, kind, *what) -> Life:  # noqa: PLR0911 - one for each kind of event
        life = self.life
        if kind == "create":
            if life.status is not None:
                raise Refused("recorded already")
            return task_life.move(life, Status.PENDING)
        if kind == "claim":
            return task_life.claim(life, what[0], self.seconds, LEASE)
        if kind == "close":
            return task_life.close(life, what[0], self.seconds)
        if kind == "terminate":
            return task_life.ask_to_terminate(life)
        attempt = self.held[what[0]].attempt if what[0] in self.held else -1
        if kind == "progress":
            return self._held_by(what[0], attempt)
        if kind == "release":
            return task_life.release(life, what[0], attempt, self.seconds + 1)
        return task_life.finish(life, what[1], what[0], attempt, self.seconds + 5)

    def _held_by(self, worker, attempt) -> Life:
        if (self.life.status, self.life.holder, self.life.attempt) != (Status.STARTED, worker, attempt):
            raise Refused("the attempt no longer belongs to this worker")
        return self.life


@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENTS, max_size=14))
def test_the_table_rejects_what_the_state_machine_rejects(tasks_table, monkeypatch, events):
    both = Both()
    monkeypatch.setattr(clock, "now", both.now)
    for event in events:
        if event[0] == "wait":
            both.seconds += event[1]
            continue
        allowed = both.in_machine(*event)
        assert both.in_table(*event) == allowed, event
        stored = records.stored(both.task_id)
        assert (stored.status if stored else None) == both.life.status
        if stored:
            assert stored.attempt == both.life.attempt
            assert bool(stored.done) == (both.life.status in FINAL)
            assert (stored.lease is not None) == (both.life.status is Status.STARTED)
            meta = wire.parse_result_meta(stored.result)
            assert meta["status"] == stored.status
            assert bool(meta["date_done"]) == (both.life.status in FINAL)


def test_only_finished_tasks_are_deleted(echo):
    task_id = echo.submit()
    with pytest.raises(StillActive, match="revoke it first"):
        lifecycle.delete(task_id)
    echo.queue.deliver()
    lifecycle.delete(task_id)
    assert records.stored(task_id) is None
