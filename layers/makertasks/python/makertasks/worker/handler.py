"""A task's Lambda function: batches from its queue, and direct invocations.

    handler = lambda_handler(generate_qr_code)

A message is deleted once there is nothing more to do; one that must come back is reported as failed (partial batch
response) after its visibility time-out was set to the time when it is due. The handler raises no exception for a
queue's batch: Lambda would redeliver the whole batch.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from makertasks import clock, logs, wire
from makertasks.aws import queues
from makertasks.errors import InvalidArguments, InvalidRequest, MakertasksError
from makertasks.inventory import batches
from makertasks.inventory import table as inventory
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import delays, generations
from makertasks.tasks import Task
from makertasks.worker import execution
from makertasks.worker.attempt import Delivery, Invocation, Requeue

logger = logs.logger()

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

# Seconds after which a message comes back if a service failed, doubled each time up to the maximum: 20 deliveries,
# after which it is a dead letter, then take more than three hours.
SERVICE_DOWN_SECONDS = 10.0
LONGEST_SERVICE_DOWN_SECONDS = 900.0
# Number of deliveries after which a message that must come back is resent as a new one, which resets its receive count:
# however often a task is retried or delayed, only messages that cannot be read or recorded become dead letters.
RENEWED_AFTER = 10


class TaskFailed(MakertasksError):
    """A directly invoked task did not succeed; the message says why."""


Execute = Callable[[Task, Delivery], execution.Outcome]
Decode = Callable[..., wire.Message]


def lambda_handler(task: Task, execute: Execute = execution.execute) -> Callable[[dict[str, Any], Any], Any]:
    """Return the Lambda handler of one task; `execute` processes one delivery."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], lambda_context: Any) -> Any:
        began = time.time()
        invocation = Invocation(began, began + lambda_context.get_remaining_time_in_millis() / 1000)
        if "Records" not in event:
            return _invoke(task, event, lambda_context.aws_request_id, invocation, execute)

        decode = cache(partial(wire.decode, default_name=task.name))  # each message once, though two ask

        def handle(record: SQSRecord) -> None:
            is_first = record.message_id == event["Records"][0]["messageId"]
            _deliver(task, record, invocation, execute, decode, is_first=is_first)

        with _items_read(task, event["Records"], decode):
            return process_partial_response(event, handle, processor, lambda_context)

    wrapped: Callable[[dict[str, Any], Any], Any] = handler
    return wrapped


@contextmanager
def _items_read(task: Task, deliveries: list[dict[str, Any]], decode: Decode) -> Iterator[None]:
    """Read the items of a batch in one request; if that fails, each task reads its own."""
    with ExitStack() as stack:
        read = deliveries if task.reads_item and len(deliveries) > 1 else []
        item_ids = {item_id for each in read if (item_id := _item_of(task, each, decode))}
        if item_ids:
            try:
                found = inventory.find((inventory.owner_of(item_id), "item") for item_id in item_ids)
                stack.enter_context(batches.holding(found.values()))
            except Exception:  # an unreadable row, or a service's failure: the task that reads it will report it
                logger.exception("batch read of items failed")
        yield


def _item_of(task: Task, delivery: dict[str, Any], decode: Decode) -> str | None:
    """Return the item that a message's task reads; None if the message cannot be read."""
    try:
        message = decode(delivery["body"], message_id=delivery["messageId"])
        return task.item_id(task.bind(message.args, message.kwargs))
    except (wire.Malformed, InvalidRequest, InvalidArguments):
        return None  # reported when the message is processed


@cache
def worker_name(function: str) -> str:
    """Return function and execution environment, `generate_qr_code@1f2e3d4c`; Lambda's log stream names the latter."""
    stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME") or uuid.uuid4().hex
    return f"{function}@{stream[-8:]}"


