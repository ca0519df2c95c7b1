"""A Celery application's queue, function and tasks, read from its description file without Celery."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from lambda_queue import Queue

from makertasks import settings, tasks, wire
from makertasks.aws import queues as sqs_queues
from makertasks.contrib.celery.settings import celery_settings
from makertasks.control import jobs, retrying
from makertasks.errors import InvalidRequest, UnknownTask
from makertasks.monitoring import listing, queues, workers
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import producer
from makertasks.submission.producer import Submission
from makertasks.worker import follow_ups, task_limits

ROOT = Path(__file__).parents[2]
DESCRIBED = {
    "tasks": {
        "shop.add": {"purpose": "The sum of numbers.", "rate_limit": "10/m", "soft_time_limit": 5},
        "shop.report": {"time_limit": 3600},
    },
    "schedules": [],
}


@pytest.fixture
def shop(aws, tasks_table, counters_table, media_bucket, tmp_path, monkeypatch):
    """The real functions, and an application beside them with its queue."""
    root = tmp_path / "functions"
    shutil.copytree(ROOT / "functions", root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "shop").mkdir()
    (root / "shop/application.json").write_text(json.dumps(DESCRIBED))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(root))
    for name in tasks.queues():
        aws.client("sqs").create_queue(QueueName=f"unit-tasks-{name}")
    return Queue(aws.client("sqs"), "unit-tasks-shop", None)


def test_an_applications_tasks_share_one_queue(shop):
    assert [task.name for task in tasks.of_queue("shop")] == ["shop.add", "shop.report"]
    found = tasks.find("shop.add")
    assert (found.short_name, found.purpose, found.rate_limit) == ("shop", "The sum of numbers.", "10/m")
    assert tasks.queues().count("shop") == 1
    assert set(tasks.queues_of_code()) <= set(tasks.queues())
    assert "generate_qr_code" in tasks.queues_of_code()
    assert tasks.find("shop.report").time_limit == tasks.LAMBDA_SECONDS - tasks.MARGIN_SECONDS
    with pytest.raises(UnknownTask):
        tasks.find("shop.missing")


def test_an_unreadable_configuration_file_is_named_with_the_remedy(shop):
    file = settings.code_root() / "shop/application.json"
    file.write_text('{"tasks": 5}')
    tasks.applications.declared.cache_clear()
    with pytest.raises(tasks.InvalidDefinition, match=r"shop/application\.json.*describing"):
        tasks.find("shop.add")


def test_an_application_is_listed_among_queues_and_workers(shop):
    producer.submit(Submission("shop.add", args=[1, 2]))
    [queue] = [each for each in queues.list_queues() if each["name"] == "shop"]
    assert (queue["task"], queue["tasks"], queue["waiting"]) == ("shop", ["shop.add", "shop.report"], 1)
    assert queue["oldest_seconds"] is not None
    [worker] = [each for each in workers.list_workers() if each["function"] == "shop"]
    assert worker["tasks"] == ["shop.add", "shop.report"]


def test_an_applications_tasks_are_sent_with_their_callers_arguments(shop):
    task_id = producer.submit(Submission("shop.add", {"carry": 1}, args=[1, 2])).task_id
    [message] = shop.receive()
    sent = wire.decode(message["body"], message_id="sqs")
    assert (sent.name, sent.args, sent.kwargs) == ("shop.add", [1, 2], {"carry": 1})
    record = records.get(task_id)
    assert (record.queue, record.args, record.kwargs) == ("shop", [1, 2], {"carry": 1})


def test_large_positional_arguments_are_passed_through_the_bucket(shop):
    large = "x" * 20_000
    task_id = producer.submit(Submission("shop.add", args=[large])).task_id
    [message] = shop.receive()
    assert len(message["body"]) < 4_000
    sent = wire.decode(message["body"], message_id="sqs")
    assert retrying.payloads.whole(sent).args == [large]
    assert retrying.payloads.args_of(records.get(task_id)) == [large]


def test_a_task_of_the_stack_can_be_followed_by_an_applications_task(shop):
    step = {"task": "shop.add", "args": [10], "kwargs": {}, "options": {"task_id": "next"}, "subtask_type": None,
            "immutable": False}  # fmt: skip
    message = wire.Message("own", "tests.own", chain=[step])
    record = records.new(message, queue="own")
    claimed = lifecycle.claim(record, "own@1", 2e9)
    assert lifecycle.succeed(claimed, 5)
    follow_ups.follow(message, records.get("own"))
    [sent] = [wire.decode(each["body"], message_id="sqs") for each in shop.receive()]
    assert (sent.task_id, sent.name, sent.args, sent.parent_id) == ("next", "shop.add", [5, 10], "own")


def test_purging_an_application_selects_all_of_its_tasks(shop):
    wanted = jobs.filters_of("purge", {"name": "shop"})
    assert {(each.name, each.status) for each in wanted} == {
        (name, status) for name in ("shop.add", "shop.report") for status in (Status.PENDING, Status.RETRY)
    }
    with pytest.raises(UnknownTask):
        jobs.check("purge", {"name": "shopp"}, {})


def test_an_applications_limits_can_be_changed_and_its_finished_tasks_retried(shop):
    assert task_limits.change("shop.add", who="ann", rate_limit="1/s").rate_limit == "1/s"
    task_id = producer.submit(Submission("shop.add", args=[1])).task_id
    lifecycle.close(records.get(task_id), Status.FAILURE, ValueError("no"))
    new = retrying.retry(task_id, who="ann")
    assert records.get(new.task_id).args == [1]


def test_an_applications_tasks_are_found_by_name_and_by_queue(shop):
    task_id = producer.submit(Submission("shop.report", {"day": "today"})).task_id
    for wanted in (listing.Filter(name="shop.report"), listing.Filter(q="queue:shop")):
        assert [each.task_id for each in listing.page(wanted, names=tasks.discover()).records] == [task_id]


def test_stock_clients_learn_its_queue(shop):
    routes = celery_settings()["task_routes"]
    assert routes["shop.add"] == {"queue": sqs_queues.name_of("shop")}


def test_an_applications_task_refuses_limits_above_lambdas(shop):
    with pytest.raises(InvalidRequest):
        producer.submit(Submission("shop.add", time_limit=3600))
