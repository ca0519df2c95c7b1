"""`manage.py makertasks_sync`: takes what tasks changed from the stack's queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from makertasks.contrib.django import pulling
from makertasks.errors import MakertasksError


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types here
    """Takes what is there and ends."""

    help = "Bring images, QR codes and lead times that tasks made into this site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ways to run."""
        parser.add_argument("--follow", action="store_true", help="wait for more, until the process is stopped")

    def handle(self, *_: Any, **options: Any) -> None:
        """Pull; exits with 1 where something could not be applied."""
        try:
            outcomes = pulling.pull(follow=options["follow"])
        except KeyboardInterrupt:
            return
        except MakertasksError as error:
            raise CommandError(str(error)) from error
        told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items())) or "nothing new"
        self.stdout.write(told)
        if outcomes["failed"]:
            raise CommandError("some changes were not applied; they come again by themselves, and the log says why")
