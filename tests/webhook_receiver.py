"""An HTTPS server on this machine that receives webhooks: it keeps the posts and responds as the test chooses."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.unit.misbehaving_server import write_certificate


@dataclass
class Received:
    """One post."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """The received posts, and the status of the next responses; callers must trust `certificate`."""

    host: str
    certificate: Path
    status: int = 200
    posts: list[Received] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"https://{self.host}{path}"


@contextmanager
def webhook_receiver(folder: Path) -> Iterator[Receiver]:
    """A receiver at 127.0.0.1."""
    certificate = write_certificate(folder / "receiver.pem", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append(Received(self.path, dict(self.headers), body))
            self.send_response(receiver.status)
            if receiver.status in {301, 302, 307, 308}:
                self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Do not log requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(f"127.0.0.1:{server.server_port}", certificate)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
