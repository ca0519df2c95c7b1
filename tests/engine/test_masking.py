"""Secrets stay out of records, logs and answers, and still reach the function that needs them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import problems, views
from makertasks import clock, logs, masking, wire
from makertasks.control import audit, retrying
from makertasks.errors import InvalidArguments, InvalidRequest, PassingError, PermanentError
from makertasks.inventory import table as inventory
from makertasks.records import failures
from makertasks.records.states import Status
from makertasks.submission import drafts
from makertasks.tasks import Secret, Task
from makertasks.worker import dead_letters

STARS = masking.STARS
ADDRESS = "https://ann:hunter2@example.com/drill.jpg"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://ann:secret@example.com/a?b=c", f"https://{STARS}@example.com/a?b=c"),
        ("see http://token@host/x and ftp://u:p@h/", f"see http://{STARS}@host/x and ftp://{STARS}@h/"),
        ("GET /x?access_token=abc&b=1#f", f"GET /x?access_token={STARS}&b=1#f"),
        ("Authorization: Bearer abcdefgh.ijkl", f"Authorization: Bearer {STARS}"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln x", f"{STARS} x"),
        ("mail ann@example.com, //comment", "mail ann@example.com, //comment"),
        ("https://example.com/a?X-Amz-Signature=abc", "https://example.com/a?X-Amz-Signature=abc"),
    ],
)
def test_credentials_are_masked_in_any_text(text, masked):
    assert masking.text(text) == masked
    assert masking.text(masked) == masked


def test_marked_and_telling_names_are_masked_in_arguments():
    given = {"pin": 7, "db": {"password": "x", "user": "y"}, "urls": ["https://a:b@c/"], "token": "", "next_token": "n"}
    masked = masking.masked(given, ["pin"])
    assert masked == {
        "pin": STARS,
        "db": {"password": STARS, "user": "y"},
        "urls": [f"https://{STARS}@c/"],
        "token": "",
        "next_token": "n",
    }
    assert masking.hides(masked)
    assert not masking.hides(given)


def test_a_marked_argument_is_known_and_no_error_quotes_it():
    def unlock(door: int, pin: Secret) -> None:
        """Open a door."""

    task = Task("shop.tasks.unlock", unlock)
    assert task.secret_arguments == {"pin"}
    with pytest.raises(InvalidArguments) as caught:
        task.bind((), {"door": 1, "pin": 4711})
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("more", [{"note": "x" * 20_000}, {"note": 2**200}, {"note": [[[[1e300]]]]}])
def test_what_records_have_no_room_for_is_not_kept_in_the_open(more, tasks_table, media_bucket, aws):
    def unlock(pin: Secret, note: Any) -> None:
        """Open a door."""

    message = wire.Message("m", "shop.tasks.unlock", kwargs={"pin": "4711", **more})
    with pytest.raises(InvalidArguments, match="kwargs: have secrets among them") as caught:
        drafts.draft(Task("shop.tasks.unlock", unlock), message)
    assert "4711" not in str(caught.value)
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="unit-media")


def test_a_task_runs_with_the_secret_that_its_record_hides(echo):
    task_id = echo.submit(ADDRESS)
    hidden = {"text": f"https://{STARS}@example.com/drill.jpg"}
    assert echo.record(task_id).kwargs == hidden
    assert "hunter2" not in json.dumps(echo.result(task_id))

    echo.queue.deliver()
    assert echo.calls == [ADDRESS]
    assert (echo.record(task_id).status, echo.record(task_id).kwargs) == (Status.SUCCESS, hidden)


def test_an_error_that_quotes_the_secret_is_recorded_without_it(echo):
    echo.plan = [PassingError(f"{ADDRESS} is busy"), PermanentError(f"{ADDRESS} is gone")]
    task_id = echo.submit(ADDRESS)
    [body] = echo.queue.deliver()
    echo.queue.send(body)
    echo.queue.deliver()
    record = echo.record(task_id)
    everything = json.dumps({**echo.result(task_id), "attempts": record.attempts, "message": record.error_message})
    assert record.status == Status.FAILURE
    assert "is gone" in everything
    assert "hunter2" not in everything


def test_a_hidden_secret_must_be_given_again(echo):
    # a retry has only the record to go by
    task_id = echo.submit(ADDRESS)
    echo.queue.deliver()
    with pytest.raises(InvalidRequest, match="kwargs: the secrets among the arguments are not kept"):
        retrying.retry(task_id)
    retrying.retry(task_id, kwargs={"text": ADDRESS})
    echo.queue.deliver()
    assert echo.calls == [ADDRESS, ADDRESS]


def test_log_lines_and_tracebacks_hide_credentials(capsys):
    logs.logger().info("request answered", address=ADDRESS)
    assert "hunter2" not in capsys.readouterr().out
    with pytest.raises(ValueError, match="hunter2") as caught:
        raise ValueError(ADDRESS)
    assert "hunter2" not in failures.traceback_text(caught.value)
    assert "hunter2" not in failures.message(caught.value)


def test_a_dead_letter_keeps_no_secret_and_is_not_sent_again_without_it(echo):
    for body in (json.dumps({"text": ADDRESS}), f"no message: {ADDRESS}"):
        number = f"dead-{len(body)}"
        dead_letters.record(body, message_id=number, queue="echo", sent=clock.now())
        assert "hunter2" not in echo.record(number).body
        with pytest.raises(InvalidRequest):
            retrying.redrive(number)


def test_the_audit_keeps_no_secret(counters_table):
    audit.record("ann", "job: retry", "tasks", where={"q": f'error:"{ADDRESS}"'})
    assert "hunter2" not in json.dumps(audit.page(10, None))


def test_an_item_shows_its_address_without_credentials():
    shown = views.item(inventory.Item("item#94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "item", name="x", image_url=ADDRESS))
    assert shown["image_url"] == f"https://{STARS}@example.com/drill.jpg"


def test_an_error_that_quotes_what_was_sent_hides_it():
    answer = problems.of(InvalidRequest("item_id", f"invalid UUID; {ADDRESS!r} was given"))
    assert "hunter2" not in str(answer.body)
