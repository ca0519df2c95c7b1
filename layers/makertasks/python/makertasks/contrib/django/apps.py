"""The Django app that keeps a site and a stack in step."""

from __future__ import annotations

from django.apps import AppConfig


class MakertasksConfig(AppConfig):  # type: ignore[misc]  # Django has no types here
    """`INSTALLED_APPS = [..., "makertasks.contrib.django"]`."""

    name = "makertasks.contrib.django"
    label = "makertasks"
    verbose_name = "makertasks"

    def ready(self) -> None:
        """Send what the site changes to the stack."""
        from makertasks.contrib.django.changes import follow_inventory  # noqa: PLC0415 - Django loads models first

        follow_inventory()
