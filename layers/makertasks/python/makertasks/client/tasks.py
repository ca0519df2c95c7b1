"""A client's tasks: sent with `delay` and `apply_async`, never run locally.

    from makertasks import generate_index_card, generate_qr_code

    generate_qr_code.delay(item_id=item.id)
    generate_qr_code.apply_async(kwargs={"item_id": item.id}, countdown=60, link=generate_index_card.si(item.id))

Arguments are validated against the task's signature before anything is written; then its record is written as PENDING,
then its message is sent. If sending fails, the record becomes FAILURE and the caller gets Unavailable.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from makertasks import settings
from makertasks.client import configuration
from makertasks.client.results import AsyncResult
from makertasks.errors import InvalidRequest

if TYPE_CHECKING:
    from makertasks.submission.bulk import Submitted
    from makertasks.submission.producer import Submission
    from makertasks.tasks import Task

REQUESTED_BY = "client"


class Options(TypedDict, total=False):
    """Options of a task; times are in seconds unless they are a datetime."""

    countdown: float  # start after this many seconds
    eta: datetime  # do not start before then
    expires: datetime | float  # revoke if it has not started by then
    task_id: str
    link: Sendable | Sequence[Sendable]  # callbacks; get the result as their first argument
    link_error: Sendable | Sequence[Sendable]  # errbacks; get the task's id
    max_retries: int
    time_limit: float
    soft_time_limit: float
    ignore_result: bool
    idempotency_key: str  # the same key with the same arguments returns the same task
    requested_by: str
    parent_id: str
    root_id: str
    headers: Mapping[str, Any]


# Options that are not part of a message: only a task that is sent directly can have them.
_OWN = frozenset({"max_retries", "idempotency_key", "requested_by"})


class Sendable(Protocol):
    """A possible follow-up of a task: a signature or a canvas."""

    def on_the_wire(self) -> dict[str, Any]:
        """Return it as Celery writes it."""


@dataclass(frozen=True)
class Signature:
    """A task with its arguments, to send later or after another one."""

    task: RemoteTask
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    immutable: bool = False  # whether it ignores the previous task's result
    options: Options = field(default_factory=Options)

    def set(self, **options: Unpack[Options]) -> Signature:
        """The same with more options."""
        return replace(self, options=Options(**{**self.options, **options}))

    def delay(self) -> AsyncResult:
        """Send it."""
        return self.apply_async()

    def apply_async(self, **options: Unpack[Options]) -> AsyncResult:
        """Send it with further options."""
        return self.task.apply_async(self.args, self.kwargs, **Options(**{**self.options, **options}))

    def submission(self) -> Submission:
        """Return the submission of this signature."""
        from makertasks.submission.producer import Submission  # noqa: PLC0415 - loads boto3

        options = _with_links_on_the_wire(self.options)
        options.pop("idempotency_key", None)  # an option of the call, not of the task
        return Submission(self.task.name, self.kwargs, self.args, **options)

    def on_the_wire(self) -> dict[str, Any]:
        """Return the signature as Celery writes it."""
        return {
            "task": self.task.name,
            "args": list(self.args),
            "kwargs": dict(self.kwargs),
            "options": options_on_the_wire(self.options),
            "subtask_type": None,
            "immutable": self.immutable,
        }


class RemoteTask:
    """A task of the stack. Its definition is loaded on first use, from the copy of its folder in this package."""

    def __init__(self, folder: str) -> None:
        """`folder` is the task's short name."""
        self.folder = folder

    @cached_property
    def definition(self) -> Task:
        """Return the task's declaration: name, arguments and limits."""
        from makertasks import tasks  # noqa: PLC0415 - loads the engine

        return tasks.in_folder(self.folder)

    @property
    def name(self) -> str:
        """Return the task's full name: `inventory.tasks.generate_qr_code`."""
        return self.definition.name

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """Return the task's docstring."""
        return inspect.getdoc(self.definition.run)

    @property
    def __signature__(self) -> inspect.Signature:
        """Return the task's signature, which `inspect.signature` and editors show."""
        return inspect.signature(self.definition.run, eval_str=True)

    def __call__(self, *_args: Any, **_kwargs: Any) -> None:
        """Raise TypeError: a task runs on AWS."""
        raise TypeError(f"{self.folder} runs on AWS Lambda, not in this process; send it with {self.folder}.delay(…)")

    def __repr__(self) -> str:
        return f"<RemoteTask {self.folder}>"

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send the task with these arguments; raises InvalidRequest (nothing sent) or Unavailable."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[Options]
    ) -> AsyncResult:
        """Send the task; raises InvalidRequest (nothing written or sent) or Unavailable (recorded as FAILURE)."""
        own = Options(**{"requested_by": REQUESTED_BY, **options})
        return AsyncResult(_submit(Signature(self, tuple(args), kwargs or {}, options=own)))

    def s(self, *args: Any, **kwargs: Any) -> Signature:
        """Return a signature whose task gets the previous result as its first argument."""
        return Signature(self, args, kwargs)

    def si(self, *args: Any, **kwargs: Any) -> Signature:
        """Return an immutable signature, which ignores the previous result."""
        return Signature(self, args, kwargs, immutable=True)

    signature = s

    def submit_many(self, arguments: Iterable[Mapping[str, Any]], **options: Any) -> Submitted:
        """Send the task once for each dict of arguments, in batches; see `submit_many`."""
        return submit_many((self.s(**given) for given in arguments), **options)


