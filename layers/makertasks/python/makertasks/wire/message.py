"""A task's message, and how it is written: Celery's message protocol 2 in kombu's envelope for SQS."""

from __future__ import annotations

import base64
import os
import platform
import uuid
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from makertasks.wire.values import Malformed, dump_value, load_value

# Celery cuts the arguments' reprs, which only logs and events show, at this many characters.
_REPR_CHARACTERS = 1024

# A signature: {"task", "args", "kwargs", "options", "subtask_type", "immutable"}.
Signature = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """Everything a worker reads of a task's message. Times are in UTC, limits in seconds."""

    task_id: str
    name: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    retries: int = 0
    eta: datetime | None = None
    expires: datetime | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    root_id: str | None = None  # None: the task is its own root
    parent_id: str | None = None
    group_id: str | None = None
    group_index: int | None = None
    ignore_result: bool | None = False  # None: as the task's definition says
    shadow: str | None = None  # the name that logs show instead
    origin: str | None = None  # None: this process
    reply_to: str | None = None
    priority: int = 0
    queue: str | None = None  # the queue the sender named, for whoever sends the message; not part of it
    argsrepr: str | None = None  # what logs show of the arguments where the sender hides them; None: their repr
    kwargsrepr: str | None = None
    replaced_task_nesting: int = 0
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)  # those the caller added
    properties: dict[str, Any] = field(default_factory=dict)  # AMQP's that the caller added: app_id, user_id, type …
    compression: str | None = None  # content type the body was compressed with; what we write is not compressed
    callbacks: list[Signature] | None = None
    errbacks: list[Signature] | None = None
    chain: list[Signature] | None = None  # reversed: the next step is the last
    chord: Signature | None = None  # the body of the chord this task is a part of


def encode(message: Message, queue: str) -> str:
    """The SQS message body, as kombu writes it, for `queue` (its name, which stock workers show).

    Raises TypeError or ValueError where the arguments have no JSON form.
    """
    embedded = {
        "callbacks": message.callbacks,
        "errbacks": message.errbacks,
        "chain": message.chain,
        "chord": message.chord,
    }
    body = dump_value([message.args, message.kwargs, embedded])
    envelope = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _headers(message),
        "properties": {
            "correlation_id": message.task_id,
            "reply_to": message.reply_to or "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": message.priority,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
            **message.properties,
        },
    }
    return base64.b64encode(dump_value(envelope).encode()).decode()


def _headers(message: Message) -> dict[str, Any]:
    return {
        "lang": "py",
        "task": message.name,
        "id": message.task_id,
        "shadow": message.shadow,
        "eta": _iso(message.eta),
        "expires": _iso(message.expires),
        "group": message.group_id,
        "group_index": message.group_index,
        "retries": message.retries,
        "timelimit": [message.time_limit, message.soft_time_limit],
        "root_id": message.root_id or message.task_id,
        "parent_id": message.parent_id,
        "argsrepr": _repr(tuple(message.args)) if message.argsrepr is None else message.argsrepr,
        "kwargsrepr": _repr(message.kwargs) if message.kwargsrepr is None else message.kwargsrepr,
        "origin": message.origin or f"gen{os.getpid()}@{platform.node()}",
        "ignore_result": message.ignore_result,
        "replaced_task_nesting": message.replaced_task_nesting,
        "stamped_headers": message.stamped_headers,
        "stamps": message.stamps,
        **message.headers,
    }


def _iso(moment: datetime | None) -> str | None:
    """ISO 8601 with an offset; a time without zone is taken for UTC, as everywhere here."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _repr(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return "…"
    return text if len(text) <= _REPR_CHARACTERS else f"{text[:_REPR_CHARACTERS]}..."


# What a task's record has attributes of its own for; everything else of a message goes into its options.
_RECORDED = {"task_id", "name", "args", "kwargs", "eta", "expires", "root_id", "parent_id", "group_id", "queue"}


def dump_options(message: Message) -> str | None:
    """JSON of what a message carries beside the fields that records keep; None where that is nothing.

    `Message(**recorded, **load_options(text))` is the message again.
    """
    options = {}
    for option in fields(Message):
        value = getattr(message, option.name)
        default = option.default_factory() if option.default_factory is not MISSING else option.default
        if option.name not in _RECORDED and value != default:
            options[option.name] = value
    return dump_value(options) if options else None


def load_options(text: str | None) -> dict[str, Any]:
    """The fields that dump_options() wrote; raises Malformed."""
    options = load_value(text) if text else {}
    if not isinstance(options, dict) or options.keys() - {option.name for option in fields(Message)}:
        raise Malformed("a record's options are not those of a message; it was written by another version or by hand")
    return options
