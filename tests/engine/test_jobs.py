"""Background jobs on a filter: each task's outcome, progress, cancelling, and continuing after an interruption."""

from __future__ import annotations

import pytest
from echo_task import NAME
from lambda_queue import Queue

from api.pages import task as task_page
from api.pages import task_rows
from api.resources.jobs import job_of
from bulk_action import running
from bulk_action.handler import bulk_action
from makertasks import clock, wire
from makertasks.aws import bucket
from makertasks.control import jobs, revoking
from makertasks.errors import InvalidRequest, PermanentError, TemporaryError, Unavailable
from makertasks.monitoring import listing
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import handler as worker
from makertasks.worker.time_limits import TimeLimitExceeded


@pytest.fixture
def desk(echo, aws, counters_table, media_bucket):
    """Echo tasks, and the queue of jobs."""
    aws.client("sqs").create_queue(QueueName="unit-tasks-bulk_action")
    echo.jobs = Queue(aws.client("sqs"), "unit-tasks-bulk_action", worker.lambda_handler(bulk_action))
    echo.jobs.context.seconds = 900
    return echo


def run(desk, action, where, **arguments):
    """Run a job to its end; return its result and its outcomes by task id."""
    job = jobs.start(action, {"name": NAME, **where}, who="ada", arguments=arguments).task_id
    desk.jobs.deliver()
    result = payloads.result_of(records.get(job))
    lines = list(jobs.outcomes(job, result["parts"]))
    assert len({line["id"] for line in lines}) == len(lines)
    return result, {line["id"]: line for line in lines}


def test_revoking_by_filter_revokes_waiting_tasks_and_counts_them(desk):
    ended = desk.submit("one")
    desk.queue.deliver()
    waiting = {desk.submit(str(number)) for number in range(5)}
    result, outcomes = run(desk, "revoke", {})
    assert result["outcomes"] == {"REVOKED": 5}
    assert (result["found"], result["done"]) == (5, 5)
    assert {desk.record(task_id).status for task_id in waiting} == {Status.REVOKED}
    assert set(outcomes) == waiting
    assert desk.record(ended).status == Status.SUCCESS


def test_a_job_that_did_nothing_is_amber_wherever_its_task_is_shown(desk):
    started = [jobs.start("retry", {"name": NAME, "status": "FAILURE"}, who="ada").task_id]
    desk.jobs.deliver()
    desk.submit("waiting")
    started += [jobs.start("revoke", {"name": NAME}, who="ada").task_id]
    desk.jobs.deliver()
    [nothing, revoked] = [task_rows.of([records.get(job)])[0] for job in started]
    assert (nothing["status"], nothing["is_amber"]) == (Status.SUCCESS, True)
    assert nothing["outcome"] == "No matching tasks: nothing was retried"
    assert (revoked["status"], revoked["is_amber"]) == (Status.SUCCESS, False)
    assert task_page.shown(records.get(started[0]))["undone"] == nothing["outcome"]


def test_retrying_by_filter_creates_a_new_task_for_each(desk):
    desk.plan = [PermanentError("no")] * 3
    failed = {desk.submit(str(number)) for number in range(3)}
    desk.queue.deliver()
    result, outcomes = run(desk, "retry", {"status": "FAILURE"})
    assert result["outcomes"] == {"RETRIED": 3}
    new = {line["detail"] for line in outcomes.values()}
    assert {desk.record(task_id).retry_of for task_id in new} == failed
    desk.queue.deliver()
    assert {desk.record(task_id).status for task_id in new} == {Status.SUCCESS}


def test_deleting_by_filter_removes_records_and_what_they_kept(desk):
    task_id = desk.submit("x" * 20_000)
    desk.queue.deliver()
    [key] = [pointer["key"] for pointer in desk.record(task_id).payloads.values() if "kwargs" in pointer["key"]]
    assert bucket.version(key).etag
    result, _ = run(desk, "delete", {"status": "SUCCESS"})
    assert result["outcomes"] == {"DELETED": 1}
    assert records.stored(task_id) is None
    assert not bucket.version(key).etag


