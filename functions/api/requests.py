"""Parses requests into validated, typed values; raises InvalidRequest, which names the field."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, unquote

import msgspec

from api import sentences
from makertasks.aws.json_values import EXACT_FLOATS
from makertasks.errors import InvalidRequest, MakertasksError

# Arguments above 16 KB are stored in the bucket; this limits the size of one submission.
MAXIMUM_BODY_BYTES = 128_000
MAXIMUM_QUERY_CHARACTERS = 4_096
MAXIMUM_PARAMETERS = 100
# Maximum nesting of a body: no route needs more, and code that traverses values may be recursive.
MAXIMUM_DEPTH = 20

Kind = TypeVar("Kind")


class TooLarge(MakertasksError):
    """The body is larger than the route accepts; the message names the limit."""


@dataclass(frozen=True)
class Request:
    """A request from API Gateway (payload 2.0). Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    event: Mapping[str, Any] = field(default_factory=dict)
    mistakes: Mapping[str, str] = field(default_factory=dict)  # errors by field, for a form that is shown again
    sent: Mapping[str, Any] = field(default_factory=dict)  # the submitted values of that form

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Request:
        """Read the request from an event; raises InvalidRequest if its body is not base64."""
        context = event.get("requestContext", {})
        stage = context.get("stage", "$default")
        path = str(event.get("rawPath", "/"))
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        cookies = "; ".join(event.get("cookies") or []) or headers.get("cookie", "")
        return cls(
            method=str(context.get("http", {}).get("method", "GET")),
            path=unquote(path.removeprefix(f"/{stage}") if stage != "$default" else path),
            headers=headers,
            query=_query(str(event.get("rawQueryString") or "")),
            cookies=_cookies(cookies),
            body=_body(event),
            event=event,
        )

    def read_query(self, kind: type[Kind], *, without_empty: bool = False) -> Kind:
        """Return the query string as `kind`; for a page, empty form fields are dropped. Raises InvalidRequest."""
        given = {name: value for name, value in self.query.items() if value or not without_empty}
        return self._convert_texts(given, kind)

    def read_arguments(self, kind: type[Kind], maximum: int = MAXIMUM_BODY_BYTES) -> Kind:
        """Return query parameters and form fields together as `kind`; raises TooLarge or InvalidRequest."""
        self._check_size(maximum)
        form = self._form() if "x-www-form-urlencoded" in self.headers.get("content-type", "") else {}
        given = {**self.query, **{name: values[-1] for name, values in form.items()}}
        return self._convert_texts(given, kind)

    def read_json(self, kind: type[Kind], maximum: int = MAXIMUM_BODY_BYTES) -> Kind:
        """Return the JSON body as `kind`; raises TooLarge, or InvalidRequest with the path of the invalid field."""
        self._check_size(maximum)
        try:
            value = msgspec.json.decode(self.body or b"{}")
        except RecursionError as error:
            raise InvalidRequest("body", f"is nested deeper than {MAXIMUM_DEPTH} levels") from error
        except UnicodeError as error:
            raise InvalidRequest("body", "is not JSON: it is not valid UTF-8") from error
        except msgspec.MsgspecError as error:
            raise InvalidRequest("body", f"is not JSON: {error}") from error
        _check_depth(value, "body")
        return self.convert(_with_whole_numbers(value), kind, "body", strict=True)

    def read_form(self, kind: type[Kind], maximum: int = MAXIMUM_BODY_BYTES) -> Kind:
        """Return a page's form as `kind`; a repeated field becomes a list. Raises TooLarge or InvalidRequest."""
        self._check_size(maximum)
        return self.convert(self.form_values(), kind, "body")

    def form_values(self) -> dict[str, str | list[str]]:
        """Return the fields of a page's form without validation; raises InvalidRequest if it is not a form."""
        return {name: each if len(each) > 1 else each[0] for name, each in self._form().items()}

    def _form(self) -> dict[str, list[str]]:
        try:
            return parse_qs(self.body.decode(), keep_blank_values=True, max_num_fields=1000)
        except ValueError as error:
            raise InvalidRequest("body", f"is not a form: {error}") from error

    def _convert_texts(self, given: dict[str, str], kind: type[Kind]) -> Kind:
        """Return parameters as `kind`; rejects the text `null`, which msgspec would convert to None."""
        found = self.convert(given, kind, "query")
        values = found if isinstance(found, dict) else msgspec.structs.asdict(found)  # type: ignore[arg-type]  # a Struct
        for name in given:
            if values.get(name, "") is None:  # "" because `kind` may ignore unknown parameters
                raise InvalidRequest(name, f"is {given[name][:20]!r}; leave it out if you do not need it")
        return found

    @staticmethod
    def convert(value: Any, kind: type[Kind], name: str, *, strict: bool = False) -> Kind:
        """Return a value as `kind`; raises InvalidRequest with the field, or `name` if the error is in none."""
        try:
            return msgspec.convert(value, kind, strict=strict)
        except msgspec.ValidationError as error:
            raise sentences.invalid(str(error), name, kind) from error

    def _check_size(self, maximum: int) -> None:
        if len(self.body) > maximum:
            raise TooLarge(f"the body has {len(self.body)} bytes; this route accepts at most {maximum}")


def _with_whole_numbers(value: Any) -> Any:
    """Convert floats such as `1.0` to whole numbers, as JSON Schema and JavaScript do; msgspec would reject them."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < EXACT_FLOATS else value
    if isinstance(value, list):
        return [_with_whole_numbers(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _with_whole_numbers(entry) for name, entry in value.items()}
    return value


def _check_depth(value: Any, where: str, depth: int = 0) -> None:
    """Raise InvalidRequest for JSON that is nested too deep."""
    if depth > MAXIMUM_DEPTH:
        raise InvalidRequest(where[:200], f"is nested deeper than {MAXIMUM_DEPTH} levels")
    if isinstance(value, dict):
        for name, entry in value.items():
            _check_depth(entry, f"{where}.{name}", depth + 1)
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _check_depth(entry, f"{where}[{number}]", depth + 1)


def _query(text: str) -> dict[str, str]:
    """Return the query string's parameters; a repeated one is rejected, because only one value could be used."""
    if len(text) > MAXIMUM_QUERY_CHARACTERS:
        raise InvalidRequest("query", f"is longer than {MAXIMUM_QUERY_CHARACTERS} characters")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MAXIMUM_PARAMETERS)
    except ValueError as error:
        raise InvalidRequest("query", f"has more than {MAXIMUM_PARAMETERS} parameters") from error
    values = dict(pairs)
    if len(values) != len(pairs):
        twice = next(name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1)
        raise InvalidRequest(twice[:100], "is given twice; give it once")
    return values


def _cookies(text: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(text).items()}
    except CookieError:
        return {}  # treated as absent: the request is then unauthenticated


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode(errors="surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidRequest("body", "is not valid base64") from error
