"""A minimal worker on makertasks.wire: what the engine does, without SQS and DynamoDB.

Groups, counters and results go to the stock application's own backend, so that a stock client reads what this writes
and both kinds of worker can share one canvas.
"""

from datetime import UTC, datetime

from stock import QUEUE, Mailbox, app, fail, say

from makertasks import wire

TASKS = {"t.say": say.run, "t.fail": fail.run}
backend = app.backend


class ChordError(Exception):
    """Celery's error for a chord with a part that failed."""


ChordError.__module__ = "makertasks.records.chords"


def run(body: str) -> None:
    """Run one message: the task, its record, and its follow-ups."""
    message = wire.decode(body, message_id="sqs-1")
    try:
        result = TASKS[message.name](*message.args, **message.kwargs)
    except ValueError as error:
        failed(message, error)
        return
    following = wire.followers(message, result)
    send(following)
    record(message, "SUCCESS", result=result, children=following.children)
    count(message)


def failed(message: wire.Message, error: Exception) -> None:
    """Record a failure and those of all tasks that fail with it."""
    record(message, "FAILURE", error=error, traceback="Traceback …")
    following = wire.error_followers(message)
    send(following)
    fail_along(following, error)
    count(message)


def fail_along(following: wire.Followers, error: Exception) -> None:
    """Record tasks that will never run as failed; finished tasks do not change."""
    for never_run in following.failed:
        if backend.get_state(never_run.task_id) == "PENDING":
            record(never_run, "FAILURE", error=error)
            count(never_run)


def send(following: wire.Followers) -> None:
    for chord in following.chords:
        backend.set(backend.get_key_for_group(chord.group_id), wire.group_meta(chord.group))
        backend.set(backend.get_key_for_chord(chord.group_id), b"0")
    Mailbox.bodies += [wire.encode(message, QUEUE) for message in following.messages]


def record(message: wire.Message, status: str, *, result=None, error=None, traceback=None, children=()) -> None:
    meta = wire.result_meta(
        status,
        task_id=message.task_id,
        result=result,
        error=error,
        traceback=traceback,
        children=children,
        date_done=datetime.now(UTC),
        parent_id=message.parent_id,
        group_id=message.group_id,
        name=message.name,
        args=message.args,
        kwargs=message.kwargs,
        worker="ours",
        queue=QUEUE,
    )
    backend.set(backend.get_key_for_task(message.task_id), meta)


def stored(task_id: str):
    return wire.parse_result_meta(_bytes(backend.get_key_for_task(task_id)))


def _bytes(key) -> bytes:
    value = backend.get(key)
    return value.encode() if isinstance(value, str) else value  # Celery's memory backend keeps the text


def count(message: wire.Message) -> None:
    """Count a chord's part; the last one sends the body, or fails it."""
    if message.chord is None or message.group_id is None:
        return
    group = wire.parse_group_meta(_bytes(backend.get_key_for_group(message.group_id)))
    members = list(wire.tree_ids(group))
    if backend.incr(backend.get_key_for_chord(message.group_id)) != len(members):
        return
    culprit = next((member for member in members if stored(member)["status"] == "FAILURE"), None)
    if culprit is None:
        send(wire.chord_followers(message, wire.join(group, lambda member: stored(member)["result"])))
        return
    error = ChordError(f"Dependency {culprit} raised …")
    following = wire.chord_error_followers(message)
    send(following)
    fail_along(following, error)
