"""Lambda function of `makertasks.import_dump`."""

from __future__ import annotations

from typing import Annotated, Any

from makertasks.tasks import object_under, task
from makertasks.worker.handler import lambda_handler

Key = Annotated[str, object_under("imports/")]


@task("makertasks.import_dump", example={"key": "imports/dump.json"})
def import_dump(key: Key, etag: str | None = None) -> dict[str, Any]:
    """Bring an OpenMakerSuite dump (`manage.py dumpdata inventory reorder_queue`) into the inventory table.

    Reads the object `key` of the bucket (only the version that `etag` names, where given), the names of the pictures
    in the bucket and the entries that the dump speaks of; writes those that are new or different, and of these only
    what OpenMakerSuite owns. Answers objects created, changed, unchanged and refused, the refused ones with line and
    reason. A file that is broken anywhere changes nothing. Goes on in a next invocation where time runs short.

    Raises BrokenDump (with line and column), PermanentError where the file is gone, replaced or too large, and
    TemporaryError where S3 or DynamoDB refuse.
    """
    from . import importing  # loaded on the first run: the API imports this module only to learn the signature

    return importing.run(key, etag)


handler = lambda_handler(import_dump)
