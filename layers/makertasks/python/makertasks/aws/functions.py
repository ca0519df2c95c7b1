"""Lambda functions that are called directly."""

from __future__ import annotations

import json
from typing import Any

from makertasks.aws import session
from makertasks.aws.errors import asking
from makertasks.errors import Unavailable


def start(function: str, payload: dict[str, Any]) -> None:
    """Invoke a function, named by its alias's ARN, and do not wait for it; raises Unavailable."""
    _invoke(function, payload, "Event")


def call(function: str, payload: dict[str, Any]) -> Any:
    """Invoke a function and return its answer; raises Unavailable, also where it fails."""
    answer = _invoke(function, payload, "RequestResponse")
    body = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise Unavailable("the function for alerts failed; its log says why")
    return body


def _invoke(function: str, payload: dict[str, Any], kind: str) -> dict[str, Any]:
    with asking("the function for alerts could not be invoked"):
        answer: dict[str, Any] = session.client("lambda").invoke(
            FunctionName=function, InvocationType=kind, Payload=json.dumps(payload).encode()
        )
    return answer
