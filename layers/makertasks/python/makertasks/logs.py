"""Log lines: constant messages with keys, as JSON, without credentials."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger

from makertasks import masking


def logger() -> Logger:
    """The function's logger; modules take `Logger(child=True)`, and what they write comes out here."""
    return Logger(json_serializer=_line)


def _line(record: dict[str, Any]) -> str:
    return masking.text(json.dumps(record, default=str, ensure_ascii=False, separators=(",", ":")))
