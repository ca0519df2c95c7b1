"""Task execution on the real template: delays, expiry, rate limits, pausing, revoking, idempotency keys, bulk calls."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import LocalStack, local_stack
from makertasks import clock, wire
from makertasks.inventory import table as inventory
from makertasks.submission import delays
from makertasks.submission.bulk_calls import _held
from tests import documentation
from tests.stack.extra import project_with, with_schedule
from tests.stack.pages import environment, run
from tests.waiting import wait_for

LINES = documentation.run_by("tests/stack/test_execution.py")
NAME = "tests.calculate"
ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
FINAL = {"SUCCESS", "FAILURE", "REVOKED"}
PATIENCE = 120.0
MANY = 1_000
BULK = f"""
import json, sys
from makertasks import get_task
task = get_task("inventory.tasks.generate_qr_code")
answer = task.submit_many([{{"item_id": "{ITEM}"}}] * {MANY}, idempotency_key="labels")
print(json.dumps([len(set(answer.ids)), len(answer.rejected), len(answer.unsent)]))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("execution")
    template = with_schedule(project_with(folder, "calculate", "unlock"), "calculate", {"value": 7})
    with local_stack(folder / "aws", template=template) as deployed:
        item = inventory.Item(inventory.owner_of(ITEM), "item", name="Bench vice")
        deployed.client("dynamodb").put_item(TableName=deployed.outputs["InventoryTableName"], Item=item.serialize())
        yield deployed


def submit(stack: LocalStack, **options: Any) -> str:
    kwargs = options.pop("kwargs", {"value": 7})
    return stack.api.post("/v1/tasks", {"name": NAME, "kwargs": kwargs, **options})["id"]


def ended(stack: LocalStack, task_id: str) -> dict[str, Any]:
    """The task once it has ended."""

    def final() -> dict[str, Any] | None:
        task = stack.api.get(f"/v1/tasks/{task_id}")
        return task if task["status"] in FINAL else None

    return wait_for(final, f"task {task_id} to end", PATIENCE)


def switch(stack: LocalStack, what: str, queue: str = "calculate") -> None:
    """Pause or resume a queue and wait until it has that state."""
    stack.api.post(f"/v1/queues/{queue}/{what}", {})
    state = {"pause": "paused", "resume": "running"}[what]
    wait_for(lambda: stack.api.get(f"/v1/queues/{queue}")["state"] == state, f"the queue to be {state}")


def moment(task: dict[str, Any], name: str) -> datetime:
    return clock.parse(task[name])


def test_a_rate_limit_applies_across_all_functions_and_uses_no_attempt(stack: LocalStack):
    stack.api.request("PATCH", f"/v1/task-types/{NAME}", json={"rate_limit": "1/s"}).raise_for_status()
    answer = stack.api.post("/v1/tasks/batch", {"tasks": [{"name": NAME, "kwargs": {"value": 7}}] * 6})
    tasks = [ended(stack, task_id) for task_id in answer["ids"]]
    starts = sorted(moment(task, "started") for task in tasks)
    first = min(moment(task, "created") for task in tasks)
    # on a busy machine, a task may start later than scheduled, but never earlier
    assert all((start - first).total_seconds() > turn - 0.5 for turn, start in enumerate(starts))
    assert {(task["status"], len(task["attempts"]), task["retries"]) for task in tasks} == {("SUCCESS", 1, 0)}
    stack.api.request("PATCH", f"/v1/task-types/{NAME}", json={"rate_limit": None}).raise_for_status()


def test_a_countdown_waits_in_the_queue_until_its_time(stack: LocalStack):
    task_id = submit(stack, countdown=4)
    waiting = stack.api.get(f"/v1/tasks/{task_id}")
    assert (waiting["status"], waiting["started"]) == ("PENDING", None)
    task = ended(stack, task_id)
    assert (task["status"], len(task["attempts"])) == ("SUCCESS", 1)
    assert moment(task, "started") >= moment(task, "eta") > moment(task, "created")


def test_a_schedule_is_one_block_of_the_template(stack: LocalStack):
    schedule = stack.api.get("/v1/schedules/calculate")
    assert (schedule["task"], schedule["kwargs"]) == (NAME, {"value": 7})
    assert schedule["next_run"]
    sent = stack.api.post("/v1/schedules/calculate/run", {})
    assert ended(stack, sent["id"])["status"] == "SUCCESS"
    for enabled in (False, True):
        changed = stack.api.request("PATCH", "/v1/schedules/calculate", json={"enabled": enabled})
        assert changed.json()["enabled"] is enabled, changed.text


