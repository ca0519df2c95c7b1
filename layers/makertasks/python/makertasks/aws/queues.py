"""The tasks' queues: the only module that talks to SQS. A task's queue is named `{stack}-tasks-{task's short name}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from makertasks import settings
from makertasks.aws import session
from makertasks.aws.errors import Answered, asking
from makertasks.errors import Unavailable

# SQS's own limits: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAXIMUM_DELAY_SECONDS = 900
# 12 hours from when a message was received, less the 15 minutes for which its function may have held it.
MAXIMUM_VISIBILITY_SECONDS = 43_200 - 1_000
MAXIMUM_BATCH = 10
MAXIMUM_BATCH_BYTES = 262_144


# Queues that belong to no task: the one from which a site pulls tasks' changes, and the dead-letter queue of all tasks.
SITE_CHANGES = "site-changes"
DEAD_LETTERS = "dead-letters"


def name_of(queue: str) -> str:
    """Return the full name of a task's queue, or of one of the two others."""
    kind = "" if queue in {SITE_CHANGES, DEAD_LETTERS} else "tasks-"
    return f"{settings.stack()}-{kind}{queue}"


class QueueMissing(Unavailable):
    """The stack has no such queue: its task was removed."""


@cache
def url_of(queue: str) -> str:
    """Return the URL of a task's queue; raises Unavailable if there is none or SQS fails."""
    try:
        with asking(f"the queue {name_of(queue)} could not be looked up", "NonExistentQueue", "QueueDoesNotExist"):
            url: str = session.client("sqs").get_queue_url(QueueName=name_of(queue))["QueueUrl"]
    except Answered as error:
        raise QueueMissing(f"there is no queue {name_of(queue)}") from error
    return url


def region() -> str:
    """Return the queues' region."""
    name: str = session.client("sqs").meta.region_name
    return name


def arn_of(queue: str) -> str:
    """Return the ARN of a task's queue, derived from that of a role of the same account."""
    _, partition, _, _, account, _ = settings.delays_role().split(":", 5)
    return f"arn:{partition}:sqs:{region()}:{account}:{name_of(queue)}"


def arn_by_sqs(queue: str) -> str:
    """Return the ARN of a task's queue from SQS, if no role is known; raises Unavailable."""
    with asking(f"the ARN of the queue {name_of(queue)} could not be read"):
        answer = session.client("sqs").get_queue_attributes(QueueUrl=url_of(queue), AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    return arn


def send(queue: str, body: str, delay: float = 0) -> None:
    """Send one message, visible after `delay` seconds (at most 900); raises Unavailable."""
    with asking(f"the queue {name_of(queue)} refused the message"):
        session.client("sqs").send_message(QueueUrl=url_of(queue), MessageBody=body, DelaySeconds=_whole(delay))


def send_many(queue: str, bodies: list[tuple[str, float]], pool: ThreadPoolExecutor) -> dict[int, str]:
    """Send (body, delay) pairs, ten per request; returns the reason of each failure by index."""
    refused: dict[int, str] = {}
    for answer in pool.map(lambda batch: _send_batch(queue, batch), _batches(bodies)):
        refused |= answer
    return refused


def _send_batch(queue: str, batch: list[tuple[int, tuple[str, float]]]) -> dict[int, str]:
    entries = [{"Id": str(index), "MessageBody": body, "DelaySeconds": _whole(delay)} for index, (body, delay) in batch]
    try:
        with asking(f"the queue {name_of(queue)} refused the messages"):
            answer = session.client("sqs").send_message_batch(QueueUrl=url_of(queue), Entries=entries)
    except Unavailable as error:
        return {index: str(error) for index, _ in batch}
    return {int(entry["Id"]): entry.get("Message", entry["Code"]) for entry in answer.get("Failed", [])}


@dataclass(frozen=True)
class Received:
    """A message received from a queue, invisible for the queue's visibility time-out."""

    body: str
    message_id: str
    receipt_handle: str
    sent: datetime
    source: str | None = None  # the source queue of a dead letter
    receives: int = 1  # number of times that any queue delivered it, this one included


def receive(queue: str, wait: int = 1) -> list[Received]:
    """Receive up to ten messages, as a worker does, or none after `wait` seconds (below 10); raises Unavailable."""
    with asking(f"the messages of queue {name_of(queue)} could not be received"):
        answer = session.client("sqs").receive_message(
            QueueUrl=url_of(queue),
            MaxNumberOfMessages=MAXIMUM_BATCH,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["SentTimestamp", "DeadLetterQueueSourceArn", "ApproximateReceiveCount"],
        )
    return [_received(message) for message in answer.get("Messages", [])]


def _received(message: Mapping[str, Any]) -> Received:
    attributes = message["Attributes"]
    sent = datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
    source = attributes.get("DeadLetterQueueSourceArn", "").rpartition(":")[2]
    return Received(
        message["Body"], message["MessageId"], message["ReceiptHandle"], sent, source.removeprefix(name_of("")) or None,
        int(attributes.get("ApproximateReceiveCount", 1)),
    )  # fmt: skip


def delete(queue: str, receipt_handle: str) -> None:
    """Delete a received message; raises Unavailable."""
    with asking(f"a message of queue {name_of(queue)} could not be deleted"):
        session.client("sqs").delete_message(QueueUrl=url_of(queue), ReceiptHandle=receipt_handle)


def lengths(queue: str) -> tuple[int, int, int]:
    """Return a task's queue's approximate numbers of waiting, in-flight and delayed messages; raises Unavailable."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    with asking(f"the queue {name_of(queue)} did not respond"):
        found = session.client("sqs").get_queue_attributes(QueueUrl=url_of(queue), AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]]), int(found[names[2]])


def is_empty(queue: str) -> bool:
    """Return whether a queue has no message, waiting, in flight or delayed; raises Unavailable for an unknown queue."""
    return not any(lengths(queue))


def has_backlog(queue: str) -> bool:
    """Return whether a queue has waiting messages; raises Unavailable for an unknown queue."""
    return lengths(queue)[0] > 0


def postpone(queue: str, receipt_handle: str, seconds: float) -> None:
    """Make a received message visible after `seconds` (at most 11.7 hours) instead of the queue's own time-out.

    Raises Unavailable; the message then comes back after the queue's own visibility time-out.
    """
    visibility = min(_whole(seconds, MAXIMUM_VISIBILITY_SECONDS), MAXIMUM_VISIBILITY_SECONDS)
    with asking(f"the queue {name_of(queue)} refused the delay"):
        session.client("sqs").change_message_visibility(
            QueueUrl=url_of(queue), ReceiptHandle=receipt_handle, VisibilityTimeout=visibility
        )


def _whole(seconds: float, maximum: int = MAXIMUM_DELAY_SECONDS) -> int:
    return max(0, min(math.ceil(seconds), maximum))


def _batches(bodies: list[tuple[str, float]]) -> list[list[tuple[int, tuple[str, float]]]]:
    """Yield lists of at most ten messages and 256 KB together."""
    batches: list[list[tuple[int, tuple[str, float]]]] = []
    size = 0
    for index, entry in enumerate(bodies):
        length = len(entry[0].encode())
        if not batches or len(batches[-1]) == MAXIMUM_BATCH or size + length > MAXIMUM_BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append((index, entry))
        size += length
    return batches
