"""A site that receives posts: it responds with 200 if every link in the body works."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        links = [json.loads(found) for found in re.findall(r'"link":("[^"]*")', body)]
        try:
            for link in links:
                urllib.request.urlopen(link, timeout=10).close()  # noqa: S310 - the local AWS's own
            status = 200
        except OSError:
            status = 502
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving_site() -> Iterator[str]:
    """The view that a stack posts to."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/makertasks/changes/"
    finally:
        server.shutdown()
        server.server_close()
