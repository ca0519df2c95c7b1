"""Addresses that are safe to store and show: without the user name and password that some of them contain."""

from __future__ import annotations

import re

# The text between the scheme's slashes and the last @ of the authority (RFC 3986, section 3.2.1). Browsers read a
# backslash as a slash there, so it ends the authority as well.
_CREDENTIALS = re.compile(r"^(\s*[a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/?#\\]*@")

# In errors and log lines an address only has to be recognisable, not complete.
SHOWN_CHARACTERS = 200


def without_credentials(url: str) -> str:
    """The address without user name and password; any other text unchanged.

    >>> without_credentials("https://ann:secret@example.com/drill.jpg?size=2")
    'https://example.com/drill.jpg?size=2'
    """
    return _CREDENTIALS.sub(lambda found: f"{found[1] or ''}//", url)


def shown(url: str) -> str:
    """The address for errors and logs: also without query and fragment, which may hold a signature or a token.

    >>> shown("https://example.com/drill.jpg?X-Amz-Signature=abc#top")
    'https://example.com/drill.jpg'
    """
    plain = re.split(r"[?#]", without_credentials(url), maxsplit=1)[0]
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[: SHOWN_CHARACTERS - 1]}…"
