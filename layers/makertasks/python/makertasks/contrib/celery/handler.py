"""The Lambda function of a Celery application: its settings, and the processing of one delivery from its queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from celery import _state, current_task, signals  # type: ignore[import-not-found]  # the application's own
from celery.app.task import Context  # type: ignore[import-not-found]  # the application's own
from celery.exceptions import NotRegistered, WorkerLostError  # type: ignore[import-not-found]
from celery.signals import before_task_publish  # type: ignore[import-not-found]

from makertasks import masking, tasks, wire
from makertasks.aws import queues
from makertasks.contrib.celery import client as celery_client
from makertasks.contrib.celery import log_lines, tracing
from makertasks.errors import NotFound, UnknownTask
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays, generations
from makertasks.tasks import Task
from makertasks.worker import execution, rate_limits, task_limits
from makertasks.worker import handler as worker
from makertasks.worker.attempt import Delivery, Requeue
from makertasks.worker.execution import Outcome

# Maximum number of times a task may lose its worker (a crash, Lambda's time-out) before it is FAILURE.
CRASHES = 3
# Delay in seconds for a retry's message that arrives before the task's record has the status RETRY.
RETRY_SECONDS = 1.0


def lambda_handler(app: Any, *, queue: str) -> Callable[[dict[str, Any], Any], Any]:
    """The Lambda handler of an application; `queue` is the short name of the queue for its tasks."""
    room = Task(queue, _never)
    is_ready: list[bool] = []

    def execute(_room: Task, delivery: Delivery) -> Outcome:
        if not is_ready:
            set_up(app, queue)
            is_ready.append(True)
        return bring_further(app, queue, delivery)

    return worker.lambda_handler(room, execute)


def _never() -> None:
    raise AssertionError("a Celery application's tasks are run by its own tracer")


@dataclass(eq=False)  # Celery's signals identify a sender by its identity
class _Worker:
    """The attributes of a sender that receivers of a worker's signals read."""

    app: Any
    hostname: str
    pool_cls: str = "makertasks.worker"


def set_up(app: Any, queue: str) -> None:
    """Configure the application for Lambda, and load its tasks; raises Unavailable.

    The broker uses the stack's queue, and others that the application names; results go to task records.
    """
    name, url = queues.name_of(queue), queues.url_of(queue)
    named = dict(app.conf.broker_transport_options or {})
    stacks = {each: {"url": url.removesuffix(name) + each} for each in map(queues.name_of, tasks.queues_of_code())}
    known = {**stacks, **named.get("predefined_queues", {}), name: {"url": url}}
    routes = app.conf.task_routes or ()
    app.conf.update(
        broker_url="sqs://",
        broker_transport_options={
            **named, "region": queues.region(), "predefined_queues": known,
        },
        task_default_queue=name,
        task_routes=[*(routes if isinstance(routes, list | tuple) else [routes]), _stacks_queue],
        result_backend="makertasks.contrib.celery.backend:RecordBackend",
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        result_extended=True,
        task_track_started=False,  # the engine records the start when it claims a task
    )  # fmt: skip
    app.amqp.flush_routes()
    app.set_current()
    app.loader.init_worker()
    app.finalize(auto=True)
    log_lines.set_up(app)
    _state._set_task_join_will_block(True)  # noqa: SLF001 - as in a worker: `get()` within a task is refused
    # The signals of a worker's start and of its processes' start; Celery's support for Django depends on the first.
    signals.worker_init.send(sender=_Worker(app, f"{queue}@lambda"))
    signals.worker_process_init.send(sender=None)
    celery_client.use_queue_delays()
    before_task_publish.connect(_count_generation, weak=False, dispatch_uid="makertasks.contrib.celery.handler")


def _count_generation(headers: dict[str, Any] | None = None, **_rest: Any) -> None:
    """Count everything that a running task sends as its descendant: callbacks, retries, replacements, other tasks."""
    running = current_task._get_current_object() if current_task else None  # noqa: SLF001 - a proxy's way to say None
    if running is not None and running.request.id and headers is not None:
        sender = wire.Message(running.request.id, running.name, headers=dict(running.request.headers or {}))
        headers[generations.HEADER] = generations.of(sender) + 1


def _stacks_queue(name: str, *_arguments: Any, **_options: Any) -> dict[str, str] | None:
    """The queue for one of the stack's own tasks, or of its other applications."""
    try:
        return {"queue": queues.name_of(tasks.find(name).short_name)}
    except UnknownTask:
        return None


