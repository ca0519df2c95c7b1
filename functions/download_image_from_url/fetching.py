"""Fetches a picture's bytes from an untrusted address.

Servers are not trusted either: neither for types and lengths nor for redirects' targets.
"""

from __future__ import annotations

import io
import re
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import requests
from ssrfguard import SSRFGuardError
from urllib3.exceptions import HTTPError

from download_image_from_url import faults, packing
from download_image_from_url.guarding import Deadline, GuardedAdapter, policy_for
from makertasks.errors import InvalidArguments, PermanentError, TemporaryError
from makertasks.media.pictures import MAX_BYTES
from makertasks.media.urls import shown, without_credentials

if TYPE_CHECKING:
    from ssrfguard import Resolver

MAX_URL_CHARACTERS = 2048  # as in OpenMakerSuite's forms; all servers accept this length
CHUNK_BYTES = 64 * 1024

REDIRECTS = frozenset({301, 302, 303, 307, 308})
SUCCESSES = frozenset({200, 203})  # 203: a proxy modified the response

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))  # every ASCII character that a request line can contain

HEADERS = {
    "Accept": "image/jpeg, image/png, image/webp, image/avif;q=0.8, image/*;q=0.5, */*;q=0.1",
    # A picture is already compressed, and a few bytes can unpack to gigabytes.
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True)
class Limits:
    """Limits of one download: bytes and seconds."""

    seconds: float = 60.0  # in total, from the look-up to the last byte
    connect_seconds: float = 5.0  # for each address of a host
    silence_seconds: float = 15.0  # between two reads
    bytes: int = MAX_BYTES
    redirects: int = 5


@dataclass(frozen=True)
class Location:
    """An address to request, with its user name and password separate."""

    url: str
    user: bytes | None = None
    password: bytes = b""

    @property
    def origin(self) -> tuple[str, str]:
        """The scheme and authority for which the credentials are valid."""
        parts = urlsplit(self.url)
        return parts.scheme.lower(), parts.netloc.lower()


def parse(url: str) -> Location:
    """Parse and check an address without network access; raises InvalidArguments with a message about `image_url`."""
    url = url.strip()
    if not url:
        raise InvalidArguments("image_url: empty; enter the URL of a picture")
    if len(url) > MAX_URL_CHARACTERS:
        raise InvalidArguments(f"image_url: {len(url)} characters; at most {MAX_URL_CHARACTERS} are accepted")
    if re.search(r"[\x00-\x1f\x7f\\]", url):
        raise InvalidArguments("image_url: contains a control character or a backslash; remove it")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # its text may contain the password
        raise InvalidArguments("image_url: is not a valid URL; its host or port is malformed") from None
    if parts.scheme.lower() not in {"http", "https"}:
        scheme = repr(parts.scheme) if parts.scheme else "missing"
        raise InvalidArguments(f"image_url: the scheme is {scheme}; only http and https are supported")
    if not host:
        raise InvalidArguments("image_url: names no host; write it as https://example.com/picture.jpg")
    plain = without_credentials(url)
    if parts.username is None:
        return Location(plain)
    return Location(plain, unquote(parts.username).encode(), unquote(parts.password or "").encode())


