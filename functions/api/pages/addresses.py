"""Addresses of pages: each says all of the page's state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode


def address(path: str, query: dict[str, Any] | None = None, **changes: Any) -> str:
    """A path with a query: that of `query` with `changes`; None and empty values are left out.

    >>> address("/tasks", {"status": "FAILURE", "cursor": "x"}, cursor=None, name="a b")
    '/tasks?status=FAILURE&name=a+b'
    """
    wanted = {name: value for name, value in {**(query or {}), **changes}.items() if value not in {None, ""}}
    return f"{path}?{urlencode(wanted)}" if wanted else path
