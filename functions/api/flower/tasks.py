"""Flower's routes that read tasks: list, info, types, result, queue lengths."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from api.access import Role
from api.arguments import A_TASK as AN_ID
from api.arguments import TaskId, TaskName
from api.flower import fields, search
from api.flower.fields import DATE, DATE_PATTERN, FlowerTask, WorkerName
from api.routing import route
from makertasks import clock, masking, tasks, wire
from makertasks.errors import InvalidRequest, NotFound
from makertasks.monitoring import listing, queues
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Flower keeps tasks in memory; here, a list reads them from the table, so it is limited. /v1/tasks has cursors instead.
MOST_TASKS = 1000
MOST_EXAMINED = 5000
MOST_SECONDS = 25.0
# Seconds after which a list returns the tasks found so far: API Gateway waits 30 s for the response.
LIST_SECONDS = 15.0
POLL_SECONDS = 0.25

SORT_KEYS = {"name": "", "state": "", "received": 0.0, "started": 0.0}

# Flower's states that have another name here: Flower learns of a task when a worker has received it.
STATES = {fields.RECEIVED: Status.PENDING.value}

Date = Annotated[
    str,
    Meta(max_length=16, pattern=DATE_PATTERN, description="`%Y-%m-%d %H:%M`, in UTC", examples=["2026-11-22 09:30"]),
]


class FlowerQuery(msgspec.Struct):
    """Flower's parameters of a list; as in Flower, others are ignored."""

    limit: Annotated[
        int, Meta(description=f"Maximum number of tasks, at most {MOST_TASKS}; below 1 it returns no tasks")
    ] = MOST_TASKS
    offset: Annotated[int, Meta(le=MOST_EXAMINED, description="Number of tasks to skip; below 1 it skips no tasks")] = 0
    sort_by: (
        Annotated[
            Literal["name", "state", "received", "started", "-name", "-state", "-received", "-started"],
            Meta(description="Sorts the newest thousand matching tasks; by default, newest first"),
        ]
        | None
    ) = None
    workername: WorkerName | None = None
    taskname: TaskName | None = None
    state: Annotated[str, Meta(max_length=20, description="A state, or All", examples=["SUCCESS"])] | None = None
    received_start: Date | None = None
    received_end: Date | None = None
    search: Annotated[
        str,
        Meta(
            max_length=500,
            description="Words, `name:` `state:` `worker:` `args:` `kwargs:` `result:`, AND, OR, ( )",
            examples=["name:qr AND state:FAILURE"],
        ),
    ] = ""

    def filter(self) -> listing.Filter:
        """Return the filter as listings expect it; raises InvalidRequest."""
        given = {name: value for name in ("workername", "taskname", "state") if (value := getattr(self, name)) != "All"}
        state = given.get("state")
        return listing.Filter(
            status=STATES.get(state, state) if state else None,
            name=given.get("taskname"),
            created_from=_moment("received_start", self.received_start),
            created_to=_moment("received_end", self.received_end),
        )


class ResultQuery(msgspec.Struct):
    """Query: the time to wait."""

    timeout: Annotated[float, Meta(description="Seconds to wait for the task to finish, at most 25")] = 0.0


TaskTypes = TypedDict("TaskTypes", {"task-types": list[str]})
FlowerResult = TypedDict(
    "FlowerResult",
    {"task-id": str, "state": str, "result": NotRequired[Any], "traceback": NotRequired[str | None]},
)


class QueueLength(TypedDict):
    """A queue and its number of waiting messages."""

    name: str
    messages: int


class QueueLengths(TypedDict):
    """Every queue."""

    active_queues: list[QueueLength]


