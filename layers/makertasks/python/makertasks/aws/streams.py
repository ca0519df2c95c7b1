"""Changes of a table, re-read from its stream, which keeps them for a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking

Image = dict[str, Any]
# DynamoDB's error codes for expired changes and shards.
GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")
PAGE = 100


def changes(stream: str, shard: str, first: str, last: str) -> Iterator[tuple[Image | None, Image | None]]:
    """Yield old and new image of a shard's changes between two sequence numbers, if not expired; raises Unavailable."""
    client = session.client("dynamodbstreams")
    try:
        with asking("the table's stream did not respond", *GONE):
            iterator = client.get_shard_iterator(
                StreamArn=stream, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first
            )["ShardIterator"]
        while iterator:
            with asking("the table's stream did not respond", *GONE):
                page = client.get_records(ShardIterator=iterator, Limit=PAGE)
            for record in page["Records"]:
                if int(record["dynamodb"]["SequenceNumber"]) > int(last):
                    return
                yield _image(record, "OldImage"), _image(record, "NewImage")
            iterator = page.get("NextShardIterator") if page["Records"] else None
    except Answered:
        return


def _image(record: dict[str, Any], name: str) -> Image | None:
    typed = record["dynamodb"].get(name)
    return {key: TypeDeserializer().deserialize(value) for key, value in typed.items()} if typed else None
