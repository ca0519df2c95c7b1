"""Starts and stops MiniStack, the local AWS: one server on loopback, with its own folders.

with MiniStack(Path(".local/data"), port=4566, persist=True) as aws:
    aws.connection.client("s3").list_buckets()
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from infra.local.connection import Connection, read_settings
from infra.local.errors import NotInstalled, NotStarted, PortInUse

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = Path(__file__).with_name("launcher.py")
SERVER = ROOT / ".local/ministack/bin/python"
RUNTIME = ROOT / ".local/runtime/bin/python"

START_SECONDS = 120  # a start takes 0.5 s on two idle cores, and over 30 s on two busy ones
STOP_SECONDS = 15  # a stop takes 0.5 s, and longer if the state of a million tasks has to be written
POLL_SECONDS = 0.05
LOOPBACK = "127.0.0.1"


class MiniStack:
    """A local AWS. `data` contains state, temporary files and log; with `persist`, the state survives a clean stop."""

    def __init__(self, data: Path, port: int | None = None, *, persist: bool = False) -> None:
        """Configure the local AWS; without `port`, it uses any free port."""
        self.data = data
        self.persist = persist
        self.port = port or free_port()
        self.log = data / "ministack.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The URL for AWS_ENDPOINT_URL, with an IP address, because `bucket.localhost` does not resolve everywhere."""
        return f"http://{LOOPBACK}:{self.port}"

    @cached_property
    def connection(self) -> Connection:
        """The clients of this local AWS, with every permission."""
        return Connection(self.endpoint)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it responds; raises PortInUse, NotInstalled or NotStarted, leaving nothing behind."""
        check_installed()
        check_port(self.port)
        for folder in ("state", "s3", "tmp"):
            (self.data / folder).mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            # In a new session, so that Ctrl-C in the terminal reaches only this process, which then stops it cleanly.
            self._process = subprocess.Popen(
                [SERVER, "-I", LAUNCHER, RUNTIME, self.data],
                env=self._environment(),
                cwd=self.data,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End its processes, with `persist` only after the state is written; does nothing if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        if self.persist:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):  # function workers are in its process group
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()
        shutil.rmtree(self.data / "tmp", ignore_errors=True)

    def wait(self) -> None:
        """Wait until it stops unexpectedly, then raise NotStarted."""
        if self._process:
            self._process.wait()
            raise NotStarted(f"the local AWS stopped unexpectedly; its log is {self.log}")

    def last_error(self) -> str:
        """Return the last error in its log, with the log's path."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line.partition(" ERROR ")[2] for line in lines if " ERROR " in line]
        return f"{errors[-1][:300]} (log: {self.log})" if errors else f"its log is {self.log}"

    def _environment(self) -> dict[str, str]:
        """Return the whole environment of MiniStack, which every function inherits."""
        persist = "1" if self.persist else "0"
        return read_settings() | {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": LOOPBACK,
            "AWS_ENDPOINT_URL": self.endpoint,
            "STATE_DIR": str(self.data / "state"),
            "S3_DATA_DIR": str(self.data / "s3"),
            "TMPDIR": str(self.data / "tmp"),
            "PERSIST_STATE": persist,
            "S3_PERSIST": persist,
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        opener = build_opener(ProxyHandler({}))  # loopback is never behind a proxy
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise NotStarted(f"the local AWS exited with status {process.returncode}: {self.last_error()}")
            with suppress(URLError, OSError), opener.open(f"{self.endpoint}/_ministack/ready", timeout=5):
                return
            time.sleep(POLL_SECONDS)
        raise NotStarted(f"the local AWS did not respond within {START_SECONDS} s; its log is {self.log}")


def check_installed() -> None:
    """Raise NotInstalled if an environment is missing."""
    for python in (SERVER, RUNTIME):
        if not python.exists():
            name = python.relative_to(ROOT).parts[1]
            raise NotInstalled(
                f"the environment .local/{name} is not installed; `make run` installs it, which needs the network"
            )


def check_port(port: int) -> None:
    """Raise PortInUse if another program listens on the port."""
    in_use = PortInUse(
        f"port {port} is in use; stop the program that uses it, or choose another: MAKERTASKS_PORT={port + 1} make run"
    )
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise in_use
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise in_use from error


def free_port() -> int:
    """Return a port on loopback that is currently free."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port
