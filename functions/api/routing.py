"""Routes: a function's signature declares what a route accepts and returns.

    @route("GET", "/v1/queues/{queue}", Role.VIEWER, tag="Queues")
    def get_queue(queue: QueueName, query: QueueQuery) -> QueueState:
        ...

Parameters are path parameters by name; `query`, `body` (JSON), `form` (a page's form) and `arguments` (query string and
form together), each with the msgspec type that it is validated against; and `caller` and `request`. The OpenAPI
document is generated from the same signatures.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, get_type_hints

import msgspec

from api.access import Caller, Role
from api.requests import MAXIMUM_BODY_BYTES, Request

# Path parameters that may contain slashes and question marks, because producers choose task ids. API Gateway decodes a
# path before it invokes the function: it reads `%2F` as a slash and ends the path at `%3F`. Escaped twice, they arrive
# intact; so does the percent sign, which would otherwise be decoded twice.
ANY_TEXT = {"task_id"}


@dataclass(frozen=True)
class Reply:
    """A response other than plain JSON: a page, a file, a redirect. A body of bytes is sent as base64."""

    body: str | bytes = ""
    status: int = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)

    @classmethod
    def redirect(cls, location: str, cookies: list[str] | None = None) -> Reply:
        """Redirect with 303: the browser continues with GET."""
        return cls(status=HTTPStatus.SEE_OTHER, headers={"Location": location}, cookies=cookies or [])


@dataclass(frozen=True)
class Route:
    """One method of one path, and the function that handles it."""

    method: str
    path: str
    role: Role
    run: Callable[..., Any]
    status: int = HTTPStatus.OK
    tag: str = ""
    is_page: bool = False  # a page for browsers, which are redirected to the sign-in if they have no session
    refusals: tuple[HTTPStatus, ...] = ()  # error statuses in addition to those that follow from the signature
    media: tuple[str, ...] = ("application/json",)
    maximum_bytes: int = MAXIMUM_BODY_BYTES
    unfit: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY  # the status of an invalid request
    example: Any = None
    body_example: Any = None

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The types of the function's parameters and of its result."""
        return get_type_hints(self.run, include_extras=True)

    @cached_property
    def parameters(self) -> list[str]:
        """The names of the function's parameters."""
        return list(inspect.signature(self.run).parameters)

    @cached_property
    def path_parameters(self) -> list[str]:
        """The names of the path's parameters, in order."""
        return re.findall(r"{(\w+)}", self.path)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern that a request's path must match."""
        parts = re.split(r"({\w+})", self.path)
        return re.compile("".join(_matcher(part[1:-1]) if part[:1] == "{" else re.escape(part) for part in parts))

    @property
    def body_required(self) -> bool:
        """Whether the JSON body has a required field."""
        fields = msgspec.structs.fields(self.hints["body"])
        return any(field.required for field in fields)

    @property
    def name(self) -> str:
        """The function's name, which is the operation's id in the OpenAPI document."""
        return self.run.__name__

    def call(self, request: Request, caller: Caller, path: dict[str, str]) -> Any:
        """Validate the request, call the function and return its result; raises InvalidRequest and its exceptions."""
        values: dict[str, Any] = {}
        for name in self.parameters:
            kind = self.hints.get(name, str)
            if name == "caller":
                values[name] = caller
            elif name == "request":
                values[name] = request
            elif name == "query":
                values[name] = request.read_query(kind, without_empty=self.is_page)
            elif name == "body":
                values[name] = request.read_json(kind, self.maximum_bytes)
            elif name == "arguments":
                values[name] = request.read_arguments(kind, self.maximum_bytes)
            elif name == "form":
                values[name] = request.read_form(kind, self.maximum_bytes)
            else:
                values[name] = request.convert(_decoded(path[name]) if name in ANY_TEXT else path[name], kind, name)
        return self.run(**values)


def _matcher(name: str) -> str:
    return f"(?P<{name}>.+)" if name in ANY_TEXT else f"(?P<{name}>[^/]+)"


def _decoded(text: str) -> str:
    """Undo the second escaping of a path parameter (see `ANY_TEXT`)."""
    return re.sub("%(25|2F|3F)", lambda found: chr(int(found[1], 16)), text, flags=re.IGNORECASE)


_routes: dict[tuple[str, str], Route] = {}

Answering = Callable[..., Any]


def route(method: str, path: str, role: Role, **options: Any) -> Callable[[Answering], Answering]:
    """Declare that the decorated function handles a request; `options` are the other fields of Route."""

    def declare(run: Answering) -> Answering:
        _routes[method, path] = Route(method, path, role, run, **options)
        return run

    return declare


def page(method: str, path: str, role: Role, **options: Any) -> Callable[[Answering], Answering]:
    """Declare a page's route, which returns a Reply and is not in the OpenAPI document."""
    return route(method, path, role, is_page=True, **options)


def all_routes() -> list[Route]:
    """Return every declared route, ordered by path."""
    return [_routes[key] for key in sorted(_routes, key=lambda key: (key[1], key[0]))]


def exactly(method: str, path: str) -> Route | None:
    """Return the route that was declared with this method and path."""
    return _routes.get((method, path))


class NoRoute(Exception):
    """No route handles the request; `allowed` are the methods that the path supports."""

    def __init__(self, allowed: list[str]) -> None:
        """Keep the allowed methods; `allowed` is empty for a path that does not exist."""
        super().__init__("no such route")
        self.allowed = allowed


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return a request's route and its path parameters; fixed paths take precedence. Raises NoRoute."""
    exact = _routes.get((method, path))
    if exact and not exact.path_parameters:
        return exact, {}
    matches = list(_matching(path))
    # `/tasks/{task_id}/log` also matches `/tasks/{task_id}`: the longer route takes precedence.
    longest = max((len(found.path) for found, _ in matches if found.path_parameters), default=0)
    for found, match in matches:
        if found.method == method and len(found.path) == longest:
            return found, match.groupdict()
    raise NoRoute(sorted({found.method for found, _ in matches}))


def methods(path: str) -> list[str]:
    """Return the methods that a path supports, including OPTIONS; raises NoRoute for a path that does not exist."""
    if not (found := {candidate.method for candidate, _ in _matching(path)}):
        raise NoRoute([])
    return sorted({*found, "OPTIONS"})


def _matching(path: str) -> Iterator[tuple[Route, re.Match[str]]]:
    for candidate in _routes.values():
        if match := candidate.pattern.fullmatch(path):
            yield candidate, match


def encode(answer: Any) -> str:
    """Return a response's JSON."""
    return msgspec.json.encode(answer).decode()
