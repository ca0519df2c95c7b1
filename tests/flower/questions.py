"""The requests that Flower got: our API gets the same ones, and the responses are compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """One request. `{succeeded}` and the like stand for tasks' ids, `{worker}` for the worker's name."""

    name: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, object] | None = None
    method: str = "GET"

    def of(self, worker: str) -> dict[str, str]:
        """The query string for a worker of that name."""
        return {name: value.replace("{worker}", worker) for name, value in self.query.items()}


def _tasks(name: str, **query: str) -> Question:
    return Question(f"tasks: {name}", "/api/tasks", query)


def _search(text: str) -> Question:
    return _tasks(f"search {text}", search=text)


def _post(name: str, path: str, query: dict[str, str] | None = None, body: dict[str, object] | None = None) -> Question:
    return Question(name, path, query or {}, body, "POST")


def _apply(name: str, way: str = "async-apply", **body: object) -> Question:
    return _post(f"{way}: {name}", f"/api/task/{way}/tests.echo", body={"kwargs": {"text": "hello"}, **body})


STATES = ("All", "SUCCESS", "FAILURE", "RETRY", "REVOKED", "RECEIVED", "BOGUS")
KEYS = ("received", "-received", "state", "-state", "name", "started", "bogus")
LIMITS = ({"soft": "0", "hard": "0"}, {"soft": "10", "hard": "20"}, {"soft": "10"}, {"hard": "x"}, {})
NAMES = ("succeeded", "failed", "retrying", "waiting", "revoked")

QUESTIONS = (
    *(Question(f"info: {name}", f"/api/task/info/{{{name}}}") for name in NAMES),
    *(Question(f"result: {name}", f"/api/task/result/{{{name}}}") for name in NAMES),
    Question("info: unknown", "/api/task/info/nobody"),
    Question("result: unknown", "/api/task/result/nobody"),
    Question("result: timeout=-1", "/api/task/result/{succeeded}", {"timeout": "-1"}),
    Question("result: timeout=-1 of one that waits", "/api/task/result/{waiting}", {"timeout": "-1"}),
    Question("result: timeout=x", "/api/task/result/{succeeded}", {"timeout": "x"}),
    _tasks("all"),
    *(_tasks(f"state {state}", state=state) for state in STATES),
    _tasks("of the worker", workername="{worker}"),
    _tasks("of another worker", workername="nobody"),
    _tasks("of the name", taskname="tests.echo"),
    _tasks("of another name", taskname="tests.nothing"),
    *(_tasks(f"limit {limit}", limit=limit) for limit in ("2", "0", "-1", "5000", "x")),
    _tasks("offset 3", offset="3"),
    _tasks("offset -1", offset="-1"),
    _tasks("limit 1 offset 1", limit="1", offset="1"),
    *(_tasks(f"sorted by {key}", sort_by=key) for key in KEYS),
    _tasks("received since 2020", received_start="2020-01-01 00:00"),
    _tasks("received until 2020", received_end="2020-01-01 00:00"),
    _tasks("received since noon", received_start="noon"),
    _tasks("an unknown parameter", nothing="1"),
    *(
        _search(text)
        for text in (
            "hello", "HELLO", "state:SUCCESS", "state:success", "state:SUCCESS state:FAILURE", "name:tests.echo",
            "name:echo", "worker:{worker}", "worker:nobody", "kwargs:text=hello", "kwargs:text=fail", "kwargs:text",
            "args:()", "result:hello", "hello AND state:SUCCESS", "hello AND state:FAILURE", "hello OR fail",
            "(hello OR fail) AND state:FAILURE", "hello fail", '"hello"', "NOT hello", "(hello", "AND", '"half', "xy",
        )
    ),
    Question("types", "/api/task/types"),
    Question("lengths", "/api/queues/length"),
    Question("workers: status", "/api/workers", {"status": "1"}),
    Question("workers: one", "/api/workers", {"workername": "{worker}"}),
    Question("workers: unknown", "/api/workers", {"workername": "nobody"}),
    Question("options: a list", "/api/tasks", method="OPTIONS"),
    Question("options: a change", "/api/task/async-apply/tests.echo", method="OPTIONS"),
    Question("metrics", "/metrics"),
)  # fmt: skip

TIMEOUT = "/api/task/timeout/tests.echo"
RATE = "/api/task/rate-limit/tests.echo"

# These change something, so they come last.
CHANGES = (
    _apply("plain"),
    _apply("countdown as text", countdown="3600"),
    _apply("countdown as no number", countdown="soon"),
    _apply("expires as text", expires="3600", countdown=3600),
    _apply("expires as a date", expires="2099-01-01 00:00:00.000000", countdown=3600),
    _apply("eta", eta="2099-01-01 00:00:00.000000"),
    _apply("eta as no date", eta="soon"),
    _apply("priority", priority=3, countdown=3600),
    _apply("the id of an ended task", task_id="succeeded"),
    _apply("args as no list", args="x"),
    _post("async-apply: body as a list", "/api/task/async-apply/tests.nothing", body={}),
    _apply("plain", "apply"),
    _apply("with a time to wait", "apply", timeout="20"),
    _apply("waited for in vain", "apply", timeout=0.5, countdown=3600),
    _apply("with a bad time to wait", "apply", timeout="x"),
    _apply("plain", "send-task"),
    *(_post(f"timeout: {limits}", TIMEOUT, {"workername": "{worker}", **limits}) for limits in LIMITS),
    _post("timeout: no worker", TIMEOUT, {"soft": "1"}),
    _post("timeout: unknown worker", TIMEOUT, {"soft": "1", "workername": "nobody"}),
    _post("timeout: unknown task", "/api/task/timeout/tests.nothing", {"soft": "1", "workername": "{worker}"}),
    *(
        _post(f"rate-limit: {rate}", RATE, {"workername": "{worker}", "ratelimit": rate})
        for rate in ("10/m", "0", "5", "x")
    ),
    _post("rate-limit: none given", RATE, {"workername": "{worker}"}),
    *(_post(f"grow: n={n}", "/api/worker/pool/grow/{worker}", {"n": n}) for n in ("1", "0", "x")),
    _post("grow: no n", "/api/worker/pool/grow/{worker}"),
    *(_post(f"shrink: n={n}", "/api/worker/pool/shrink/{worker}", {"n": n}) for n in ("1", "0")),
    _post("grow: unknown worker", "/api/worker/pool/grow/nobody"),
    _post("autoscale: no max", "/api/worker/pool/autoscale/{worker}", {"min": "1"}),
    _post("autoscale: no min", "/api/worker/pool/autoscale/{worker}", {"max": "3"}),
    _post("add-consumer: no queue", "/api/worker/queue/add-consumer/{worker}"),
    _post("cancel-consumer: no queue", "/api/worker/queue/cancel-consumer/{worker}"),
    _post("revoke: the waiting task", "/api/task/revoke/{waiting}", {"terminate": "true"}),
    _post("revoke: an ended task", "/api/task/revoke/{succeeded}"),
    _post("revoke: terminate=x", "/api/task/revoke/{succeeded}", {"terminate": "x"}),
    _post("revoke: unknown", "/api/task/revoke/nobody"),
)  # fmt: skip
