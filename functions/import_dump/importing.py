"""One import: copies the dump to disk, reads it once to check it and collect references, and again to write items."""

from __future__ import annotations

import tempfile
from functools import cached_property
from typing import Any, BinaryIO

from makertasks.aws import bucket
from makertasks.aws.errors import asking
from makertasks.context import Continue, current
from makertasks.errors import NotFound, PermanentError, TemporaryError
from makertasks.inventory.openmakersuite import dumps, importing
from makertasks.inventory.openmakersuite.report import Report

# A Lambda function has 512 MB of disk; a dump of 50,000 objects has about 30 MB.
MAXIMUM_BYTES = 400 * 1024 * 1024

# Size of each read.
PIECE_BYTES = 1024 * 1024

# Folder of OpenMakerSuite's images and QR codes.
MEDIA = "inventory/"

# With fewer seconds left, an import continues in another invocation: enough for one more chunk and the record.
MARGIN_SECONDS = 20.0


def run(key: str, etag: str | None) -> dict[str, Any]:
    """Import one dump; raises the task's exceptions."""
    context = current()
    report = Report(**context.state) if context.state else Report()
    with tempfile.TemporaryFile() as file:
        _copy(key, etag, file)
        references = importing.survey(dumps.read(_rewound(file)))
        rest = importing.skipping(_rewound(file), report.objects)
        for _ in importing.bring_in(rest, references, report, _Media().has):
            context.checkpoint(report.objects, references.objects)
            if context.remaining() < MARGIN_SECONDS and report.objects < references.objects:
                raise Continue(report.as_json())
    return report.as_json()


def _copy(key: str, etag: str | None, file: BinaryIO) -> None:
    try:
        response = bucket.open_object(key)
    except NotFound as error:
        raise PermanentError(f"{key}: no longer in the bucket; upload the dump again") from error
    if etag is not None and response["ETag"].strip('"') != etag.strip('"'):
        raise PermanentError(f"{key}: has been replaced; the newer file has its own task")
    if response["ContentLength"] > MAXIMUM_BYTES:
        raise PermanentError(
            f"{key}: {response['ContentLength']} bytes; the limit is {MAXIMUM_BYTES}. Dump only inventory and "
            "reorder_queue, or one model at a time"
        )
    with asking(f"S3 closed the connection while {key} was being read", raises=TemporaryError):
        file.writelines(response["Body"].iter_chunks(PIECE_BYTES))


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


class _Media:
    """The images in the bucket, which is listed once, and only for dumps with images."""

    @cached_property
    def keys(self) -> frozenset[str]:
        return bucket.keys(MEDIA)

    def has(self, key: str) -> bool:
        return key in self.keys