def exact_target(url: str) -> str | None:
    """Return path and query exactly as written, for signed addresses; None if they must be normalized first.

    Libraries turn `%2f` into `%2F` and `%7e` into `~`, which is equivalent but invalidates a signature of the text.

    >>> exact_target("https://example.com/a%2fb%7e.jpg?sig=%3d#top")
    '/a%2fb%7e.jpg?sig=%3d'
    >>> exact_target("https://example.com/../100%.jpg") is None
    True
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if re.search(r"%(?![0-9A-Fa-f]{2})", target) or re.search(r"/\.{1,2}(/|\Z)", parts.path):
        return None
    return quote(target, safe=_VISIBLE)


@dataclass(frozen=True)
class Fetcher:
    """Fetches within limits. Resolver and trusted certificates can be set for tests and unusual networks."""

    allowed_hosts: frozenset[str] = frozenset()
    limits: Limits = Limits()
    resolver: Resolver = socket.getaddrinfo
    contact: str = ""  # for a server's operator, as Wikimedia's policy for robots requires
    trust: bool | str = True  # True: the certificate authorities that browsers trust; or a file with others

    def fetch(self, url: str) -> bytes:
        """Return the bytes at `url`, following redirects up to the limit.

        Raises InvalidArguments for an invalid address, PermanentError if retrying cannot help (forbidden address, 404,
        too large …), TemporaryError if it can (time-out, 503, broken connection …).
        """
        location = parse(url)
        with Deadline(self.limits.seconds) as deadline:
            for _ in range(self.limits.redirects + 1):
                answer = self._ask(location, deadline)
                if isinstance(answer, bytes):
                    return answer
                location = answer
        raise PermanentError(f"image_url: {shown(url)} redirects more than {self.limits.redirects} times")

    def _ask(self, location: Location, deadline: Deadline) -> bytes | Location:
        """Send one request; return the body, or the location to request next."""
        where = shown(location.url)
        try:
            headers = HEADERS | {"User-Agent": self._agent()}
            request = requests.Request("GET", location.url, headers).prepare()
            if location.user is not None:
                request.prepare_auth((location.user, location.password))
            policy = policy_for(str(request.url), self.allowed_hosts)
            policy.check_url(str(request.url))
            adapter = GuardedAdapter(policy, self.resolver, deadline, exact_target(location.url))
            try:
                timeouts = self._timeouts(deadline)
                with adapter.send(request, stream=True, timeout=timeouts, verify=self.trust) as response:
                    return self._next(response, location) or self._body(response, where, deadline)
            finally:
                adapter.close()
        except SSRFGuardError as error:
            raise faults.from_refusal(error, where) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if deadline.passed:
                raise self._too_slow(where) from None
            raise faults.from_error(error, where) from None

    def _agent(self) -> str:
        return f"makertasks ({'; '.join(filter(None, (self.contact, 'images of inventory items')))})"

    def _timeouts(self, deadline: Deadline) -> tuple[float, float]:
        left = max(deadline.remaining, 0.001)
        return min(self.limits.connect_seconds, left), min(self.limits.silence_seconds, left)

    def _too_slow(self, where: str) -> TemporaryError:
        return TemporaryError(f"image_url: {where} did not arrive completely within {self.limits.seconds:g} s")

    @staticmethod
    def _next(response: requests.Response, location: Location) -> Location | None:
        """Return a redirect's target, None for any other response; credentials are kept only within their origin."""
        target = response.headers.get("Location")
        if response.status_code not in REDIRECTS or not target:
            return None
        try:
            # Header values are decoded as Latin-1; servers that send more than ASCII mean UTF-8.
            following = parse(urljoin(location.url, target.encode("latin-1").decode("utf-8", "replace")))
        except (InvalidArguments, ValueError) as error:
            reason = str(error).removeprefix("image_url: ") if isinstance(error, InvalidArguments) else "malformed"
            raise PermanentError(
                f"image_url: {shown(location.url)} redirects to an address that is not allowed: {reason}"
            ) from None
        if following.user is None and following.origin == location.origin:
            return replace(location, url=following.url)
        return Location(following.url)

    def _body(self, response: requests.Response, where: str, deadline: Deadline) -> bytes:
        """Return the body of a successful response, decompressed if the server compressed it."""
        if response.status_code not in SUCCESSES:
            raise faults.from_status(response.status_code, response.headers, where, self.contact)
        try:
            codings = packing.codings_of(response.headers.get("Content-Encoding", ""))
            return packing.unpacked(self._sent(response, where, deadline), codings, self.limits.bytes)
        except packing.CannotUnpack as error:
            raise PermanentError(f"image_url: {where} {error}") from None
        except packing.TooLarge:
            raise self._too_large(where) from None
        except packing.Incomplete:
            raise TemporaryError(f"image_url: the connection closed before {where} was complete") from None

    def _sent(self, response: requests.Response, where: str, deadline: Deadline) -> bytes:
        """Return the body as sent; the limit in bytes applies regardless of Content-Length."""
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self.limits.bytes:
            raise self._too_large(where)
        body = io.BytesIO()
        raw: Any = response.raw
        # read() leaves chunked encoding to http.client, which limits the length of every line.
        while chunk := raw.read(CHUNK_BYTES, decode_content=False):
            body.write(chunk)
            if body.tell() > self.limits.bytes:
                raise self._too_large(where)
            if deadline.passed:
                break
        if deadline.passed:  # a connection that was shut down looks like the end of the body
            raise self._too_slow(where)
        return body.getvalue()

    def _too_large(self, where: str) -> PermanentError:
        return PermanentError(f"image_url: {where} has more than {self.limits.bytes} bytes; use a smaller picture")
