"""A user's preferences for pages: colours and the format of times. Kept in cookies for a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from api.access import Role
from api.routing import Reply, page

THEMES = ("system", "light", "dark")
TIMES = ("local", "utc", "relative")
SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Preferences:
    """The choices of one browser."""

    theme: str = "system"
    times: str = "local"

    @classmethod
    def of(cls, cookies: Mapping[str, str]) -> Preferences:
        """Return the preferences in the cookies; unknown values are ignored."""
        theme, times = cookies.get("makertasks_theme", ""), cookies.get("makertasks_times", "")
        return cls(theme if theme in THEMES else "system", times if times in TIMES else "local")


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """Form of `POST /preferences`; `back` is the page that it was sent from."""

    theme: Literal["system", "light", "dark"]
    times: Literal["local", "utc", "relative"]
    back: Annotated[str, msgspec.Meta(max_length=4096)] = "/"


@page("POST", "/preferences", Role.NOBODY)
def choose(form: Choice) -> Reply:
    """Store the preferences and show the page again."""
    cookies = [
        f"makertasks_{name}={value}; Path=/; Max-Age={SECONDS}; SameSite=Lax; Secure; HttpOnly"
        for name, value in (("theme", form.theme), ("times", form.times))
    ]
    return Reply.redirect(form.back if is_ours(form.back) else "/", cookies)


def is_ours(path: str) -> bool:
    """Return whether a redirect to `path` stays on this site; two slashes of either kind, or a line end, would not."""
    return path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isascii() and path.isprintable()