@route("GET", "/api/tasks", Role.VIEWER, tag="Flower", unfit=HTTPStatus.BAD_REQUEST, example={AN_ID: fields.A_TASK})
def flower_list_tasks(query: FlowerQuery) -> dict[str, FlowerTask]:
    """List tasks in Flower's format: up to 1,000 matches among the newest 5,000 tasks, in at most 15 s."""
    if query.workername not in {None, "All", *_functions()}:
        return {}
    limit, offset = min(max(query.limit, 0), MOST_TASKS), max(query.offset, 0)
    found: list[FlowerTask] = []
    wanted = MOST_TASKS if query.sort_by else offset + limit
    fits = search.parse(query.search)
    ends = time.monotonic() + LIST_SECONDS
    for record in listing.walk(query.filter(), names=tasks.discover(), most=MOST_EXAMINED):
        task = fields.flower_task(record)
        if query.workername in {None, "All", task["worker"]} and fits(task):
            found.append(task)
        if len(found) >= wanted or time.monotonic() > ends:
            break
    shown = _sorted(found, query.sort_by)[offset : offset + limit]
    return {task["uuid"]: task for task in shown}


@route(
    "GET", "/api/task/types", Role.VIEWER, tag="Flower", example={"task-types": ["inventory.tasks.generate_qr_code"]}
)
def flower_task_types() -> TaskTypes:
    """List the names of all tasks."""
    return {"task-types": [name for name, task in tasks.discover().items() if not task.system]}


@route("GET", "/api/task/info/{task_id}", Role.VIEWER, tag="Flower", example=fields.A_TASK)
def flower_task_info(task_id: TaskId) -> FlowerTask:
    """Get a task in Flower's format."""
    return fields.flower_task(records.get(task_id))


@route(
    "GET",
    "/api/task/result/{task_id}",
    Role.VIEWER,
    tag="Flower",
    unfit=HTTPStatus.BAD_REQUEST,
    example={"task-id": AN_ID, "state": "SUCCESS", "result": 3},
)
def flower_task_result(task_id: TaskId, query: ResultQuery) -> FlowerResult:
    """Get a task's state and, once it has finished, its result; as in Celery, an unknown task is PENDING."""
    return result(task_id, query.timeout)


@route(
    "GET",
    "/api/queues/length",
    Role.VIEWER,
    tag="Flower",
    example={"active_queues": [{"name": "generate_qr_code", "messages": 3}]},
)
def flower_queue_lengths() -> QueueLengths:
    """Get each queue's number of waiting messages."""
    return {"active_queues": [{"name": queue["name"], "messages": queue["waiting"]} for queue in queues.list_queues()]}


def result(task_id: str, wait: float) -> FlowerResult:
    """Return a task's state and result, after up to `wait` seconds."""
    ends = time.monotonic() + min(wait, MOST_SECONDS)
    record = _stored(task_id)
    while (record is None or not record.is_final) and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
        record = _stored(task_id)
    answer: FlowerResult = {"task-id": task_id, "state": record.shown_status if record else Status.PENDING.value}
    if record is None or not record.is_final:
        return answer
    if record.status == Status.SUCCESS:
        answer["result"] = masking.masked(wire.plain(payloads.result_of(record)))
        return answer
    if record.status == Status.REVOKED:
        answer["result"] = "TaskRevokedError('revoked')"  # as Celery's clients show it
        return answer
    answer["result"] = fields.exception(record)
    answer["traceback"] = wire.parse_result_meta(record.result).get("traceback")
    return answer


def state(task_id: str) -> FlowerResult:
    """Return a task's id and state."""
    record = _stored(task_id)
    return {"task-id": task_id, "state": record.status if record else Status.PENDING.value}


def _stored(task_id: str) -> TaskRecord | None:
    try:
        return records.get(task_id)
    except NotFound:
        return None


def _sorted(found: list[FlowerTask], sort_by: str | None) -> list[FlowerTask]:
    if sort_by is None:
        return found
    key = sort_by.removeprefix("-")

    def sort_key(task: FlowerTask) -> Any:
        values: Mapping[str, Any] = task
        return values[key] or SORT_KEYS[key]

    return sorted(found, key=sort_key, reverse=sort_by.startswith("-"))


def _functions() -> set[str]:
    return {task.short_name for task in tasks.discover().values()}


def _moment(field: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return clock.text(datetime.strptime(text, DATE).replace(tzinfo=UTC))
    except ValueError as error:
        raise InvalidRequest(field, f"must be a time such as 2026-11-22 09:30, not {text!r}") from error
