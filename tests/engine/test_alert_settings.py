"""Alerts: their addresses, what is refused, and the command line."""

# ruff: noqa: F811 - fixtures are imported, and named again as arguments

from __future__ import annotations

import io
import json
import socket

import pytest
from alert_samples import ALL, DOWNLOAD, LEAD_TIMES, SECRET, fails, put, receiver, run, shown, stack  # noqa: F401 - fixtures
from api_calls import call, pool, token  # noqa: F401 - a fixture
from browsing import Page, browse
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

from alerts import problems
from makertasks import settings
from makertasks.aws import topics
from makertasks.cli import application
from makertasks.client import configuration
from makertasks.control import alerting, audit
from makertasks.errors import Unavailable
from makertasks.monitoring import alerts

# ── mail ──


def published(aws):
    topic = next(iter(sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics.values()))
    return topic.sent_notifications


def test_mail_is_sent_only_to_its_own_address_after_confirmation(stack, monkeypatch):
    # given an address that has not confirmed yet
    with monkeypatch.context() as unconfirmed:
        unconfirmed.setattr(topics, "subscriptions", lambda _: {"ann@example.org": topics.UNCONFIRMED})
        assert put(form="email", address="Ann@example.org")["confirmed"] is False
        fails()
        run()
        last = shown()["last"]
        assert (last["delivered"], "confirm" in last["remedy"]) == (False, True)
        assert published(stack) == []

    # when it has confirmed, then the message has the attribute for which this subscription filters
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


def test_an_email_address_is_unsubscribed_with_its_last_alert(stack):
    put("one", form="email", address="ann@example.org")
    put("two", form="email", address="ann@example.org", kinds=["dead_letter"])
    assert len(stack.client("sns").list_subscriptions()["Subscriptions"]) == 1
    assert call("DELETE", "/v1/alerts/one", bearer=token("operators"))[0] == 204
    assert len(stack.client("sns").list_subscriptions()["Subscriptions"]) == 1
    put("two", form="json", address="https://hooks.example/abc")  # no more mail
    assert stack.client("sns").list_subscriptions()["Subscriptions"] == []
    assert call("DELETE", "/v1/alerts/two", bearer=token("operators"))[0] == 204
    assert stack.client("ssm").describe_parameters()["Parameters"] == []
    assert call("GET", "/v1/alerts", bearer=token("viewers"))[1] == {"alerts": []}


def test_only_unused_addresses_of_the_alerts_own_topic_are_unsubscribed(stack):
    # given an address that an alert uses, one of another topic, and one that no alert uses any more
    sns = stack.client("sns")
    other = sns.create_topic(Name="another-service")["TopicArn"]
    topics.subscribe(other, "other@example.org", "-")
    topics.subscribe(settings.alerts_topic(), "gone@example.org", "-")
    put(form="email", address="ann@example.org")

    outcomes = [run({"unsubscribe": f"{who}@example.org"})["unsubscribed"] for who in ("Ann", "other", "Gone", "none")]

    assert outcomes == [False, False, True, False]
    left = {each["Endpoint"] for each in sns.list_subscriptions()["Subscriptions"]}
    assert left == {"ann@example.org", "other@example.org"}


# ── changes ──


def test_storing_an_alert_lists_the_alerts_once(stack, receiver, monkeypatch):
    put("mail", form="email", address="ann@example.org")
    put(address=receiver.url(SECRET))
    reads, listed = [], alerts.listed
    monkeypatch.setattr(alerts, "listed", lambda: reads.append(1) or listed())
    put(kinds=["dead_letter"])
    put("mail", form="email", address="Ann@example.org", kinds=["dead_letter"])
    assert len(reads) == 2


def test_an_alert_keeps_its_address_unless_another_is_given_and_a_new_address_gets_all_problems(receiver):
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
        ({"address": "https://127.0.0.1/hook"}, "address"),
        ({"address": "https://10.0.0.7:8443/hook"}, "address"),
        ({"address": "https://169.254.169.254/latest"}, "address"),
        ({"address": "https://[::1]/hook"}, "address"),
        ({"address": "https://[::ffff:192.168.1.4]/hook"}, "address"),
        ({"address": "https://0x7f.1/hook"}, "address"),
        ({"address": "https://LOCALHOST./hook"}, "address"),
        ({"address": "https://ntfy.localhost/hook"}, "address"),
        ({"address": "https://hooks.example:22/hook"}, "address"),
        ({}, "address"),
        ({"address": "https://hooks.example/abc", "kinds": []}, "kinds"),
        ({"address": "https://hooks.example/abc", "kinds": ["everything"]}, "kinds[0]"),
        ({"address": "https://hooks.example/abc", "form": "fax"}, "form"),
        ({"address": "ann@example", "form": "email"}, "address"),
        ({"address": "ann@example.org\r\nBcc: x@example.org", "form": "email"}, "address"),
    ],
)
def test_an_invalid_alert_is_refused_with_its_field_and_leaves_nothing_behind(stack, body, field):
    problem = put(status=422, **body)
    assert problem["field"] == field, problem
    assert alerts.listed() == []
    assert stack.client("ssm").describe_parameters()["Parameters"] == []
    assert stack.client("sns").list_subscriptions()["Subscriptions"] == []
    assert audit.page(10)["entries"] == []


