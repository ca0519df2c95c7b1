"""A gate between functions and services: while it is closed, DynamoDB and S3 are unreachable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Gate:
    """Forwards connections to `port`, or closes them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.own_port = 0
        self.shut = False
        self.refused = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    def close(self, seconds: float) -> None:
        """Close the gate for this number of seconds, including open connections."""

        def shut() -> None:
            self.shut = True
            self.refused += len(self._open)
            for writer in list(self._open):
                writer.transport.abort()
            self._loop.call_later(seconds, setattr, self, "shut", False)

        self._loop.call_soon_threadsafe(shut)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shut:
            self.refused += 1
            writer.transport.abort()
            return
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionError:  # the service has been stopped
            writer.transport.abort()
            return
        both = {writer, inner_writer}
        self._open |= both
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        self._open -= both

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.own_port = server.sockets[0].getsockname()[1]
        ready.set()
        with suppress(asyncio.CancelledError):
            await server.serve_forever()

    def run(self, ready: threading.Event) -> None:
        self._serving = self._loop.create_task(self._serve(ready))
        self._loop.run_until_complete(self._serving)
        for left in asyncio.all_tasks(self._loop):
            left.cancel()
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(left)
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@contextmanager
def gate_to(port: int) -> Iterator[Gate]:
    """A gate to a port of this machine, on a separate port."""
    gate, ready = Gate(port), threading.Event()
    thread = threading.Thread(target=gate.run, args=(ready,))
    thread.start()
    ready.wait()
    try:
        yield gate
    finally:
        gate.stop()
        thread.join()
