"""`manage.py check`: finds wrong settings and names the remedy, without network access."""

from __future__ import annotations

import binascii
import importlib.util
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.urls import NoReverseMatch, reverse

from makertasks.client import configuration
from makertasks.contrib.django.views import secrets
from makertasks.inventory import site_changes


def check_site(**_: Any) -> list[CheckMessage]:
    """All checks; the app registers them."""
    return [*_stack(), *_models(), *_media(), *_webhook()]


def _stack() -> list[CheckMessage]:
    try:
        configuration.load()
    except configuration.NotConfigured as error:
        return [Error(str(error), id="makertasks.E001")]
    return []


def _models() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for label in (site_changes.ITEM, site_changes.LINK):
        try:
            apps.get_model(label)
        except LookupError:
            hint = "The app works with OpenMakerSuite's apps inventory and reorder_queue; install them beside it."
            found.append(Warning(f"this site has no model {label}", hint=hint, id="makertasks.W002"))
    return found


def _media() -> list[CheckMessage]:
    wanted = getattr(settings, "MAKERTASKS_MEDIA", "copy")
    if wanted not in {"copy", "bucket"}:
        return [Error(f"MAKERTASKS_MEDIA is {wanted!r}", hint='Use "copy" or "bucket".', id="makertasks.E003")]
    try:
        storage = apps.get_model(site_changes.ITEM)._meta.get_field("image").storage  # noqa: SLF001 - Django's public `Model._meta`
    except Exception:  # noqa: BLE001 - no such model or column: the check above says so
        return []
    is_folder = _is_folder(storage)
    if wanted == "bucket" and is_folder:
        hint = "Point django-storages at the stack's bucket (docs/openmakersuite.md), or leave MAKERTASKS_MEDIA out."
        return [
            Error("MAKERTASKS_MEDIA is 'bucket', but images are stored in a folder", hint=hint, id="makertasks.E004")
        ]
    if wanted == "copy" and is_folder and not settings.MEDIA_ROOT:
        return [Error("MEDIA_ROOT is empty: there is no folder for images", id="makertasks.E005")]
    return []


def _is_folder(storage: Any) -> bool:
    try:
        storage.path("inventory/images/any.png")
    except NotImplementedError:
        return False
    return True


def _webhook() -> list[CheckMessage]:
    try:
        reverse("makertasks:changes")
    except NoReverseMatch:
        return []  # a site that pulls
    if not secrets():
        hint = "`makertasks site-secret` creates one. A site that pulls does not need the view in its urls."
        return [
            Warning(
                "MAKERTASKS_WEBHOOK_SECRET is empty: every pushed message is refused", hint=hint, id="makertasks.W006"
            )
        ]
    if importlib.util.find_spec("standardwebhooks") is None:
        return [
            Error(
                "the package standardwebhooks is missing", hint="pip install 'makertasks[django]'", id="makertasks.E007"
            )
        ]
    return (
        []
        if all(map(_is_secret, secrets()))
        else [Error("MAKERTASKS_WEBHOOK_SECRET is not a Standard Webhooks secret (whsec_…)", id="makertasks.E008")]
    )


def _is_secret(secret: str) -> bool:
    from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook  # noqa: PLC0415 - a site that receives

    try:
        Webhook(secret)
    except (EmptyWebhookSecretError, binascii.Error, ValueError):
        return False
    return True
