"""CloudWatch Logs: the only module that reads them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking


def page(
    group: str, field: str, value: str, start: datetime, end: datetime, token: str | None = None
) -> dict[str, Any]:
    """Return one response of FilterLogEvents: JSON lines with `value` in a field, and `nextToken` if there are more.

    The caller must remove other lines: characters with a meaning in filter patterns match any text here, and local AWSs
    return every line. Empty if the log group does not exist, because nothing was ever written. Raises Unavailable.
    """
    anything_odd = re.sub(r"[^0-9A-Za-z_.:@/ -]+", "*", value)
    request: dict[str, Any] = {
        "logGroupName": group,
        "filterPattern": f'{{ $.{field} = "{anything_odd}" }}',
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
