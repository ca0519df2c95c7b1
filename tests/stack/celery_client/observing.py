"""Starts all behaviours at once, waits until they have finished, and prints what a stock client observes as JSON."""

import functools
import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from behaviours import all_of_them
from beside import QUEUE, TABLE, URL, app
from celery.result import ResultSet
from celery.utils.serialization import UnpickleableExceptionWrapper
from counting import Calls
from kombu.utils.json import dumps

SECONDS = float(os.environ["SECONDS"])  # an idle machine needs a fraction of it
SENDERS = 8  # threads, which mostly wait
STARTED = time.monotonic()
DEPTH = 6  # maximum depth of nested results
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Attributes that differ between any two workers.
VARIES = [
    (UUID, "<id>"),
    (re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(\+00:00|Z)?"), "<time>"),
    (re.compile(rf"(?<![\w-]){re.escape(QUEUE)}(?![\w-])"), "<queue>"),
    (re.compile(r"gen\d+@[\w.-]+|\d+@[\w.-]+"), "<origin>"),
    (re.compile(r"(shop|celery)@[\w./\[\]$-]+"), "<worker>"),
    (re.compile(r"Job: \d+"), "Job: <number>"),
]


def plain(value):
    """A value as text that is equal on both sides if the values are."""
    text = str(value) if isinstance(value, str) else shown(value)
    for pattern, name in VARIES:
        text = pattern.sub(name, text)
    return text if len(text) < 4_000 else f"{text[:100]}… {len(text)} letters"


def shown(value):
    if isinstance(value, UnpickleableExceptionWrapper):  # keeps its arguments' text as a sequence of characters
        return f"{value.exc_module}.{value.exc_cls_name}: {value.text}"
    if isinstance(value, BaseException):
        return f"{type(value).__module__}.{type(value).__name__}{value.args!r}"
    if isinstance(value, dict | list | tuple | float | int | None.__class__):
        return dumps(value, sort_keys=True) if not isinstance(value, float) else repr(value)
    return f"{type(value).__name__}: {value!r}"


def at_rest():
    """Wait until the queue is empty, so that nothing runs or waits.

    Both workers delete a message when its task has ended, and have sent its follow-ups by then.
    """
    sqs, deadline = boto3.client("sqs"), time.monotonic() + SECONDS
    names = ["ApproximateNumberOfMessages" + kind for kind in ("", "NotVisible", "Delayed")]
    while any(
        map(int, (counts := sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=names)["Attributes"]).values())
    ):
        if time.monotonic() > deadline:
            sys.exit(f"not at rest after {SECONDS:g} s: {counts}")
        time.sleep(0.5)


def seen(found, depth=DEPTH):
    """What a client observes of a result."""
    if isinstance(found, Calls):
        return count(found)
    if isinstance(found, dict):
        return {name: seen(value, depth) for name, value in found.items()}
    if isinstance(found, ResultSet):
        members = [seen(each, depth - 1) for each in found.results]
        joined = [plain(value) for value in found.join(propagate=False, timeout=1)] if found.ready() else "not ready"
        above = seen(found.parent, depth - 1) if getattr(found, "parent", None) else None
        return {"members": members, "joined": joined, "parent": above}
    return of_one(found, depth)


@functools.cache
def stored(task_id):
    """What a client observes of a result, read once even if several results refer to it."""
    result = app.AsyncResult(task_id)
    return result._set_cache(result.backend.get_task_meta(task_id))


def of_one(result, depth):
    meta = result._cache = stored(result.id)
    trace = (meta.get("traceback") or "").strip().splitlines()
    kept = {
        "state": meta["status"],
        "result": plain(meta.get("result")),
        "traceback": plain(trace[-1]) if trace else None,
        "args": plain(meta.get("args")),
        "kwargs": plain(meta.get("kwargs")),
        "name": meta.get("name"),
        "retries": meta.get("retries"),
        "queue": plain(meta.get("queue") or ""),
        "is done": bool(meta.get("date_done")),
        "parent_id": bool(meta.get("parent_id")),
        "group_id": bool(meta.get("group_id")),
        "stamps": plain({name: meta.get(name) for name in meta.get("stamped_headers") or []}),
    }
    if depth > 0:
        kept["children"] = [seen(child, depth - 2) for child in result.children or []]
        kept["parent"] = seen(result.parent, depth - 1) if result.parent else None
    return kept


def count(key):
    """The number of calls of the counted callback with that key."""
    stored = boto3.client("dynamodb").get_item(
        TableName=TABLE, Key={"id": {"S": str(app.backend.get_key_for_chord(key))}}, ConsistentRead=True
    )
    return int(stored.get("Item", {}).get("chord_count", {}).get("N", 0))


def sent(send):
    try:
        return send()
    except Exception as error:  # noqa: BLE001 - what a client cannot send is what is seen of it
        return error


def looked_at(found):
    if isinstance(found, Exception):
        return f"refused by the client: {plain(found)}"
    try:
        return seen(found)
    except Exception as error:  # noqa: BLE001 - a result that a client cannot read is what is seen of it
        return f"unreadable: {plain(error)}"


def took(step):
    sys.stderr.write(f"{step} after {time.monotonic() - STARTED:.0f} s\n")


def main():
    wanted = re.compile(os.environ.get("ONLY", ""))
    behaviours = {name: send for name, send in all_of_them().items() if wanted.search(name)}
    with ThreadPoolExecutor(SENDERS) as senders:
        begun = dict(zip(behaviours, senders.map(sent, behaviours.values()), strict=True))
    took("sent")
    at_rest()
    took("at rest")
    seen_of = {name: looked_at(found) for name, found in begun.items()}
    took("seen")
    sys.stdout.write(json.dumps(seen_of))


if __name__ == "__main__":
    main()
