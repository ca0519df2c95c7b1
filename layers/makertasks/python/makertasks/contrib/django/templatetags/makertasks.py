"""`{% makertasks_item_url pk %}`: the dashboard's page of an item, with its tasks."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag  # type: ignore[untyped-decorator]  # Django has no types here
def makertasks_item_url(pk: Any) -> str:
    """Address of an item on the dashboard; empty if MAKERTASKS_DASHBOARD is not set."""
    base = str(getattr(settings, "MAKERTASKS_DASHBOARD", "") or "").rstrip("/")
    return f"{base}/items/{pk}" if base.startswith(("https://", "http://")) else ""
