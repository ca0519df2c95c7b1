"""One delivery: links for the images, a signature, one POST."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import urllib3
from standardwebhooks.webhooks import Webhook

from makertasks import settings
from makertasks.aws import bucket, parameters
from makertasks.context import current
from makertasks.errors import PermanentError, TemporaryError
from makertasks.inventory import site_changes
from makertasks.inventory.site_changes import Changed, Message

# A site fetches at most five images before it responds.
TIMEOUT = urllib3.Timeout(connect=5, read=45)

# Bytes of the site's response that are stored.
ANSWER_BYTES = 2000

# The site's status for a message that it has already applied.
TAKEN_BEFORE = 409


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False, timeout=TIMEOUT)


def run(changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Post one message; raises TemporaryError, or PermanentError for invalid changes."""
    url = settings.site_url()
    if not url:
        raise TemporaryError("the stack's parameter SiteUrl is empty: there is no site to post to", retry_after=3600)
    body = site_changes.encode(_with_links(changes))
    moment = datetime.now(UTC)
    message_id = current().task_id
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "makertasks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(key.sign(message_id, moment, body) for key in _keys()),
    }
    try:
        response = _pool().request(
            "POST", url, body=body.encode(), headers=headers, redirect=False, preload_content=False
        )
        answer = response.read(ANSWER_BYTES, decode_content=True)
        response.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise TemporaryError(f"the site could not be reached: {error}") from error
    if response.status == TAKEN_BEFORE or 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's successes
        return {"status": response.status, "answer": _shown(answer)}
    raise TemporaryError(f"the site answered {response.status}: {_shown(answer)}", _retry_after(response))


def _with_links(changes: list[dict[str, Any]]) -> Message:
    try:
        message = Message(msgspec.convert(changes, list[Changed]))
    except msgspec.ValidationError as error:
        raise PermanentError(f"changes: {error}") from error
    for changed in message.changes:
        for name in site_changes.MEDIA & changed.attributes.keys():
            attribute = changed.attributes[name]
            attribute.link = bucket.link(str(attribute.value)) if attribute.value else None
    return message


def _keys() -> list[Webhook]:
    """Return the secrets, newest first: during a rotation the site may have either."""
    name = settings.site_secret()
    secrets = (parameters.secret(name) or "").split()
    try:
        keys = [Webhook(secret) for secret in secrets]
    except ValueError as error:
        raise TemporaryError(
            f"the parameter {name} holds no valid secret: {error}; run `makertasks site-secret`"
        ) from error
    if not keys:
        raise TemporaryError(f"there is no parameter {name}; run `makertasks site-secret`", retry_after=600)
    return keys


def _shown(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return answer[:200].decode(errors="replace")


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdecimal() else None
