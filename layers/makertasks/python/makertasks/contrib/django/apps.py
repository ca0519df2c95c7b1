"""The app's configuration: signals and checks."""

from __future__ import annotations

from django.apps import AppConfig


class MakertasksConfig(AppConfig):  # type: ignore[misc]  # Django has no types here
    """`INSTALLED_APPS = [..., "makertasks.contrib.django"]`."""

    name = "makertasks.contrib.django"
    label = "makertasks"
    verbose_name = "makertasks"

    def ready(self) -> None:
        """Connect the signals that send changes to the stack, and register the checks."""
        from django.core.checks import register  # noqa: PLC0415 - Django loads models first

        from makertasks.contrib.django.changes import follow_inventory  # noqa: PLC0415 - Django loads models first
        from makertasks.contrib.django.checks import check_site  # noqa: PLC0415 - as above

        follow_inventory()
        register(check_site, "makertasks")
