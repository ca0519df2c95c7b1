"""Alert messages for each channel, with hostile texts; when problems are reported; how a webhook URL is shown."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts import messages, planning, problems
from alerts.messages import Message
from alerts.problems import Problem
from makertasks.control import alerting
from makertasks.monitoring import alerts

HOSTILE = (
    "@channel @everyone <!channel> <@U123> <https://evil.example|click> [click](https://evil.example) `code` **bold** "
    "</code> & \\ https://evil.example"
)
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("STACK_NAME", "makertasks")
    monkeypatch.setenv("API_ADDRESS", "https://api.example")


def problem(text="no such file", kind="new_cause", subject="cause"):
    return Problem(kind, subject, problems._plain(text), f"/failures/{subject}")


def text_of(form, message):
    post = messages.WEBHOOKS[form](message)
    if form == "ntfy":
        return post.body.decode()
    body = json.loads(post.body)
    return body["content" if form == "discord" else "text"]


def quoted(text):
    """The text formatted as code, and the rest."""
    parts = text.split("`")
    assert len(parts) % 2, "a backtick is left over"
    return "".join(parts[1::2]), "".join(parts[0::2])


@pytest.mark.parametrize("form", ["slack", "mattermost", "discord"])
def test_a_tasks_text_is_formatted_as_code_and_mentions_nobody(form):
    code, rest = quoted(text_of(form, Message("workshop", [problem(HOSTILE)])))
    assert "evil.example" in code
    assert "evil" not in rest
    for mention in ("@channel", "@everyone", "<!channel>", "<@U123>", "<https://evil"):
        assert mention not in code + rest
    assert "https://api.example/failures/cause" in rest
    assert "https://api.example/alerts#new_cause" in rest


def test_slack_text_is_escaped():
    code, _ = quoted(text_of("slack", Message("workshop", [problem("a < b & c > d")])))
    assert code == "a &lt; b &amp; c &gt; d"


def test_discord_messages_never_mention_anybody():
    body = json.loads(messages.discord(Message("workshop", [problem(HOSTILE)])).body)
    assert body["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("form", ["ntfy", "email"])
def test_urls_in_plain_text_are_not_linked(form):
    text = messages.plain(Message("workshop", [problem(HOSTILE)]), form)
    assert "https://evil" not in text
    assert "https://api.example/failures/cause" in text


def test_control_and_bidirectional_characters_are_removed():
    plain = problems._plain("one\r\ntwo\x00\u202ethree\u200b")
    assert plain == "one two three"


def test_credentials_and_accounts_in_an_error_are_masked():
    plain = problems._plain("GET https://ann:secret@x.example by arn:aws:sts::123456789012:assumed-role/r")
    assert "secret" not in plain
    assert "123456789012" not in plain


@pytest.mark.parametrize("form", alerts.FORMS)
def test_no_message_exceeds_its_receivers_maximum_size(form):
    many = [problem("ü" * 500, subject=f"cause-{number}") for number in range(200)]
    message = Message("workshop", many, many)
    limits = {"slack": 4000, "mattermost": 16383, "discord": 2000, "ntfy": 4096, "email": 256 * 1024}
    if form == "email":
        size, text = len(messages.plain(message).encode()), messages.plain(message)
    elif form == "json":
        body = json.loads(messages.document(message).body)
        assert (len(body["problems"]), body["more"]) == (100, 200)
        return
    else:
        text = text_of(form, message)
        size = len(text.encode()) if form == "ntfy" else len(text)
    assert size <= limits[form]
    assert " more: https://api.example/" in text
    assert text.count("New cause of failure") > 3


def test_ntfy_gets_title_priority_and_click():
    headers = messages.ntfy(Message("workshop", [problem()])).headers
    assert (headers["Title"], headers["Priority"]) == ("makertasks makertasks: 1 problem", "high")
    assert headers["Click"] == "https://api.example/failures/cause"
    assert messages.ntfy(Message("workshop", [], [problem()])).headers["Priority"] == "default"
    assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_the_webhooks_json_document_has_the_documented_fields():
    body = json.loads(messages.document(Message("workshop", [problem()], [problem(subject="old")])).body)
    assert {key: body[key] for key in ("type", "alert", "title")} == {
        "type": "alert",
        "alert": "workshop",
        "title": "makertasks makertasks: 1 problem, 1 resolved",
    }
    assert body["problems"] == [
        {
            "kind": "new_cause",
            "subject": "cause",
            "text": "no such file",
            "url": "https://api.example/failures/cause",
            "runbook": "https://api.example/alerts#new_cause",
        }
    ]
    assert [each["subject"] for each in body["over"]] == ["old"]


@pytest.mark.parametrize("form", ["slack", "mattermost", "discord", "ntfy"])
def test_a_test_message_is_marked_as_a_test(form):
    assert "This is a test" in text_of(form, Message("workshop", test=True))


# ── what is reported, and when ──


def plans(rounds, **options):
    """What is reported in each round, (problems, recoveries); each round says whether the receiver works."""
    known, told = {}, []
    for number, (present, works) in enumerate(rounds):
        made = planning.plan(
            known,
            [problem(subject=name) for name in present],
            options.get("unsure", ()),
            NOW + number * timedelta(hours=3),
            recoveries=options.get("recoveries", True),
        )
        told.append(([each.subject for each in made.told], [each.subject for each in made.over]))
        known = made.afterwards if works else made.meanwhile
    return told


def test_a_problem_is_reported_once_and_then_its_recovery():
    assert plans([("a", True), ("a", True), ("ab", True), ("", True), ("", True)]) == [
        (["a"], []), ([], []), (["b"], []), ([], ["a", "b"]), ([], []),
    ]  # fmt: skip


def test_a_problem_that_was_never_delivered_has_no_recovery_message():
    assert plans([("a", False), ("", True), ("a", True)]) == [(["a"], []), ([], []), (["a"], [])]


def test_an_undelivered_recovery_is_retried_and_a_relapse_meanwhile_sends_nothing():
    assert plans([("a", True), ("", False), ("", True), ("", True)])[1:] == [([], ["a"]), ([], ["a"]), ([], [])]
    assert plans([("a", True), ("", False), ("a", True), ("a", True)])[2:] == [([], []), ([], [])]


def test_recoveries_are_reported_only_if_wanted_and_only_if_certain():
    assert plans([("a", True), ("", True)], recoveries=False)[1] == ([], [])
    assert plans([("a", True), ("", True)], unsure={"new_cause"})[1] == ([], [])


def test_delivery_attempts_are_limited():
    assert sum(bool(told) for told, _ in plans([("a", False)] * 20)) == planning.MOST_ATTEMPTS
    assert sum(bool(over) for _, over in plans([("a", True), *[("", False)] * 20])) == planning.MOST_ATTEMPTS


@pytest.mark.parametrize("rounds", list(itertools.product(["", "a"], repeat=5)))
def test_problem_and_recovery_messages_always_alternate(rounds):
    said = [("told" if told else "over") for told, over in plans([(each, True) for each in rounds]) if told or over]
    assert said == [("told", "over")[number % 2] for number in range(len(said))]


# ── addresses ──


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXXabcd", "hooks.slack.com/…abcd"),
        ("https://chat.example:8443/hooks/abcdefghijklmnopqrstuv", "chat.example:8443/…stuv"),
        ("https://ntfy.sh/makerspace", "ntfy.sh/…"),
        ("https://hook.example", "hook.example/…"),
        ("https://hook.example/?token=abcdefghijklmnopqrst", "hook.example/…qrst"),
    ],
)
def test_a_webhook_url_is_shown_by_its_host_and_last_characters(address, shown):
    assert alerting.masked(address) == shown
