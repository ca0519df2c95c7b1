"""`manage.py makertasks_sync`: takes what tasks changed from the stack's queue, or compares everything once."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from makertasks.contrib.django import comparing, pulling
from makertasks.errors import MakertasksError


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types here
    """Takes what is there and ends."""

    help = "Bring images, QR codes and lead times that tasks made into this site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ways to run."""
        parser.add_argument("--follow", action="store_true", help="wait for more, until the process is stopped")
        parser.add_argument("--all", action="store_true", help="compare everything once, and repair site and stack")
        parser.add_argument("--dry-run", action="store_true", help="with --all: say what differs, and change nothing")
        parser.add_argument("--force", action="store_true", help="with --all: delete however much the site has not")

    def handle(self, *_: Any, **options: Any) -> None:
        """Pull, follow or compare; exits with 1 where something could not be applied."""
        try:
            if options["all"]:
                self._compare(dry_run=options["dry_run"], force=options["force"])
                return
            if options["follow"]:
                pulling.follow()
            outcomes = pulling.pull()
        except KeyboardInterrupt:
            return
        except MakertasksError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_told(outcomes) or "nothing new")
        if outcomes["failed"]:
            raise CommandError("some changes were not applied; they come again by themselves, and the log says why")

    def _compare(self, *, dry_run: bool, force: bool) -> None:
        report = comparing.compare(dry_run=dry_run, force=force)
        would = " (nothing was changed)" if dry_run else ""
        self.stdout.write(f"stack: {_told(report.stack) or 'nothing'}{would}")
        self.stdout.write(f"site: {_told(report.site) or 'nothing missing'}{would}")
        for each in report.refused:
            self.stdout.write(f"refused: {each['model']} {each['pk']}: {each['reason']}")
        for reason in report.failed:
            self.stdout.write(f"failed: {reason}")
        if report.failed:
            raise CommandError(f"{len(report.failed)} attributes were not applied; call again later")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()) if number)
