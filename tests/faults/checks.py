"""Invariants that must hold after a run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.faults.plan import KINDS
from tests.faults.run import Run

Records = dict[str, dict[str, Any]]


def check(running: Run) -> Records:
    """Check everything; returns the records."""
    records = running.come_to_rest()
    every_fault_was_suffered(running, records)
    every_task_is_recorded_truthfully(running, records)
    every_task_ended_once(running, records)
    every_effect_is_there_once(running)
    table = Counter((record["created"][:13], record["name"], record["status"]) for record in records.values())
    if running.restarts:
        recounted = running.recount()
        assert not recounted["moving"], recounted
        assert len(recounted["differences"]) == recounted["repaired"], recounted
        assert not running.recount()["differences"]
    running.counters_equal(table)
    return records


def every_fault_was_suffered(running: Run, records: Records) -> None:
    """Check that faults happened; otherwise the run would prove nothing."""
    plan = running.plan
    assert running.gate.refused > 0, "DynamoDB and S3 never refused"
    assert plan.used_up
    assert plan.doubled
    assert plan.unsent
    assert running.unreadable_ids
    suffered = set()
    for task_id, arguments in plan.tasks.items():
        for number, fault in enumerate(arguments["faults"], start=1):
            if int(records[task_id]["attempt"]) >= number:
                suffered.add(fault)
    assert suffered == set(KINDS), set(KINDS) - suffered


def every_task_is_recorded_truthfully(running: Run, records: Records) -> None:
    """No task is lost or invented; each ended as its faults require."""
    plan = running.plan
    assert set(records) == {*plan.tasks, *running.unreadable_ids}
    wrong = {
        task_id: (record["status"], record.get("error_type"), plan.tasks[task_id])
        for task_id, record in records.items()
        if task_id in plan.tasks and record["status"] != plan.outcome(task_id)
    }
    assert not wrong, wrong
    assert {records[task_id]["error_type"] for task_id in running.unreadable_ids} <= {"DeadLetter"}
    assert {records[task_id]["error_type"] for task_id in plan.used_up} <= {"WorkerLostError"}


def every_task_ended_once(running: Run, records: Records) -> None:
    """The table's stream has exactly one change to a final status per task, and none from one."""
    endings = running.endings()
    unseen = set(records) - set(endings)
    # A stopped local AWS loses changes that its streams have not delivered.
    assert not unseen or running.restarts, unseen
    assert set(endings) <= set(records)
    doubled = {task_id: changes for task_id, changes in endings.items() if len(changes) != 1}
    assert not doubled, doubled


def every_effect_is_there_once(running: Run) -> None:
    """Each successful task left exactly one object, regardless of the number of attempts."""
    plan, effects = running.plan, running.effects()
    succeeded = {str(plan.tasks[task_id]["number"]) for task_id in plan.tasks if plan.outcome(task_id) == "SUCCESS"}
    assert succeeded <= set(effects), succeeded - set(effects)
    assert set(effects.values()) <= {1}
