"""Addresses as they may be stored and shown: without the user name and password that some of them carry."""

from __future__ import annotations

import re

# What stands between the scheme's slashes and the last @ of the authority (RFC 3986, section 3.2.1). Browsers read a
# backslash as a slash there, so it ends the authority as well.
_CREDENTIALS = re.compile(r"^(\s*[a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/?#\\]*@")

# An address in an error or a log line is there to be recognised, not to be read whole.
SHOWN_CHARACTERS = 200


def without_credentials(url: str) -> str:
    """The address without user name and password; any other text as it is.

    >>> without_credentials("https://ann:secret@example.com/drill.jpg?size=2")
    'https://example.com/drill.jpg?size=2'
    """
    return _CREDENTIALS.sub(lambda found: f"{found[1] or ''}//", url)


def shown(url: str) -> str:
    """The address as errors and logs show it: also without query and fragment, which may hold a signature or a token.

    >>> shown("https://example.com/drill.jpg?X-Amz-Signature=abc#top")
    'https://example.com/drill.jpg'
    """
    plain = re.split(r"[?#]", without_credentials(url), maxsplit=1)[0]
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[: SHOWN_CHARACTERS - 1]}…"
