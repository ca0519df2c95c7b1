"""Reads the JSON that `manage.py dumpdata` writes, one object at a time, with the line on which each begins.

The standard library's decoder reads one object after the other from a window of text, so that memory is bounded by
the largest object and an error has a line and a column. The known streaming parsers report neither where an object
begins nor where the text is invalid.
"""

from __future__ import annotations

import codecs
import gzip
import itertools
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn, cast

from makertasks.errors import PermanentError

CHUNK_BYTES = 1 << 16

# The table, whose items have at most 400 KB, could not store longer objects anyway.
MAXIMUM_OBJECT_LETTERS = 1 << 20

# A few bytes can unpack to gigabytes; a dump of a million objects has 600 MB.
MAXIMUM_UNPACKED_BYTES = 2 << 30

# A decoder's error within this many characters of the end of the window may only mean that more text is needed: the
# longest token other than a string is an escaped surrogate pair.
_LONGEST_TOKEN = 16

_BLANKS = " \t\r\n"

_GZIP = b"\x1f\x8b"

# Other files that may be under imports/, by their first bytes and by their first character.
_PACKED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "ZIP"}
_OTHER_FORMS = {"{": "JSON lines or one object alone", "<": "XML or HTML", "-": "YAML"}
_COMMAND = "manage.py dumpdata inventory reorder_queue --format json --output dump.json"


class BrokenDump(PermanentError):
    """The file is not a JSON list as `manage.py dumpdata` writes it; nothing was imported."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        """Lines and columns count from 1; a column is a character."""
        super().__init__(f"line {line}, column {column}: {reason}; nothing was imported")
        self.line = line
        self.column = column
        self.reason = reason


@dataclass(frozen=True)
class DumpObject:
    """One element of the list as JSON values, with its position in the list and its first line, both from 1."""

    number: int
    line: int
    value: Any


def read(stream: BinaryIO) -> Iterator[DumpObject]:
    """Yield the objects of a dump, which may be gzipped, in order.

    Raises BrokenDump at invalid text, after yielding the objects before it. NaN, infinities and integers of thousands
    of digits, which JSON does not have or Python does not read, become floats, for the object's checks to refuse.
    """
    text = _Window(_unpacked(stream))
    first = text.next_letter()
    if first != "[":
        looks = f"; this looks like {_OTHER_FORMS[first]}" if first in _OTHER_FORMS else ""
        text.fail(f"a dump is a JSON list and begins with '['{looks}. Make one with {_COMMAND}")
    text.at += 1
    if text.next_letter() == "]":
        text.at += 1
    else:
        yield from _elements(text)
    if text.next_letter():
        text.fail("there is more text after the end of the list")


def _elements(text: _Window) -> Iterator[DumpObject]:
    for number in itertools.count(1):
        text.next_letter()
        line, _ = text.position(text.at)
        yield DumpObject(number, line, text.decode())
        letter = text.next_letter()
        if not letter:
            text.fail("the file ends inside the list; it is incomplete")
        if letter not in ",]":
            text.fail(f"expected ',' or ']' after an object, found {letter!r}")
        text.at += 1
        if letter == "]":
            return


def _unpacked(stream: BinaryIO) -> BinaryIO:
    """The stream, decompressed if it is gzipped; raises BrokenDump for other compressions."""
    head = stream.read(6)
    for mark, name in _PACKED.items():
        if head.startswith(mark):
            raise BrokenDump(1, 1, f"the file is compressed ({name}); unpack it, or compress it with gzip")
    joined: Any = _Joined(head, stream)
    unpacked: Any = gzip.GzipFile(fileobj=joined, mode="rb") if head.startswith(_GZIP) else joined
    return cast("BinaryIO", unpacked)


class _Joined:
    """A stream whose first bytes have already been read."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._stream.read(size)
        size = len(self._head) if size < 0 else size
        head, self._head = self._head[:size], self._head[size:]
        return head


class _Window:
    """The current part of the text: from the object being decoded to the end of the last chunk read."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.text = ""
        self.at = 0
        self.ended = False
        self._line = 1  # of the character at `_mark`
        self._column = 1
        self._mark = 0
        # A byte order mark is skipped: PowerShell writes one before UTF-8.
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(parse_constant=float, parse_int=_integer)
        self._bytes = 0

    def position(self, index: int) -> tuple[int, int]:
        """Line and column of a character in the window."""
        newlines = self.text.count("\n", self._mark, index)
        if not newlines:
            return self._line, self._column + index - self._mark
        return self._line + newlines, index - self.text.rindex("\n", self._mark, index)

    def fail(self, reason: str, index: int | None = None) -> NoReturn:
        """Raise BrokenDump at a character of the window, by default the current one."""
        raise BrokenDump(*self.position(self.at if index is None else index), reason)

    def next_letter(self) -> str:
        """Advance to the next non-blank character; "" at the end of the file."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in _BLANKS:
                    return self.text[self.at]
                self.at += 1
            if not self._read():
                return ""

    def decode(self) -> Any:
        """Return the JSON value that begins here, and advance past it."""
        while True:
            try:
                value, end = self._json.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if self._may_be_cut_off(error) and self._read_more():
                    continue
                self._explain(error)
            except (ValueError, RecursionError) as error:
                self.fail(f"an object that begins here cannot be read: {error}")
            # At the window's end only a value with a closing character is known to be complete: `12` may become `123`.
            if not isinstance(value, dict) and end == len(self.text) and self._read_more():
                continue
            self.at = end
            return value

    def _may_be_cut_off(self, error: json.JSONDecodeError) -> bool:
        """Whether the error may only mean that more text has to be read."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - _LONGEST_TOKEN

    def _explain(self, error: json.JSONDecodeError) -> NoReturn:
        end = len(self.text.rstrip(_BLANKS))
        line, _ = self.position(self.at)
        if not self.ended and self._may_be_cut_off(error):
            self.fail(
                f"an object of more than {MAXIMUM_OBJECT_LETTERS} characters starts here, or one that does not end"
            )
        if error.pos >= end or error.msg.startswith("Unterminated string"):
            self.fail(f"the file ends inside the object that begins on line {line}; it is incomplete", end)
        self.fail(f"not JSON: {error.msg[0].lower()}{error.msg[1:]}", error.pos)

    def _read_more(self) -> bool:
        return len(self.text) - self.at < MAXIMUM_OBJECT_LETTERS and self._read()

    def _read(self) -> bool:
        """Drop the decoded part and read one chunk; returns False at the end of the file."""
        if self.ended:
            return False
        chunk = self._chunk()
        self._line, self._column = self.position(self.at)
        self.ended = not chunk
        self.text, self.at, self._mark = self.text[self.at :], 0, 0
        try:
            self.text += self._utf8.decode(chunk, final=self.ended)
        except UnicodeDecodeError as error:
            self.text += error.object[: error.start].decode("utf-8-sig")
            wrong = f"byte 0x{error.object[error.start]:02x} is not UTF-8; dump with PYTHONUTF8=1 and --output"
            self.fail("the file ends inside a character; it is incomplete" if self.ended else wrong, len(self.text))
        return True

    def _chunk(self) -> bytes:
        try:
            chunk = self.stream.read(CHUNK_BYTES)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            self.fail(f"the gzip file is damaged or incomplete: {error}", len(self.text))
        self._bytes += len(chunk)
        if self._bytes > MAXIMUM_UNPACKED_BYTES:
            self.fail(f"unpacked, the file has more than {MAXIMUM_UNPACKED_BYTES} bytes", len(self.text))
        return chunk


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # Python converts at most 4,300 digits
        return float("inf")
