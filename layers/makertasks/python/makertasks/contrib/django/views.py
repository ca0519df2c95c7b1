"""Receives changes that the stack pushes, signed by the Standard Webhooks scheme; accepts each message once."""

from __future__ import annotations

import binascii
import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from makertasks.contrib.django import applying
from makertasks.contrib.django.models import ReceivedMessage
from makertasks.errors import MakertasksError
from makertasks.inventory import site_changes

logger = logging.getLogger(__name__)

# A message has at most 40 changes, about 100 KB with links.
MAXIMUM_BYTES = 256 * 1024

# A signature expires after five minutes; until then the id identifies a replay.
REMEMBERED = timedelta(hours=1)


def secrets() -> list[str]:
    """The accepted secrets: `MAKERTASKS_WEBHOOK_SECRET`, separated by blanks during a rotation."""
    return str(getattr(settings, "MAKERTASKS_WEBHOOK_SECRET", "") or "").split()


@csrf_exempt  # type: ignore[untyped-decorator]  # Django has no types here
@require_POST  # type: ignore[untyped-decorator]  # as above
def changes(request: HttpRequest) -> JsonResponse:
    """Apply one message.

    200 applied · 401 wrong or expired signature · 409 already applied · 413 too large · 422 unknown format
    503 temporary error: the stack will retry the message
    """
    body = request.read(MAXIMUM_BYTES + 1)
    if len(body) > MAXIMUM_BYTES:
        return _refusal(413, f"more than {MAXIMUM_BYTES} bytes")
    if not is_signed(body, dict(request.headers)):
        return _refusal(401, "not signed with this site's MAKERTASKS_WEBHOOK_SECRET within the last five minutes")
    message_id = request.headers["webhook-id"][:255]
    if ReceivedMessage.objects.filter(id=message_id).exists():
        return _refusal(409, "already applied")
    try:
        message = site_changes.decode(body)
    except site_changes.UnknownFormat as error:
        return _refusal(422, str(error))
    try:
        outcomes = applying.apply(message)
        _remember(message_id)
    except (MakertasksError, DatabaseError, OSError, ValueError, OverflowError) as error:
        logger.exception("message %s was not applied", message_id)
        return _refusal(503, f"{type(error).__name__}: not applied; see the site's log")
    return JsonResponse(dict(outcomes))


def is_signed(body: bytes, headers: dict[str, str]) -> bool:
    """Whether one of the secrets signed the body, within the last five minutes."""
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError  # noqa: PLC0415 - only a site that receives

    for secret in secrets():
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, binascii.Error, ValueError):
            continue
        return True
    return False


def _remember(message_id: str) -> None:
    now = timezone.now()
    ReceivedMessage.objects.filter(received__lt=now - REMEMBERED).delete()
    try:
        ReceivedMessage.objects.create(id=message_id, received=now)
    except IntegrityError:
        logger.info("message %s was applied by two requests at the same time", message_id)


def _refusal(status: int, reason: str) -> JsonResponse:
    answer: dict[str, Any] = {"reason": reason}
    return JsonResponse(answer, status=status)
