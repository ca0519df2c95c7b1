"""Compares our API with the recorded responses of Flower: equal, except for what docs/api.md lists."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from api_calls import call, pool, token  # noqa: F401 - `pool` is a fixture
from echo_task import NAME

from api.flower import search
from api.flower import tasks as flower_tasks
from makertasks import tasks
from makertasks.aws import event_sources
from makertasks.errors import InvalidRequest, TemporaryError
from makertasks.monitoring.counters import counting
from tests.flower.questions import CHANGES, QUESTIONS
from tests.template import ROOT

FLOWER = Path(__file__).parents[1] / "flower"
RECORDED = {version: json.loads((FLOWER / f"recorded-{version}.json").read_text()) for version in ("2.0.1", "2.2.0")}
WORKER = "echo"

# Values that depend on the process or the time: only their presence is compared.
OF_THE_MOMENT = {
    "received", "sent", "started", "succeeded", "failed", "retried", "revoked", "timestamp", "runtime", "eta", "clock",
    "client", "traceback", "result",
}  # fmt: skip
# Responses that differ from 2.2.0's, each with the words of the table in docs/api.md that say so.
DIFFERENCES = {
    "async-apply: eta": "an `eta` more than a year ahead",
    "timeout: no worker": "`rate-limit` and `timeout` may omit `workername`",
    "rate-limit: x": "an invalid rate",
    "workers: one": "`stats` and `conf` of a worker",
    "metrics": "`task-sent`",
}


@pytest.fixture
def ids(aws, echo, counters_table, monkeypatch):
    """The tasks that the recorded Flower knew, in the same states and order, and their worker."""
    aws.client("scheduler").create_schedule_group(Name="unit-delays")
    mapping = {"UUID": "1", "State": "Enabled", "ScalingConfig": {"MaximumConcurrency": 2}}

    def update(_mapping, **change):
        mapping.update(change)
        return mapping

    def work(seconds):
        echo.queue.deliver()
        time.sleep(min(seconds, 0.01))

    # while a response waits for a task to finish, its function runs
    monkeypatch.setattr(flower_tasks, "time", SimpleNamespace(monotonic=time.monotonic, sleep=work))
    monkeypatch.setattr(tasks, "_registry", {NAME: tasks._registry[NAME]})
    monkeypatch.setattr(event_sources, "mappings", lambda: [("unit-tasks-echo", mapping)])
    monkeypatch.setattr(event_sources, "update", update)

    def start(text, **options):
        body = {"kwargs": {"text": text}, **options}
        echo.time_passes(seconds=2)
        return ask("POST", f"/api/task/async-apply/{NAME}", body=body)[1]["task-id"]

    found = {"succeeded": start("hello")}
    echo.queue.deliver()
    found["failed"] = start("fail")
    echo.plan.append(ValueError("no"))
    echo.queue.deliver()
    found["retrying"] = start("retry")
    echo.plan.append(TemporaryError("later"))
    echo.queue.deliver()
    found["waiting"] = start("later", countdown=3600)
    found["revoked"] = start("never", countdown=600)
    ask("POST", f"/api/task/revoke/{found['revoked']}")
    return found


def ask(method, path, **options):
    return call(method, path, bearer=token("superusers"), **options)


def asked(question, ids):
    """Status and body of our API's response, with ids replaced by the recording's names."""
    body = {name: ids.get(str(value), value) for name, value in question.body.items()} if question.body else None
    path = question.path.format(worker=WORKER, **ids)
    status, answer, _ = ask(question.method, path, query=question.of(WORKER), body=body)
    text = json.dumps(answer)
    for name, task_id in ids.items():
        text = text.replace(task_id, f"{{{name}}}")
    return {"status": status, "answer": json.loads(text)}


def comparable(answered):
    """A response without values that depend on process or time; of an error, only the status.

    A task that Celery retries is its own child; here its message is redelivered.
    """
    if answered["status"] is None or answered["status"] >= 400:
        return answered["status"]
    answer = answered["answer"]
    if not isinstance(answer, dict):
        return answered["status"], answer
    plain = _plain("", answer)
    order = [name for name, value in plain.items() if isinstance(value, dict)]  # of tasks
    return answered["status"], order, plain


def _plain(name, value):
    if isinstance(value, dict):
        of_a_retry = {"children", "parent", "parent_id"} if value.get("state") == "RETRY" else set()
        kept = {key: each for key, each in value.items() if key not in of_a_retry}
        return {key.replace("{worker}", WORKER): _plain(key, each) for key, each in kept.items()}
    if name == "active_queues" and "messages" in value[0]:
        return [{"name": queue["name"], "messages": queue["messages"] >= 0} for queue in value]
    if name in OF_THE_MOMENT:
        return value is not None
    if name == "task-id" and not str(value).startswith("{"):
        return "an id"
    if name == "exception" and value:
        return re.match(r"\w+\('", value) is not None
    return value.replace("{worker}", WORKER) if isinstance(value, str) else value


@pytest.mark.parametrize("version", ["2.0.1", "2.2.0"])
def test_every_request_returns_what_flower_returned(ids, version):
    recorded, differing = RECORDED[version], []
    for question in (*QUESTIONS, *CHANGES):
        ours, theirs = comparable(asked(question, ids)), comparable(recorded[question.name])
        same_as_newer = version == "2.0.1" and ours == comparable(RECORDED["2.2.0"][question.name])
        if ours != theirs and question.name not in DIFFERENCES and not same_as_newer:
            differing.append(f"{question.name}\n  ours:   {ours}\n  Flower: {theirs}")
    assert not differing, "\n".join(differing)


def test_every_recorded_difference_from_flower_exists_and_is_documented(ids):
    documented = (ROOT / "docs/api.md").read_text()
    answers = {question.name: comparable(asked(question, ids)) for question in (*QUESTIONS, *CHANGES)}
    for name, words in DIFFERENCES.items():
        assert answers[name] != comparable(RECORDED["2.2.0"][name]), f"the response to {name} equals Flower's"
        assert words in documented, f"docs/api.md does not say why the response to {name} differs"


def test_the_histogram_has_flowers_buckets_and_only_successes(ids):
    # given runtimes on a limit, between two and beyond the last one, and a failure
    counting.count(
        [
            counting.Change(f"{number:012}", "2026-11-22T09", NAME, {status: 1}, 0, seconds)
            for number, (status, seconds) in enumerate(
                [("SUCCESS", 0.5), ("SUCCESS", 0.6), ("SUCCESS", 60.0), ("FAILURE", 0.3)]
            )
        ]
    )

    # when they are scraped
    lines = ask("GET", "/metrics")[1].splitlines()

    # then each is counted at or below Flower's limits
    found = dict(line.split(" ") for line in lines if line.startswith("flower_task_runtime_seconds"))
    labels = 'task="tests.echo",worker="echo"'
    by_limit = {limit: found[f'flower_task_runtime_seconds_bucket{{le="{limit}",{labels}}}'] for limit in LIMITS}
    assert by_limit == {"0.25": "0.0", "0.5": "1.0", "0.75": "2.0", "10.0": "2.0", "+Inf": "3.0"}
    assert found[f"flower_task_runtime_seconds_sum{{{labels}}}"] == "61.1"
    theirs = set(re.findall(r'le="([^"]+)"', RECORDED["2.2.0"]["metrics"]["answer"]))
    assert set(re.findall(r'le="([^"]+)"', "\n".join(lines))) == theirs
    assert f'flower_events_total{{task="{NAME}",type="task-sent",worker="client"}} 4.0' in lines


LIMITS = ("0.25", "0.5", "0.75", "10.0", "+Inf")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"half', "quotation mark"), ("(hello", "parenthesis"), ("hello)", "unexpected )"), ("hello AND", "at its end"),
        ("OR hello", "before OR"), ("NOT hello", "exclude tasks"), ("-hello", "exclude tasks"),
        ("ab", "at least 3"), ("name:", "at least 3"), ("((((((hello))))))", "nest"), ("hello " * 200, "at most 128"),
    ],
)  # fmt: skip
def test_a_search_with_a_mistake_names_it(text, words):
    with pytest.raises(InvalidRequest, match=re.escape(words)):
        search.parse(text)


@pytest.mark.parametrize("text", ["\\\\" * 200, "\\a" * 200])
def test_a_search_full_of_backslashes_is_parsed_quickly(text):
    """Each character can match in only one way, so no text causes backtracking."""
    search.parse(text)
    with pytest.raises(InvalidRequest, match="quotation mark"):
        search.parse(f'"{text}')