def _deliver(
    task: Task,
    record: SQSRecord,
    invocation: Invocation,
    execute: Execute,
    decode: Decode,
    *,
    is_first: bool,
) -> None:
    """Process one message of a batch; raises an exception if it must come back."""
    sent = datetime.fromtimestamp(int(record.attributes.sent_timestamp) / 1000, UTC)
    received = int(record.attributes.approximate_receive_count or 1)
    try:
        message = _read(record, sent, decode)
    except wire.Malformed as error:
        _close_malformed(task, record, error, sent)
        return
    logger.remove_keys(["attempt"])  # remove the previous message's keys
    logger.append_keys(task_id=message.task_id, task_name=message.name)
    delivery = Delivery(message, worker_name(task.short_name), invocation, sent, message.origin or "", is_first)
    try:
        if not invocation.has_time:
            raise Requeue(0, "earlier messages in the batch used up the function's time")  # noqa: TRY301 - one way to come back
        outcome = execute(task, delivery)
        _log_end(outcome, sent)
    except Requeue as requeue:
        _come_back(task, record, message, requeue, received)
    except Exception:
        logger.exception("message not processed; it will be received again")
        wait = min(SERVICE_DOWN_SECONDS * 2.0 ** (received - 1), LONGEST_SERVICE_DOWN_SECONDS)
        queues.postpone(task.short_name, record.receipt_handle, wait)
        raise


def _come_back(task: Task, record: SQSRecord, message: wire.Message, requeue: Requeue, received: int) -> None:
    """Make a message come back when it is due; one that was received often is replaced by a new one."""
    logger.info("message delayed", seconds=requeue.seconds, reason=str(requeue))
    if received >= RENEWED_AFTER:
        again = generations.after(generations.of(message), message)
        queues.send(task.short_name, delays.body_of(task.short_name, again), requeue.seconds)
        return
    queues.postpone(task.short_name, record.receipt_handle, requeue.seconds)
    raise requeue


def _read(record: SQSRecord, sent: datetime, decode: Decode) -> wire.Message:
    """Parse a queue's message; raises wire.Malformed."""
    message = decode(record.body, message_id=record.message_id)
    if SCHEDULED_TIME in message.task_id:
        # EventBridge Scheduler inserts the scheduled time; for a local AWS that does not, it is the minute of sending.
        slot = sent.replace(second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = replace(message, task_id=message.task_id.replace(SCHEDULED_TIME, slot), root_id=None)
    return message


def _close_malformed(task: Task, record: SQSRecord, error: wire.Malformed, sent: datetime) -> None:
    """Record FAILURE for an unreadable message that contains a task id; one that does not becomes a dead letter."""
    if not error.task_id:
        logger.error("unreadable message", reason=str(error))
        queues.postpone(task.short_name, record.receipt_handle, 0)
        raise error
    message = wire.Message(task_id=error.task_id, name=error.name or task.name, args=[], kwargs={})
    lifecycle.close(records.new(message, queue=task.short_name, created=sent), Status.FAILURE, error)
    logger.warning("unreadable message recorded", task_id=error.task_id, reason=str(error))


def _log_end(outcome: execution.Outcome, sent: datetime) -> None:
    """Log a task's outcome, runtime, and waiting time before its last start, in seconds."""
    record = outcome.record
    if not (outcome.ended_now and record.is_final):
        return
    times: dict[str, Any] = {}
    if record.runtime is not None and record.started:
        waited = max((clock.parse(record.started) - sent).total_seconds(), 0.0)
        times = {"runtime": float(record.runtime), "queue_delay": round(waited, 3)}
    logger.info("task ended", status=record.status, **times)


def _invoke(
    task: Task, event: dict[str, Any], request_id: str, invocation: Invocation, execute: Execute
) -> dict[str, Any]:
    """Run a direct invocation, whose event has the arguments, and return the result; raises TaskFailed."""
    message = wire.Message(task_id=request_id, name=task.name, args=[], kwargs=event, root_id=request_id)
    worker = worker_name(task.short_name)
    delivery = Delivery(message, worker, invocation, clock.now(), requested_by="direct invocation")
    logger.append_keys(task_id=message.task_id, task_name=task.name)
    try:
        outcome = execute(task, delivery)
        _log_end(outcome, delivery.sent)
        record = outcome.record
    except Requeue as requeue:
        queues.send(task.short_name, delays.body_of(task.short_name, message), requeue.seconds)
        record = records.get(request_id)
    if record.status in {Status.FAILURE, Status.REVOKED}:
        raise TaskFailed(f"{record.status} of task {record.task_id}: {record.error_type}: {record.error_message}")
    result = wire.plain(payloads.result_of(record)) if record.status == Status.SUCCESS else None
    return {"task_id": record.task_id, "status": record.status, "result": result}
