"""A deployed Celery application is operated like any other queue: pages, API, Flower's routes, command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import LocalStack, local_stack
from makertasks import clock, wire
from tests.stack.extra import project_with_application
from tests.stack.test_stock_celery import makertasks, stack_environment
from tests.waiting import wait_for

APPLICATIONS = Path(__file__).with_name("applications")
TYPES = ["proj.tasks.add", "proj.tasks.greet", "proj.tasks.mul", "proj.tasks.xsum"]
SCHEDULE = "proj-add-every-monday-morning"
FINAL = {"SUCCESS", "FAILURE", "REVOKED"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("application")


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[LocalStack]:
    template = project_with_application(folder, "proj.celery:app", APPLICATIONS / "proj")
    with local_stack(folder / "aws", template=template) as deployed:
        yield deployed


@pytest.fixture
def command(stack: LocalStack, folder: Path):
    """Run a command as an administrator; return its output."""
    environment = stack_environment(stack, folder)
    return lambda *arguments: makertasks(environment, *arguments)


def submit(stack: LocalStack, name: str, *args: Any) -> str:
    return str(stack.api.post("/v1/tasks", {"name": name, "args": list(args)})["id"])


def ended(stack: LocalStack, task_id: str) -> dict[str, Any]:
    """Return the task once it has finished."""

    def final() -> dict[str, Any] | None:
        response = stack.api.request("GET", f"/v1/tasks/{task_id}")  # 404 until a message without a record is received
        task = response.json()
        return task if task.get("status") in FINAL else None

    return wait_for(final, f"task {task_id} to end")


def queue(stack: LocalStack) -> dict[str, Any]:
    return stack.api.get("/v1/queues/proj")


def until_state(stack: LocalStack, state: str) -> None:
    wait_for(lambda: queue(stack)["state"] == state, f"the queue to be {state}")


def page(stack: LocalStack, path: str) -> str:
    response = stack.api.request("GET", path)
    assert response.status_code == 200, f"{path}: {response.status_code}"
    return response.text


def test_an_applications_queue_function_and_task_types_are_listed(stack: LocalStack, command):
    # when one of its tasks has run
    task_id = submit(stack, "proj.tasks.add", 2, 3)
    assert ended(stack, task_id)["result"] == 5
    # then the API lists the queue, the worker, the task and its type
    assert queue(stack)["tasks"] == TYPES
    [worker] = [each for each in stack.api.get("/v1/workers")["workers"] if each["function"] == "proj"]
    assert worker["tasks"] == TYPES
    assert [task["id"] for task in stack.api.get("/v1/tasks", name="proj.tasks.add")["tasks"]] == [task_id]
    assert stack.api.get("/v1/task-types/proj.tasks.add")["purpose"] == "Add two numbers."
    # and so do the pages
    for path, shown in {
        "/queues": "proj",
        "/queues/proj": "proj.tasks.mul",
        "/workers": "proj",
        "/task-types": "proj.tasks.xsum",
        "/task-types/proj.tasks.add": "Add two numbers.",
        "/tasks?name=proj.tasks.add": task_id,
        f"/tasks/{task_id}": "proj.tasks.add",
    }.items():
        assert shown in page(stack, path).replace("<wbr>", ""), path
    # and the command line
    assert {"proj"} <= {each["name"] for each in json.loads(command("inspect", "active-queues", "--json"))}
    assert command("call", "proj.tasks.add", "--args", "[20, 1]", "--wait").strip() == "21"


def test_an_application_is_in_flowers_routes_and_metrics(stack: LocalStack):
    worker = stack.api.get("/api/workers")["proj"]
    assert worker["registered"] == TYPES
    assert [each["name"] for each in worker["active_queues"]] == ["proj"]
    assert set(TYPES) <= set(stack.api.get("/api/task/types")["task-types"])
    assert "proj" in {each["name"] for each in stack.api.get("/api/queues/length")["active_queues"]}
    assert stack.api.post("/api/task/apply/proj.tasks.mul", {"args": [6, 7]})["result"] == 42
    for route in ("send-task", "async-apply"):
        task_id = stack.api.post(f"/api/task/{route}/proj.tasks.mul", {"args": [6, 7]})["task-id"]
        assert ended(stack, task_id)["result"] == 42
        assert stack.api.get(f"/api/task/info/{task_id}")["worker"] == "proj"
    found = stack.api.get("/api/tasks", taskname="proj.tasks.mul", workername="proj")
    assert {task["state"] for task in found.values()} == {"SUCCESS"}
    succeeded = 'flower_events_total{task="proj.tasks.mul",type="task-succeeded",worker="proj"} 3'
    wait_for(lambda: succeeded in stack.api.request("GET", "/metrics").text, "the metrics to count three tasks")


def test_an_application_is_paused_purged_and_resumed(stack: LocalStack, command):
    # given a paused queue with waiting tasks
    stack.api.post("/v1/queues/proj/pause", {})
    until_state(stack, "paused")
    purged = [submit(stack, "proj.tasks.add", number) for number in range(2)]
    assert queue(stack)["waiting"] == 2

    # when it is purged by the API, and after that by the command line
    stack.api.post("/v1/queues/proj/purge", {})
    assert {ended(stack, task_id)["status"] for task_id in purged} == {"REVOKED"}
    other = submit(stack, "proj.tasks.add", 1)
    command("purge", "--queue", "proj", "--force")
    assert ended(stack, other)["status"] == "REVOKED"

    # then none of them runs once it is resumed, and later ones do
    command("control", "start", "--destination", "proj")
    until_state(stack, "running")
    assert ended(stack, submit(stack, "proj.tasks.add", 4, 5))["result"] == 9
    assert [ended(stack, task_id)["attempts"] for task_id in [*purged, other]] == [[], [], []]


def test_dead_letters_are_recorded_or_sent_back(stack: LocalStack):
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{stack.name}-tasks-proj")["QueueUrl"]

    # given an unreadable message
    unreadable = sqs.send_message(QueueUrl=url, MessageBody="this is no message")["MessageId"]
    wait_for(lambda: sweep(stack)["dead_letters"], "the sweep to record the unreadable message")
    task = ended(stack, unreadable)
    assert (task["queue"], task["error"]["type"], queue(stack)["dead"]) == ("proj", "DeadLetter", 1)

    # when the queue is redriven, it is refused; with a readable body it runs
    assert list(stack.api.post("/v1/queues/proj/redrive", {})["refused"]) == [unreadable]
    body = wire.encode(wire.Message("unused", "proj.tasks.add", [5, 6]), "proj")
    sent = stack.api.post(f"/v1/dead-letters/{unreadable}/send", {"body": body})
    assert ended(stack, sent["id"])["result"] == 11
    assert queue(stack)["dead"] == 0

    # and a readable message that was received too often is sent back by the sweep
    stack.api.post("/v1/queues/proj/pause", {})
    until_state(stack, "paused")
    unlucky = submit(stack, "proj.tasks.add", 3, 4)
    wait_for(lambda: not received(sqs, url), "the message to become a dead letter")
    wait_for(lambda: sweep(stack)["renewed"], "the sweep to send it back")
    stack.api.post("/v1/queues/proj/resume", {})
    assert ended(stack, unlucky)["result"] == 7


def sweep(stack: LocalStack) -> dict[str, Any]:
    swept = stack.client("lambda").invoke(FunctionName=f"{stack.name}-sweeper", Payload="{}")
    return dict(json.load(swept["Payload"]))


def received(sqs: Any, url: str) -> list[Any]:
    """Messages of the queue, received and visible again at once, as if each function had failed."""
    return list(sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages", []))


def test_chains_of_an_application_can_include_the_stacks_tasks(stack: LocalStack):
    own = "inventory.tasks.update_average_lead_times"
    steps = [step(own, task_id="own"), step("proj.tasks.add", 20, 3, task_id="back")]  # Celery takes the last one first
    message = wire.Message("first", "proj.tasks.add", [1, 2], chain=steps[::-1])
    url = stack.client("sqs").get_queue_url(QueueName=f"{stack.name}-tasks-proj")["QueueUrl"]
    stack.client("sqs").send_message(QueueUrl=url, MessageBody=wire.encode(message, "proj"))
    assert ended(stack, "back")["result"] == 23
    assert [(ended(stack, each)["name"], ended(stack, each)["status"]) for each in ("first", "own")] == [
        ("proj.tasks.add", "SUCCESS"),
        (own, "SUCCESS"),
    ]


def step(name: str, *args: Any, task_id: str) -> dict[str, Any]:
    """A step of a chain that ignores the previous result."""
    return {
        "task": name, "args": list(args), "kwargs": {}, "options": {"task_id": task_id}, "subtask_type": None,
        "immutable": True,
    }  # fmt: skip


def test_a_tasks_log_contains_its_log_lines_and_output(stack: LocalStack):
    task_id = submit(stack, "proj.tasks.greet", "Ann")
    ended(stack, task_id)

    def lines() -> dict[str, str]:
        return {each["message"]: each["level"] for each in stack.api.get(f"/v1/tasks/{task_id}/logs")["lines"]}

    found = wait_for(lambda: found if "task ended" in (found := lines()) else None, "the task's log")
    assert (found["greeting Ann"], found["hello Ann"]) == ("INFO", "WARNING")


def test_a_tasks_rate_limit_is_applied_and_can_be_changed(stack: LocalStack):
    def starts() -> list[datetime]:
        return sorted(
            clock.parse(ended(stack, task_id)["started"])
            for task_id in [submit(stack, "proj.tasks.greet", "Bob") for _ in range(3)]
        )

    # given a task whose rate_limit in Celery is one a second
    assert stack.api.get("/v1/task-types/proj.tasks.greet")["rate_limit"] == "1/s"
    first, _, last = starts()
    assert (last - first).total_seconds() > 1.0

    # when it is changed by Flower's route, then that limit applies
    changed = stack.api.request(
        "POST", "/api/task/rate-limit/proj.tasks.greet", data={"workername": "proj", "ratelimit": "20/s"}
    )
    assert changed.status_code == 200, changed.text
    assert stack.api.get("/v1/task-types/proj.tasks.greet")["rate_limit"] == "20/s"


def test_a_beat_schedule_becomes_an_eventbridge_schedule_and_fires(stack: LocalStack, command):
    schedule = stack.api.get(f"/v1/schedules/{SCHEDULE}")
    assert (schedule["task"], schedule["args"], schedule["kwargs"]) == ("proj.tasks.add", [16, 16], {})
    assert schedule["expression"] == "cron(30 7 ? * MON *)"  # MiniStack ignores its time zone
    assert (schedule["missed"], schedule["enabled"]) == ([], True)
    assert "16, 16" in page(stack, "/schedules")
    assert SCHEDULE in command("schedules")

    # when somebody runs it now, then its task succeeds
    assert ended(stack, stack.api.post(f"/v1/schedules/{SCHEDULE}/run", {})["id"])["result"] == 32

    # and when it is due, here by a one-time schedule with the same target
    scheduler, slot = stack.client("scheduler"), clock.text(clock.now())[:19]
    scheduler.create_schedule(
        Name="slot", GroupName=stack.name, ScheduleExpression=f"at({slot})", FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE", Target=scheduler.get_schedule(Name=SCHEDULE, GroupName=stack.name)["Target"],
    )  # fmt: skip

    # then its task runs under the slot's id
    task = ended(stack, f"{SCHEDULE}-{slot}Z")
    assert (task["result"], task["requested_by"]) == (32, f"schedule {SCHEDULE}")
