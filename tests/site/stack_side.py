"""What the stack does with what the site sends, and the other way round: its own code on moto's AWS."""

from __future__ import annotations

import boto3

from import_dump import importing
from makertasks import settings
from makertasks.context import Context, running
from makertasks.contrib.django.changes import FOLDER
from makertasks.inventory import table as inventory


def sent() -> list[str]:
    """Keys of the files that the site has sent, oldest first."""
    listed = boto3.client("s3").list_objects_v2(Bucket=settings.bucket(), Prefix=FOLDER).get("Contents", [])
    return [each["Key"] for each in sorted(listed, key=lambda each: each["LastModified"])]


class Imports:
    """Imports the site's files, each once unless told otherwise."""

    def __init__(self) -> None:
        self.done: set[str] = set()

    def new(self) -> list[str]:
        """Files that were not imported yet."""
        return [key for key in sent() if key not in self.done]

    def run(self, *keys: str) -> list[dict]:
        """Import these files, all new ones where none are named."""
        reports = []
        for key in keys or self.new():
            with running(Context("t")):
                reports.append(importing.run(key, None))
            self.done.add(key)
        return reports


def item(pk) -> inventory.Item:
    return inventory.get_item(str(pk))


def links(pk) -> list[inventory.ItemSupplier]:
    return inventory.get_item_page(str(pk)).suppliers
