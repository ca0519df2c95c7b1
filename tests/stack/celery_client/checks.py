"""What a stock Celery client does with the deployed stack; test_stock_celery.py runs it where Celery is installed."""

import os
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError, TaskRevokedError
from celery.result import AsyncResult, GroupResult
from client import app, calculate, generate_index_card, generate_qr_code, update_average_lead_times

ITEM = os.environ["ITEM_ID"]
SECONDS = 40


def get(result):
    return result.get(timeout=SECONDS, interval=0.1)


def wait_for(result, *statuses):
    deadline = time.monotonic() + SECONDS
    while result.status not in statuses:
        assert time.monotonic() < deadline, f"{result.id} is {result.status}"
        time.sleep(0.05)
    return result.status


def add(amount, **options):
    return calculate.s(operation="add", amount=amount).set(**options)


total = calculate.s(operation="sum")
failing = calculate.s(operation="fail")


def test_delay_and_get_as_openmakersuite_calls_them():
    result = generate_qr_code.delay(item_id=ITEM)
    assert get(result)["qr_code"] == f"inventory/qrcodes/qr_{ITEM}.png"
    assert (result.status, result.successful(), result.ready(), result.traceback) == ("SUCCESS", True, True, None)
    assert datetime.now(UTC) - result.date_done < timedelta(seconds=SECONDS)
    assert (result.name, result.kwargs, result.retries) == ("inventory.tasks.generate_qr_code", {"item_id": ITEM}, 0)
    assert result.worker.startswith("generate_qr_code@")
    assert result.queue


def test_positional_arguments_and_tasks_without_arguments():
    assert get(generate_index_card.delay(ITEM))["index_card"] == f"index_cards/card_{ITEM}.pdf"
    assert "links" in str(get(update_average_lead_times.delay()))


def test_a_stock_client_sees_every_status():
    seen = []
    waiting = calculate.apply_async(("x",), countdown=3)
    seen.append(waiting.status)
    seen.append(wait_for(calculate.delay("x", "wait", 2), "STARTED"))
    seen.append(wait_for(calculate.delay("x", "hiccup"), "RETRY"))
    seen.append(wait_for(calculate.apply_async(("x",), expires=datetime.now(UTC) - timedelta(seconds=1)), "REVOKED"))
    seen.append(wait_for(calculate.delay("x", "fail"), "FAILURE"))
    seen.append(wait_for(waiting, "SUCCESS"))
    assert seen == ["PENDING", "STARTED", "RETRY", "REVOKED", "FAILURE", "SUCCESS"]


def test_a_retried_task_succeeds():
    result = calculate.delay("x", "hiccup")
    assert get(result) == "x"
    assert result.retries == 1


def test_an_exception_keeps_its_type_its_arguments_and_its_traceback():
    result = calculate.delay(7, "fail")
    with pytest.raises(ValueError, match="no 7"):
        get(result)
    assert result.failed()
    assert 'handler.py", line' in result.traceback
    assert result.traceback.rstrip().endswith("ValueError: no 7")
    assert isinstance(result.get(propagate=False), ValueError)


def test_an_exception_of_makertasks_keeps_its_name():
    result = generate_qr_code.delay(item_id=str(uuid.uuid4()))
    with pytest.raises(Exception, match="the inventory has no item") as raised:
        get(result)
    assert type(raised.value).__name__ == "UnknownItem"


def test_invalid_arguments_fail_at_once():
    result = generate_qr_code.apply_async(kwargs={"item_id": "seven"})
    with pytest.raises(Exception, match="item_id"):
        get(result)
    assert (result.status, result.retries) == ("FAILURE", 0)


def test_countdown_and_eta():
    eta = datetime.now(UTC) + timedelta(seconds=2)
    results = [calculate.apply_async(("x",), countdown=2), calculate.apply_async(("x",), eta=eta)]
    for result in results:
        assert get(result) == "x"
        assert result.date_done >= eta - timedelta(seconds=0.1)


def test_expires():
    result = calculate.apply_async(("x",), countdown=2, expires=1)
    wait_for(result, "REVOKED")
    with pytest.raises(TaskRevokedError, match="expired"):
        get(result)


def test_a_linked_task_gets_the_result_and_is_a_child():
    result = calculate.apply_async(("a",), link=calculate.s("b"))  # the result precedes the link's own arguments
    assert get(result) == "a"
    first = calculate.apply_async((1,), link=add(10))
    assert get(first) == 1
    [child] = first.children
    assert get(child) == 11


def test_link_error_gets_the_failed_tasks_id():
    errback_id = str(uuid.uuid4())
    failed = calculate.apply_async((7, "fail"), link_error=calculate.s().set(task_id=errback_id))
    with pytest.raises(ValueError, match="no 7"):
        get(failed)
    assert get(AsyncResult(errback_id, app=app)) == failed.id


def test_chain():
    result = chain(calculate.s(1), add(2), add(3)).apply_async()
    assert get(result) == 6
    assert [get(result.parent), get(result.parent.parent)] == [3, 1]
    assert result.parent.parent.children[0].id == result.parent.id


def test_a_failing_chain_ends_with_its_error():
    result = chain(calculate.s(1), failing, add(3)).apply_async()
    with pytest.raises(ValueError, match="no 1"):
        get(result)


def test_group():
    result = group(calculate.s(number) for number in range(5)).apply_async()
    assert result.join(timeout=SECONDS, interval=0.1) == [0, 1, 2, 3, 4]
    result.save()
    assert GroupResult.restore(result.id, app=app).join(timeout=SECONDS) == [0, 1, 2, 3, 4]


def test_chord():
    result = chord([calculate.s(number) for number in range(5)], total).apply_async()
    assert get(result) == 10
    assert result.parent.join(timeout=SECONDS) == [0, 1, 2, 3, 4]


def test_a_chord_in_a_chain_in_a_chord():
    inner = chain(calculate.s(1), group(add(1), add(2)), total)
    assert get(chord([inner, calculate.s(10)], total).apply_async()) == 15


def test_a_chord_with_a_part_that_fails():
    errback_id = str(uuid.uuid4())
    body = total.clone().on_error(calculate.s().set(task_id=errback_id))
    result = chord([calculate.s(1), calculate.s(2, operation="fail")], body).apply_async()
    with pytest.raises(ChordError, match=r"Dependency .* raised ValueError"):
        get(AsyncResult(result.id, app=app))  # the parent, a group, would raise the part's error first
    assert get(AsyncResult(errback_id, app=app)) == result.id


def test_ignore_result():
    result = calculate.apply_async((1,), ignore_result=True, link=add(1, task_id=(linked := str(uuid.uuid4()))))
    assert result.get(timeout=1) is None
    assert get(AsyncResult(linked, app=app)) == 2


def test_forget():
    result = calculate.delay(1)
    assert get(result) == 1
    result.forget()
    assert AsyncResult(result.id, app=app).status == "PENDING"


def test_200_tasks_at_once():
    result = group(calculate.s(number) for number in range(200)).apply_async()
    assert result.join(timeout=120, interval=0.2) == list(range(200))


def test_a_queue_that_the_settings_do_not_name_is_refused_by_the_client():
    with pytest.raises(Exception, match="nowhere"):
        calculate.apply_async((1,), queue="nowhere")