def test_cleaning_up_keeps_failures_and_recent_tasks(desk):
    desk.plan = [PermanentError("no")]
    desk.submit("failed")
    desk.submit("fine")
    desk.queue.deliver()
    result, _ = run(desk, "cleanup", {}, older_than_days=1)
    assert result["outcomes"] == {}
    result, _ = run(desk, "cleanup", {}, older_than_days=0)
    assert result["outcomes"] == {"DELETED": 1}
    assert [record.status for record in listing.page(listing.Filter(name=NAME)).records] == [Status.FAILURE]


def test_purging_revokes_waiting_tasks_with_and_without_a_record(desk):
    recorded = desk.submit("ours")
    stray = wire.Message(task_id="stray", name=NAME, kwargs={"text": "theirs"})
    desk.queue.send(wire.encode(stray, "echo"))
    job = jobs.start("purge", {"name": NAME}, who="ada").task_id
    desk.jobs.deliver()
    assert payloads.result_of(records.get(job))["outcomes"] == {"REVOKED": 2}
    assert desk.queue.count() == 0
    assert {desk.record(task_id).status for task_id in (recorded, "stray")} == {Status.REVOKED}
    assert desk.record("stray").kwargs == {"text": "theirs"}


@pytest.mark.parametrize("recorded", [True, False])
def test_follow_ups_of_a_purged_task_fail_with_it(desk, recorded):
    last = {"task": NAME, "args": [], "kwargs": {}, "options": {"task_id": "last"}, "subtask_type": None}
    message = wire.Message(task_id="first", name=NAME, kwargs={"text": "a"}, chain=[last | {"immutable": True}])
    if recorded:
        lifecycle.create(records.new(message, queue="echo"))
    desk.queue.send(wire.encode(message, "echo"))
    jobs.start("purge", {"name": NAME}, who="ada")
    desk.jobs.deliver()
    assert (desk.record("first").status, desk.record("last").status) == (Status.REVOKED, Status.FAILURE)


def test_a_job_continues_in_the_next_invocation_without_repetition(desk, monkeypatch):
    monkeypatch.setattr(listing, "MAXIMUM_LIMIT", 2)
    waiting = [desk.submit(str(number)) for number in range(5)]
    job = jobs.start("revoke", {"name": NAME}, who="ada").task_id
    desk.jobs.context.seconds = running.MARGIN_SECONDS  # time runs out after every page
    [body] = desk.jobs.deliver()
    while records.get(job).status == Status.RETRY:
        records.get(job).update(actions=[TaskRecord.retry_at.set(clock.text(clock.now()))])
        desk.jobs.send(body)
        desk.jobs.deliver()
    result = payloads.result_of(records.get(job))
    assert (result["outcomes"], result["done"]) == ({"REVOKED": 5}, 5)
    assert {line["id"] for line in jobs.outcomes(job, result["parts"])} == set(waiting)
    assert result["parts"] > 2


def test_a_retried_job_does_not_repeat_its_finished_pages(desk, monkeypatch):
    monkeypatch.setattr(listing, "MAXIMUM_LIMIT", 2)
    # given a job on four tasks whose third revocation is throttled
    for number in range(4):
        desk.submit(str(number))
    job = jobs.start("revoke", {"name": NAME}, who="ada").task_id
    real, calls = revoking.revoke, []

    def revoke(*arguments, **more):
        calls.append(arguments)
        if len(calls) == 3:
            raise Unavailable("throttled")
        return real(*arguments, **more)

    monkeypatch.setattr(revoking, "revoke", revoke)
    # when it is delivered, and again after its retry time
    [body] = desk.jobs.deliver()
    records.get(job).update(actions=[TaskRecord.retry_at.set(clock.text(clock.now()))])
    desk.jobs.send(body)
    desk.jobs.deliver()
    # then every task is revoked, and only the throttled one was tried twice
    assert payloads.result_of(records.get(job))["outcomes"] == {"REVOKED": 4}
    assert len(calls) == 5


