"""Secrets do not appear in records, logs and responses, but reach the function that needs them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from echo_task import NAME

from api import problems
from api import views as api_views
from api.flower import fields
from makertasks import clock, logs, masking, tasks, wire
from makertasks.control import audit, retrying
from makertasks.errors import InvalidArguments, InvalidRequest, PermanentError, TemporaryError
from makertasks.inventory import table as inventory
from makertasks.monitoring import views
from makertasks.records import failures
from makertasks.records import table as records
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
        ("the secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw is wrong", f"the secret {STARS} is wrong"),
        ("mail ann@example.com, //comment", "mail ann@example.com, //comment"),
        ("https://example.com/a?X-Amz-Signature=abc", "https://example.com/a?X-Amz-Signature=abc"),
    ],
)
def test_credentials_are_masked_in_any_text(text, masked):
    assert masking.text(text) == masked
    assert masking.text(masked) == masked


def test_arguments_marked_or_named_as_secrets_are_masked():
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


def test_a_secret_argument_is_recognised_and_no_error_quotes_it():
    def unlock(door: int, pin: Secret) -> None:
        """Open a door."""

    task = Task("shop.tasks.unlock", unlock)
    assert task.secret_arguments == {"pin"}
    with pytest.raises(InvalidArguments) as caught:
        task.bind((), {"door": 1, "pin": 4711})
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("more", [{"note": "x" * 20_000}, {"note": 2**200}, {"note": [[[[1e300]]]]}])
def test_secrets_too_large_for_a_record_are_refused_instead_of_stored_in_the_bucket(
    more, tasks_table, media_bucket, aws
):
    def unlock(pin: Secret, note: Any) -> None:
        """Open a door."""

    message = wire.Message("m", "shop.tasks.unlock", kwargs={"pin": "4711", **more})
    with pytest.raises(InvalidArguments, match="kwargs: contain secrets") as caught:
        drafts.draft(Task("shop.tasks.unlock", unlock), message)
    assert "4711" not in str(caught.value)
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="unit-media")


def test_a_task_runs_with_the_secret_that_its_record_masks(echo):
    task_id = echo.submit(ADDRESS)
    hidden = {"text": f"https://{STARS}@example.com/drill.jpg"}
    assert echo.record(task_id).kwargs == hidden
    assert "hunter2" not in json.dumps(echo.result(task_id))

    echo.queue.deliver()
    assert echo.calls == [ADDRESS]
    assert (echo.record(task_id).status, echo.record(task_id).kwargs) == (Status.SUCCESS, hidden)


def test_an_error_that_quotes_a_secret_is_masked(echo):
    echo.plan = [TemporaryError(f"{ADDRESS} is busy"), PermanentError(f"{ADDRESS} is gone")]
    task_id = echo.submit(ADDRESS)
    echo.queue.deliver()
    echo.time_passes(minutes=1)
    echo.queue.deliver()
    record = echo.record(task_id)
    everything = json.dumps({**echo.result(task_id), "attempts": record.attempts, "message": record.error_message})
    assert record.status == Status.FAILURE
    assert "is gone" in everything
    assert "hunter2" not in everything


def test_a_retry_requires_the_secret_argument_again(echo):
    # a retry reads only the record
    task_id = echo.submit(ADDRESS)
    echo.queue.deliver()
    with pytest.raises(InvalidRequest, match="kwargs: the task has secret arguments, which are not stored"):
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


def test_the_audit_log_contains_no_secret(counters_table):
    audit.record("ann", "job: retry", "tasks", where={"q": f'error:"{ADDRESS}"'})
    assert "hunter2" not in json.dumps(audit.page(10, None))


def test_an_item_shows_its_address_without_credentials():
    shown = api_views.item(
        inventory.Item("item#94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "item", name="x", image_url=ADDRESS)
    )
    assert shown["image_url"] == f"https://{STARS}@example.com/drill.jpg"


def test_an_error_that_quotes_the_request_masks_its_secrets():
    answer = problems.of(InvalidRequest("item_id", f"invalid UUID; {ADDRESS!r} was given"))
    assert "hunter2" not in str(answer.body)


def planted(depth: str) -> dict[str, Any]:
    """Secrets under obvious names, in URLs and in texts; `depth` says where they are."""
    return {
        "db_password": f"hunter2-{depth}",
        "settings": {"X-Api-Key": f"hunter2-{depth}", "note": f"pwd=hunter2-{depth}"},
        "urls": [f"https://ann:hunter2 {depth}@example.com/", f"//ann:hunter2-{depth}@h/#access_token=hunter2-{depth}"],
    }


def step(name: str) -> dict[str, Any]:
    """A signature as Celery writes it, with secrets in its arguments and in its own callbacks."""
    inner = {"task": NAME, "args": [], "kwargs": planted(f"{name}-link"), "options": {}, "subtask_type": None}
    return {
        "task": NAME,
        "args": [planted(f"{name}-args")],
        "kwargs": planted(name),
        "options": {"task_id": name, "link": [inner], "headers": planted(f"{name}-headers")},
        "subtask_type": None,
        "immutable": True,
    }


def everything_stored(aws) -> str:
    """Everything in the table and the bucket, as text."""
    items = aws.client("dynamodb").scan(TableName="unit-tasks")["Items"]
    keys = [found["Key"] for found in aws.client("s3").list_objects_v2(Bucket="unit-media").get("Contents", [])]
    bodies = [aws.client("s3").get_object(Bucket="unit-media", Key=key)["Body"].read() for key in keys]
    return repr(items) + repr(bodies)


def test_a_secret_planted_in_every_field_of_a_message_is_stored_and_shown_nowhere(
    echo, aws, media_bucket, counters_table, capsys
):
    # given a task whose message has secrets in every field that takes more than a number
    message = wire.Message(
        "m",
        NAME,
        kwargs={"text": f"client_secret=hunter2 {ADDRESS}"},
        headers=planted("headers"),
        stamps=planted("stamps"),
        stamped_headers=["urls"],
        callbacks=[step("callback")],
        errbacks=[step("errback")],
        chain=[step("chain")],
    )
    echo.queue.send(wire.encode(message, "echo"))
    # and a message of the same content that cannot be read, one that is refused, and one that fails quoting them
    for task_id, body in {
        "unreadable": json.dumps(planted("body")) + "}",
        "refused": json.dumps(planted("body")),
    }.items():
        dead_letters.record(body, message_id=task_id, queue="echo", sent=clock.now())
    dead_letters.record(
        wire.encode(replace(message, task_id="dead"), "echo"), message_id="d", queue="echo", sent=clock.now()
    )
    echo.queue.send(wire.encode(wire.Message("misfit", NAME, kwargs=planted("misfit")), "echo"))
    echo.plan = [PermanentError(json.dumps(planted("error")))]

    # when they run
    echo.queue.deliver()

    # then nothing that is stored, shown or logged contains one
    stored = everything_stored(aws)
    shown = [
        json.dumps([views.detail(records.get(task_id)), fields.flower_task(records.get(task_id))], default=str)
        for task_id in ("m", "misfit", "unreadable", "refused", "dead")
    ]
    assert stored.count(STARS) > 20
    for text in (
        *(stored[max(found.start() - 150, 0) : found.end() + 60] for found in re.finditer("hunter2", stored)),
        *shown,
        capsys.readouterr().out,
    ):
        assert "hunter2" not in text


def test_a_secret_argument_is_also_masked_in_a_chains_steps(echo):
    @tasks.task("tests.unlock")
    def unlock(door: int, pin: Secret) -> None:
        """Open a door."""

    steps = [
        {"task": "tests.unlock", "args": [3], "kwargs": {"pin": "4711"}},
        {"task": "tests.unlock", "args": [3, "4711"]},
    ]
    message = wire.Message("m", NAME, kwargs={"text": "a"}, chain=steps)

    record = drafts.draft(tasks.find(NAME), message).record

    assert "4711" not in record.options
    assert records.message_of(record).chain == [
        {"task": "tests.unlock", "args": [3], "kwargs": {"pin": STARS}},
        {"task": "tests.unlock", "args": [3, STARS]},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a.@" * 90_000,
        "eyJ-" * 60_000 + "=:",
        '"a":' * 60_000,
        "a=" * 120_000,
        "\\" * 200_000 + '"pwd":',
        "//a:@" * 50_000,
    ],
)
def test_text_crafted_to_slow_down_masking_is_unchanged(text):
    assert masking.text(text) == text
