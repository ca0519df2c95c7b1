"""Guards connections to untrusted addresses: which may be reached, and for how long.

ssrfguard resolves the name once, checks every address, and connects to a checked one; TLS still verifies the name.
This module defines which addresses are allowed, and adds the time-outs that libraries lack: for look-ups, and for
servers that send one byte at a time.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from concurrent.futures import Future
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ssrfguard import Policy, _policy
from ssrfguard.requests import SafeAdapter

from . import addresses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssrfguard import Resolver
    from urllib3.connectionpool import HTTPConnectionPool

# Ports of web servers. A request to another port could reach some other kind of service.
WEB_PORTS = frozenset({80, 443, 8000, 8080, 8443})
DEFAULT_PORTS = {"http": 80, "https": 443}

# Host names can also contain underscores, which ssrfguard's own pattern rejects. Their addresses are checked like any
# other's.
_policy._HOSTNAME = re.compile(  # noqa: SLF001 - ssrfguard has no setting for this
    r"^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}\.?\Z", re.IGNORECASE | re.ASCII
)

EVERY_ADDRESS = ("0.0.0.0/0", "::/0")

# Maximum number of interim responses before the final one: servers send one or two.
MOST_INTERIM = 20

# Maximum number of addresses of a name to try, each with its own time-out.
CONNECTION_ATTEMPTS = 3


def policy_for(url: str, allowed_hosts: Iterable[str]) -> Policy:
    """Return the policy for a request to `url`: to which addresses and ports it may connect.

    These are public addresses and web ports; for a host that the operator allows (`name` or `name:port`), any address
    of that host and only that port. Raises ValueError for an invalid port.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    names = {allowed.lower() for allowed in allowed_hosts}
    if port and names & {host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"}:
        return Policy(
            allowed_hosts=frozenset({host}),
            allowed_ports=frozenset({port}),
            allowed_networks=EVERY_ADDRESS,  # type: ignore[arg-type]  # ssrfguard also accepts and parses text
            max_connection_attempts=CONNECTION_ATTEMPTS,
        )
    return Policy(
        denied_networks=addresses.DENIED, allowed_ports=WEB_PORTS, max_connection_attempts=CONNECTION_ATTEMPTS
    )


class Deadline:
    """A time limit for a whole download: a context manager that shuts its connections down when the time is over.

    A socket's time-out restarts with every byte; shutting the connection down ends any read at once.
    """

    def __init__(self, seconds: float) -> None:
        """Set the deadline to `seconds` from now."""
        self.seconds = seconds
        self._ends = time.monotonic() + seconds
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start the timer."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the timer and close the connections."""
        self._timer.cancel()
        with self._lock:
            for held in self._held:
                held.close()
            self._held.clear()

    @property
    def passed(self) -> bool:
        """Whether the deadline has passed."""
        return self.remaining <= 0

    @property
    def remaining(self) -> float:
        """Seconds left; negative once the deadline has passed."""
        return self._ends - time.monotonic()

    def watch(self, connection: socket.socket) -> None:
        """Have this connection shut down at the deadline. A duplicate is kept, because TLS takes over the original."""
        with self._lock:
            self._held.append(connection.dup())
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            for held in self._held:
                try:
                    held.shutdown(socket.SHUT_RDWR)
                except OSError:  # the other side has already closed it; the other connections must still be shut down
                    continue

    def resolver(self, resolver: Resolver) -> Resolver:
        """Return `resolver` with a time-out: it raises TimeoutError at the deadline."""

        def look_up(*question: Any) -> Any:
            answer: Future[Any] = Future()

            def ask() -> None:
                try:
                    answer.set_result(resolver(*question))
                except Exception as error:  # noqa: BLE001 - the caller's `result()` raises it
                    answer.set_exception(error)

            threading.Thread(target=ask, daemon=True).start()
            return answer.result(max(self.remaining, 0))

        return look_up


class GuardedAdapter(SafeAdapter):
    """ssrfguard's adapter whose connections end at a deadline."""

    def __init__(self, policy: Policy, resolver: Resolver, deadline: Deadline, target: str | None = None) -> None:
        """Make the adapter of one request: `policy` is for its host, and `target` is the exact request target."""
        self._deadline = deadline
        self._target = target
        super().__init__(policy=policy, resolver=deadline.resolver(resolver), pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the deadline watch every new connection."""
        super().init_poolmanager(*args, **kwargs)
        pools = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _watched(pool, self._deadline, self._target) for scheme, pool in pools.items()
        }


class FinalResponse(HTTPResponse):
    """The response after any interim ones (1xx, RFC 9110, section 15.2); http.client itself only skips 100."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MOST_INTERIM):
            status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # private in the standard library
            if not HTTPStatus.CONTINUE <= status[1] < HTTPStatus.OK or status[1] == HTTPStatus.SWITCHING_PROTOCOLS:
                return status
            parse_headers(self.fp)
        raise HTTPException(f"more than {MOST_INTERIM} interim answers")


def _watched(pool: type[HTTPConnectionPool], deadline: Deadline, target: str | None) -> type[HTTPConnectionPool]:
    made: Any = pool.ConnectionCls

    class WatchedConnection(made):  # type: ignore[misc]  # the class is the library's choice
        response_class = FinalResponse

        def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:
            super().putrequest(method, target or url, *args, **options)

        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            deadline.watch(connection)
            return connection

    return type(pool.__name__, (pool,), {"ConnectionCls": WatchedConnection})
