"""Lambda functions that are called directly, by their alias `live`."""

from __future__ import annotations

import json
from typing import Any

from makertasks import settings
from makertasks.aws import session
from makertasks.aws.errors import asking
from makertasks.errors import Unavailable

ALIAS = "live"


def start(name: str, payload: dict[str, Any]) -> None:
    """Invoke one of the stack's functions and do not wait for it; raises Unavailable."""
    _invoke(name, payload, "Event")


def call(name: str, payload: dict[str, Any]) -> Any:
    """Invoke one of the stack's functions and return its answer; raises Unavailable, also where it fails."""
    answer = _invoke(name, payload, "RequestResponse")
    body = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise Unavailable(f"the function {name} failed; its log says why")
    return body


def _invoke(name: str, payload: dict[str, Any], kind: str) -> dict[str, Any]:
    with asking(f"the function {name} could not be invoked"):
        answer: dict[str, Any] = session.client("lambda").invoke(
            FunctionName=f"{settings.stack()}-{name}",
            Qualifier=ALIAS,
            InvocationType=kind,
            Payload=json.dumps(payload).encode(),
        )
    return answer
