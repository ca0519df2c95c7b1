"""The search language of task lists, pure: text to an expression, and whether a task's record fits it.

    drill                       the id begins with it, or it stands in the name, the arguments, the result or the error
    "connection refused"        words that stand together
    status:FAILURE error:timeout       both (AND may be left out)
    (name:qr OR name:card) NOT worker:generate_qr_code@1f2e3d4c

Fields: id (begins with), name, status, state (a status, or what a task calls its own state while it runs), worker,
queue, item (also its name), args, result, error, fingerprint, by. Upper and lower case are the same, except for AND, OR
and NOT. Large arguments and results that are kept in the bucket are not searched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from makertasks.errors import InvalidRequest
from makertasks.records.states import Status
from makertasks.wire import parse_result_meta, plain

if TYPE_CHECKING:
    from makertasks.records.model import TaskRecord

MAXIMUM_CHARACTERS = 500
MAXIMUM_TERMS = 30
MAXIMUM_DEPTH = 10

_OPERATORS = ("AND", "OR", "NOT")
_TOKEN = re.compile(r'\s*(?:(?P<bracket>[()])|(?P<field>\w+):|"(?P<quoted>[^"]*)"|(?P<open>")|(?P<word>[^\s()":]+))')
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Expression(Protocol):
    """Whether a record fits."""

    def fits(self, record: TaskRecord) -> bool:
        """Whether a record fits."""


@dataclass(frozen=True)
class Term:
    """One text, looked for in one field, or in all that are searched."""

    text: str  # in lower case
    field: str = ""

    def fits(self, record: TaskRecord) -> bool:
        """Whether the text stands in the field."""
        if self.field:
            return FIELDS[self.field](record, self.text)
        return any(FIELDS[name](record, self.text) for name in ("id", "name", "args", "error", "result"))


@dataclass(frozen=True)
class And:
    """Both must fit."""

    left: Expression
    right: Expression

    def fits(self, record: TaskRecord) -> bool:
        """Whether both fit."""
        return self.left.fits(record) and self.right.fits(record)


@dataclass(frozen=True)
class Or:
    """One of two must fit."""

    left: Expression
    right: Expression

    def fits(self, record: TaskRecord) -> bool:
        """Whether one fits."""
        return self.left.fits(record) or self.right.fits(record)


@dataclass(frozen=True)
class Not:
    """What follows NOT."""

    inner: Expression

    def fits(self, record: TaskRecord) -> bool:
        """Whether it does not fit."""
        return not self.inner.fits(record)


def _in(value: Any, text: str) -> bool:
    return text in str(value or "").lower()


def _in_json(value: Any, text: str) -> bool:
    """Whether text stands in a value: as JSON has it, where quotes are escaped, or as people write it."""
    return text in json.dumps(value, ensure_ascii=False, default=str).lower() if value else False


def _in_result(record: TaskRecord, text: str) -> bool:
    return record.status == Status.SUCCESS and _in_json(plain(parse_result_meta(record.result).get("result")), text)


FIELDS: dict[str, Callable[[Any, str], bool]] = {
    "id": lambda record, text: record.task_id.lower().startswith(text),
    "name": lambda record, text: _in(record.name, text),
    "status": lambda record, text: record.status.lower() == text,
    "state": lambda record, text: record.shown_status.lower() == text,
    "worker": lambda record, text: _in(record.worker, text),
    "queue": lambda record, text: _in(record.queue, text),
    "item": lambda record, text: _in(record.item_id, text) or _in(record.item_name, text),
    "args": lambda record, text: _in_json(record.kwargs, text) or _in_json(record.args, text),
    "result": _in_result,
    "error": lambda record, text: _in(f"{record.error_type or ''}: {record.error_message or ''}", text),
    "fingerprint": lambda record, text: str(record.fingerprint or "").startswith(text),
    "by": lambda record, text: _in(record.requested_by, text),
}


@dataclass(frozen=True)
class _Token:
    kind: str  # bracket, field, text, operator, end
    text: str
    column: int  # from 1


@lru_cache(maxsize=32)
def parse(query: str) -> Expression:
    """The expression of a search; raises InvalidRequest that names the column of the mistake."""
    if len(query) > MAXIMUM_CHARACTERS:
        raise InvalidRequest("q", f"is longer than {MAXIMUM_CHARACTERS} characters")
    tokens = list(_tokens(query))
    if sum(token.kind == "text" for token in tokens) > MAXIMUM_TERMS:
        raise InvalidRequest("q", f"has more than {MAXIMUM_TERMS} terms")
    parser = _Parser(tokens)
    found = parser.either()
    if parser.next.kind != "end":
        raise _mistake(parser.next, "this parenthesis closes nothing")
    return found


def required(expression: Expression) -> Iterator[Term]:
    """The terms that every fitting record must fit: those joined by AND at the top."""
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, And):
        yield from required(expression.left)
        yield from required(expression.right)


def asked(expression: Expression) -> Iterator[Term]:
    """The terms that records are looked for by: all but those that NOT excludes."""
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, And | Or):
        yield from asked(expression.left)
        yield from asked(expression.right)


def exact_id(expression: Expression) -> str | None:
    """The one task's id that the search asks for, where it names a whole one."""
    ids = (term.text for term in required(expression) if term.field == "id" and is_uuid(term.text))
    return next(ids, None)