def test_the_page_says_beside_the_field_that_an_internal_address_is_refused():
    form = {"name": "hall", "form": "json", "kinds": "dead_letter", "address": "https://127.0.0.1/hook"}
    status, html, _ = browse("POST", "/alerts", form=form)
    assert status == 422
    said = Page(html).texts["m-address"]
    assert "not allowed: it is not a public web server. Alerts can be posted only to public addresses" in said
    assert alerts.listed() == []


def test_an_internal_address_that_the_operator_allows_is_saved_and_no_name_is_looked_up(receiver, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("looked up"))
    assert put(address=receiver.url(SECRET))["address"] == f"{receiver.host}/…wxyz"
    assert put("hall", address="https://hooks.example/hook")["address"] == "hooks.example/…"


def test_viewers_cannot_change_alerts_and_every_change_is_audited(receiver):
    put(address=receiver.url(SECRET))
    for method, path in (("PUT", "workshop"), ("DELETE", "workshop"), ("POST", "workshop/test")):
        body = {"form": "json", "kinds": ALL} if method == "PUT" else None
        assert call(method, f"/v1/alerts/{path}", body=body, bearer=token("viewers"))[0] == 403
    call("POST", "/v1/alerts/workshop/test", bearer=token("operators"))
    call("DELETE", "/v1/alerts/workshop", bearer=token("operators"))
    assert [entry["action"] for entry in audit.page(9)["entries"]] == ["delete alert", "test alert", "set alert"]
    assert audit.page(9)["entries"][2]["details"]["to"] == f"{receiver.host}/…wxyz"


def test_at_most_twenty_alerts_can_exist(receiver):
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


def test_a_problem_that_could_not_be_checked_is_not_reported_as_resolved(receiver, monkeypatch):
    put(address=receiver.url(SECRET), recoveries=True)
    fails()
    run()
    monkeypatch.setattr(problems.failure_groups, "recent", _unavailable)
    with pytest.raises(Unavailable, match="new_cause"):
        run()
    assert len(receiver.posts) == 1
    assert shown()["open"] == 1


def _unavailable(*_args, **_named):
    raise Unavailable("the tasks table did not respond")


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
    # when an alert is added, then its address is stored and never printed in full
    code, out, _ = command(
        "add", "workshop", "--by", "json", "--on", "dead-letter", "--json", typed=f"{receiver.url(SECRET)}\n"
    )
    assert (code, json.loads(out)["kinds"]) == (0, ["dead_letter"])
    assert "VeryS3cret" not in out
    assert json.loads(command("list", "--json")[1])["alerts"][0]["address"] == f"{receiver.host}/…wxyz"
    # when it is tested, then the receiver's response decides
    assert json.loads(command("test", "workshop", "--json")[1])["delivered"] is True
    receiver.status = 404
    code, _, error = command("test", "workshop")
    assert (code, "create a new one" in error) == (4, True)
    # when it is changed without an address, then it keeps the old one
    assert command("add", "workshop", "--by", "json", "--recoveries")[0] == 0
    assert shown()["recoveries"] is True
    # when it is removed, then none is left, and the audit log has every action
    assert command("remove", "workshop")[0] == 0
    assert "no alerts" in command()[2]
    assert [entry["action"] for entry in audit.page(9)["entries"]][::-1] == [
        "set alert", "test alert", "test alert", "set alert", "delete alert",
    ]  # fmt: skip


def test_the_command_line_names_the_invalid_option_and_no_secret(command):
    assert command("remove", "nobody")[0] == 3
    code, _, error = command("add", "A Name", "--by", "email", "--to", "ann@example.org")
    assert (code, "name:" in error) == (2, True)
    code, _, error = command("add", "x", "--by", "slack", "--to", "https://hooks.slack.com/services/T/B/secret")
    assert (code, "--to" in error, "secret" in error) == (2, True, False)
