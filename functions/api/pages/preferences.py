"""A reader's preferences (colours, format of times, interval of live updates), kept in cookies for a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from api.access import Role
from api.routing import Reply, page

THEMES = ("system", "light", "dark")
TIMES = ("local", "utc", "relative")
# Minimum seconds between two live updates; with "auto", each page has its own interval.
REFRESH = ("auto", "15", "60", "off")
SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Preferences:
    """One browser's preferences."""

    theme: str = "system"
    times: str = "local"
    refresh: str = "auto"

    @classmethod
    def of(cls, cookies: Mapping[str, str]) -> Preferences:
        """Return the preferences in the cookies; unknown values are ignored."""
        found = {
            name: value
            for name, known in (("theme", THEMES), ("times", TIMES), ("refresh", REFRESH))
            if (value := cookies.get(f"makertasks_{name}", "")) in known
        }
        return cls(**found)


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """Form of `POST /preferences`; `back` is the page from which it was sent."""

    theme: Literal["system", "light", "dark"]
    times: Literal["local", "utc", "relative"]
    refresh: Literal["auto", "15", "60", "off"] = "auto"
    back: Annotated[str, msgspec.Meta(max_length=4096)] = "/"


@page("POST", "/preferences", Role.NOBODY)
def choose(form: Choice) -> Reply:
    """Store the preferences and return to the page."""
    cookies = [
        f"makertasks_{name}={value}; Path=/; Max-Age={SECONDS}; SameSite=Lax; Secure; HttpOnly"
        for name, value in (("theme", form.theme), ("times", form.times), ("refresh", form.refresh))
    ]
    return Reply.redirect(form.back if is_ours(form.back) else "/", cookies)


def is_ours(path: str) -> bool:
    """Return whether a redirect to `path` stays on this site: not with two slashes or backslashes, or a line break."""
    return path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isascii() and path.isprintable()
