"""Alerts: tests provoke each kind of problem and check what arrives at a webhook."""

# ruff: noqa: F811 - fixtures are imported, and named again as arguments

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from alert_samples import ALL, DOWNLOAD, LEAD_TIMES, SECRET, fails, put, receiver, run, shown, stack  # noqa: F401 - fixtures
from api_calls import Context as LambdaContext
from api_calls import call, pool, token  # noqa: F401 - a fixture

from makertasks import clock, wire
from makertasks.aws import functions
from makertasks.control import audit, retrying
from makertasks.errors import PermanentError
from makertasks.monitoring import acknowledgements, alerts
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters
from sweeper import handler as sweeper

# ── what provokes each kind, and what ends it ──


def provoke_new_cause(aws, time_passes):
    cause = fails()
    return cause, lambda: acknowledgements.acknowledge(cause, who="ann")


def provoke_queue_stuck(aws, time_passes):
    record = records.new(wire.Message("waits", DOWNLOAD, kwargs={}), queue="download_image_from_url")
    record.save()
    time_passes(minutes=31)
    return "download_image_from_url", lambda: lifecycle.close(records.get("waits"), Status.REVOKED, PermanentError("-"))


def provoke_schedule_missed(aws, time_passes):
    message = wire.encode(wire.Message("lead-times-<aws.scheduler.scheduled-time>", LEAD_TIMES), "schedule")
    target = {"Arn": "arn:aws:sqs:us-east-1:1:q", "RoleArn": "arn:aws:iam::1:role/r", "Input": message}
    aws.client("scheduler").create_schedule(
        Name="lead_times", GroupName="unit", ScheduleExpression="cron(0 3 * * ? *)", FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )  # fmt: skip
    time_passes(days=1, hours=1)

    def on_time():
        time_passes(days=1)
        last = clock.now().replace(hour=3, minute=0, second=0)
        if clock.now() - last < timedelta(minutes=15):
            last -= timedelta(days=1)
        records.new(wire.Message(f"lead-times-{last:%Y-%m-%dT%H:%M:%SZ}", LEAD_TIMES), queue="q").save()

    return "lead_times", on_time


def provoke_dead_letter(aws, time_passes):
    dead_letters.record("{", message_id="letter", queue="generate_qr_code", sent=clock.now())

    def discard():
        retrying.discard("letter")

    return "generate_qr_code", discard


PROVOCATIONS = {
    "new_cause": provoke_new_cause,
    "queue_stuck": provoke_queue_stuck,
    "schedule_missed": provoke_schedule_missed,
    "dead_letter": provoke_dead_letter,
}


def test_every_kind_of_alert_has_a_test():
    assert PROVOCATIONS.keys() == set(alerts.KINDS)


@pytest.mark.parametrize("kind", alerts.KINDS)
def test_a_problem_is_reported_once_until_it_is_over_and_again_if_it_recurs(kind, stack, receiver, time_passes):
    # given an alert of this kind that also reports recoveries, and no problem
    put(address=receiver.url(SECRET), kinds=[kind], recoveries=True)
    run()
    assert receiver.posts == []

    # when a problem occurs, then exactly one message reports it, however often the sweep runs
    subject, end = PROVOCATIONS[kind](stack, time_passes)
    for _ in range(3):
        run()
    [post] = receiver.posts
    [problem] = post.json["problems"]
    assert (post.path, post.json["type"], post.json["alert"], post.json["over"]) == (SECRET, "alert", "workshop", [])
    assert (problem["kind"], problem["subject"]) == (kind, subject)
    assert problem["url"].startswith("https://api.example/")
    assert problem["runbook"] == f"https://api.example/alerts#{kind}"
    assert shown()["open"] == 1
    assert shown()["last"]["delivered"] is True

    # when it ends, then exactly one message says that
    end()
    for _ in range(3):
        run()
    [_, post] = receiver.posts
    assert (post.json["problems"], [each["subject"] for each in post.json["over"]]) == ([], [subject])
    assert shown()["open"] == 0


@pytest.mark.parametrize("kind", alerts.KINDS)
def test_an_alert_ignores_problems_of_other_kinds(kind, stack, receiver, time_passes):
    put(address=receiver.url(SECRET), kinds=[each for each in ALL if each != kind])
    PROVOCATIONS[kind](stack, time_passes)
    run()
    reported = {problem["kind"] for post in receiver.posts for problem in post.json["problems"]}
    assert kind not in reported


def test_a_muted_cause_sends_no_alert_and_an_acknowledged_one_only_if_it_fails_again(receiver, time_passes):
    put(address=receiver.url(SECRET))
    cause = fails()
    acknowledgements.acknowledge(cause, who="ann", muted=True)
    fails("again")
    run()
    assert receiver.posts == []
    acknowledgements.acknowledge(cause, who="ann")
    run()
    assert receiver.posts == []
    time_passes(minutes=1)
    assert fails("once more") == cause
    run()
    run()
    assert len(receiver.posts) == 1


