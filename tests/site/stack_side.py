"""The stack's side of a synchronisation, in both directions: its own code on moto."""

from __future__ import annotations

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from import_dump import importing
from makertasks import settings
from makertasks.aws import queues
from makertasks.context import Context, running
from makertasks.contrib.django.changes import FOLDER
from makertasks.inventory import site_changes
from makertasks.inventory import table as inventory


def sent() -> list[str]:
    """Keys of the files that the site has sent, oldest first."""
    listed = boto3.client("s3").list_objects_v2(Bucket=settings.bucket(), Prefix=FOLDER).get("Contents", [])
    return [each["Key"] for each in sorted(listed, key=lambda each: each["LastModified"])]


class Imports:
    """Imports the site's files, each once unless a test names it again."""

    def __init__(self) -> None:
        self.done: set[str] = set()

    def new(self) -> list[str]:
        """Files that were not imported yet."""
        return [key for key in sent() if key not in self.done]

    def run(self, *keys: str) -> list[dict]:
        """Import these files, or all new ones if none are given."""
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


class Stream:
    """The inventory table's stream, read as item_changes does."""

    def __init__(self) -> None:
        # moto does not support queue URLs with the account number.
        self.client = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
        [stream] = self.client.list_streams(TableName=settings.inventory_table())["Streams"]
        [shard] = self.client.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
        self.iterator = self.client.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="LATEST"
        )["ShardIterator"]

    def messages(self) -> list[site_changes.Message]:
        """Messages about changes since the last call."""
        answer = self.client.get_records(ShardIterator=self.iterator)
        self.iterator = answer["NextShardIterator"]
        found = []
        for record in answer["Records"]:
            old, new = (_plain(record["dynamodb"].get(name, {})) for name in ("OldImage", "NewImage"))
            found.append(site_changes.changed(old, new))
        return list(site_changes.messages(filter(None, found)))

    def send(self) -> int:
        """Send messages about changes to the queue; returns their number."""
        bodies = [site_changes.encode(message) for message in self.messages()]
        for body in bodies:
            queues.send(queues.SITE_CHANGES, body)
        return len(bodies)


def _plain(image: dict) -> dict:
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in image.items()}
