"""The structure of chains, groups and chords: pure steps of converting them, on signatures that may be changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from makertasks.wire.message import Signature
from makertasks.wire.results import Tree
from makertasks.wire.signatures import header_tasks, in_list

# Options of a signature that a sender may not override: its group could otherwise not count it.
_FIXED_OPTIONS = frozenset({"group_id", "stamped_headers"})

Options = dict[str, Any]


def merged(own: Options, given: Options) -> Options:
    """Return a signature's options, overridden by those given at sending, except those that are fixed once set."""
    fixed = _FIXED_OPTIONS | set(own.get("stamped_headers") or ())
    return {**own, **{name: value for name, value in given.items() if name not in fixed or own.get(name) is None}}


def bound(signature: Signature, args: list[Any]) -> list[Any]:
    """Return a signature's arguments, after `args` unless it is immutable."""
    return signature["args"] if signature["immutable"] else [*args, *signature["args"]]


def is_empty(signature: Signature, kind: str) -> bool:
    """Return whether a signature is a chain or a group (`kind`) without tasks."""
    return signature["subtask_type"] == kind and not signature["kwargs"]["tasks"]


def _unrolled(signature: Signature) -> Signature:
    """Return the task of a group of one; any other signature unchanged."""
    if signature["subtask_type"] == "group" and len(signature["kwargs"]["tasks"]) == 1:
        return _unrolled(signature["kwargs"]["tasks"][0])
    return signature


def spliced(tasks: list[Signature]) -> list[Signature]:
    """Return a chain's steps in order, without inner chains, groups of one, and empty groups beside other steps."""
    steps: list[Signature] = []
    for task in map(_unrolled, tasks):
        steps += spliced(task["kwargs"]["tasks"]) if task["subtask_type"] == "chain" else [task]
    return [step for step in steps if not is_empty(step, "group")] or steps[:1]


def flat_tasks(group: Signature) -> list[Signature]:
    """Return the tasks of a group and of its inner groups.

    The tasks of an inner group are in reverse order, as in Celery: a chord's results have the same order wherever it is
    converted.
    """
    waiting = deque(group["kwargs"]["tasks"])
    tasks = []
    while waiting:
        task = waiting.popleft()
        if task["subtask_type"] == "group":
            waiting.extendleft(task["kwargs"]["tasks"])
        elif not is_empty(task, "chain"):
            tasks.append(task)
    return tasks


def header_group(chord: Signature, new_id: Callable[[], str]) -> Signature:
    """Return a chord's header as a group, and store it as one."""
    group_id = chord["options"].get("task_id") or new_id()
    header = group_of(header_tasks(chord), {"task_id": group_id})
    chord["kwargs"]["header"] = header
    return header


def group_of(tasks: list[Signature], options: Options | None = None) -> Signature:
    """Return a group's signature."""
    return {
        "task": "celery.group",
        "args": [],
        "kwargs": {"tasks": tasks},
        "options": options or {},
        "subtask_type": "group",
        "immutable": False,
    }


def as_chord(group: Signature, prepared: list[Signature], trees: list[Tree]) -> tuple[Signature, Tree | None]:
    """Return the chord of a group and the step after it, which is removed; and the tree that waits for its result."""
    body, body_tree = prepared.pop(), trees.pop()
    chord = {
        "task": "celery.chord",
        "args": group["args"],
        "kwargs": {"kwargs": {}, "header": group, "body": body},
        "options": {},
        "subtask_type": "chord",
        "immutable": False,
    }
    # The rest of the chain waits for the body's result, which freezing the chord recreates.
    waiting = trees[-1] if trees else None
    while waiting is not None and waiting[0][1] is not body_tree:
        waiting = waiting[0][1]
    if waiting is not None:
        waiting[0][1] = None
    return chord, waiting


def oldest(tree: Tree) -> Tree:
    """Return the first of a result's ancestors."""
    while tree[0][1] is not None:
        tree = tree[0][1]
    return tree


def append_links(signature: Signature, option: str, links: list[Signature]) -> None:
    """Add callbacks or errbacks (`option`) to a signature's own, without duplicates."""
    present = in_list(signature["options"].get(option))
    added = [link for link in links if link not in present]
    if added:
        signature["options"][option] = [*present, *added]


def link_body(body: Signature, callbacks: list[Signature], errbacks: list[Signature]) -> None:
    """Give a chord's links to its body; a group's first task takes the callbacks, each of its tasks the errbacks."""
    if body["subtask_type"] == "group":
        for place, task in enumerate(body["kwargs"]["tasks"]):
            links = [] if place else [{**callback, "immutable": True} for callback in callbacks]
            link_body(task, links, errbacks)
    elif body["subtask_type"] == "chord":
        link_body(body["kwargs"]["body"], callbacks, errbacks)
    else:
        append_links(body, "link", callbacks)
        append_links(body, "link_error", errbacks)


def link_errors(task: Signature, errbacks: list[Signature]) -> None:
    """Give a chain's errbacks to one of its steps."""
    if task["subtask_type"] == "chord":
        link_errors(task["kwargs"]["body"], errbacks)
    elif task["subtask_type"] == "group":
        for member in task["kwargs"]["tasks"]:
            link_errors(member, errbacks)
    else:
        append_links(task, "link_error", errbacks)


def strip_header_links(signature: Signature) -> None:
    """Remove a chord's body from its header's tasks, which get it back when they are sent: the message stays small."""
    kwargs = signature["kwargs"]
    if signature["subtask_type"] == "chord":
        for task in header_tasks(signature):
            _clear_chord(task)
            strip_header_links(task)
        if isinstance(kwargs["header"], dict):
            kwargs["header"]["options"].pop("chord", None)
        strip_header_links(kwargs["body"])
    elif signature["subtask_type"] in ("chain", "group"):
        for task in kwargs["tasks"]:
            strip_header_links(task)


def _clear_chord(signature: Signature) -> None:
    signature["options"].pop("chord", None)
    kwargs = signature["kwargs"]
    if signature["subtask_type"] == "group":
        for task in kwargs["tasks"]:
            _clear_chord(task)
    elif signature["subtask_type"] == "chain" and kwargs["tasks"]:
        _clear_chord(kwargs["tasks"][-1])
    elif signature["subtask_type"] == "chord":
        _clear_chord(kwargs["body"])