def test_several_problems_at_once_are_one_message(receiver):
    put(address=receiver.url(SECRET))
    for number, error in enumerate(("disk full", "no such file", "certificate expired")):
        fails(f"failed-{number}", error)
    run()
    [post] = receiver.posts
    assert len(post.json["problems"]) == 3


def test_a_webhook_that_is_down_is_shown_retried_and_given_up(receiver, time_passes):
    # given a receiver that fails
    put(address=receiver.url(SECRET))
    fails()
    receiver.status = 503

    # when sweeps run for four hours, then it gets six attempts in all, at growing intervals
    for _ in range(25):
        run()
        time_passes(minutes=10)
    assert len(receiver.posts) == 6
    last = shown()["last"]
    assert (last["delivered"], last["what"]) == (False, "alert")
    assert "503" in last["detail"]
    assert last["remedy"]

    # and when it works again, then new problems are delivered
    receiver.status = 200
    fails("other", "disk full")
    run()
    assert len(receiver.posts) == 7
    assert shown()["last"]["delivered"] is True


def test_a_rejected_alert_is_delivered_once_the_receiver_works(receiver, time_passes):
    put(address=receiver.url(SECRET))
    fails()
    receiver.status = 500
    run()
    run()  # at once: not yet due
    assert len(receiver.posts) == 1
    receiver.status = 200
    time_passes(minutes=5)
    run()
    time_passes(hours=5)
    run()
    assert len(receiver.posts) == 2


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "create a new one"), (410, "create a new one"), (403, "refused access"), (302, "redirects")],
)
def test_a_rejected_alert_names_the_remedy(receiver, status, says):
    put(address=receiver.url(SECRET))
    receiver.status = status
    answer = call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))
    assert (answer[0], answer[1]["delivered"], answer[1]["what"]) == (200, False, "test")
    assert str(status) in answer[1]["detail"]
    assert says in answer[1]["remedy"]
    assert shown()["last"] == answer[1]
    assert len(receiver.posts) == 1  # a redirect is not followed


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1:8443/x", "https://169.254.169.254/latest", "https://[::1]/", "https://localhost/hook"],
)
def test_an_internal_address_is_not_posted_to(address, monkeypatch):
    # given an address that was allowed when the alert was saved
    monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", "127.0.0.1:8443 169.254.169.254 ::1 localhost")
    put(address=address)
    monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", "")
    answer = call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))[1]
    assert (answer["delivered"], "not a public web server" in answer["detail"]) == (False, True)


def test_a_receiver_with_an_untrusted_certificate_gets_nothing(receiver, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    put(address=receiver.url(SECRET))
    answer = call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))[1]
    assert (answer["delivered"], "certificate" in answer["detail"]) == (False, True)
    assert receiver.posts == []


def test_two_runs_at_once_send_one_message(receiver, monkeypatch):
    put(address=receiver.url(SECRET))
    fails()
    claim = alerts.claim

    def late(alert, known):
        monkeypatch.setattr(alerts, "claim", claim)
        run()  # another run, which claims the alert first
        return claim(alert, known)

    monkeypatch.setattr(alerts, "claim", late)
    run()
    assert len(receiver.posts) == 1


def test_the_secret_is_in_no_record_response_log_or_audit_entry(stack, receiver, caplog, capsys):
    # given an alert with a secret in its URL, and a failure that quotes a secret
    caplog.set_level(logging.DEBUG, logger="alerts")
    put(address=receiver.url(SECRET))
    fails(error="posted to https://ann:VeryS3cret@shop.example/?token=VeryS3cret")
    # when it is tested, sent and refused
    for status in (200, 404, 503):
        receiver.status = status
        call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))
    run()
    sweeper.handler({}, _sweeping())
    # then neither secret is visible anywhere
    seen = [
        json.dumps(call("GET", "/v1/alerts", bearer=token("superusers"))[1], ensure_ascii=False),
        json.dumps(audit.page(100)),
        json.dumps(stack.client("dynamodb").scan(TableName="unit-counters"), default=str),
        caplog.text,
        capsys.readouterr().out,
    ]
    assert receiver.posts
    assert any("alert message" in text for text in seen)
    for text in seen:
        assert "VeryS3cret" not in text
    assert f"{receiver.host}/…wxyz" in seen[0]
    # and it is stored as an encrypted parameter
    [parameter] = stack.client("ssm").describe_parameters()["Parameters"]
    assert (parameter["Name"], parameter["Type"]) == ("/unit/alerts/workshop", "SecureString")


def _sweeping():
    context = LambdaContext()
    context.get_remaining_time_in_millis = lambda: 60_000
    return context


def test_the_sweep_starts_the_alerts_only_if_there_are_any(monkeypatch, receiver):
    started = []
    monkeypatch.setattr(functions, "start", lambda name, payload: started.append((name, payload)))
    sweeper.handler({}, _sweeping())
    assert started == []
    put(address=receiver.url(SECRET))
    sweeper.handler({}, _sweeping())
    assert started == [("the alias", {})]
