"""Turns network and server errors into permanent and temporary errors of the task.

Libraries' errors contain the whole address, including any signature, and chaining them would put it into the stored
traceback. So they are replaced, not chained, by errors whose message shows the address without its secrets.
"""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING

import requests
from ssrfguard import BlockedAddressError, BlockedURLError, SSRFGuardError
from urllib3.exceptions import (
    HTTPError,
    InvalidHeader,
    LocationParseError,
    NameResolutionError,
    ProtocolError,
)

from makertasks.errors import PermanentError, TaskError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Client errors that may be temporary: request time-out, too early, too many requests.
PASSING_STATUSES = frozenset({408, 425, 429})

# Longest accepted Retry-After, in seconds: a pause of a year is surely a mistake.
LONGEST_PAUSE = 86_400.0

# The address is the item's image_url or, with `override`, one that somebody entered.
CORRECT = "correct the address: the item's image_url, or the one that was entered"

# Meanings of errors; the first match counts. A type here may be a subclass of a later one.
_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], type[PermanentError | TemporaryError], str], ...] = (
    (
        (requests.exceptions.InvalidURL, LocationParseError, UnicodeError),
        PermanentError,
        f"{{}} is not a valid URL; {CORRECT}",
    ),
    ((InvalidHeader,), PermanentError, "the server of {} sent contradictory headers"),
    ((IncompleteRead,), TemporaryError, "the connection closed before {} was complete"),
    ((RemoteDisconnected,), TemporaryError, "the server of {} closed the connection without a response"),
    ((HTTPException,), PermanentError, "the server of {} does not respond with valid HTTP"),
    ((requests.Timeout, TimeoutError), TemporaryError, "{} did not respond in time"),
)

# Permanent look-up failures: the name does not exist or has no address. Other failures of a resolver may be temporary.
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def from_status(status: int, headers: Mapping[str, str], where: str, contact: str = "") -> TaskError:
    """Return the error for an HTTP status other than success and redirection.

    `contact` is the contact in the User-Agent header: some servers refuse robots without one.
    """
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    if status in PASSING_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TemporaryError(f"image_url: the server answered {phrase} for {where}", retry_after(headers))
    if status == HTTPStatus.FORBIDDEN:
        named = "" if contact else "set the stack's parameter DownloadContact, which some servers require, or "
        return PermanentError(
            f"image_url: the server answered {phrase} for {where}; it refuses automated downloads, or "
            f"requires signing in: {named}upload the picture instead"
        )
    return PermanentError(
        f"image_url: the server answered {phrase} for {where}; open the address in a browser that is not signed in, "
        f"and {CORRECT}"
    )


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds to wait by a Retry-After header (a number or an HTTP date); None without a valid one.

    >>> retry_after({"Retry-After": "120"})
    120.0
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_PAUSE)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max((when - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_PAUSE)


def from_refusal(error: SSRFGuardError, where: str) -> PermanentError:
    """Return the error for an address to which connections are not allowed."""
    if isinstance(error, BlockedAddressError | BlockedURLError):
        return PermanentError(
            f"image_url: {where} is not allowed: {error.reason}. Pictures are downloaded only from public web servers "
            "and the hosts in the stack's parameter DownloadAllowedHosts"
        )
    return PermanentError(f"image_url: {where} is not allowed")


def from_error(error: Exception, where: str) -> TaskError:
    """Return the task's error for an error of requests, urllib3, TLS or a socket."""
    for cause in causes(error):
        if isinstance(cause, NameResolutionError):
            return _from_look_up(cause, where)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return PermanentError(f"image_url: the certificate of {where} is not valid: {cause.verify_message}")
        for types, kind, text in _MEANINGS:
            if isinstance(cause, types):
                return kind(f"image_url: {text.format(where)}")
    reason = next((cause.strerror for cause in causes(error) if isinstance(cause, OSError) and cause.strerror), None)
    return TemporaryError(f"image_url: the connection to {where} failed{f': {reason}' if reason else ''}")


def _from_look_up(error: NameResolutionError, where: str) -> TaskError:
    numbers = {cause.errno for cause in causes(error) if isinstance(cause, socket.gaierror)}
    if numbers & _NO_SUCH_NAME:
        return PermanentError(f"image_url: the host of {where} does not exist; {CORRECT}")
    return TemporaryError(f"image_url: the host of {where} could not be looked up")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, outermost first; libraries also put causes into an error's arguments."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [argument for argument in cause.args if isinstance(argument, BaseException)]
        waiting += [*inner, getattr(cause, "reason", None) if isinstance(cause, HTTPError) else None, cause.__cause__]
        waiting.append(cause.__context__ if isinstance(cause, ProtocolError | HTTPError) else None)