def test_a_delay_beyond_sqs_maximum_is_a_schedule_that_sends_once_and_deletes_itself(stack: LocalStack):
    # given a task that is delayed by more than the maximum of its queue
    task_id = submit(stack, countdown=2000)
    scheduler, group = stack.client("scheduler"), f"{stack.name}-delays"
    [found] = scheduler.list_schedules(GroupName=group)["Schedules"]
    made = scheduler.get_schedule(Name=found["Name"], GroupName=group)
    assert (found["Name"], made["ActionAfterCompletion"]) == (delays.name_of(task_id), "DELETE")

    # when the schedule is due, which the test moves to the present, together with the ETA in its message
    soon = clock.text(clock.now())[:19]
    body = wire.decode(made["Target"]["Input"], message_id="m")
    target = {**made["Target"], "Input": wire.encode(wire.Message(task_id, NAME, kwargs=body.kwargs), "calculate")}
    scheduler.update_schedule(
        Name=found["Name"], GroupName=group, ScheduleExpression=f"at({soon})", Target=target,
        FlexibleTimeWindow={"Mode": "OFF"}, ActionAfterCompletion="DELETE",
    )  # fmt: skip

    # then it runs once, and no schedule is left
    task = ended(stack, task_id)
    assert (task["status"], len(task["attempts"])) == ("SUCCESS", 1)
    wait_for(lambda: not scheduler.list_schedules(GroupName=group)["Schedules"], "the schedule to be gone", PATIENCE)

    # and when a task is revoked, its schedule is deleted
    task_id = submit(stack, countdown=2000)
    assert stack.api.post(f"/v1/tasks/{task_id}/revoke", {})["status"] == "REVOKED"
    assert scheduler.list_schedules(GroupName=group)["Schedules"] == []


def test_a_paused_queue_keeps_its_tasks_and_those_that_expire_are_revoked(stack: LocalStack):
    switch(stack, "pause")
    kept, expiring = submit(stack), submit(stack, expires=1)
    ends = moment(stack.api.get(f"/v1/tasks/{expiring}"), "expires")
    wait_for(lambda: clock.now() > ends, "the task's time to pass")
    assert {stack.api.get(f"/v1/tasks/{task_id}")["status"] for task_id in (kept, expiring)} == {"PENDING"}
    switch(stack, "resume")
    assert ended(stack, kept)["status"] == "SUCCESS"
    late = ended(stack, expiring)
    assert (late["status"], late["started"]) == ("REVOKED", None)
    assert late["error"]["message"].startswith("expired at")


def test_a_running_task_ends_at_its_next_checkpoint_and_only_with_terminate(stack: LocalStack):
    task_id = submit(stack, kwargs={"operation": "step", "amount": 200})
    wait_for(lambda: stack.api.get(f"/v1/tasks/{task_id}")["progress"], "its first progress", PATIENCE)
    assert stack.api.request("POST", f"/v1/tasks/{task_id}/revoke", json={}).status_code == 409
    assert stack.api.post(f"/v1/tasks/{task_id}/revoke", {"terminate": True})["status"] in {"STARTED", "REVOKED"}
    task = ended(stack, task_id)
    assert task["status"] == "REVOKED"
    assert task["error"]["message"].startswith("terminated by")
    assert task["progress"]["done"] < 200


def test_revoking_by_filter_is_a_job_with_the_outcome_of_each(stack: LocalStack):
    switch(stack, "pause")
    answer = stack.api.post("/v1/tasks/batch", {"tasks": [{"name": NAME, "kwargs": {"value": 7}}] * 30})
    job = stack.api.post("/v1/jobs", {"action": "revoke", "where": {"name": NAME, "status": "PENDING"}})
    assert ended(stack, job["id"])["status"] == "SUCCESS"
    outcomes = stack.api.get(f"/v1/jobs/{job['id']}/outcomes")["outcomes"]
    assert {(each["id"], each["outcome"]) for each in outcomes} == {(task_id, "REVOKED") for task_id in answer["ids"]}
    switch(stack, "resume")
    tasks = [ended(stack, task_id) for task_id in answer["ids"]]
    assert {(task["status"], task["started"]) for task in tasks} == {("REVOKED", None)}


def test_an_idempotency_key_means_one_task_even_after_it_finished(stack: LocalStack):
    first = submit(stack, idempotency_key="order-8")
    assert ended(stack, first)["status"] == "SUCCESS"
    assert submit(stack, idempotency_key="order-8") == first
    other = {"name": NAME, "kwargs": {"value": 8}, "idempotency_key": "order-8"}
    assert stack.api.request("POST", "/v1/tasks", json=other).status_code == 422


