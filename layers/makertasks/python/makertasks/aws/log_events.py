"""CloudWatch Logs: the only module that reads them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking


def page(group: str, term: str, start: datetime, end: datetime, token: str | None = None) -> dict[str, Any]:
    """One answer of FilterLogEvents: the lines of a log group that contain `term`, and `nextToken` if there are more.

    Empty where the log group does not exist, as nothing was ever written. Raises Unavailable.
    """
    request: dict[str, Any] = {
        "logGroupName": group,
        "filterPattern": json.dumps(term, ensure_ascii=False),  # a quoted term: the line has this text
        "startTime": int(start.timestamp() * 1000),
        "endTime": int(end.timestamp() * 1000),
    }
    if token:
        request["nextToken"] = token
    try:
        with asking(f"the log {group} could not be read", "ResourceNotFoundException"):
            answer: dict[str, Any] = session.client("logs").filter_log_events(**request)
    except Answered:
        return {}
    return answer