def is_uuid(text: str) -> bool:
    """Whether a term is a whole UUID."""
    return _UUID.fullmatch(text) is not None


def _tokens(query: str) -> Iterator[_Token]:
    place = 0
    while place < len(query.rstrip()):
        match = _TOKEN.match(query, place)
        if match is None:  # only a colon without a field before it is no token
            column = place + len(query[place:]) - len(query[place:].lstrip()) + 1
            colon = _Token("word", ":", column)
            raise _mistake(colon, "a colon needs a field before it; put text with colons in quotes")
        kind = str(match.lastgroup)
        token = _Token(kind, match[kind], match.start(kind) + 1)
        if kind == "open":
            raise _mistake(token, "the quotation mark is not closed")
        if kind == "field":
            token = _field(token)
        elif kind == "quoted":
            token = replace(token, kind="text", column=token.column - 1)
        elif kind == "word":
            token = replace(token, kind="operator" if token.text in _OPERATORS else "text")
        yield token
        place = match.end()
    yield _Token("end", "", len(query) + 1)


def _field(token: _Token) -> _Token:
    if token.text.lower() not in FIELDS:
        known = ", ".join(FIELDS)
        raise _mistake(
            token, f"there is no field {token.text!r}; the fields are {known}. Put text with colons in quotes"
        )
    return replace(token, text=token.text.lower())


class _Parser:
    """Recursive descent: OR binds weaker than AND, NOT strongest."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        token = self.next
        self.place += 1
        return token

    def either(self) -> Expression:
        found = self.both()
        while self.next.text == "OR" and self.next.kind == "operator":
            self.take()
            found = Or(found, self.both())
        return found

    def both(self) -> Expression:
        found = self.negated()
        while self.next.kind in {"text", "field"} or self.next.text in {"(", "AND", "NOT"}:
            if self.next.text == "AND" and self.next.kind == "operator":
                self.take()
            found = And(found, self.negated())
        return found

    def negated(self) -> Expression:
        if self.next.kind == "operator" and self.next.text == "NOT":
            self.take()
            return Not(self.single())
        return self.single()

    def single(self) -> Expression:
        token = self.take()
        if token.kind == "bracket" and token.text == "(":
            return self.bracket(token)
        if token.kind == "field":
            return self.valued(token)
        if token.kind == "text":
            return Term(token.text.lower())
        if token.kind == "end":
            raise _mistake(token, "expected a word, quoted text or a field, but the search ends here")
        raise _mistake(token, f"expected a word, quoted text or a field, not {token.text!r}")

    def bracket(self, opening: _Token) -> Expression:
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            raise _mistake(opening, f"parentheses are nested deeper than {MAXIMUM_DEPTH} levels")
        found = self.either()
        if self.take().text != ")":
            raise _mistake(opening, "the parenthesis is not closed")
        self.depth -= 1
        return found

    def valued(self, field: _Token) -> Expression:
        value = self.take()
        if value.kind != "text":
            raise _mistake(value, f"expected a value for {field.text}")
        if field.text == "status" and value.text.upper() not in set(Status):
            raise _mistake(value, f"{value.text!r} is not a status; the statuses are {', '.join(Status)}")
        return Term(value.text.lower(), field.text)


def _mistake(token: _Token, reason: str) -> InvalidRequest:
    return InvalidRequest("q", f"column {token.column}: {reason}")
