"""Lambda function of `makertasks.clean_media`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler

# At least a day: an object that a task has just stored may not be named by its item yet.
Days = Annotated[int, Meta(ge=1, le=3650)]


@task("makertasks.clean_media", example={"older_than_days": 30, "dry_run": True})
def clean_media(older_than_days: Days = 30, dry_run: bool = False) -> dict[str, Any]:
    """Remove images, QR codes and cards that nothing refers to; with `dry_run` only report them.

    Reads every item, and lists the bucket's folders to which tasks write; deletes objects older than `older_than_days`
    that no item names, and sheets of cards whose task no longer has a record. For 30 days, deleted objects can be
    restored from their previous version. Returns the numbers of objects examined, kept and removed. Continues in
    another invocation when time runs out. Raises TemporaryError if a service fails.
    """
    from . import cleaning  # loaded on the first run: the API imports this module only to learn the signature

    return cleaning.run(older_than_days, dry_run=dry_run)


handler = lambda_handler(clean_media)