@pytest.mark.parametrize("jammed", [False, True])
def test_a_secret_argument_reaches_only_its_function(stack: LocalStack, jammed: bool):
    # given a task with an argument that is marked as secret
    pin = f"pin-4711-{jammed}".lower()
    kwargs = {"door": "front", "pin": pin, "jammed": jammed}
    task_id = stack.api.post("/v1/tasks", {"name": "tests.unlock", "kwargs": kwargs})["id"]

    # when it has ended
    task = ended(stack, task_id)

    # then the function knew the secret
    if jammed:
        assert task["status"] == "FAILURE"
        assert task["error"]["message"].startswith("front is jammed")
    else:
        assert task["result"] == {"door": "front", "digest": hashlib.sha256(pin.encode()).hexdigest()}

    # and it is shown nowhere: no response, page, export, log line or table entry contains it
    lines = wait_for(lambda: stack.api.get(f"/v1/tasks/{task_id}/logs")["lines"], "its log lines", PATIENCE)
    assert "unlocking" in [line["message"] for line in lines]
    shown = [json.dumps([task, lines])]
    for path in ("/v1/tasks?name=tests.unlock", "/v1/exports/tasks.csv?name=tests.unlock", f"/tasks/{task_id}"):
        answer = stack.api.request("GET", path)
        assert task_id in answer.text
        shown.append(answer.text)
    tables = [stack.outputs[name] for name in ("TasksTableName", "CountersTableName")]
    shown += [repr(stack.client("dynamodb").scan(TableName=table)["Items"]) for table in tables]
    logs = stack.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        shown.append(repr(logs.filter_log_events(logGroupName=group["logGroupName"])["events"]))
    assert [text for text in shown if pin in text or base64.b64encode(pin.encode()).decode() in text] == []


def test_every_command_in_execution_md_runs(stack: LocalStack, tmp_path: Path):
    call = f"""makertasks call generate_qr_code -k '{{"item_id": "{ITEM}"}}' --wait --timeout 120 --json"""
    first = run(stack, tmp_path, ["makertasks configure --stack makertasks", call])
    assert [code for _, code, _ in first] == [0, 0], first
    task_id = json.loads(first[1][2])["id"]
    lines = [line.replace("TASK_ID", task_id).replace("ITEM_ID", ITEM) for line in LINES]
    ran = run(stack, tmp_path, lines)
    assert [(line, code, said) for line, code, said in ran if code] == []
    keyed = [said.strip() for line, _, said in ran if "order-7" in line]
    assert len(set(keyed)) == 1
    assert "by-schedule" in next(said for line, _, said in ran if line == "makertasks inspect scheduled")


# Must be the last test: it leaves a paused queue with a thousand tasks behind.
def test_a_killed_bulk_call_can_be_repeated_without_duplicates(stack: LocalStack, tmp_path: Path):
    # given a client that is killed while it submits
    switch(stack, "pause", "generate_qr_code")
    assert [code for _, code, _ in run(stack, tmp_path, ["makertasks configure --stack makertasks"])] == [0]
    begun, command = clock.text(clock.now()), [sys.executable, "-c", BULK]
    killed = subprocess.Popen(command, env=environment(stack, tmp_path), stdout=subprocess.PIPE)  # noqa: S603 - our own

    def submitted() -> int:
        pages = stack.client("dynamodb").get_paginator("scan").paginate(
            TableName=stack.outputs["TasksTableName"], Select="COUNT", ConsistentRead=True,
            FilterExpression="kwargs.item_id = :item AND created > :begun",
            ExpressionAttributeValues={":item": {"S": ITEM}, ":begun": {"S": begun}},
        )  # fmt: skip
        return sum(page["Count"] for page in pages)

    wait_for(submitted, "the first records", PATIENCE)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    some = submitted()

    # when the call is repeated, first while the killed one still holds the lock of its key
    again = subprocess.run(command, env=environment(stack, tmp_path), capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert "a call with this key is in progress" in again.stderr
    key = {"id": {"S": _held("labels")}}
    stack.client("dynamodb").delete_item(TableName=stack.outputs["TasksTableName"], Key=key)  # as if it had expired
    done = subprocess.run(command, env=environment(stack, tmp_path), capture_output=True, text=True, check=True)  # noqa: S603 - our own

    # then every task exists exactly once
    assert json.loads(done.stdout) == [MANY, 0, 0]
    assert 0 < some <= submitted() == MANY
