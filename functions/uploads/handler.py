"""Media bucket ▶ tasks: a dump under `imports/` is imported, a picture under `uploads/` becomes an item's image.

S3 may send a notification twice; the task's id is derived from the object's version, so the task runs once. A later
upload with the same key gets its own task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus
from uuid import NAMESPACE_URL, uuid5

from makertasks import logs
from makertasks.media import uploads
from makertasks.submission import producer
from makertasks.submission.producer import Submission

IMPORT = "makertasks.import_dump"
ATTACH = "makertasks.attach_upload"

logger = logs.logger()


@dataclass(frozen=True)
class Upload:
    """One uploaded object, with a mark that distinguishes it from others with the same key."""

    bucket: str
    key: str
    etag: str
    mark: str  # its version id, or else S3's sequence number, or else its ETag

    @property
    def task_name(self) -> str | None:
        """The name of the task for the upload; None for a folder's marker and for other keys."""
        if self.key.endswith("/"):
            return None
        if self.key.startswith(uploads.IMPORTS):
            return IMPORT
        return ATTACH if self.key.startswith("uploads/") else None

    @property
    def task_id(self) -> str:
        """The task's id, the same for every notification of the same object."""
        return str(uuid5(NAMESPACE_URL, f"s3://{self.bucket}/{self.key}#{self.mark}"))


def uploads_of(event: dict[str, Any]) -> Iterator[Upload]:
    """Yield the uploads of an event, either S3's own notification or one from EventBridge.

    Only S3's own notifications have URL-encoded keys. Other events, such as S3's test event, have no uploads.
    """
    if "detail" in event:
        put = event["detail"]["object"]
        mark = put.get("version-id") or put.get("sequencer") or put["etag"]
        yield Upload(event["detail"]["bucket"]["name"], put["key"], put["etag"], mark)
    for record in event.get("Records", []):
        put = record["s3"]["object"]
        mark = put.get("versionId") or put.get("sequencer") or put["eTag"]
        yield Upload(record["s3"]["bucket"]["name"], unquote_plus(put["key"]), put["eTag"], mark)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda passes a context
    """Queue the tasks of one notification and return their number; after an error S3 sends it again."""
    queued = 0
    for upload in uploads_of(event):
        if upload.task_name is None:
            logger.info("object ignored: no task handles this key", key=upload.key)
            continue
        arguments = {"key": upload.key, "etag": upload.etag}
        producer.submit(Submission(upload.task_name, arguments, task_id=upload.task_id, requested_by="upload"))
        logger.info("task queued", key=upload.key, task_id=upload.task_id, task_name=upload.task_name)
        queued += 1
    return {"queued": queued}
