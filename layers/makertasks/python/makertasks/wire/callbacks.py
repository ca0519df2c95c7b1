"""Follow-ups of a task: the messages of its callbacks, chain, errbacks and chord.

As in Celery's tracer (celery/app/trace.py) and result backend (celery/backends/base.py). All functions raise Malformed
if a signature's options are invalid; nothing is sent or counted here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from makertasks.wire.canvas import Sending, StartedChord
from makertasks.wire.message import Message, Signature
from makertasks.wire.results import Tree
from makertasks.wire.signatures import checked, in_list, to_message
from makertasks.wire.structure import group_of, strip_header_links


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Followers:
    """The steps after a finished task, in this order: save `chords`, send `messages`, record `failed` as FAILURE."""

    messages: list[Message] = field(default_factory=list)
    chords: list[StartedChord] = field(default_factory=list)
    children: list[Tree] = field(default_factory=list)  # for the ended task's own result
    # Tasks that will never run, with the error of the one that failed; one with a `chord` is a part of it that failed.
    failed: list[Message] = field(default_factory=list)


def followers(
    message: Message, result: Any, *, new_id: Callable[[], str] = _new_id, now: datetime | None = None
) -> Followers:
    """Return a success's follow-ups: callbacks get the result before their own arguments, then the chain continues."""
    sending = _sending(message, new_id, now)
    options = {"root_id": message.root_id or message.task_id, "parent_id": message.task_id}
    callbacks = [checked(callback, "link") for callback in message.callbacks or []]
    single = [callback for callback in callbacks if callback["subtask_type"] != "group"]
    if len(callbacks) > 1:
        groups = [callback for callback in callbacks if callback["subtask_type"] == "group"]
        callbacks = [*groups, *([group_of(single)] if single else [])]
    for callback in callbacks:
        sending.send(callback, [result], options)
    if message.chain:
        *rest, step = [checked(step, "chain") for step in message.chain]
        sending.send(step, [result], {**options, "chain": rest})
    return Followers(sending.messages, sending.chords, sending.children)


def error_followers(message: Message, *, new_id: Callable[[], str] = _new_id, now: datetime | None = None) -> Followers:
    """Return a failure's follow-ups: errbacks get the task's id, and the chain's later steps fail with it."""
    sending = _sending(message, new_id, now)
    _call_errbacks(sending, message, message.errbacks or [], message.task_id)
    return Followers(sending.messages, sending.chords, failed=_never_run(message.chain or [], sending))


def chord_followers(
    message: Message, results: list[Any], *, new_id: Callable[[], str] = _new_id, now: datetime | None = None
) -> Followers:
    """Return the follow-ups of a chord's last part, `message`: the body gets the list of all parts' results."""
    sending = _sending(message, new_id, now)
    if message.chord is not None:
        sending.send(checked(message.chord, "chord"), [results], {})
    return Followers(sending.messages, sending.chords)


def chord_error_followers(
    message: Message, *, new_id: Callable[[], str] = _new_id, now: datetime | None = None
) -> Followers:
    """Return the follow-ups of a chord's failed part: the body fails, its errbacks get its id, its chain fails with it.

    Celery's error for those is ChordError, "Dependency <id> raised <repr of the error>". Finished tasks among `failed`
    do not change and are not counted again.
    """
    sending = _sending(message, new_id, now)
    if message.chord is None:
        return Followers()
    body = checked(message.chord, "chord")
    sending.freeze(body)
    strip_header_links(body)
    _call_errbacks(sending, message, in_list(body["options"].get("link_error")), body["options"]["task_id"])
    failed = _never_run([body], sending)
    return Followers(sending.messages, sending.chords, failed=failed)


def _sending(message: Message, new_id: Callable[[], str], now: datetime | None) -> Sending:
    return Sending(message, new_id, now or datetime.now(UTC))


def _call_errbacks(sending: Sending, message: Message, errbacks: list[Signature], task_id: str) -> None:
    """Send errbacks as tasks that get the failed task's id.

    Celery calls errbacks with more arguments in the failing worker if it knows them, and sends all others like this.
    """
    if errbacks:
        options = {"root_id": message.root_id or message.task_id, "parent_id": task_id}
        sending.send(group_of([checked(errback, "link_error") for errback in errbacks]), [task_id], options)


def _never_run(steps: list[Signature], sending: Sending) -> list[Message]:
    """Yield the tasks of signatures that will not be sent, if they have ids that somebody may wait for."""
    tasks = []
    for step in steps:
        options, kwargs = step["options"], step["kwargs"]
        match step["subtask_type"]:
            case "chain" | "group":
                tasks += _never_run(kwargs["tasks"], sending)
            case "chord":
                tasks += _never_run([kwargs["body"]], sending)
            case _ if options.get("task_id"):
                tasks.append(to_message(step, options["task_id"], sending.now))
        tasks += _never_run(in_list(options.get("chain")), sending)
    return tasks
