"""Items of Celery's DynamoDB backend: keys, the JSON of a result, and the trees of tasks and their children.

A tree is Celery's `as_tuple()` as JSON: `[[id, parent tree or null], null]` for a task and
`[[id, parent tree or null], [trees]]` for a group.
"""

from __future__ import annotations

import ast
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from makertasks.wire.compression import decompress
from makertasks.wire.values import Malformed, dump_value, load_value, shown

Tree = list[Any]

_PLAIN = "b'celery-task-meta-"  # nearly every key begins with this, followed by the unescaped id
_TASK, _GROUP, _CHORD = b"celery-task-meta-", b"celery-taskset-meta-", b"chord-unlock-"

# Celery 5.7's prefix of a result if `result_compression` is set, and the content type after it.
_COMPRESSED = b"\x00celery-compressed\x00"

# Errors that a stock client catches under Celery's names, wherever they are defined here.
_CELERYS = {
    "ChordError", "MaxRetriesExceededError", "NotRegistered", "SoftTimeLimitExceeded", "TaskRevokedError", "Terminated",
    "TimeLimitExceeded", "WorkerLostError",
}  # fmt: skip


def result_key(task_id: str) -> str:
    """Return the key of a task's item: literally the text of a Python bytes object, as in Celery's backend.

    >>> result_key("1")
    "b'celery-task-meta-1'"
    """
    return str(_TASK + task_id.encode())


def group_key(group_id: str) -> str:
    """Return the key of a saved group."""
    return str(_GROUP + group_id.encode())


def chord_key(group_id: str) -> str:
    """Return the key of a chord's counter."""
    return str(_CHORD + group_id.encode())


def task_id_of(key: str) -> str:
    """Return the task's id in a result's key; raises ValueError for any other key."""
    if key.startswith(_PLAIN) and key.endswith("'") and key.isascii() and "\\" not in key:
        return key[len(_PLAIN) : -1]
    try:
        value = ast.literal_eval(key)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"{key[:80]!r} is not the key of a task's result") from error
    if not isinstance(value, bytes) or not value.startswith(_TASK):
        raise ValueError(f"{key[:80]!r} is not the key of a task's result")
    return value.removeprefix(_TASK).decode()


def result_meta(  # noqa: PLR0913 - one argument a field of Celery's result
    status: str,
    *,
    task_id: str,
    result: Any = None,
    error: BaseException | None = None,
    traceback: str | None = None,
    children: Iterable[Tree | str] = (),
    date_done: datetime | None = None,
    parent_id: str | None = None,
    group_id: str | None = None,
    name: str | None = None,
    args: Iterable[Any] = (),
    kwargs: dict[str, Any] | None = None,
    worker: str | None = None,
    retries: int = 0,
    queue: str | None = None,
    stamps: dict[str, Any] | None = None,
    is_compressed: bool = False,
) -> bytes:
    """Return the JSON of a result item's `result`, including Celery's extended fields.

    `error` replaces `result` for FAILURE, RETRY and REVOKED; STARTED without a result names the process. Children are
    trees, or ids of tasks. `is_compressed`: only Celery 5.7 and later can read it. Raises TypeError or ValueError if
    the result is not JSON.
    """
    if error is not None:
        result = revoked(str(error)) if status == "REVOKED" else failure(error)
    elif status == "STARTED" and result is None:
        result = {"pid": os.getpid(), "hostname": worker}
    meta = {
        **({**stamps, "stamped_headers": list(stamps)} if stamps else {}),  # a stamp never hides a field
        "status": status,
        "result": result,
        "traceback": traceback,
        "children": [task_tree(child) if isinstance(child, str) else child for child in children],
        "date_done": date_done.isoformat() if date_done else None,
        "task_id": task_id,
        **({"parent_id": parent_id} if parent_id else {}),
        **({"group_id": group_id} if group_id else {}),
        "name": name,
        "args": list(args),
        "kwargs": kwargs or {},
        "worker": worker,
        "retries": retries,
        "queue": queue,
    }
    text = dump_value(meta, compact=True).encode()
    return compressed(text) if is_compressed else text


def compressed(text: bytes) -> bytes:
    """Return a compressed result, as Celery 5.7 and later write it with `result_compression`; they always read it."""
    return _COMPRESSED + b"application/x-gzip\x00" + zlib.compress(text)


def failure(error: BaseException) -> dict[str, Any]:
    """Return an error as Celery stores it; an argument that is not JSON becomes its repr."""
    kind = type(error)
    ours = kind.__name__ in _CELERYS and kind.__module__.startswith("makertasks")
    return {
        "exc_type": kind.__qualname__,
        "exc_message": [_serializable(argument) for argument in error.args],
        "exc_module": "celery.exceptions" if ours else kind.__module__,
    }


def revoked(reason: str = "revoked") -> dict[str, Any]:
    """Return what Celery stores for a revoked task; its own reasons are `revoked`, `expired`, `terminated`."""
    return {"exc_type": "TaskRevokedError", "exc_message": [reason], "exc_module": "celery.exceptions"}


def _serializable(value: Any) -> Any:
    try:
        dump_value(value)
    except (TypeError, ValueError):
        return repr(value)
    return value


def parse_result_meta(stored: bytes) -> dict[str, Any]:
    """Return the fields of a stored result, whoever wrote it; raises Malformed."""
    return _parsed(stored, "status")


def group_meta(group: Tree) -> bytes:
    """Return the JSON of a saved group's `result`."""
    return dump_value({"result": group}, compact=True).encode()


def parse_group_meta(stored: bytes) -> Tree:
    """Return the tree of a saved group; raises Malformed."""
    tree = _parsed(stored, "result")["result"]
    _check_tree(tree)
    return list(tree)


def decompressed(stored: bytes) -> bytes:
    """Return a stored result as JSON, which Celery 5.7 may have compressed; raises Malformed."""
    if not stored.startswith(_COMPRESSED):
        return stored
    method, _, data = stored.removeprefix(_COMPRESSED).partition(b"\x00")
    return decompress(data, method.decode(errors="replace"))


def _parsed(stored: bytes, field: str) -> dict[str, Any]:
    meta = load_value(decompressed(bytes(stored)))
    if not isinstance(meta, dict) or field not in meta:
        raise Malformed(f"a stored result has no {field}; Celery or another program wrote something else there")
    return meta


def task_tree(task_id: str, parent: Tree | None = None) -> Tree:
    """Return the tree of a task."""
    return [[task_id, parent], None]


def group_tree(group_id: str, members: list[Tree], parent: Tree | None = None) -> Tree:
    """Return the tree of a group."""
    return [[group_id, parent], members]


def tree_ids(tree: Tree) -> Iterator[str]:
    """Return the ids of a tree's tasks: its own, or its members'; not its parents'."""
    (own, _), members = tree
    if members is None:
        yield own
    else:
        for member in members:
            yield from tree_ids(member)


def join(tree: Tree, result_of: Callable[[str], Any]) -> Any:
    """Return the results of a tree, nested like the tree: a chord body's argument."""
    (own, _), members = tree
    return result_of(own) if members is None else [join(member, result_of) for member in members]


def _check_tree(tree: object) -> None:
    match tree:
        case [[str(), parent], None | list() as members]:
            for part in [*(members or []), *([] if parent is None else [parent])]:
                _check_tree(part)
        case _:
            raise Malformed(f"a saved group holds {shown(tree)}, not a result's tree")
