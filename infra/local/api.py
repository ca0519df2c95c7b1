"""Calls to the stack's HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests

from infra.local.errors import SampleFailed

# API Gateway waits 30 s for a function, which the first call has to start.
TIMEOUT_SECONDS = 35


class Api:
    """The API at one address, with the access token that `token` returns."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """Create the client; nothing is sent yet."""
        self.url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False  # loopback is never behind a proxy

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return the JSON of a GET; raises SampleFailed for an error."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON of a POST; raises SampleFailed for an error."""
        return self._call("POST", path, json=body)

    def submit(self, name: str, **kwargs: Any) -> str:
        """Submit one of OpenMakerSuite's tasks by its short name and return its id."""
        answer = self.post("/v1/tasks", {"name": f"inventory.tasks.{name}", "kwargs": kwargs})
        return str(answer["id"])

    def tasks(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Yield every task that matches the filters of GET /v1/tasks, newest first, page by page."""
        query: dict[str, str | int] = {**filters, "limit": 100}
        while True:
            page = self.get("/v1/tasks", **query)
            yield from page["tasks"]
            if not page.get("cursor"):
                return
            query["cursor"] = page["cursor"]

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request with an access token and return the response, whatever its status."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        return self._session.request(method, self.url + path, headers=headers, timeout=TIMEOUT_SECONDS, **options)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self.request(method, path, **options)
        except requests.RequestException as error:
            raise SampleFailed(f"{method} {path}: the API did not respond: {error}") from error
        if not response.ok:
            raise SampleFailed(f"{method} {path}: the API returned {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer
