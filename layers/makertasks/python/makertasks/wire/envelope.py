"""Reading a message: any content of a queue becomes a Message or raises Malformed, never another exception."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from makertasks.wire import fields
from makertasks.wire.compression import decompress
from makertasks.wire.message import Message, Signature
from makertasks.wire.signatures import checked
from makertasks.wire.values import Malformed, dump_value, load_json, load_value, shown

_OWN_HEADERS = {
    "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
    "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
    "stamps", "compression",
}  # fmt: skip

_OWN_PROPERTIES = {
    "correlation_id", "reply_to", "delivery_mode", "delivery_info", "priority", "body_encoding", "delivery_tag",
    "DelaySeconds",
}  # fmt: skip


def decode(body: str, *, message_id: str, default_name: str | None = None) -> Message:
    """Parse an SQS message's body.

    Accepts kombu's envelope, as base64 or JSON, and a JSON object of arguments: then `message_id` is the task's id and
    `default_name` its name. Raises Malformed, with the task's id and name if they can be read.
    """
    text = _text_of(body)
    raw = load_json(text)
    if not isinstance(raw, dict):
        raise Malformed(f"the message is {shown(raw)}; send an envelope or a JSON object of arguments")
    if not _is_envelope(raw):
        return _from_arguments(text, message_id, default_name)
    task_id, name = _identify(raw)
    try:
        return _from_envelope(load_value(text), task_id, name)
    except Malformed as error:
        raise Malformed(error.reason, task_id, name) from error


def _text_of(body: str) -> str:
    text = body.strip()
    if text.startswith("{"):
        return text
    try:
        return base64.b64decode(text.encode("ascii"), validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise Malformed("the message is neither base64 nor a JSON object") from error


def _is_envelope(raw: dict[str, Any]) -> bool:
    """Return whether an object is an envelope, possibly a broken one, and not a task's arguments."""
    return "body" in raw and ("properties" in raw or "headers" in raw)


def _from_arguments(text: str, message_id: str, default_name: str | None) -> Message:
    if default_name is None:
        raise Malformed("the message holds arguments only, and its queue is no single task's; send an envelope")
    try:
        return Message(task_id=message_id, name=default_name, kwargs=load_value(text), origin="sqs")
    except Malformed as error:
        raise Malformed(error.reason, message_id, default_name) from error


def _identify(raw: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the task's id and name, if they can be read: from the headers, or from the body for protocol 1."""
    headers = raw.get("headers")
    if isinstance(headers, dict) and "id" in headers:
        return _readable(headers["id"], fields.task_id), _readable(headers.get("task"))
    try:
        old = load_json(_content(raw))
    except Malformed:
        return None, None
    if not isinstance(old, dict):
        return None, None
    return _readable(old.get("id"), fields.task_id), _readable(old.get("task"))


def _readable(value: object, read: Callable[[object, str], str] = fields.identifier) -> str | None:
    try:
        typed = load_value(dump_value(value)) if isinstance(value, dict) else value
        return read(typed, "id")
    except Malformed:
        return None


def _from_envelope(envelope: dict[str, Any], task_id: str | None, name: str | None) -> Message:
    payload = load_value(_content(envelope))
    if isinstance(payload, dict):
        raise Malformed("the message is of Celery's protocol 1; set task_protocol = 2, the default since Celery 4")
    headers = fields.mapping(envelope.get("headers"), "headers")
    args, kwargs, embedded = _triple(payload)
    return Message(
        task_id=fields.identifier(headers.get("id") or task_id, "id"),
        name=name or fields.identifier(headers.get("task"), "task"),
        args=args,
        kwargs=kwargs,
        **_header_fields(headers),
        **_property_fields(fields.mapping(envelope.get("properties"), "properties")),
        callbacks=_signatures(embedded, "callbacks"),
        errbacks=_signatures(embedded, "errbacks"),
        chain=_signatures(embedded, "chain"),
        chord=None if embedded.get("chord") is None else checked(embedded["chord"], "chord"),
    )


def _content(envelope: Mapping[str, Any]) -> bytes:
    """Return the envelope's body, decoded and decompressed."""
    body = envelope["body"]
    if not isinstance(body, str):
        raise Malformed(f"the envelope's body is {shown(body)}, not text")
    kind, charset = envelope.get("content-type"), envelope.get("content-encoding")
    if kind not in (None, "application/json"):
        raise Malformed(f"the content type {shown(kind)} is refused; set task_serializer = 'json'")
    if charset not in (None, "utf-8", "us-ascii"):
        raise Malformed(f"the content encoding {shown(charset)} is refused; send utf-8")
    content = _decoded(body, fields.mapping(envelope.get("properties"), "properties").get("body_encoding"))
    method = fields.mapping(envelope.get("headers"), "headers").get("compression")
    return content if method is None else decompress(content, method)


def _decoded(body: str, encoding: object) -> bytes:
    try:
        if encoding is None:
            return body.encode()
        if encoding == "base64":
            return base64.b64decode(body.encode("ascii"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise Malformed("the envelope's body is not what its body_encoding says") from error
    raise Malformed(f"the body encoding {shown(encoding)} is unknown; use base64")


def _triple(payload: object) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return the arguments by position, those by name, and the embedded options."""
    match payload:
        case [list(args), dict(kwargs), dict() | None as embedded]:
            return args, kwargs, embedded or {}
    raise Malformed("the body is not [arguments by position, arguments by name, callbacks and so on]")


def _header_fields(headers: dict[str, Any]) -> dict[str, Any]:
    hard, soft = fields.time_limits(headers)
    return {
        "retries": fields.number(headers, "retries") or 0,
        "eta": fields.moment(headers, "eta"),
        "expires": fields.moment(headers, "expires"),
        "time_limit": hard,
        "soft_time_limit": soft,
        "root_id": fields.optional_identifier(headers, "root_id"),
        "parent_id": fields.optional_identifier(headers, "parent_id"),
        "group_id": fields.optional_identifier(headers, "group"),
        "group_index": fields.number(headers, "group_index"),
        "ignore_result": fields.flag(headers, "ignore_result"),
        **{field: fields.text(headers, field) for field in ("shadow", "origin", "argsrepr", "kwargsrepr")},
        "replaced_task_nesting": fields.number(headers, "replaced_task_nesting") or 0,
        "stamped_headers": fields.names(headers, "stamped_headers"),
        "stamps": fields.mapping(headers.get("stamps"), "stamps"),
        "headers": {name: value for name, value in headers.items() if name not in _OWN_HEADERS},
        "compression": headers.get("compression"),
    }


def _property_fields(properties: dict[str, Any]) -> dict[str, Any]:
    delivery_info = fields.mapping(properties.get("delivery_info"), "delivery_info")
    return {
        "reply_to": fields.text(properties, "reply_to") or None,
        "priority": fields.number(properties, "priority") or 0,
        "queue": fields.text(delivery_info, "routing_key"),
        "properties": {name: value for name, value in properties.items() if name not in _OWN_PROPERTIES},
    }


def _signatures(embedded: Mapping[str, Any], field: str) -> list[Signature] | None:
    value = embedded.get(field)
    if value is None:
        return None
    entries = value if isinstance(value, list) else [value]
    return [checked(entry, field) for entry in entries]
