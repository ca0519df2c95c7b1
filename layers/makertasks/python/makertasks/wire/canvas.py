"""Chains, groups and chords, converted to messages as by Celery's canvas (celery/canvas.py, 5.4 to 5.7).

Signatures are changed in place: freezing one assigns its ids, and everything that refers to it sees them. So every
incoming signature is copied first (`signatures.checked`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from makertasks.wire.message import Message, Signature
from makertasks.wire.results import Tree, group_tree, task_tree, tree_ids
from makertasks.wire.signatures import checked, in_list, to_message
from makertasks.wire.structure import (
    Options,
    append_links,
    as_chord,
    bound,
    flat_tasks,
    header_group,
    is_empty,
    link_body,
    link_errors,
    merged,
    oldest,
    spliced,
    strip_header_links,
)
from makertasks.wire.values import Malformed

# Options of a chain itself; its first task gets the others.
_CHAIN_OPTIONS = frozenset(
    {"chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id", "chain"}
)


@dataclass(frozen=True)
class StartedChord:
    """A chord whose parts are about to be sent: its group must be saved and its counter set to 0 before."""

    group_id: str
    group: Tree  # what the saved group holds
    size: int  # number of parts


@dataclass(frozen=True)
class Beginning:
    """A client's steps for a canvas: save `chords`, send `messages`, and wait for `tree`."""

    messages: list[Message]
    chords: list[StartedChord]
    tree: Tree


def begin(signature: Signature, *, new_id: Callable[[], str], now: datetime) -> Beginning:
    """Return a signature's first tasks; raises Malformed if it has none, or for an invalid option."""
    sending = Sending(None, new_id, now)
    tree = sending.send(checked(signature, "canvas"), [], {}, trail=False)
    if tree is None or not sending.messages:
        raise Malformed("there is no task in it")
    return Beginning(sending.messages, sending.chords, tree)


