"""A task's first record and its message, created together from validated arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from makertasks import masking, tasks, wire
from makertasks.errors import InvalidArguments, UnknownTask
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.tasks import Task

# Maximum characters of JSON of a record's links, chain, headers and the like. A DynamoDB item holds 400 KB, of which
# arguments, a task's state and its earlier attempts may need half.
MAXIMUM_OPTIONS = 150_000
# The attributes of a message that hold follow-ups.
FOLLOWING = ("callbacks", "errbacks", "chain", "chord")


@dataclass(frozen=True)
class Draft:
    """A PENDING record that is not written yet, and its message."""

    record: TaskRecord
    message: wire.Message


def draft(task: Task, message: wire.Message, *, created: datetime | None = None, **attributes: Any) -> Draft:
    """Bind the message's arguments to their names, store large ones in the bucket, and create the record.

    Secrets among the arguments stay only in the message. `attributes` are those of the record that messages do not
    have. Raises InvalidArguments, payloads.TooLarge, and TemporaryError if S3 fails.
    """
    kwargs = task.bind(message.args, message.kwargs)
    shown = masking.masked(kwargs, task.secret_arguments)
    if shown != kwargs and not payloads.stands_in_record(kwargs):
        raise InvalidArguments(
            "kwargs: contain secrets and do not fit into the task's record (too large, too deeply nested, or with too "
            "large a number); stored in the bucket, they would not be masked. Shorten the other arguments"
        )
    args = list(message.args) if task.is_of_application else []
    slim = payloads.slim(replace(message, args=args, kwargs=kwargs))
    kept = slim if slim.kwargs != kwargs else replace(slim, kwargs=shown)
    kept = replace(kept, **{name: _without_secrets(getattr(kept, name)) for name in FOLLOWING if getattr(kept, name)})
    positional = None if args else list(task.arguments.__struct_fields__)[: len(message.args)] or None
    known = {"item_id": task.item_id(kwargs), "positional": positional, **attributes}
    record = records.new(kept, queue=task.short_name, created=created, **known)
    if (size := len(record.options or "")) > MAXIMUM_OPTIONS:
        raise InvalidArguments(
            f"options: the task's follow-ups and headers have {size:,} characters of JSON; the limit "
            f"is {MAXIMUM_OPTIONS:,}. Make its chain, its links or its group smaller"
        )
    return Draft(record, slim)


def _without_secrets(canvas: Any) -> Any:
    """Return a task's follow-ups, with masked secret arguments."""
    if isinstance(canvas, list):
        return [_without_secrets(each) for each in canvas]
    if not isinstance(canvas, dict):
        return canvas
    shown = {name: _without_secrets(value) for name, value in canvas.items()}
    try:
        following = tasks.find(str(shown.get("task", "")))
    except UnknownTask:
        return shown
    names = list(following.arguments.__struct_fields__)
    if isinstance(args := shown.get("args"), list):
        by_name = masking.masked(dict(zip(names, args, strict=False)), following.secret_arguments)
        shown["args"] = [*by_name.values(), *args[len(names) :]]
    if isinstance(kwargs := shown.get("kwargs"), dict):
        shown["kwargs"] = masking.masked(kwargs, following.secret_arguments)
    return shown


def bare(message: wire.Message) -> wire.Message:
    """Return the message without follow-ups and headers, so that it certainly fits into a record."""
    return wire.Message(
        task_id=message.task_id,
        name=message.name,
        args=message.args,
        kwargs=message.kwargs,
        eta=message.eta,
        expires=message.expires,
        root_id=message.root_id,
        parent_id=message.parent_id,
        group_id=message.group_id,
    )
