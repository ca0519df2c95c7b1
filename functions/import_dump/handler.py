"""Lambda function of `makertasks.import_dump`."""

from __future__ import annotations

from typing import Annotated, Any

from makertasks.tasks import ObjectVersion, object_under, task
from makertasks.worker.handler import lambda_handler

Key = Annotated[str, object_under("imports/")]


@task("makertasks.import_dump", example={"key": "imports/dump.json"})
def import_dump(key: Key, etag: ObjectVersion | None = None) -> dict[str, Any]:
    """Import an OpenMakerSuite dump (`manage.py dumpdata inventory reorder_queue`) into the inventory.

    Reads the object `key` of the bucket (only the version `etag`, if given), the names of the images in the bucket and
    the entries of the dump's objects; writes new and different entries, and only attributes that OpenMakerSuite owns.
    Returns the numbers of objects created, changed, unchanged and refused, with line and reason of each refusal. A
    broken file changes nothing. Continues in another invocation when time runs out.

    Raises BrokenDump (with line and column), PermanentError if the file is gone, replaced or too large, and
    TemporaryError if S3 or DynamoDB fails.
    """
    from . import importing  # loaded on the first run: the API imports this module only to learn the signature

    return importing.run(key, etag)


handler = lambda_handler(import_dump)