def test_a_job_is_revoked_like_any_task(desk, monkeypatch):
    monkeypatch.setattr("makertasks.worker.attempt.PROGRESS_SECONDS", 0)
    # given a job that is revoked while it works on its first task
    waiting = [desk.submit(str(number)) for number in range(3)]
    job = jobs.start("revoke", {"name": NAME}, who="ada").task_id
    real = revoking.revoke

    def revoke(task_id, **options):
        monkeypatch.setattr(revoking, "revoke", real)
        real(job, terminate=True, who="bob")
        return real(task_id, **options)

    monkeypatch.setattr(revoking, "revoke", revoke)
    # when it runs, then it stops after that task
    desk.jobs.deliver()
    assert records.get(job).status == Status.REVOKED
    assert sorted(desk.record(task_id).status for task_id in waiting) == ["PENDING", "PENDING", "REVOKED"]
    # and it shows its outcomes so far
    shown = job_of(records.get(job))
    assert (shown["found"], shown["outcomes"], shown["parts"]) == (3, {"REVOKED": 1}, 1)
    [line] = jobs.outcomes(job, shown["parts"])
    assert desk.record(line["id"]).status == Status.REVOKED


def test_a_job_shows_its_outcomes_however_it_ended(desk, monkeypatch):
    # given a job whose time ends at its second task
    waiting = [desk.submit(str(number)) for number in range(3)]
    job = jobs.start("revoke", {"name": NAME}, who="ada").task_id
    real, calls = revoking.revoke, []

    def revoke(*arguments, **more):
        calls.append(arguments)
        if len(calls) == 2:
            raise TimeLimitExceeded("900 s")
        return real(*arguments, **more)

    monkeypatch.setattr(revoking, "revoke", revoke)
    # when it runs
    desk.jobs.deliver()
    # then it is FAILURE, and its outcome for the first is kept
    assert records.get(job).status == Status.FAILURE
    shown = job_of(records.get(job))
    assert (shown["outcomes"], shown["parts"]) == ({"REVOKED": 1}, 1)
    [line] = jobs.outcomes(job, 1)
    assert line["id"] in waiting
    assert desk.record(line["id"]).status == Status.REVOKED


@pytest.mark.parametrize(
    ("action", "where", "arguments", "field"),
    [
        ("explode", {}, {}, "action"),
        ("revoke", {"colour": "red"}, {}, "where.colour"),
        ("revoke", {"status": "SUCCESS"}, {}, "where.status"),
        ("retry", {"status": "PENDING"}, {}, "where.status"),
        ("retry", {}, {"terminate": True}, "arguments.terminate"),
        ("cleanup", {}, {}, "arguments.older_than_days"),
        ("purge", {"name": NAME, "status": "PENDING"}, {}, "where"),
        ("purge", {}, {}, "name"),
    ],
)
def test_invalid_jobs_are_refused(desk, action, where, arguments, field):
    with pytest.raises(InvalidRequest) as refused:
        jobs.start(action, where, who="ada", arguments=arguments)
    assert refused.value.field == field
    assert desk.jobs.count() == 0


def test_temporary_errors_of_the_bucket_are_retried(desk, aws):
    desk.submit()
    job = jobs.start("revoke", {"name": NAME}, who="ada").task_id
    aws.client("s3").delete_bucket(Bucket="unit-media")
    assert len(desk.jobs.deliver()) == 1
    assert (records.get(job).status, records.get(job).error_type) == (Status.RETRY, TemporaryError.__name__)


@pytest.mark.parametrize("action", ["delete", "retry", "revoke"])
def test_a_task_deleted_by_another_job_has_the_outcome_gone(desk, monkeypatch, action):
    """Another job deletes each task after this one has listed it, at the last possible moment."""
    # given
    task_id = desk.submit("one")
    where, last_look = {"status": "PENDING" if action == "revoke" else "SUCCESS"}, records.get
    if action != "revoke":
        desk.queue.deliver()

    def look(looked_at):
        found = last_look(looked_at) if action == "delete" else None
        if looked_at == task_id and records.stored(task_id):
            records.stored(task_id).delete()
        return found or last_look(looked_at)

    monkeypatch.setattr(records, "get", look)
    # when
    result, outcomes = run(desk, action, where)
    # then
    assert (result["outcomes"], outcomes[task_id]["outcome"]) == ({"GONE": 1}, "GONE")
    assert records.stored(task_id) is None
