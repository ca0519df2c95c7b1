"""PynamoDB attributes for plain JSON."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pynamodb.attributes import Attribute
from pynamodb.constants import LIST, MAP

from makertasks.aws import json_values


class JSONMap(Attribute[dict[str, Any]]):
    """A JSON object, kept as a native DynamoDB map."""

    attr_type = MAP

    def serialize(self, value: dict[str, Any]) -> Any:
        """Plain JSON to DynamoDB's typed form."""
        return TypeSerializer().serialize(json_values.to_decimal(value))["M"]

    def deserialize(self, value: Any) -> dict[str, Any]:
        """DynamoDB's typed form to plain JSON."""
        return json_values.from_decimal(TypeDeserializer().deserialize({"M": value}))  # type: ignore[no-any-return]


class JSONList(Attribute[list[Any]]):
    """A JSON array, kept as a native DynamoDB list."""

    attr_type = LIST

    def serialize(self, value: list[Any]) -> Any:
        """Plain JSON to DynamoDB's typed form."""
        return TypeSerializer().serialize(json_values.to_decimal(value))["L"]

    def deserialize(self, value: Any) -> list[Any]:
        """DynamoDB's typed form to plain JSON."""
        return json_values.from_decimal(TypeDeserializer().deserialize({"L": value}))  # type: ignore[no-any-return]
