"""Shared by all tables: the models' base, JSON attributes, and the mapping of PynamoDB's errors to ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from pynamodb.attributes import Attribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import LIST, MAP
from pynamodb.exceptions import DoesNotExist, PynamoDBException, TransactWriteError
from pynamodb.models import Model

from makertasks import settings
from makertasks.aws import json_values, session
from makertasks.aws.errors import Answered, asking
from makertasks.errors import MakertasksError, Unavailable

_SERIALIZER, _DESERIALIZER = TypeSerializer(), TypeDeserializer()


class Table(Model):
    """The base of all models. Each is bound to the table that the environment names before it is used."""

    class Meta:
        """Far below a function's own time-out, in seconds, so that a task can still report an error."""

        table_name = ""
        connect_timeout_seconds = 3
        read_timeout_seconds = 10

    def __init_subclass__(cls, **options: Any) -> None:
        """Give each model settings of its own: the name of its table is written there."""
        super().__init_subclass__(**options)
        if "Meta" not in cls.__dict__:
            cls.Meta = type("Meta", (cls.Meta,), {})  # type: ignore[assignment, misc]  # a class of its own for each model

    @classmethod
    def _get_connection(cls) -> TableConnection:
        """PynamoDB's connection, with one client for all models: creating one takes longer than most tasks."""
        table = super()._get_connection()
        if table.connection._client is None:  # noqa: SLF001 - PynamoDB gives no other way to share one
            table.connection._client = _client_of(table.connection)  # noqa: SLF001
        return table

    @classmethod
    def bind(cls, table: str) -> None:
        """Use this table from now on."""
        cls.Meta.table_name = table


_clients: dict[tuple[str | None, str], Any] = {}


def _client_of(connection: Connection) -> Any:
    """Return the one client for a region and an endpoint."""
    with session.making:
        endpoint = (connection.region, settings.endpoint_of("dynamodb"))
        if endpoint not in _clients:
            connection._local.session = session.shared()  # noqa: SLF001 - as above
            _clients[endpoint] = connection.client
        return _clients[endpoint]


class JSONMap(Attribute[dict[str, Any]]):
    """A JSON object, stored as a native DynamoDB map."""

    attr_type = MAP

    def serialize(self, value: dict[str, Any]) -> Any:
        """Plain JSON to DynamoDB's typed form."""
        return _SERIALIZER.serialize(json_values.to_decimal(value))["M"]

    def deserialize(self, value: Any) -> dict[str, Any]:
        """DynamoDB's typed form to plain JSON."""
        return json_values.from_decimal(_DESERIALIZER.deserialize({"M": value}))  # type: ignore[no-any-return]


class JSONList(Attribute[list[Any]]):
    """A JSON array, stored as a native DynamoDB list."""

    attr_type = LIST

    def serialize(self, value: list[Any]) -> Any:
        """Plain JSON to DynamoDB's typed form."""
        return _SERIALIZER.serialize(json_values.to_decimal(value))["L"]

    def deserialize(self, value: Any) -> list[Any]:
        """DynamoDB's typed form to plain JSON."""
        return json_values.from_decimal(_DESERIALIZER.deserialize({"L": value}))  # type: ignore[no-any-return]


class Missing(Exception):
    """The table has no such item."""


class ConditionFailed(Exception):
    """A write did nothing, because its condition failed."""


# DynamoDB's error codes for throttling.
THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")


class Throttled(Unavailable):
    """DynamoDB throttled a write."""


class Busy(Unavailable):
    """A single write conflicted with a transaction on the same item, and did nothing."""


# Expected reasons for a cancelled transaction: a condition, or a concurrent write.
_LOST_RACES = frozenset({"None", "ConditionalCheckFailed", "TransactionConflict"})


# Permanent errors: a value that DynamoDB cannot store.
_LASTING = frozenset({"ValidationException", "ValidationError", "ItemCollectionSizeLimitExceeded"})


@contextmanager
def answering(
    what: str, raises: type[MakertasksError] = Unavailable, lasting: type[MakertasksError] | None = None
) -> Iterator[None]:
    """Call DynamoDB in the body; raises `raises("{what}: {its reason}")` if it fails.

    `lasting` is raised instead for a value that DynamoDB cannot store, so that a retry cannot help. Raises Missing for
    a missing item and ConditionFailed for a write or a transaction whose condition failed.
    """
    try:
        yield
    except DoesNotExist as error:
        raise Missing from error
    except PynamoDBException as error:
        code = _code_of(error)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed from error
        if code == "TransactionConflictException" and raises is Unavailable:
            raise Busy(f"{what}: {error}") from error
        if code in THROTTLED and raises is Unavailable:
            raise Throttled(f"{what}: {error}") from error
        reasons = _reasons_of(error)
        if reasons and reasons.keys() <= _LOST_RACES:
            raise ConditionFailed from error
        if lasting is not None and (reasons.keys() | {code}) & _LASTING:
            why = next((message for name, message in reasons.items() if name in _LASTING), _message_of(error))
            raise lasting(f"{what}: {why}") from error
        raise raises(f"{what}: {error}") from error


def _reasons_of(error: PynamoDBException) -> dict[str, str]:
    """Return the codes and messages of a transaction's cancellation reasons."""
    if not isinstance(error, TransactWriteError) or _code_of(error) != "TransactionCanceledException":
        return {}
    return {str(reason.code): str(reason.message) for reason in error.cancellation_reasons if reason is not None}


def _code_of(error: PynamoDBException) -> str:
    """Return DynamoDB's error code; empty if there was no response (a broken connection, a time-out).

    PynamoDB's own `cause_response_code` fails with an AttributeError there.
    """
    return str(error.cause.response["Error"].get("Code", "")) if isinstance(error.cause, ClientError) else ""


def _message_of(error: PynamoDBException) -> str:
    """Return DynamoDB's own message, without PynamoDB's."""
    return str(error.cause.response["Error"].get("Message", "")) if isinstance(error.cause, ClientError) else str(error)


def client() -> Any:
    """Return boto3's client for DynamoDB, for a library that calls DynamoDB itself."""
    return session.client("dynamodb")


def arn_of(table: str) -> str:
    """Return a table's ARN; raises Unavailable, also if there is no such table."""
    with asking(f"the table {table} could not be looked up"):
        arn: str = client().describe_table(TableName=table)["Table"]["TableArn"]
    return arn


def write_batch(table: str, requests: list[Any]) -> list[Any]:
    """Write up to 25 items in DynamoDB's own format; returns the unprocessed requests.

    Raises Throttled if none was processed, and Unavailable.
    """
    try:
        with asking("DynamoDB refused", *THROTTLED):
            answer = session.client("dynamodb").batch_write_item(RequestItems={table: requests})
    except Answered as error:
        raise Throttled(f"DynamoDB refused: {error.code}") from error
    left: list[Any] = answer.get("UnprocessedItems", {}).get(table, [])
    return left
