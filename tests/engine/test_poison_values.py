"""Values that cannot be stored or are not allowed: refused at every entry point, without affecting others."""

from __future__ import annotations

import importlib
import json
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from echo_task import NAME as ECHO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lambda_queue import LambdaContext, Queue

from bulk_action.handler import bulk_action
from makertasks import clock, tasks, wire
from makertasks.aws import bucket
from makertasks.control import jobs, retrying
from makertasks.errors import InvalidRequest, PermanentError
from makertasks.monitoring import listing
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import bulk, producer
from makertasks.submission.producer import Submission
from makertasks.worker import dead_letters
from makertasks.worker import handler as worker

ITEM = str(UUID(int=7))
HALF_A_LETTER = "half a letter \ud83d"
GIVEN = {
    "download_image_from_url": {"item_id": ITEM, "image_url": "https://example.com/a.jpg"},
    "attach_upload": {"key": f"uploads/images/{ITEM}/a.jpg", "etag": "0"},
    "import_dump": {"key": "imports/dump.json", "etag": "0"},
    "bulk_action": {"action": "retry", "where": {"name": ECHO}, "arguments": {"terminate": "x"}, "who": "ada"},
}


# Every argument of every task that accepts text, and a value for it with an unpaired surrogate.
TEXTS = [
    ("download_image_from_url", "image_url", HALF_A_LETTER),
    ("attach_upload", "key", f"uploads/images/{ITEM}/{HALF_A_LETTER}"),
    ("attach_upload", "etag", HALF_A_LETTER),
    ("import_dump", "key", f"imports/{HALF_A_LETTER}"),
    ("import_dump", "etag", HALF_A_LETTER),
    ("bulk_action", "action", HALF_A_LETTER),
    ("bulk_action", "where", {"name": [HALF_A_LETTER]}),
    ("bulk_action", "arguments", {HALF_A_LETTER: 1}),
    ("bulk_action", "who", HALF_A_LETTER),
]

pytestmark = pytest.mark.usefixtures("tasks_table", "counters_table", "media_bucket")


def arguments(short_name: str, argument: str, value: Any) -> dict[str, Any]:
    return GIVEN[short_name] | {argument: value}


def consumer(aws: Any, short_name: str) -> Queue:
    aws.client("sqs").create_queue(QueueName=f"unit-tasks-{short_name}")
    handler = importlib.import_module(f"{short_name}.handler").handler
    return Queue(aws.client("sqs"), f"unit-tasks-{short_name}", handler)


def test_every_argument_that_takes_text_is_tried():
    found = set()
    for task in tasks.discover().values():
        for name, schema in task.schema()["properties"].items():
            kinds = {schema.get("type"), *(each.get("type") for each in schema.get("anyOf", []))}
            if schema.get("format") != "uuid" and kinds & {"string", "object"}:
                found.add((task.short_name, name))
    assert found == {(short_name, argument) for short_name, argument, _ in TEXTS}


class TestAnUnpairedSurrogate:
    @pytest.mark.parametrize(("short_name", "argument", "value"), TEXTS)
    def test_is_refused_where_a_task_is_submitted(self, short_name, argument, value):
        task = tasks.in_folder(short_name)

        with pytest.raises(InvalidRequest, match="unpaired surrogate") as refused:
            producer.submit(Submission(task.name, arguments(short_name, argument, value)))

        assert refused.value.field == f"kwargs.{argument}"
        assert listing.page(listing.Filter(name=task.name), limit=10).records == []

    @pytest.mark.parametrize(("short_name", "argument", "value"), TEXTS)
    @pytest.mark.parametrize("form", ["celery", "object"])
    def test_in_a_queue_is_a_failure_that_names_the_argument(self, aws, short_name, argument, value, form):
        queue, kwargs = consumer(aws, short_name), arguments(short_name, argument, value)
        message = wire.Message(str(uuid4()), tasks.in_folder(short_name).name, kwargs=kwargs)
        body = wire.encode(message, short_name) if form == "celery" else json.dumps(kwargs)
        message_id = queue.send(body)

        assert queue.deliver() == []

        record = records.get(message.task_id if form == "celery" else message_id)
        assert (record.status, record.error_type) == (Status.FAILURE, "InvalidArguments")
        assert record.error_message.startswith(f"{argument}: contains an unpaired surrogate")

    @pytest.mark.parametrize(("short_name", "argument", "value"), TEXTS)
    def test_in_a_direct_invocation_is_a_failure(self, aws, short_name, argument, value):
        queue = consumer(aws, short_name)

        with pytest.raises(worker.TaskFailed, match="unpaired surrogate"):
            queue.handler(arguments(short_name, argument, value), LambdaContext())

    @pytest.mark.usefixtures("echo")
    def test_rejects_only_its_own_task_of_a_batch(self):
        wanted = [Submission(ECHO, {"text": text}) for text in ("before", HALF_A_LETTER, "after")]

        submitted = bulk.submit_many(wanted, requested_by="ada")

        assert [task_id is not None for task_id in submitted.ids] == [True, False, True]
        assert [(each.index, "unpaired surrogate" in each.reason) for each in submitted.rejected] == [(1, True)]

    @pytest.mark.usefixtures("echo")
    def test_does_not_keep_other_dead_letters_from_being_sent_again(self, aws):
        # given three dead letters, the second with an unpaired surrogate
        for text in ("before", HALF_A_LETTER, "after"):
            message = wire.Message(text[:4], ECHO, kwargs={"text": text})
            dead_letters.record(wire.encode(message, "echo"), message_id=text[:4], queue="echo", sent=clock.now())
        aws.client("sqs").create_queue(QueueName="unit-tasks-bulk_action")
        job_queue = Queue(aws.client("sqs"), "unit-tasks-bulk_action", worker.lambda_handler(bulk_action))
        job_queue.context.seconds = 900

        # when all of them are retried
        job = jobs.start("retry", {"name": ECHO}, who="ada").task_id
        job_queue.deliver()

        # then two are resent, and the reason for the third is reported
        result = payloads.result_of(records.get(job))
        assert result["outcomes"] == {"RETRIED": 2, "REFUSED": 1}
        refused = [line for line in jobs.outcomes(job, result["parts"]) if line["outcome"] == "REFUSED"]
        assert refused[0]["id"] == "half"
        assert "unpaired surrogate" in refused[0]["detail"]

    def test_in_an_exceptions_text_leaves_the_exception(self, echo):
        echo.plan = [PermanentError(HALF_A_LETTER)]
        task_id = echo.submit()

        echo.queue.deliver()

        record = echo.record(task_id)
        assert (record.status, record.error_type) == (Status.FAILURE, "PermanentError")
        assert record.error_message == "half a letter ?"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(text=st.text(st.characters(categories=["Cs", "Cc", "Cf", "Lu", "So", "Zl"]), min_size=1, max_size=20))
