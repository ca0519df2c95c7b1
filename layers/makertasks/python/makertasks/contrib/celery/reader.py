"""A result backend for clients whose tasks return more than a record of DynamoDB holds, about 390 KB of JSON.

    result_backend = "makertasks.contrib.celery.reader:Reader+dynamodb://@eu-central-1/makertasks-tasks"

Larger results of the stack's own tasks are in the bucket, and a stock client reads `{"makertasks_payload": …}`
instead; with this backend it reads the result itself. The backend also reads results that Celery 5.7 compressed,
whatever the client's version. The client needs this package, and `s3:GetObject` on `payloads/*` (`makertasks
celery-settings --policy --results`).
"""

from __future__ import annotations

from typing import Any

from celery.backends.dynamodb import DynamoDBBackend  # type: ignore[import-not-found]  # the site's own

from makertasks import wire
from makertasks.client import configuration
from makertasks.records import payloads
from makertasks.records.table import PAYLOAD_HEADER


class Reader(DynamoDBBackend):  # type: ignore[misc]  # of the site's own Celery
    """Celery's DynamoDB backend, which fetches large results from the bucket."""

    def decode(self, payload: Any) -> Any:
        """A stored result's fields, decompressed; raises Malformed."""
        return super().decode(wire.decompressed(payload) if isinstance(payload, bytes) else payload)

    def meta_from_decoded(self, meta: dict[str, Any]) -> dict[str, Any]:
        """A stored result's fields, with the result itself; raises NotFound if it was removed, and Unavailable."""
        result = meta.get("result")
        if isinstance(result, dict) and result.keys() == {PAYLOAD_HEADER}:
            configuration.load()
            meta = {**meta, "result": payloads.load(result[PAYLOAD_HEADER])}
        decoded: dict[str, Any] = super().meta_from_decoded(meta)
        return decoded
