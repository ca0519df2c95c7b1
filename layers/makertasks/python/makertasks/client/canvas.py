"""A client's canvases: chains, groups and chords, in any nesting.

    chain(a.s(1), group(b.s(), c.s()), d.s()).delay()
    chord([a.s(1), a.s(2)], total.s()).apply_async(countdown=60)

The arguments of all first tasks are validated before anything is written; a later step is validated when it is sent,
because it gets the previous step's result. Then chords are saved, and each task's record is written as PENDING before
its message is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Unpack

from makertasks.client import configuration
from makertasks.client.results import GroupResult, from_tree
from makertasks.client.tasks import REQUESTED_BY, Options, Signature, options_on_the_wire
from makertasks.errors import InvalidRequest

if TYPE_CHECKING:
    from makertasks import wire
    from makertasks.client.results import AsyncResult


@dataclass(frozen=True)
class Canvas:
    """A canvas: `kind` is chain, group or chord; a chord also has a `body`."""

    kind: str
    parts: tuple[Signature | Canvas, ...]
    body: Signature | Canvas | None = None
    options: Options = field(default_factory=Options)

    def set(self, **options: Unpack[Options]) -> Canvas:
        """The same with more options."""
        return replace(self, options=Options(**{**self.options, **options}))

    def delay(self) -> AsyncResult | GroupResult:
        """Send it."""
        return self.apply_async()

    def apply_async(self, **options: Unpack[Options]) -> AsyncResult | GroupResult:
        """Send it with further options; returns the result of a chain's last task, of a group, or of a chord's body.

        Raises InvalidRequest (nothing written or sent) or Unavailable: the task that could not be sent is then FAILURE,
        and those after it are not sent.
        """
        from makertasks import wire  # noqa: PLC0415 - loads boto3
        from makertasks.submission import producer  # noqa: PLC0415 - loads boto3

        configuration.load()
        try:
            tree = producer.submit_canvas(self.set(**options).on_the_wire(), requested_by=REQUESTED_BY)
        except wire.Malformed as error:
            raise InvalidRequest(self.kind, error.reason) from error
        return from_tree(tree)

    def on_the_wire(self) -> wire.Signature:
        """Return the canvas as Celery writes it."""
        parts = [part.on_the_wire() for part in self.parts]
        kwargs: dict[str, Any] = {"tasks": parts}
        if self.body is not None:
            header = {**_signature("group", {"tasks": parts}), "options": {"task_id": str(uuid.uuid4())}}
            kwargs = {"header": header, "body": self.body.on_the_wire(), "kwargs": {}}
        return {**_signature(self.kind, kwargs), "options": options_on_the_wire(self.options)}


def _signature(kind: str, kwargs: dict[str, Any]) -> wire.Signature:
    return {
        "task": f"celery.{kind}", "args": [], "kwargs": kwargs, "options": {}, "subtask_type": kind, "immutable": False,
    }  # fmt: skip


def chain(*steps: Signature | Canvas) -> Canvas:
    """Run tasks in sequence, passing each result to the next."""
    return Canvas("chain", _checked("chain", steps))


def group(*members: Signature | Canvas | Iterable[Signature | Canvas]) -> Canvas:
    """Run tasks in parallel; they may also be given as one list."""
    return Canvas("group", _checked("group", _flat(members)))


def chord(header: Canvas | Iterable[Signature | Canvas], body: Signature | Canvas) -> Canvas:
    """Run tasks in parallel, and pass the list of their results to another one."""
    parts: Iterable[Signature | Canvas] = [header] if isinstance(header, Canvas) else header
    if isinstance(header, Canvas) and header.kind == "group":
        parts = header.parts
    return Canvas("chord", _checked("chord", parts), body)


def _flat(members: Sequence[Any]) -> Iterable[Any]:
    alone = len(members) == 1 and not isinstance(members[0], Signature | Canvas)
    return members[0] if alone else members


def _checked(kind: str, parts: Iterable[Any]) -> tuple[Signature | Canvas, ...]:
    found = tuple(parts)
    wrong = next((part for part in found if not isinstance(part, Signature | Canvas)), None)
    if wrong is not None:
        raise InvalidRequest(kind, f"holds {wrong!r}, which is not a signature; make one with task.s(…)")
    if not found:
        raise InvalidRequest(kind, "holds no task; it needs at least one")
    return found