def test_a_task_ends_whatever_text_it_gets(echo, text):
    task_id = str(uuid4())
    echo.queue.send(wire.encode(wire.Message(task_id, ECHO, kwargs={"text": text}), "echo"))
    echo.queue.send(wire.encode(wire.Message(f"{task_id}-next", ECHO, kwargs={"text": "fine"}), "echo"))

    while echo.queue.count():
        assert echo.queue.deliver() == []

    text = json.loads(json.dumps(text))  # JSON combines matching surrogates into one character
    expected = Status.SUCCESS if tasks.is_unicode(text) else Status.FAILURE
    assert echo.record(task_id).status == expected
    assert echo.record(f"{task_id}-next").status == Status.SUCCESS
    if expected is Status.SUCCESS:
        assert echo.result(task_id)["result"] == {"text": text}


# Every prefix of the bucket; a key under each is tried as an argument of each task that accepts a key.
PREFIXES = ["uploads/", "imports/", "inventory/images/", "inventory/qrcodes/", "index_cards/", "CACHE/", "payloads/"]
PREFIXES += ["jobs/", "rejected/", "", "/uploads/", "x\nuploads/"]


OWN = {("attach_upload", "key"): "uploads/", ("import_dump", "key"): "imports/"}
FOREIGN = [(*argument, prefix) for argument, own in OWN.items() for prefix in PREFIXES if prefix != own]


def test_every_argument_that_is_a_key_is_tried():
    properties = {task.short_name: task.schema()["properties"] for task in tasks.discover().values()}
    keys = {(task, name) for task, own in properties.items() for name in own if "key" in name}
    assert keys == OWN.keys()


@pytest.mark.parametrize(("short_name", "argument", "prefix"), FOREIGN)
class TestAKeyOutsideTheTasksPrefix:
    """No task accesses an object outside its own prefix, whoever passes the key."""

    def test_is_refused_at_every_entry_point(self, aws, short_name, argument, prefix):
        key = f"{prefix}{ITEM}/a.jpg"
        kwargs = GIVEN[short_name] | {argument: key}
        bucket.put(key, b"here", "image/jpeg")
        queue, task = consumer(aws, short_name), tasks.in_folder(short_name)

        with pytest.raises(InvalidRequest, match="must be the key of an object under"):
            producer.submit(Submission(task.name, kwargs))
        with pytest.raises(worker.TaskFailed, match="must be the key of an object under"):
            queue.handler(kwargs, LambdaContext())
        queue.send(wire.encode(wire.Message("celery", task.name, args=[key]), short_name))
        message_id = queue.send(json.dumps(kwargs))
        while queue.count():
            queue.deliver()

        assert {records.get(each).status for each in ("celery", message_id)} == {Status.FAILURE}
        assert bucket.keys("") == {key}

    def test_cannot_replace_the_key_of_a_task_that_is_retried(self, aws, short_name, argument, prefix):
        queue, task = consumer(aws, short_name), tasks.in_folder(short_name)
        task_id = producer.submit(Submission(task.name, GIVEN[short_name])).task_id
        queue.deliver()
        assert records.get(task_id).status == Status.FAILURE  # the object does not exist

        with pytest.raises(InvalidRequest, match="must be the key of an object under"):
            retrying.retry(task_id, kwargs=GIVEN[short_name] | {argument: f"{prefix}a.jpg"})


def test_an_arguments_prefix_is_in_its_published_schema():
    schema = tasks.in_folder("import_dump").schema()

    assert schema["properties"]["key"]["description"] == "Key of an object under imports/"
    assert msgspec.json.encode(schema)
