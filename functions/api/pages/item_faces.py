"""How pages show items: the name stored in the task's record, or else the current name, and the thumbnail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from api.pages import formats
from api.pages.forms import Field
from makertasks.aws import bucket
from makertasks.errors import TemporaryError
from makertasks.inventory import faces
from makertasks.records.table import item_name

logger = Logger(child=True)

# Maximum number of items in a task's arguments that its page names.
MENTIONED = 12


@dataclass(frozen=True)
class Shown:
    """An item on a page; `renamed` is its current name if that differs from the name in the record."""

    id: str
    name: str
    picture: str | None = None
    renamed: str = ""


def of(tasks: Iterable[Mapping[str, Any]]) -> dict[str, Shown]:
    """Return the items of task summaries by task id, with one request; deleted items keep the name in the record."""
    about = [task for task in tasks if task["item_id"]]
    present = _present(str(task["item_id"]) for task in about)
    return {task["id"]: _shown(str(task["item_id"]), task["item_name"], present) for task in about}


def named(fields: Iterable[Field]) -> list[Field]:
    """Add to a form's fields the names of the items that they contain, with one request."""
    fields = list(fields)
    found = names(item_id for field in fields if field.is_item for item_id in field.value.split())
    return [replace(field, names=found) if field.is_item else field for field in fields]


def names(item_ids: Iterable[str]) -> dict[str, str]:
    """Return the current names by id of the items that exist."""
    return {item_id: face.name for item_id, face in _present(item_ids).items()}


def present(item_ids: Iterable[str]) -> dict[str, Shown]:
    """Return the current items with these ids, such as those of filters; deleted ones are omitted."""
    found = _present(item_ids)
    return {item_id: _shown(item_id, None, found) for item_id in found}


def mentioned(values: Any) -> dict[str, Shown]:
    """Return the first existing items that a task's arguments mention, such as those of a sheet of cards, in order."""
    found = dict.fromkeys(_ids(values))
    return present(list(found)[:MENTIONED])


def _ids(values: Any) -> Iterator[str]:
    if isinstance(values, str) and formats.UUID.fullmatch(values):
        yield values
    elif isinstance(values, Mapping | list):
        for each in values.values() if isinstance(values, Mapping) else values:
            yield from _ids(each)


def _present(item_ids: Iterable[str]) -> dict[str, faces.Face]:
    try:
        return faces.of(item_ids)
    except TemporaryError:  # a list of tasks without names is better than none
        logger.exception("item names could not be read")
        return {}


def _shown(item_id: str, recorded: str | None, present: Mapping[str, faces.Face]) -> Shown:
    face = present.get(item_id)
    now = item_name(face.name) if face else ""
    name = recorded or now or item_id
    picture = bucket.steady_link(face.thumbnail) if face and face.thumbnail else None
    return Shown(item_id, name, picture, now if now != name else "")
