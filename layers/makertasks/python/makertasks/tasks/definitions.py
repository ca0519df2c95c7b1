"""Task definitions: name, arguments, limits, and the function that does the work.

    @task("inventory.tasks.generate_qr_code")
    def generate_qr_code(item_id: ItemId) -> dict[str, Any]:
        ...

Arguments are validated against the function's annotations, however a task is submitted.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any
from uuid import UUID

import msgspec

from makertasks import clock
from makertasks.errors import InvalidArguments, InvalidRequest, MakertasksError

# An argument with an inventory item's id: a submission is rejected if there is no such item.
ItemId = Annotated[UUID, msgspec.Meta(description="UUID of the inventory item", extra={"refers_to": "item"})]

# A secret argument: only the message contains it; records, logs and responses do not.
Secret = Annotated[str, msgspec.Meta(description="Not shown in records, logs and responses", extra={"is_secret": True})]

# An argument with an object's ETag, where a task takes only one version of an object.
ObjectVersion = Annotated[str, msgspec.Meta(min_length=1, max_length=100, description="The object's ETag")]

# An argument with an object's key is `Annotated[str, object_under("imports/")]`: any other key is rejected, however a
# task is submitted, before the task starts.


def object_under(prefix: str) -> msgspec.Meta:
    """Return the constraint of an argument that is the key of an object under `prefix`."""
    return msgspec.Meta(
        max_length=1024,  # S3's limit
        pattern=rf"^{re.escape(prefix)}",
        description=f"Key of an object under {prefix}",
        extra={"prefix": prefix},
    )


# Folders of the media bucket for uploads and for the engine's own objects.
RESERVED_FOLDERS = ("imports/", "jobs/", "payloads/", "rejected/", "uploads/", "/")

# Lambda stops every function after 15 minutes; a task must end a little earlier to record its outcome.
LAMBDA_SECONDS = 900
MARGIN_SECONDS = 5


class InvalidDefinition(MakertasksError):
    """A task's declaration is invalid."""


