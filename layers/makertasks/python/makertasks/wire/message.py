"""A task's message and its serialization: Celery's message protocol 2 in kombu's envelope for SQS."""

from __future__ import annotations

import base64
import os
import platform
import uuid
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from makertasks.wire.values import Malformed, dump_value, load_value

# Celery truncates the arguments' reprs, which only logs and events show, at this many characters.
_REPR_CHARACTERS = 1024

# A signature: {"task", "args", "kwargs", "options", "subtask_type", "immutable"}.
Signature = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """The fields of a task's message that a worker reads. Times are in UTC, limits in seconds."""

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
    ignore_result: bool | None = False  # None: the task definition's
    shadow: str | None = None  # replaces the name in logs
    origin: str | None = None  # None: this process
    reply_to: str | None = None
    priority: int = 0
    queue: str | None = None  # the queue named by the sender; not part of the message
    argsrepr: str | None = None  # replaces the arguments in logs if the sender hides them; None: their repr
    kwargsrepr: str | None = None
    replaced_task_nesting: int = 0
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)  # added by the caller
    properties: dict[str, Any] = field(default_factory=dict)  # AMQP's, added by the caller: app_id, user_id, type …
    compression: str | None = None  # content type with which the body was compressed; we write uncompressed bodies
    callbacks: list[Signature] | None = None
    errbacks: list[Signature] | None = None
    chain: list[Signature] | None = None  # reversed: the next step is the last
    chord: Signature | None = None  # the body of the chord this task is a part of


def encode(message: Message, queue: str) -> str:
    """Return the SQS message body, as kombu writes it, for `queue` (its name, which stock workers show).

    Raises TypeError or ValueError if the arguments are not JSON.
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
    """Return ISO 8601 with an offset; a time without a zone is UTC, as everywhere here."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _repr(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number with more digits than Python converts
        return "…"
    return text if len(text) <= _REPR_CHARACTERS else f"{text[:_REPR_CHARACTERS]}..."


# Fields for which a task's record has attributes; its options hold all other fields of a message.
_RECORDED = {"task_id", "name", "args", "kwargs", "eta", "expires", "root_id", "parent_id", "group_id", "queue"}


def dump_options(message: Message) -> str | None:
    """Return JSON of a message's fields for which records have no attributes; None if there are none.

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
    """Return the fields that dump_options() wrote; raises Malformed."""
    options = load_value(text) if text else {}
    if not isinstance(options, dict) or options.keys() - {option.name for option in fields(Message)}:
        raise Malformed("a record's options are invalid; another version or a person wrote them")
    return options