def _submit(signature: Signature) -> str:
    """Send a task and return its id. The worker checks that its item exists, which may just be being created."""
    from makertasks.submission import producer  # noqa: PLC0415 - loads boto3

    configuration.load()
    key = signature.options.get("idempotency_key")
    return producer.submit(signature.submission(), idempotency_key=key, check_items=False).task_id


def submit_many(signatures: Iterable[Signature], *, idempotency_key: str | None = None) -> Submitted:
    """Send up to 10,000 tasks in batches.

    Returns ids by index, and the rejected tasks with the reason. With a key, an interrupted call can be repeated
    without duplicates. Raises InvalidRequest for too many.
    """
    from makertasks.submission import bulk  # noqa: PLC0415 - loads boto3

    configuration.load()
    signatures = list(signatures)
    if any("idempotency_key" in each.options for each in signatures):
        raise InvalidRequest("idempotency_key", "belongs to the whole call; give it to submit_many")
    wanted = [each.submission() for each in signatures]
    return bulk.submit_many(wanted, idempotency_key=idempotency_key, requested_by=REQUESTED_BY)


def folders() -> list[str]:
    """Return the short names of all tasks."""
    root = settings.code_root()
    return sorted(found.parent.name for found in root.glob("*/handler.py") if "@task(" in found.read_text())


def task_in_folder(name: str) -> RemoteTask:
    """Return a task by its short name; raises AttributeError, as for any name that a module does not have."""
    try:
        handler = settings.code_root() / name / "handler.py"
    except settings.MissingSetting as error:
        raise AttributeError(f"module 'makertasks' has no attribute {name!r}; tasks are not known: {error}") from error
    if not name.isidentifier() or not handler.is_file() or "@task(" not in handler.read_text():
        raise AttributeError(f"module 'makertasks' has no attribute {name!r}; the tasks are {', '.join(folders())}")
    return RemoteTask(name)


def get_task(name: str) -> RemoteTask:
    """Return a task by its full name; raises UnknownTask, whose message lists the tasks."""
    from makertasks import tasks  # noqa: PLC0415 - loads the engine

    return RemoteTask(tasks.find(name).short_name)


def task_names() -> list[str]:
    """Return the full names of all tasks."""
    from makertasks import tasks  # noqa: PLC0415 - loads the engine

    return list(tasks.discover())


def options_on_the_wire(options: Options) -> dict[str, Any]:
    """Return the options of an indirectly sent task; raises InvalidRequest for those that a message does not carry."""
    alone = _OWN & options.keys()
    if alone:
        raise InvalidRequest(
            min(alone), "is possible only for a task that is sent directly; a message does not carry it"
        )
    return _with_links_on_the_wire(options)


def _with_links_on_the_wire(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {**options}
    for name in ("link", "link_error"):
        if name in found:
            links = found[name] if isinstance(found[name], Sequence) else [found[name]]
            found[name] = [link.on_the_wire() for link in links]
    return found
