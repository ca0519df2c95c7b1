"""`manage.py makertasks_sync`: receives tasks' changes from the stack's queue, or compares site and stack."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from makertasks.contrib.django import comparing, pulling
from makertasks.errors import MakertasksError


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types here
    """Receives the waiting changes and exits."""

    help = "Apply images, QR codes and lead times made by tasks to this site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Modes and options."""
        parser.add_argument(
            "--follow", action="store_true", help="wait for further changes until the process is stopped"
        )
        parser.add_argument("--all", action="store_true", help="compare site and stack completely, and repair both")
        parser.add_argument(
            "--dry-run", action="store_true", help="with --all: print the differences and change nothing"
        )
        parser.add_argument(
            "--force", action="store_true", help="with --all: delete any number of objects that the site no longer has"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Pull, follow or compare; exits with 1 if something could not be applied."""
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
            raise CommandError("some changes were not applied and will be received again; see the log")

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
            raise CommandError(f"{len(report.failed)} attributes were not applied; run the command again later")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()) if number)
