"""The state machine: a task's history stays consistent for any sequence of events."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makertasks import clock, wire
from makertasks.records import table as records
from makertasks.records import writes
from makertasks.records.states import ACTIVE, FINAL, WAITING, Status
from tests.task_life import TRANSITIONS, Life, Refused, ask_to_terminate, claim, close, finish, move, release

WORKERS = ("a", "b", "c")
LEASE = 30.0

EVENTS = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from(WORKERS)),
    st.tuples(st.just("finish"), st.sampled_from(WORKERS), st.sampled_from(sorted(FINAL | {Status.RETRY}))),
    st.tuples(st.just("close"), st.sampled_from([Status.FAILURE, Status.REVOKED])),
    st.tuples(st.just("release"), st.sampled_from(WORKERS)),
    st.tuples(st.just("terminate")),
    st.tuples(st.just("wait"), st.floats(0, 50)),
)


@dataclass
class Story:
    """A task, what its workers believe, and how it became final."""

    life: Life
    now: float = 0.0
    held: dict[str, int] = field(default_factory=dict)  # worker: the attempt that it believes it holds
    finals: list[Status] = field(default_factory=list)

    def happen(self, kind: str, *what: str) -> None:
        before = self.life
        if kind == "wait":
            self.now += float(what[0])
        elif kind == "claim":
            self.life = claim(self.life, what[0], self.now, LEASE)
            self.held[what[0]] = self.life.attempt
        elif kind == "finish":
            self.life = finish(self.life, Status(what[1]), what[0], self.held.get(what[0], -1), self.now + 5)
        elif kind == "release":
            self.life = release(self.life, what[0], self.held.get(what[0], -1), self.now + 1)
        elif kind == "terminate":
            self.life = ask_to_terminate(self.life)
        else:
            self.life = close(self.life, Status(what[0]), self.now)
        if self.life.status in FINAL and before.status not in FINAL:
            self.finals.append(self.life.status)


@given(st.sampled_from([None, Status.PENDING]), st.lists(EVENTS, max_size=40))
def test_any_order_of_events_gives_a_consistent_history(first, events):
    story = Story(Life(first))
    for event in events:
        before = story.life
        try:
            story.happen(*event)
        except Refused:
            assert story.life == before
        after = story.life
        if before.status in FINAL:
            assert after == before
        if before.status != after.status:
            assert after.status in TRANSITIONS[before.status]
        assert after.attempt >= before.attempt - (event[0] == "release")
        assert (after.status is Status.STARTED) == bool(after.holder)
    assert len(story.finals) <= 1


@given(st.lists(EVENTS, max_size=40))
def test_two_workers_never_hold_a_task_at_the_same_time(events):
    story = Story(Life(Status.PENDING))
    for event in events:
        holder, lease_ends = story.life.holder, story.life.lease_ends
        attempt = story.life.attempt
        try:
            story.happen(*event)
        except Refused:
            continue
        if event[0] == "claim" and holder:
            assert story.now >= lease_ends
            assert story.life.attempt == attempt + 1


def test_a_crashed_worker_that_comes_back_changes_nothing():
    taken = claim(Life(Status.PENDING), "a", now=0, lease=LEASE)
    taken_over = claim(taken, "b", now=LEASE, lease=LEASE)
    with pytest.raises(Refused, match="no longer belongs"):
        finish(taken_over, Status.SUCCESS, "a", taken.attempt)
    assert finish(taken_over, Status.SUCCESS, "b", taken_over.attempt).status is Status.SUCCESS


def test_a_retry_waits_for_its_time():
    failed = finish(claim(Life(Status.PENDING), "a", 0, LEASE), Status.RETRY, "a", 1, retry_at=60)
    with pytest.raises(Refused, match="scheduled for later"):
        claim(failed, "b", now=59, lease=LEASE)
    assert claim(failed, "b", now=60, lease=LEASE).attempt == 2


def test_a_final_status_never_changes():
    for status in FINAL:
        for target in Status:
            with pytest.raises(Refused):
                move(Life(status), target)


def test_every_status_is_reachable():
    sources = {status: {each for each, targets in TRANSITIONS.items() if status in targets} for status in Status}
    assert {status for status in Status if sources[status] - {None}} == set(Status) - {Status.PENDING}
    assert sources[Status.STARTED] - {None, Status.STARTED} == WAITING
    assert frozenset(Status) == ACTIVE | FINAL


def test_computing_a_write_does_not_change_the_record():
    record = records.new(wire.Message(task_id="a", name="tests.any"), queue="any")
    before = dict(record.attribute_values)
    writes.starting(record, "worker@1", 30.0, clock.now())
    writes.final(record, Status.FAILURE, error=ValueError("no"))
    writes.closed(record, Status.REVOKED, ValueError("no"))
    assert record.attribute_values == before
