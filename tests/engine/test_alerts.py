"""Alerts: tests provoke each kind of problem and check what arrives at a webhook or at SNS."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta

import pytest
from api_calls import Context as LambdaContext
from api_calls import call, pool, token  # noqa: F401 - the fixture
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

from alerts import problems
from alerts.handler import handler
from makertasks import clock, wire
from makertasks.aws import functions, topics
from makertasks.cli import application
from makertasks.client import configuration
from makertasks.control import alerting, audit, retrying
from makertasks.errors import PermanentError, Unavailable
from makertasks.monitoring import acknowledgements, alerts
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters
from sweeper import handler as sweeper
from tests.webhook_receiver import webhook_receiver

LEAD_TIMES = "inventory.tasks.update_average_lead_times"

DOWNLOAD = "inventory.tasks.download_image_from_url"
SECRET = "/services/T0123/B4567/VeryS3cretTailwxyz"
ALL = list(alerts.KINDS)


@pytest.fixture
def receiver(tmp_path, monkeypatch):
    with webhook_receiver(tmp_path) as running:
        monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", running.host)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.certificate))
        yield running


@pytest.fixture(autouse=True)
def stack(aws, tasks_table, counters_table, task_queues, time_passes, monkeypatch):
    """Tables, queues, the topic and a group of schedules; functions are called here instead of by Lambda."""
    topic = aws.client("sns").create_topic(Name="unit-alerts")["TopicArn"]
    monkeypatch.setenv("ALERTS_TOPIC", topic)
    monkeypatch.setenv("ALERTS_FUNCTION", "the alias")
    aws.client("scheduler").create_schedule_group(Name="unit")
    monkeypatch.setattr(functions, "start", lambda name, payload: run(payload) if name == "the alias" else None)
    monkeypatch.setattr(functions, "call", lambda name, payload: run(payload) if name == "the alias" else None)
    return aws


def run(event=None):
    return handler(event or {}, LambdaContext())


def put(name="workshop", status=200, **body):
    given = {"form": "json", "kinds": ALL, **body}
    answer = call("PUT", f"/v1/alerts/{name}", body=given, bearer=token("operators"))
    assert answer[0] == status, answer
    return answer[1]


def shown(name="workshop"):
    return call("GET", f"/v1/alerts/{name}", bearer=token("viewers"))[1]


def fails(task_id="failed", error="image_url: the server answered 404"):
    record = records.new(wire.Message(task_id, DOWNLOAD, kwargs={}), queue="download_image_from_url")
    lifecycle.close(record, Status.FAILURE, PermanentError(error))
    stored = records.get(task_id)
    counting.count([counting.change_of(f"event-{task_id}", None, stored.attribute_values)])
    return stored.fingerprint


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


def test_every_kind_is_provoked():
    assert PROVOCATIONS.keys() == set(alerts.KINDS)


@pytest.mark.parametrize("kind", alerts.KINDS)
def test_a_problem_is_told_once_until_it_is_over_and_once_more_if_it_comes_again(kind, stack, receiver, time_passes):
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
def test_an_alert_of_other_kinds_says_nothing(kind, stack, receiver, time_passes):
    put(address=receiver.url(SECRET), kinds=[each for each in ALL if each != kind])
    PROVOCATIONS[kind](stack, time_passes)
    run()
    told = {problem["kind"] for post in receiver.posts for problem in post.json["problems"]}
    assert kind not in told


def test_a_muted_cause_says_nothing_and_an_acknowledged_one_only_if_it_fails_again(receiver, time_passes):
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


def test_a_webhook_that_is_down_is_shown_tried_again_and_given_up(receiver, time_passes):
    # given a receiver that fails
    put(address=receiver.url(SECRET))
    fails()
    receiver.status = 503

    # when sweeps run for four hours, then it is tried six times in all, at growing intervals
    for _ in range(25):
        run()
        time_passes(minutes=10)
    assert len(receiver.posts) == 6
    last = shown()["last"]
    assert (last["delivered"], last["what"]) == (False, "alert")
    assert "503" in last["detail"]
    assert last["remedy"]

    # and when it works again, then new problems arrive
    receiver.status = 200
    fails("other", "disk full")
    run()
    assert len(receiver.posts) == 7
    assert shown()["last"]["delivered"] is True


def test_a_message_that_was_not_taken_arrives_once_the_receiver_works(receiver, time_passes):
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
    ("status", "says"), [(404, "create a new one"), (410, "create a new one"), (403, "refuses"), (302, "redirects")]
)
def test_a_refusal_has_a_remedy(receiver, status, says):
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
    monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", "")
    put(address=address)
    answer = call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))[1]
    assert (answer["delivered"], "not a public web server" in answer["detail"]) == (False, True)


def test_a_receiver_whose_certificate_nobody_vouches_for_gets_nothing(receiver, monkeypatch):
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
        run()  # another run, which is first
        return claim(alert, known)

    monkeypatch.setattr(alerts, "claim", late)
    run()
    assert len(receiver.posts) == 1


def test_the_secret_is_in_no_record_answer_log_or_audit_entry(stack, receiver, caplog, capsys):
    caplog.set_level(logging.DEBUG, logger="alerts")
    put(address=receiver.url(SECRET))
    fails(error="posted to https://ann:VeryS3cret@shop.example/?token=VeryS3cret")
    for status in (200, 404, 503):
        receiver.status = status
        call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))
    run()
    sweeper.handler({}, _sweeping())
    seen = [
        json.dumps(call("GET", "/v1/alerts", bearer=token("superusers"))[1], ensure_ascii=False),
        json.dumps(audit.page(100)),
        json.dumps(stack.client("dynamodb").scan(TableName="unit-counters"), default=str),
        caplog.text,
        capsys.readouterr().out,
    ]
    assert receiver.posts
    for text in seen:
        assert "VeryS3cret" not in text
    assert f"{receiver.host}/…wxyz" in seen[0]
    # and it is a parameter that is encrypted
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


# ── mail ──


def published(aws):
    topic = next(iter(sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics.values()))
    return topic.sent_notifications


def test_mail_waits_for_the_confirmation_and_then_goes_to_its_own_address(stack, monkeypatch):
    # given an address that has not confirmed yet
    with monkeypatch.context() as unconfirmed:
        unconfirmed.setattr(topics, "subscriptions", lambda _: {"ann@example.org": topics.UNCONFIRMED})
        assert put(form="email", address="Ann@example.org")["confirmed"] is False
        fails()
        run()
        last = shown()["last"]
        assert (last["delivered"], "confirm" in last["remedy"]) == (False, True)
        assert published(stack) == []

    # when it has, then the message has the attribute by which this subscription is chosen
    assert shown()["confirmed"] is True
    answer = call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))[1]
    assert answer["delivered"] is True
    [(_, text, subject, attributes, _)] = published(stack)
    assert subject.startswith("makertasks unit: test")
    [subscription] = stack.client("sns").list_subscriptions()["Subscriptions"]
    policy = stack.client("sns").get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])
    chosen = json.loads(policy["Attributes"]["FilterPolicy"])
    assert chosen == {"to": [attributes["to"]["Value"]]}
    assert "This is a test" in text


def test_an_address_is_unsubscribed_with_its_last_alert(stack):
    put("one", form="email", address="ann@example.org")
    put("two", form="email", address="ann@example.org", kinds=["dead_letter"])
    assert len(stack.client("sns").list_subscriptions()["Subscriptions"]) == 1
    assert call("DELETE", "/v1/alerts/one", bearer=token("operators"))[0] == 204
    assert len(stack.client("sns").list_subscriptions()["Subscriptions"]) == 1
    put("two", form="json", address="https://hooks.example/abc")  # no mail any more
    assert stack.client("sns").list_subscriptions()["Subscriptions"] == []
    assert call("DELETE", "/v1/alerts/two", bearer=token("operators"))[0] == 204
    assert stack.client("ssm").describe_parameters()["Parameters"] == []
    assert call("GET", "/v1/alerts", bearer=token("viewers"))[1] == {"alerts": []}


# ── changes ──


def test_an_alert_keeps_its_address_where_none_is_given_and_a_new_one_is_told_everything(receiver):
    put(address=receiver.url(SECRET), kinds=["dead_letter"])
    fails()
    run()
    assert put(kinds=ALL)["address"] == f"{receiver.host}/…wxyz"
    run()
    run()
    assert len(receiver.posts) == 1
    put(address=receiver.url("/another/address/that/is/long"))
    run()
    assert [post.path for post in receiver.posts] == [SECRET, "/another/address/that/is/long"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"address": "http://hooks.example/abc"}, "address"),
        ({"address": "https://ann:pw@hooks.example/abc"}, "address"),
        ({"address": "hooks.example"}, "address"),
        ({"address": "https://hooks.example:99999/"}, "address"),
        ({"address": "https://hooks.example/a b"}, "address"),
        ({"address": "https://hooks.example/" + "x" * 3000}, "address"),
        ({}, "address"),
        ({"address": "https://hooks.example/abc", "kinds": []}, "kinds"),
        ({"address": "https://hooks.example/abc", "kinds": ["everything"]}, "kinds[0]"),
        ({"address": "https://hooks.example/abc", "form": "fax"}, "form"),
        ({"address": "ann@example", "form": "email"}, "address"),
        ({"address": "ann@example.org\r\nBcc: x@example.org", "form": "email"}, "address"),
    ],
)
def test_what_cannot_be_an_alert_is_refused_with_its_field_and_leaves_nothing(stack, body, field):
    problem = put(status=422, **body)
    assert problem["field"] == field, problem
    assert alerts.listed() == []
    assert stack.client("ssm").describe_parameters()["Parameters"] == []
    assert stack.client("sns").list_subscriptions()["Subscriptions"] == []
    assert audit.page(10)["entries"] == []


def test_viewers_change_nothing_and_every_change_is_audited(receiver):
    put(address=receiver.url(SECRET))
    for method, path in (("PUT", "workshop"), ("DELETE", "workshop"), ("POST", "workshop/test")):
        body = {"form": "json", "kinds": ALL} if method == "PUT" else None
        assert call(method, f"/v1/alerts/{path}", body=body, bearer=token("viewers"))[0] == 403
    call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))
    call("DELETE", "/v1/alerts/workshop", bearer=token("operators"))
    assert [entry["action"] for entry in audit.page(9)["entries"]] == ["delete alert", "test alert", "set alert"]
    assert audit.page(9)["entries"][2]["details"]["to"] == f"{receiver.host}/…wxyz"


def test_there_are_at_most_twenty(receiver):
    for number in range(alerts.MOST):
        stored = {"form": "json", "address": "-", "kinds": ["dead_letter"], "recoveries": False, "who": "ann"}
        alerts.put(f"alert-{number}", **stored, readdressed=True)
    assert put("one-more", status=422, address=receiver.url(SECRET))["field"] == "name"


def test_a_deleted_alert_is_not_written_again(receiver):
    put(address=receiver.url(SECRET))
    [stored] = alerts.listed()
    alerting.delete("workshop")
    assert alerts.claim(stored, {}) is False
    alerts.note_delivery("workshop", {"when": "-", "what": "test", "delivered": True, "detail": "", "remedy": ""})
    assert alerts.listed() == []


def test_what_could_not_be_looked_for_is_not_over(receiver, monkeypatch):
    put(address=receiver.url(SECRET), recoveries=True)
    fails()
    run()
    monkeypatch.setattr(problems.failure_groups, "recent", _unavailable)
    with pytest.raises(Unavailable, match="new_cause"):
        run()
    assert len(receiver.posts) == 1
    assert shown()["open"] == 1


def _unavailable(*_args, **_named):
    raise Unavailable("the tasks table did not answer")


# ── the command line ──


@pytest.fixture
def command(monkeypatch, tmp_path, capsys, media_bucket, inventory_table):
    """Run a command with its standard input; returns exit code, standard output and standard error."""
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none.toml"))
    configuration.load.cache_clear()

    def run_command(*arguments, typed=""):
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as end:
            application.run(["alerts", *arguments])
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    yield run_command
    configuration.load.cache_clear()


def test_the_command_line_adds_lists_tests_and_removes(command, receiver):
    code, out, _ = command(
        "add", "workshop", "--by", "json", "--on", "dead-letter", "--json", typed=f"{receiver.url(SECRET)}\n"
    )
    assert (code, json.loads(out)["kinds"]) == (0, ["dead_letter"])
    assert "VeryS3cret" not in out
    assert json.loads(command("list", "--json")[1])["alerts"][0]["address"] == f"{receiver.host}/…wxyz"
    assert json.loads(command("test", "workshop", "--json")[1])["delivered"] is True
    receiver.status = 404
    code, _, error = command("test", "workshop")
    assert (code, "create a new one" in error) == (4, True)
    # changed without its address, it keeps it
    assert command("add", "workshop", "--by", "json", "--recoveries")[0] == 0
    assert shown()["recoveries"] is True
    assert command("remove", "workshop")[0] == 0
    assert "no alerts" in command()[2]
    assert [entry["action"] for entry in audit.page(9)["entries"]][::-1] == [
        "set alert", "test alert", "test alert", "set alert", "delete alert",
    ]  # fmt: skip


def test_the_command_line_names_what_is_wrong(command):
    assert command("remove", "nobody")[0] == 3
    code, _, error = command("add", "A Name", "--by", "email", "--to", "ann@example.org")
    assert (code, "name:" in error) == (2, True)
    code, _, error = command("add", "x", "--by", "slack", "--to", "https://hooks.slack.com/services/T/B/secret")
    assert (code, "--to" in error, "secret" in error) == (2, True, False)
