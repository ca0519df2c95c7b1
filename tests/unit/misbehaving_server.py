"""A web server on 127.0.0.1 that returns the given bytes for each path, or misbehaves in the given way.

with MisbehavingServer() as server:
    server.serve("/picture.jpg", reply(200, body=jpeg))
    server.serve("/endless", endless)
    fetch(server.url("/endless"))
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import socketserver
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# A path's behaviour, called with the connection and the request's head.
Behaviour = Callable[[socket.socket, bytes], None]


class MisbehavingServer(socketserver.ThreadingTCPServer):
    """Serves until the end of its `with` block; `requests` counts paths, `heads` has each path's last request head."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviours: dict[str, Behaviour] = {}
        self.requests: Counter[str] = Counter()
        self.heads: dict[str, bytes] = {}
        self.port = self.server_address[1]
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if self.tls:
            self.tls.load_cert_chain(certificate)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def serve(self, path: str, behaviour: Behaviour) -> str:
        self.behaviours[path] = behaviour
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def handle_error(self, *_: object) -> None:
        """Most of these tests are about clients that disconnect."""


class _Handler(socketserver.BaseRequestHandler):
    server: MisbehavingServer

    def handle(self) -> None:
        connection = self.request
        if self.server.tls:
            connection = self.server.tls.wrap_socket(connection, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(65536)
            if not part:
                return
            head += part
        path = head.split(b" ")[1].decode("latin-1")
        self.server.requests[path] += 1
        self.server.heads[path] = head
        self.server.behaviours[path.partition("?")[0]](connection, head)
        connection.close()


def reply(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """A correct response; header names are written with underscores."""

    def answer(connection: socket.socket, _head: bytes) -> None:
        named = {"Content-Length": str(len(body))} | {name.replace("_", "-"): text for name, text in headers.items()}
        lines = "".join(f"{name}: {text}\r\n" for name, text in named.items())
        connection.sendall(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1") + body)

    return answer


def raw(answer: bytes) -> Behaviour:
    """Send exactly these bytes, then close the connection."""
    return lambda connection, _head: connection.sendall(answer)


def redirect(target: str, status: int = 302) -> Behaviour:
    return reply(status, Location=target)


def repeated(start: bytes, again: bytes, pause: float = 0.0) -> Behaviour:
    """Send `start`, then `again` until the other side disconnects."""

    def answer(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(again)
            time.sleep(pause)

    return answer


def silent(connection: socket.socket, _head: bytes) -> None:
    """Send nothing until the other side disconnects."""
    connection.recv(1)


def reset(connection: socket.socket, _head: bytes) -> None:
    """Send half a response, then reset the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def write_certificate(path: Path, *names: str) -> Path:
    """A self-signed certificate for these names and addresses, with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "misbehaving server")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))  # OpenSSL's clock can't be moved by hand
        .not_valid_after(dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
