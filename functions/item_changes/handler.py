"""Inventory table stream ▶ download tasks, and ▶ the site.

A new or changed image_url queues a download, whether an import, a script or the console wrote the item. Other changes
queue none, so that a change of stock does not repeat a failed download.

Changes made by tasks (image, QR code, lead times) are sent to the queue from which OpenMakerSuite pulls; if the stack
has a SiteUrl, tasks post them there instead.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import msgspec
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord, DynamoDBStreamEvent

from makertasks import logs, settings
from makertasks.aws import queues
from makertasks.errors import InvalidRequest
from makertasks.inventory import site_changes
from makertasks.media.urls import without_credentials
from makertasks.submission import producer
from makertasks.submission.producer import Submission

PUSH = "makertasks.push_to_site"
DOWNLOAD = "inventory.tasks.download_image_from_url"

logger = logs.logger()
processor = BatchProcessor(
    event_type=EventType.DynamoDBStreams,
    logger=cast("logging.Logger", logger),  # Powertools' logger has the methods that the processor calls
    raise_on_entire_batch_failure=False,
)


def wanted_url(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Return the address to download an item's image from after a change, without credentials; None for no download.

    The task reads credentials from the item itself, so that messages and records do not contain them.

    >>> wanted_url({}, {"image_url": "https://example.com/a.png"})
    'https://example.com/a.png'
    >>> wanted_url({"image_url": "u", "stock": 1}, {"image_url": "u", "stock": 2}) is None
    True
    >>> wanted_url({"image_url": "u", "image": "inventory/images/a.png"}, {"image_url": "u"})
    'u'
    >>> old = {"image_url": "u", "image": "inventory/images/a.png", "image_wanted": "2026-01-01"}
    >>> wanted_url(old, {"image_url": "u", "image_wanted": "2026-01-02"}) is None
    True
    """
    written = str(new.get("image_url") or "")
    url = without_credentials(written)
    lost = old.get("image") and not new.get("image")
    if lost and new.get("image_wanted") in {None, old.get("image_wanted")}:  # not removed by the site, but overwritten
        return url or None
    unchanged = written == old.get("image_url")
    return None if not url or unchanged or url == new.get("image_source") else url


def follow(record: DynamoDBRecord) -> None:
    """Queue the download for a change; its id is derived from the stream event, so a duplicate event adds no task."""
    images = record.dynamodb
    if images is None:
        return
    new = images.new_image or {}
    url = wanted_url(images.old_image or {}, new)
    if url is None:
        return
    item_id = str(new["owner"]).removeprefix("item#")
    arguments = {"item_id": item_id, "image_url": url}
    wanted = Submission(DOWNLOAD, arguments, task_id=f"image-{record.event_id}", requested_by="item change")
    try:
        task_id = producer.submit(wanted).task_id
    except InvalidRequest as error:
        logger.warning("download not queued", item_id=item_id, reason=str(error))
    else:
        logger.info("download queued", item_id=item_id, task_id=task_id)


def tell_site(event: DynamoDBStreamEvent) -> None:
    """Send a batch's changes made by tasks to the site; raises Unavailable, after which Lambda retries the batch."""
    images = [record.dynamodb for record in event.records if record.dynamodb]
    changes = (site_changes.changed(each.old_image or {}, each.new_image or {}) for each in images)
    for number, message in enumerate(site_changes.messages(filter(None, changes))):
        if settings.site_url():
            first = next(event.records).event_id
            arguments = {"changes": msgspec.to_builtins(message.changes)}
            task_id = f"site-{first}-{number}"
            producer.submit(Submission(PUSH, arguments, task_id=task_id, requested_by="item change"))
        else:
            queues.send(queues.SITE_CHANGES, site_changes.encode(message))
        logger.info("changes sent to the site", changes=len(message.changes))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    """Process one batch of the stream; return the first record that failed, from which Lambda continues."""
    tell_site(DynamoDBStreamEvent(event))
    return process_partial_response(event, follow, processor, context)