@dataclass(frozen=True)
class Task:
    """A task type. `run` does the work and returns JSON; an exception is a failure."""

    name: str
    run: Callable[..., Any]
    max_retries: int = 3
    retry_base: float = 2.0  # seconds before the first retry; doubled each time, with jitter
    retry_cap: float = 600.0  # maximum seconds between two attempts
    soft_time_limit: float | None = None  # seconds; raises SoftTimeLimitExceeded inside the task
    time_limit: float | None = None  # seconds; stops the task
    rate_limit: str | None = None  # Celery's form: "10/m", "2/s"
    system: bool = False  # started only by the system: callers cannot submit it by name
    optional: bool = False  # whether its queue has a consumer only if a parameter of the stack is set
    writes: tuple[str, ...] = ()  # folders of the media bucket that it writes to: ("labels/",)
    example: Mapping[str, Any] | None = None  # example arguments, for people and tests
    button: str = ""  # the label of its button on an item's page; by default its short name in words
    reads_item: bool = False  # whether it calls `inventory.get_item`; the items of a batch are then read in one request
    item_of: Callable[[Mapping[str, Any]], UUID | None] | None = (
        None  # returns the item of a task without an item argument
    )

    def __post_init__(self) -> None:
        """Reject limits above Lambda's and folders that tasks must not write to."""
        for folder in self.writes:
            if not folder.endswith("/") or folder.startswith(RESERVED_FOLDERS):
                raise InvalidDefinition(
                    f"{self.name}: writes: {folder!r} is not a valid folder; name one such as 'labels/', "
                    f"and none of {', '.join(RESERVED_FOLDERS)}"
                )
        for limit in (self.soft_time_limit, self.time_limit):
            if limit is not None and not 0 < limit <= LAMBDA_SECONDS - MARGIN_SECONDS:
                raise InvalidDefinition(
                    f"{self.name}: a time limit of {limit:g} s cannot be kept: AWS Lambda ends every function after "
                    f"{LAMBDA_SECONDS} s (15 minutes); use at most {LAMBDA_SECONDS - MARGIN_SECONDS} s, or split it"
                )
        try:
            clock.interval_of(self.rate_limit or "0")
        except ValueError as error:
            raise InvalidDefinition(f"{self.name}: rate_limit: {error}") from error

    @property
    def short_name(self) -> str:
        """Return the name's last dotted part, which folder, queue and function share."""
        return self.name.rpartition(".")[2]

    @property
    def is_of_application(self) -> bool:
        """Return whether it belongs to a Celery application, whose function runs all of its tasks."""
        return False

    @property
    def purpose(self) -> str:
        """Return the first line of the function's docstring."""
        return (inspect.getdoc(self.run) or "").partition("\n")[0]

    @property
    def label(self) -> str:
        """What its button says: "Print label" for `print_label`, unless it is declared otherwise."""
        return self.button or self.short_name.replace("_", " ").capitalize()

    @cached_property
    def arguments(self) -> type[msgspec.Struct]:
        """Return the function's parameters as a msgspec type, in order."""
        hints = typing.get_type_hints(self.run, include_extras=True)
        fields: list[Any] = [
            (name, hints.get(name, Any))
            if parameter.default is inspect.Parameter.empty
            else (name, hints.get(name, Any), parameter.default)
            for name, parameter in inspect.signature(self.run).parameters.items()
        ]
        return msgspec.defstruct(self.short_name, fields, forbid_unknown_fields=True, kw_only=True)

    def schema(self) -> dict[str, Any]:
        """Return the arguments' JSON schema."""
        schema = msgspec.json.schema(self.arguments)
        definition: dict[str, Any] = schema["$defs"][self.short_name]
        return definition

    @property
    def item_arguments(self) -> list[str]:
        """Return the names of the arguments that are inventory items."""
        hints = typing.get_type_hints(self.run, include_extras=True)
        return [name for name, hint in hints.items() if hint == ItemId]

    def item_id(self, kwargs: Mapping[str, Any]) -> str | None:
        """Return the item of a task with these arguments, under which it is listed."""
        if self.item_of:
            found = self.item_of(kwargs)
            return str(found) if found else None
        named = (kwargs.get(name) for name in self.item_arguments)
        return next((item_id for item_id in named if isinstance(item_id, str)), None)

    @property
    def runs_for_an_item(self) -> bool:
        """Whether an item's page has a button for it: it can be submitted, and one argument names the item."""
        return not self.system and not self.item_of and len(self.item_arguments) == 1

    def for_item(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with which it runs for an item: the item's id, and attributes of the same names as arguments.

        Raises InvalidRequest for an argument without a default that the item has no attribute for.
        """
        [names_item] = self.item_arguments
        kwargs = {names_item: item["id"]}
        for name in self._required:
            if name != names_item and item.get(name) in (None, ""):
                raise InvalidRequest(name, "is not set for this item; set it in OpenMakerSuite first")
            kwargs.setdefault(name, item.get(name))
        return kwargs

    @cached_property
    def secret_arguments(self) -> frozenset[str]:
        """Return the names of the secret arguments."""
        hints = typing.get_type_hints(self.run, include_extras=True)
        return frozenset(name for name, hint in hints.items() if hint == Secret)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the given arguments by name, as plain JSON values with UUIDs in their standard form.

        Raises InvalidArguments, whose message starts with the argument's name.
        """
        given = {*list(self.arguments.__struct_fields__)[: len(args)], *kwargs}
        values = msgspec.to_builtins(self._convert(args, kwargs))
        return {name: value for name, value in values.items() if name in given}

    def call(self, kwargs: Mapping[str, Any]) -> Any:
        """Run the task with arguments by name; raises InvalidArguments, or whatever the task raises."""
        values = self._convert((), kwargs)
        return self.run(**{name: getattr(values, name) for name in values.__struct_fields__})

    def _convert(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> msgspec.Struct:
        names = list(self.arguments.__struct_fields__)
        if len(args) > len(names):
            raise InvalidArguments(f"args: {self.short_name} takes {len(names)} arguments, {len(args)} were given")
        given = dict(zip(names, args, strict=False))
        twice = given.keys() & kwargs.keys()
        if twice:
            raise InvalidArguments(f"{min(twice)}: given twice, by position and by name; give it once")
        missing = [name for name in self._required if name not in {*given, *kwargs}]
        if missing:
            raise InvalidArguments(f"{missing[0]}: missing; {self.short_name} needs {', '.join(self._required)}")
        surplus = kwargs.keys() - set(names)
        if surplus:
            takes = f"takes only {', '.join(names)}" if names else "takes no arguments"
            raise InvalidArguments(f"{min(surplus)}: not an argument of {self.short_name}, which {takes}")
        values = {**given, **kwargs}
        for name, value in values.items():
            if not is_unicode(value):
                raise InvalidArguments(f"{name}: contains an unpaired surrogate; send valid Unicode")
        try:
            return msgspec.convert(values, self.arguments)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$.")
            argument = path.rstrip("`") or "kwargs"
            if prefix := self._prefixes.get(argument):
                reason = f"must be the key of an object under {prefix}"
            given_value = values.get(argument)
            hidden = given_value is None or argument in self.secret_arguments
            shown = "" if hidden else f"; {str(given_value)[:80]!r} was given"
            raise InvalidArguments(f"{argument}: {reason[0].lower()}{reason[1:]}{shown}") from error

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        """Return the arguments that are keys of objects, and their required prefixes."""
        hints = typing.get_type_hints(self.run, include_extras=True)
        found = {
            name: (meta.extra or {}).get("prefix")
            for name, hint in hints.items()
            for meta in getattr(hint, "__metadata__", ())
            if isinstance(meta, msgspec.Meta)
        }
        return {name: prefix for name, prefix in found.items() if prefix}

    @cached_property
    def _required(self) -> list[str]:
        parameters = inspect.signature(self.run).parameters.values()
        return [parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty]


def check_time_limit(field: str, seconds: float | None, name: str) -> None:
    """Raises InvalidRequest for a time limit of the task `name` above Lambda's; None is no limit."""
    longest = LAMBDA_SECONDS - MARGIN_SECONDS
    if seconds is not None and not 0 < seconds <= longest:
        raise InvalidRequest(
            field,
            f"{seconds:g} s cannot be kept for {name}: AWS Lambda ends every function after {LAMBDA_SECONDS} s; "
            f"use at most {longest} s",
        )


def is_unicode(value: Any) -> bool:
    r"""Whether every text in a JSON value can be written as UTF-8: none has an unpaired surrogate.

    >>> is_unicode({"name": ["drill", 1]}), is_unicode("half a letter \ud800")
    (True, False)
    """
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, Mapping):
        return all(is_unicode(name) and is_unicode(entry) for name, entry in value.items())
    return not isinstance(value, list | tuple) or all(map(is_unicode, value))
