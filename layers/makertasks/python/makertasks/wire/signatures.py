"""Signatures: tasks in a message that are sent later, each as Celery's dict.

    {"task": name, "args": […], "kwargs": {…}, "options": {…}, "subtask_type": None | "chain" | "group" | "chord" | …,
     "immutable": whether it ignores the previous task's result}

A chain and a group hold theirs in kwargs.tasks, a chord in kwargs.header (a group or a list) and kwargs.body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from makertasks.wire import fields
from makertasks.wire.message import Message, Signature
from makertasks.wire.values import Malformed, shown

# xmap and xstarmap are Celery's own tasks, sent like any other; chunks splits an iterator in the client.
_KINDS = {None, "chain", "group", "chord", "xmap", "xstarmap"}

# Options that hold signatures.
_LISTS = ("link", "link_error", "chain")


def checked(value: object, where: str) -> Signature:
    """Return a complete copy of a signature and everything in it; raises Malformed if it is invalid.

    `where` names its field, for the error.
    """
    if not isinstance(value, dict):
        raise Malformed(f"{where} holds {shown(value)}, not a signature")
    kind = value.get("subtask_type")
    if not isinstance(kind, str | None) or kind not in _KINDS:
        raise Malformed(f"{where} holds a signature of the unknown type {shown(kind)}")
    kwargs = fields.mapping(value.get("kwargs"), f"{where}.kwargs")
    return {
        **value,
        "task": fields.identifier(value.get("task"), f"{where}.task"),
        "args": _list(value.get("args"), f"{where}.args"),
        "kwargs": _checked_parts(kwargs, kind, where),
        "options": _checked_options(fields.mapping(value.get("options"), f"{where}.options"), where),
        "subtask_type": kind,
        "immutable": bool(value.get("immutable")),
    }


def _checked_parts(kwargs: dict[str, Any], kind: str | None, where: str) -> dict[str, Any]:
    if kind in ("chain", "group"):
        return {**kwargs, "tasks": [checked(task, where) for task in _list(kwargs.get("tasks"), f"{where}.tasks")]}
    if kind != "chord":
        return dict(kwargs)
    header = kwargs.get("header")
    return {
        **kwargs,
        "header": [checked(task, where) for task in header] if isinstance(header, list) else checked(header, where),
        "body": checked(kwargs.get("body"), where),
    }


def _checked_options(options: dict[str, Any], where: str) -> dict[str, Any]:
    copied = dict(options)
    for name in _LISTS:
        value = options.get(name)
        if isinstance(value, list):
            copied[name] = [checked(entry, f"{where}.{name}") for entry in value]
        elif value is not None:
            copied[name] = checked(value, f"{where}.{name}")
    if options.get("chord") is not None:
        copied["chord"] = checked(options["chord"], f"{where}.chord")
    for name in ("task_id", "group_id", "root_id", "parent_id"):
        if name in options:
            copied[name] = fields.optional_identifier(options, name)
    return copied


def _list(value: object, field: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise Malformed(f"{field} is {shown(value)}, not a list")
    return list(value)


def in_list(value: Any) -> list[Signature]:
    """Return the signatures of an option that holds one, several or none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def header_tasks(chord: Signature) -> list[Signature]:
    """Return the tasks of a chord's header, which may be a list, a group, a chain's steps or a single task."""
    header = chord["kwargs"]["header"]
    if isinstance(header, list):
        return header
    tasks: list[Signature] = header["kwargs"]["tasks"] if header["subtask_type"] in ("group", "chain") else [header]
    return tasks


def to_message(signature: Signature, task_id: str, now: datetime) -> Message:
    """Return the message of a single task's signature, for `task_id`; raises Malformed for invalid options.

    Links are not copied: a header's tasks share one chord body, however large.
    """
    options = signature["options"]
    stamped = fields.names(options, "stamped_headers")
    texts = ("shadow", "origin", "reply_to", "argsrepr", "kwargsrepr")
    read: dict[str, Any] = {
        **_timing(options, now),
        **{field: fields.optional_identifier(options, field) for field in ("root_id", "parent_id", "group_id")},
        **{field: fields.number(options, field) or 0 for field in ("retries", "priority", "replaced_task_nesting")},
        **{field: fields.text(options, field) for field in texts},
    }
    return Message(
        task_id=task_id,
        name=signature["task"],
        args=signature["args"],
        kwargs=signature["kwargs"],
        group_index=fields.number(options, "group_index"),
        ignore_result=fields.flag(options, "ignore_result"),
        queue=options["queue"] if isinstance(options.get("queue"), str) else None,
        stamped_headers=stamped,
        stamps={name: options[name] for name in stamped or [] if name in options},
        headers=fields.mapping(options.get("headers"), "headers"),
        callbacks=in_list(options.get("link")) or None,
        errbacks=in_list(options.get("link_error")) or None,
        chain=None if options.get("chain") is None else in_list(options["chain"]),
        chord=options.get("chord"),
        **read,
    )


def _timing(options: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a task's ETA, expiry and time limits as a message's fields."""
    countdown = fields.offset(options, "countdown")
    if isinstance(options.get("expires"), int | float):
        expires = fields.offset(options, "expires")
        expiry = None if expires is None else now + expires
    else:
        expiry = fields.moment(options, "expires")
    return {
        "eta": now + countdown if countdown else fields.moment(options, "eta"),
        "expires": expiry,
        "time_limit": fields.seconds(options.get("time_limit"), "time_limit"),
        "soft_time_limit": fields.seconds(options.get("soft_time_limit"), "soft_time_limit"),
    }
