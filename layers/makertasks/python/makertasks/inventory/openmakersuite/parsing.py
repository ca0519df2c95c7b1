"""Checks one object of OpenMakerSuite, given as JSON values: its model, its number and the types of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from makertasks import clock
from makertasks.inventory.openmakersuite import fields, values


class Refused(Exception):
    """An object cannot be imported; the message is the reason."""


class Parsed(NamedTuple):
    """One object whose fields have the right types."""

    model: str
    number: str  # the primary key as text
    fields: Any  # a Struct of `fields`
    raw: dict[str, Any]
    deleted: str | None = None  # when it was deleted, ISO 8601
    as_of: str | None = None  # when the site read this state from its database, as `clock.text` writes it
    related: bool = False  # included because others refer to it
    applied: Mapping[str, int] = MappingProxyType(
        {}
    )  # the versions of images and QR codes that the site had before it removed them
    entries: tuple[tuple[str, str], ...] = ()  # of a deleted object: its keys in the table; then `fields` is None


def parse(value: Any) -> Parsed | None:
    """Check one object of a dump; returns None for a model that is not imported. Raises Refused."""
    try:
        dumped = values.convert(value, fields.DumpedObject)
        kept = fields.FIELDS.get(dumped.model)
        if kept is None:
            return None
        number = str(UUID(str(dumped.pk))) if kept is fields.ItemFields else str(dumped.pk)
        if dumped.deleted and dumped.entries:
            return Parsed(dumped.model, number, None, {}, dumped.deleted, entries=tuple(dumped.entries))
        given = values.convert(dumped.fields, kept)
        as_of = clock.text(clock.parse(dumped.as_of)) if dumped.as_of else None
        return Parsed(dumped.model, number, given, dumped.fields, dumped.deleted, as_of, dumped.related, dumped.applied)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        raise Refused(f"{path.rstrip('`')}: {reason[0].lower()}{reason[1:]}" if path else reason) from error
    except ValueError as error:
        raise Refused(f"pk: {dumped.pk!r} is not the UUID of an item") from error