def bring_further(app: Any, queue: str, delivery: Delivery) -> Outcome:
    """Process one delivery, as `execution.execute` does for the stack's tasks; raises Requeue or Unavailable."""
    try:
        message = payloads.whole(delivery.message)
    except (NotFound, wire.Malformed) as error:
        record = _record(queue, replace(delivery, message=replace(delivery.message, kwargs={})))
        lifecycle.close(record, Status.FAILURE, error)
        return Outcome(records.get(record.task_id), ended_now=True)
    delivery = replace(delivery, message=message)
    record = _record(queue, delivery)
    if message.expires and delays.seconds_until(message.expires) == 0 and (
        ended := execution.expire(record, message.expires)
    ):  # fmt: skip
        return _passed_on(app, queue, delivery, ended)
    if delays.seconds_until(message.eta):
        return _passed_on(app, queue, delivery, _delay(queue, message, record))
    now = _limits(message.name)
    if now.rate_limit and (turn := rate_limits.turn(record, now.rate_limit)):
        raise Requeue(delays.seconds_until(turn), f"delayed by the rate limit {now.rate_limit}")
    claimed = lifecycle.claim(record, delivery.worker, delivery.invocation.ends)
    if isinstance(claimed, TaskRecord):
        execution.report_reuse(message, record, claimed)
        return _passed_on(app, queue, delivery, _stand_aside(claimed, message))
    task = app.tasks.get(message.name)
    reason = _hopeless(claimed, message, task)
    if reason is None:
        mine = tracing.run(app, task, delivery, claimed, queue, now)
    else:
        mine = lifecycle.fail(claimed, reason)
        request = Context(tracing.request_of(message, delivery.worker, queue))
        app.backend.mark_as_failure(message.task_id, reason, request=request, store_result=False)
    return Outcome(records.get(message.task_id), ended_now=mine)


def _passed_on(app: Any, queue: str, delivery: Delivery, outcome: Outcome) -> Outcome:
    """Notify the chord and the chain of a task that ended without Celery's tracer: expired, revoked, given up.

    A worker may also be lost between storing a result and notifying the chord, which counts each part once.
    """
    message = delivery.message
    if outcome.record.is_final and (message.chord or message.chain):
        request, status = Context(tracing.request_of(message, delivery.worker, queue)), str(outcome.record.status)
        if status == Status.FAILURE:
            error = app.AsyncResult(message.task_id).result
            app.backend.mark_as_failure(message.task_id, error, request=request, call_errbacks=False)
        elif message.chord:
            app.backend.on_chord_part_return(request, status, None)
    return outcome


def _limits(name: str) -> task_limits.Limits:
    """The limits of a task from its application's file, or as operators changed them; none for an unknown task."""
    try:
        return task_limits.of(tasks.find(name))
    except UnknownTask:
        return task_limits.Limits(None, None, None)


def _record(queue: str, delivery: Delivery) -> TaskRecord:
    """The record of a message, without secrets: large arguments are in the bucket, unless they contain a secret."""
    message = delivery.message
    args, kwargs = masking.masked(wire.plain(message.args)), masking.masked(wire.plain(message.kwargs))
    if payloads.stands_in_record([args, kwargs]):
        shown = replace(message, args=args, kwargs=kwargs)
    elif [args, kwargs] == [wire.plain(message.args), wire.plain(message.kwargs)]:
        shown = payloads.slim(message)
    else:
        shown = replace(message, args=["… large arguments with a secret among them"], kwargs={})
    return records.new(shown, queue=queue, created=delivery.sent, requested_by=delivery.requested_by)


def _delay(queue: str, message: wire.Message, record: TaskRecord) -> Outcome:
    """Deliver a message again when it is due: by the queue, or by a schedule for long delays."""
    if not lifecycle.create(record):
        held = records.get(message.task_id)
        if held.status not in {Status.PENDING, Status.RETRY}:
            return _stand_aside(held, message)
    wait = delays.seconds_until(message.eta)
    if wait <= queues.MAXIMUM_DELAY_SECONDS:
        raise Requeue(wait, "scheduled for later")
    try:
        delays.send(queue, message)
    except delays.TooLong as error:
        lifecycle.close(record, Status.FAILURE, error)
    return Outcome(ended := records.get(message.task_id), ended_now=ended.is_final)


def _stand_aside(held: TaskRecord, message: wire.Message) -> Outcome:
    """Stand aside as the stack's tasks do; a retry or a replacement that arrives early waits only for a moment."""
    follows = int(held.attempt) <= message.retries or message.replaced_task_nesting
    if held.status == Status.STARTED and follows:
        raise Requeue(RETRY_SECONDS, "the previous attempt is about to end")
    return execution.stand_aside(held)


def _hopeless(claimed: lifecycle.Claim, message: wire.Message, task: Any) -> Exception | None:
    """Why a claimed task cannot run; None if it can."""
    if task is None:
        return NotRegistered(message.name)  # type: ignore[no-any-return]
    try:
        generations.check(message)
    except generations.TooManyGenerations as error:
        return error
    crashes = [attempt for attempt in claimed.record.attempts or [] if attempt["outcome"] == "CRASHED"]
    if len(crashes) > CRASHES:
        return WorkerLostError(f"its function was lost {len(crashes)} times")  # type: ignore[no-any-return]
    return None
