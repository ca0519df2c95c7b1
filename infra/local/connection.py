"""boto3 clients of the local account's root user, and the settings in `localstack.env`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

SETTINGS = Path(__file__).resolve().parents[2] / "localstack.env"


def read_settings() -> dict[str, str]:
    """Return the variables in localstack.env."""
    lines = SETTINGS.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


class Connection:
    """One client per service, all for one local endpoint and with every permission there."""

    def __init__(self, endpoint: str, region: str | None = None) -> None:
        """Configure clients of `endpoint`, a URL such as `http://127.0.0.1:4566`; nothing is sent yet."""
        settings = read_settings()
        self.endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._session = boto3.Session(
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            region_name=region or settings["AWS_REGION"],
        )

    def client(self, service: str) -> Any:
        """Return the client of `service` ("sqs", "s3", …)."""
        with self._lock:  # creating a client is not thread-safe, using one is
            if service not in self._clients:
                # Loopback is never behind a proxy, even if the environment sets one.
                config = Config(proxies={}, signature_version="s3v4" if service == "s3" else None)
                make: Any = self._session.client
                self._clients[service] = make(service, endpoint_url=self.endpoint, config=config)
            return self._clients[service]
