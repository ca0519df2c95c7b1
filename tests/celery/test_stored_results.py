"""Results that we store are read by a stock client as those that a stock worker stores."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import TaskRevokedError
from stock import QUEUE, app, fail, run_by_celery, say, sent

from makertasks import wire


@pytest.mark.parametrize("task_id", ["39cab969-7fb3-4d4a-8a3f-0ac5e1f1a1b0", "it's", 'a "name"', "é\\"])
def test_record_keys_equal_the_backends(task_id):
    backend = app.backend

    assert wire.result_key(task_id) == str(KeyValueStoreBackend.get_key_for_task(backend, task_id))
    assert wire.group_key(task_id) == str(KeyValueStoreBackend.get_key_for_group(backend, task_id))
    assert wire.chord_key(task_id) == str(KeyValueStoreBackend.get_key_for_chord(backend, task_id))
    assert wire.task_id_of(wire.result_key(task_id)) == task_id


@pytest.mark.parametrize("task", [say, fail])
def test_a_result_has_the_fields_a_stock_worker_stores(task):
    [body] = sent(lambda: task.apply_async((1,), {"tag": "a"}, parent_id="p", root_id="r"))
    message = wire.decode(body, message_id="unused")
    run_by_celery(body)
    stock = json.loads(app.backend.get(app.backend.get_key_for_task(message.task_id)))

    error = ValueError("a") if task is fail else None
    ours = wire.result_meta(
        stock["status"],
        task_id=message.task_id,
        result=None if error else {"a": [1]},
        error=error,
        traceback=stock["traceback"],
        date_done=datetime.fromisoformat(stock["date_done"]),
        parent_id="p",
        name=message.name,
        args=message.args,
        kwargs=message.kwargs,
        worker="stock@here",
        queue=QUEUE,
    )

    assert wire.parse_result_meta(ours) == stock


class TaskRevokedErrorOfOurs(Exception):
    pass


@pytest.mark.parametrize(
    ("status", "error", "raised"),
    [
        ("FAILURE", ValueError("no", 1), ValueError),
        ("FAILURE", ValueError(object()), ValueError),
        ("REVOKED", TaskRevokedErrorOfOurs("expired"), TaskRevokedError),
    ],
)
def test_a_stock_client_raises_the_error_we_stored(status, error, raised):
    task_id = str(uuid.uuid4())
    meta = wire.result_meta(status, task_id=task_id, error=error, traceback="Traceback …", date_done=datetime.now(UTC))
    app.backend.set(app.backend.get_key_for_task(task_id), meta)
    result = app.AsyncResult(task_id)

    with pytest.raises(raised):
        result.get(timeout=0.1)

    assert result.status == status
    assert result.traceback == "Traceback …"
    assert abs(datetime.now(UTC) - result.date_done.replace(tzinfo=UTC)) < timedelta(minutes=1)


def test_a_soft_time_limit_is_celerys_own_error_to_a_stock_client():
    task_id = str(uuid.uuid4())
    ours = type("SoftTimeLimitExceeded", (Exception,), {"__module__": "makertasks.worker.time_limits"})
    meta = wire.result_meta("FAILURE", task_id=task_id, error=ours(60), date_done=datetime.now(UTC))
    app.backend.set(app.backend.get_key_for_task(task_id), meta)

    with pytest.raises(SoftTimeLimitExceeded):
        app.AsyncResult(task_id).get(timeout=0.1)


@pytest.mark.parametrize("status", ["PENDING", "STARTED", "RETRY"])
def test_a_stock_client_reads_an_unfinished_task(status):
    task_id = str(uuid.uuid4())
    error = OSError("later") if status == "RETRY" else None
    meta = wire.result_meta(status, task_id=task_id, error=error, worker="ours")
    app.backend.set(app.backend.get_key_for_task(task_id), meta)

    result = app.AsyncResult(task_id)

    assert (result.status, result.date_done, result.ready()) == (status, None, False)
    if status == "STARTED":
        assert result.info["hostname"] == "ours"
    if status == "RETRY":
        assert isinstance(result.result, OSError)