@dataclass
class Sending:
    """The messages of signatures, sent on behalf of a task or by a client (`parent` is then None).

    `messages` are to be sent after `chords` are saved; `children` are trees for that task's own result.
    """

    parent: Message | None
    new_id: Callable[[], str]
    now: datetime
    messages: list[Message] = field(default_factory=list)
    chords: list[StartedChord] = field(default_factory=list)
    children: list[Tree] = field(default_factory=list)

    def send(self, signature: Signature, args: list[Any], options: Options, *, trail: bool = True) -> Tree | None:
        """Apply a signature with `args` before its own; with `trail`, its tasks are the parent's children.

        Returns the tree that the caller waits for, a chain's last step or a chord's body; None if there is nothing to
        send.
        """
        given = {name: value for name, value in options.items() if value is not None}
        match signature["subtask_type"]:
            case "chain":
                return self._send_chain(signature, args, given, trail=trail)
            case "group":
                return self._send_group(signature, args, given, trail=trail)
            case "chord":
                return self._send_chord(signature, args, given, trail=trail)
            case _:
                return self._send_task(signature, args, given, trail=trail)

    def _send_task(self, signature: Signature, args: list[Any], options: Options, *, trail: bool) -> Tree:
        full = merged(signature["options"], options)
        if self.parent is not None:
            full["root_id"] = full.get("root_id") or self.parent.root_id or self.parent.task_id
            full["parent_id"] = full.get("parent_id") or self.parent.task_id
        task_id = full.get("task_id") or self.new_id()
        ready = {**signature, "args": bound(signature, args), "options": full}
        self.messages.append(to_message(ready, task_id, self.now))
        tree = task_tree(task_id)
        if trail:
            self.children.append(tree)
        return tree

    def _send_group(self, group: Signature, args: list[Any], options: Options, *, trail: bool) -> Tree | None:
        if not group["kwargs"]["tasks"]:
            return None
        full = merged(group["options"], options)
        group_id = full.pop("task_id", None) or self.new_id()
        chord = full.pop("chord", None)
        full.pop("group_index", None)
        full["group_id"] = group_id
        members = []
        for index, task in self._members(group):
            members.append(self.freeze(task, group_id=group_id, root_id=full.get("root_id"), group_index=index))
            self.send(task, args, {**full, "chord": chord or task["options"].get("chord")}, trail=False)
        tree = group_tree(group_id, members)
        if trail:
            alone = len(members) == 1 and members[0][1] is not None
            self.children.append(members[0] if alone else tree)
        return tree

    def _members(self, group: Signature) -> Iterator[tuple[int, Signature]]:
        """Yield the tasks of a group and of its inner groups, each with its index."""
        for index, task in enumerate(group["kwargs"]["tasks"]):
            if task["subtask_type"] == "group":
                yield from self._members(task)
            elif not is_empty(task, "chain"):
                yield index, task

    def _send_chain(self, chain: Signature, args: list[Any], options: Options, *, trail: bool) -> Tree | None:
        full = {**chain["options"], **options}
        steps, trees = self._steps(chain["kwargs"]["tasks"], full, args=bound(chain, args), frozen_only=False)
        if not steps:
            return None
        append_links(steps[0], "link", in_list(full.get("link")))
        first = steps.pop()
        rest = [*in_list(full.get("chain")), *steps]
        passed_on = {name: value for name, value in full.items() if name not in _CHAIN_OPTIONS}
        self.send(first, [], {**passed_on, "chain": rest}, trail=trail)
        return trees[0]

    def _send_chord(self, chord: Signature, args: list[Any], options: Options, *, trail: bool) -> Tree | None:
        full = {**chord["options"], **options}
        delay = {name: full.pop(name) for name in ("countdown", "eta") if full.get(name) is not None}
        body_id = full.pop("task_id", None)
        body = chord["kwargs"]["body"]
        header = header_group(chord, self.new_id)
        link_body(body, in_list(full.pop("link", None)), in_list(full.pop("link_error", None)))
        # The header's task that finishes last sends the body and is its parent.
        body["options"].update({name: value for name, value in full.items() if name != "parent_id"})
        waited_for = self.freeze(body, task_id=body_id or self.new_id(), root_id=body["options"].get("root_id"))
        strip_header_links(body)
        for consumed in ("chain", "chord", "task_id"):
            full.pop(consumed, None)
        if not flat_tasks(header):
            return self.send(body, [[]], {}, trail=trail)
        group_id = header["options"]["task_id"]
        tree = self.freeze(header, group_id=group_id, chord=body, root_id=body["options"].get("root_id"))
        self.chords.append(StartedChord(group_id, tree, len(list(tree_ids(tree)))))
        self._send_group(header, bound(chord, args), {**full, "task_id": group_id, **delay}, trail=trail)
        oldest(waited_for)[0][1] = tree
        return waited_for

    def freeze(
        self,
        signature: Signature,
        *,
        task_id: str | None = None,
        group_id: str | None = None,
        chord: Signature | None = None,
        root_id: str | None = None,
        group_index: int | None = None,
    ) -> Tree:
        """Assign ids to a signature and everything in it, and return its result's tree."""
        given: Options = {"group_id": group_id, "chord": chord, "root_id": root_id, "group_index": group_index}
        given = {name: value for name, value in given.items() if value is not None}
        options, kind = signature["options"], signature["subtask_type"]
        if kind == "chain":
            _, trees = self._steps(signature["kwargs"]["tasks"], {**given, "task_id": task_id}, frozen_only=True)
            if not trees:
                raise Malformed("a chain without tasks stands where a result is waited for")
            options["task_id"] = next(tree_ids(trees[0]), None)
            return trees[0]
        if kind == "chord":
            return self._freeze_chord(signature, given, task_id)
        if options.get("group_id"):
            given.pop("group_id", None)
        options.update(given)
        if kind == "group":
            return self._freeze_group(signature, given)
        options["task_id"] = options.get("task_id") or task_id or self.new_id()
        return task_tree(options["task_id"])

    def _freeze_group(self, group: Signature, given: Options) -> Tree:
        options = group["options"]
        options["task_id"] = options.get("task_id") or self.new_id()
        tasks = flat_tasks(group)
        group["kwargs"]["tasks"] = tasks
        passed_on = {name: options.get(name) for name in ("group_id", "root_id")} | {"chord": given.get("chord")}
        return group_tree(
            options["task_id"],
            [self.freeze(task, **passed_on, group_index=index) for index, task in enumerate(tasks)],
        )

    def _freeze_chord(self, chord: Signature, given: Options, task_id: str | None) -> Tree:
        header = header_group(chord, self.new_id)
        body = chord["kwargs"]["body"]
        header_tree = self.freeze(header, chord=body, root_id=given.get("root_id"))
        chord["options"]["task_id"] = header["options"]["task_id"]
        tree = self.freeze(body, task_id=task_id, **given)
        oldest(tree)[0][1] = header_tree
        return tree

    def _steps(
        self, tasks: list[Signature], options: Options, *, frozen_only: bool, args: list[Any] | None = None
    ) -> tuple[list[Signature], list[Tree]]:
        """Return a chain's steps and their trees, last first.

        Inner chains are spliced, a group and its next step become a chord. `frozen_only` does not change the steps'
        arguments and links.
        """
        steps = spliced(tasks)
        prepared: list[Signature] = []
        trees: list[Tree] = []
        waiting: Tree | None = None  # the tree of the step after the previous one
        for place, step in enumerate(reversed(steps)):
            task = step
            if place == len(steps) - 1 and not frozen_only:
                task["args"] = bound(task, args or [])
            if task["subtask_type"] == "group" and prepared:
                task, waiting = as_chord(task, prepared, trees)
            last = {name: options.get(name) for name in ("task_id", "group_id", "chord", "group_index")}
            tree = self.freeze(task, root_id=options.get("root_id"), **({} if prepared else last))
            if waiting is not None and waiting[0][1] is None:
                waiting[0][1] = tree
            if not frozen_only:
                link_errors(task, in_list(options.get("link_error")))
            prepared.append(task)
            trees.append(tree)
            waiting = oldest(tree) if task["subtask_type"] == "chord" else tree
        if not frozen_only:
            for task in prepared:
                strip_header_links(task)
        return prepared, trees
