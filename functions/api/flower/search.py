"""Flower's search as of 2.2.0, pure: `name:qr AND (state:FAILURE OR "no such item") kwargs:item_id=7`.

Consecutive terms must all match, as if joined by `AND`; `OR` has lower precedence, parentheses group. A term without a
field searches the id and all fields. Case does not matter. `state:` and `kwargs:name=value` compare the whole value,
other terms match a part of at least three characters.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from api.flower.fields import FlowerTask
from makertasks.errors import InvalidRequest

FIELDS = ("name", "state", "worker", "args", "kwargs", "result")
# Flower has the same limits.
LEAST_CHARACTERS, MOST_TERMS, MOST_LEVELS = 3, 128, 5

Fits = Callable[[FlowerTask], bool]

# A parenthesis, or characters up to a space or parenthesis, unless within quotes; a backslash escapes a quote.
_ESCAPE = r'\\(?:["\\]|(?!["\\]))'
_TOKEN = re.compile(rf'\s*(?:([()])|((?:{_ESCAPE}|"(?:{_ESCAPE}|[^"\\])*"|[^\s()"\\])+)|(\S))')


@dataclass
class Token:
    """A parenthesis, `AND`, `OR`, or a term's text; `joins` is false for quoted text, which is never an operator."""

    text: str
    joins: bool


def parse(text: str) -> Fits:
    """Return a function that returns whether a task matches the search; raises InvalidRequest.

    >>> parse("state:success")({"state": "SUCCESS"})
    True
    """
    tokens = list(_tokens(text))
    if len(tokens) > MOST_TERMS:
        raise InvalidRequest("search", f"must have at most {MOST_TERMS} terms")
    if not tokens:
        return lambda _task: True
    reader = _Reader(tokens)
    found = reader.alternatives(0)
    if reader.next is not None:
        raise InvalidRequest("search", f"has an unexpected {reader.next}")
    return found


def _tokens(text: str) -> Iterator[Token]:
    for parenthesis, term, other in _TOKEN.findall(text):
        if other:
            raise InvalidRequest("search", 'has an unclosed quotation mark; close it with "')
        plain = re.sub(r'\\(["\\])|"', r"\1", term)
        yield Token(parenthesis or plain, joins=bool(parenthesis) or plain == term)


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.position = tokens, 0

    @property
    def next(self) -> str | None:
        """The next operator, "" before a term, None at the end."""
        if self.position == len(self.tokens):
            return None
        token = self.tokens[self.position]
        return token.text if token.joins and token.text in {"(", ")", "AND", "OR"} else ""

    def alternatives(self, level: int) -> Fits:
        found = [self.together(level)]
        while self.next == "OR":
            self.position += 1
            found.append(self.together(level))
        return found[0] if len(found) == 1 else lambda task: any(fits(task) for fits in found)

    def together(self, level: int) -> Fits:
        found = [self.single(level)]
        while self.next in {"AND", "", "("}:
            self.position += self.next == "AND"
            found.append(self.single(level))
        return found[0] if len(found) == 1 else lambda task: all(fits(task) for fits in found)

    def single(self, level: int) -> Fits:
        operator = self.next
        if operator == "(":
            return self.group(level)
        if operator != "":
            raise InvalidRequest("search", f"needs a term {f'before {operator}' if operator else 'at its end'}")
        token = self.tokens[self.position]
        self.position += 1
        return _term(token)

    def group(self, level: int) -> Fits:
        if level == MOST_LEVELS:
            raise InvalidRequest("search", f"must nest at most {MOST_LEVELS} parentheses")
        self.position += 1
        found = self.alternatives(level + 1)
        if self.next != ")":
            raise InvalidRequest("search", "has an unclosed parenthesis; close it with )")
        self.position += 1
        return found


def _term(token: Token) -> Fits:
    name, colon, value = token.text.partition(":")
    field = name.casefold() if colon and name.casefold() in FIELDS else ""
    value = (value if field else token.text).casefold()
    if not field and ((token.joins and token.text == "NOT") or value.startswith("-")):
        raise InvalidRequest("search", "cannot exclude tasks: NOT and - are not supported")
    if field == "state":
        return lambda task: task["state"].casefold() == value
    if field == "kwargs" and "=" in value:
        key, _, wanted = value.partition("=")
        return lambda task: _kwargs(task).get(key.strip()) == wanted.strip()
    if len(value.strip()) < LEAST_CHARACTERS:
        raise InvalidRequest(
            "search", f"must have search terms of at least {LEAST_CHARACTERS} characters, not {value!r}"
        )
    return lambda task: value in (str(task[field] or "") if field else _text(task)).casefold()  # type: ignore[literal-required]  # one of FIELDS


def _kwargs(task: FlowerTask) -> dict[str, str]:
    """Return arguments by name, as text in lower case."""
    try:
        found = ast.literal_eval(task["kwargs"])
    except (ValueError, SyntaxError):  # truncated
        return {}
    return {str(name).casefold(): str(value).casefold() for name, value in found.items()}


def _text(task: FlowerTask) -> str:
    return "\0".join(str(task[name] or "") for name in ("uuid", *FIELDS))  # type: ignore[literal-required]  # as above
