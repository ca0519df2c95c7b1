"""docs/capacity.md agrees with infra/capacity.py, and the partition model handles a burst."""

from __future__ import annotations

import pytest

from infra import capacity, partitions
from makertasks.records import table as records


@pytest.fixture(scope="module")
def text() -> str:
    return capacity.DOCUMENT.read_text()


def test_docs_capacity_agrees_with_the_formula(text):
    assert capacity.document(text) == text, "run: python -m infra.capacity"


def test_every_limit_has_a_source_and_states_how_to_raise_it():
    for limit in capacity.LIMITS.values():
        assert limit.source.startswith(("https://docs.aws.amazon.com/", "template.yaml"))
        assert limit.raised_by
    assert all(capacity.used(load).keys() == capacity.LIMITS.keys() for load in capacity.LOADS)


def test_ten_thousand_tasks_a_second_fit_into_sixteen_shards():
    load = capacity.Load("10,000 a second", 10_000, 10_000, 0)
    assert capacity.used(load, 1)["partition"] > partitions.UNITS_A_SECOND
    assert capacity.shards_for(load) <= 16
    found = capacity.used(load, 16)
    assert max(found["partition"], found["counter"]) <= partitions.UNITS_A_SECOND


def test_a_quiet_stack_needs_nothing_and_a_busy_one_more_than_a_quiet_one():
    quiet, *_, busy, _ = capacity.LOADS
    assert all(share < 0.75 for share in capacity.shares(quiet).values())
    assert all(share <= capacity.shares(busy)[name] for name, share in capacity.shares(quiet).items())


class TestABurst:
    TASKS = 20_000

    @pytest.mark.parametrize("shards", [1, 16])
    def test_is_recorded_and_finished_completely(self, shards):
        found = partitions.burst(self.TASKS, shards=shards)
        assert (found.recorded, found.lost) == (self.TASKS, 0)
        assert found.offers > self.TASKS / 25  # the table throttled some, and they were retried
        assert found == partitions.burst(self.TASKS, shards=shards)  # the same seed, the same run

    def test_loses_tasks_if_clients_give_up_after_seconds(self):
        assert partitions.burst(self.TASKS, shards=1, patience=3).lost > 0

    def test_goes_faster_with_more_shards(self):
        slow, fast = (partitions.burst(self.TASKS, shards=shards) for shards in (1, 16))
        assert fast.ended_after < slow.ended_after


@pytest.mark.parametrize("shards", ["1", "16"])
def test_the_model_spreads_keys_as_the_tasks_table_does(shards, monkeypatch):
    monkeypatch.setenv("KEY_SHARDS", shards)
    table = partitions._Table(int(shards))
    for number in range(50):
        task_id = f"task-{number}"
        _, active, name = table.keys(task_id, ends=False)
        assert active == records.active_keys()[int(active.partition("#")[2])]
        assert active == records.status_key(task_id, records.Status.PENDING, "2026-11-26T09:00:00Z")
        assert int(name.partition("#")[2]) == records.shard_of(task_id)
