"""The cursor of the last list of tasks, for `list --next`: a small file in the user's cache."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from makertasks import settings
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing


def _path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - no error without HOME
    return Path(base) / "makertasks" / f"list-{settings.stack()}.json"


def note(wanted: listing.Filter, limit: int, cursor: str | None) -> None:
    """Remember a list and the cursor of its next page, None at its end."""
    _path().parent.mkdir(parents=True, exist_ok=True)
    _path().write_text(json.dumps({"filter": asdict(wanted), "limit": limit, "cursor": cursor}), encoding="utf-8")


def last() -> tuple[listing.Filter, int, str]:
    """Return the last list's filter, limit and cursor; raises InvalidRequest if it is complete."""
    try:
        noted = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        noted = {"cursor": None}
    if noted["cursor"] is None:
        raise InvalidRequest("--next", "has no next page: the last list was complete; run `makertasks list` first")
    return listing.Filter(**noted["filter"]), noted["limit"], noted["cursor"]
