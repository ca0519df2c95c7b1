"""URLs of pages, which contain a page's whole state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode


def address(path: str, query: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a URL of `path` with the parameters of `query` and `changes`, without None and empty values.

    >>> address("/tasks", {"status": "FAILURE", "cursor": "x"}, cursor=None, name="a b")
    '/tasks?status=FAILURE&name=a+b'
    """
    wanted = {name: value for name, value in {**(query or {}), **changes}.items() if value not in {None, ""}}
    return f"{path}?{urlencode(wanted)}" if wanted else path
