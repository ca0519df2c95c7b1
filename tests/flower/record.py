"""Record the responses of a real Flower: `python -m tests.flower.record` writes recorded-*.json beside this file.

Needs redis-server (Debian's) and PyPI. For each version of Flower it makes a virtual environment, starts Redis, a
worker and Flower on free ports of the loopback, lets a task succeed, fail, wait for another attempt, wait for its time
and be revoked, and writes each request of `questions.py` with its response, in which names replace the tasks' ids.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from infra.local.ministack import free_port
from tests.flower.questions import CHANGES, QUESTIONS, Question
from tests.waiting import wait_for

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VERSIONS = ("2.0.1", "2.2.0")
CELERY = "celery[redis]==5.5.3"
WORKER = "echo@here"
# Where this machine keeps files, in tracebacks.
PLACES = re.compile(rf"{ROOT}/|/\S*?/(?=site-packages/)")
WAIT = 20.0  # seconds for an answer


def main() -> None:
    """Record every version."""
    for version in VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            recorded = record(version, Path(folder))
        target = HERE / f"recorded-{version}.json"
        target.write_text(json.dumps(recorded, indent=1) + "\n")
        sys.stdout.write(f"{target.name}: {len(recorded)} answers\n")


def record(version: str, folder: Path) -> dict[str, dict[str, object]]:
    """{question's name: {"status", "answer"}} of one version."""
    environment = folder / "environment"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", str(environment)], check=True)  # noqa: S603 - our own arguments
    packages = [f"flower=={version}", CELERY, "setuptools<80"]
    install = [uv, "pip", "install", "-q", "--python", str(environment / "bin/python"), *packages]
    subprocess.run(install, check=True)  # noqa: S603 - as above
    redis, port = free_port(), free_port()
    broker = f"redis://127.0.0.1:{redis}/0"
    variables = {**os.environ, "FLOWER_BROKER": broker, "FLOWER_UNAUTHENTICATED_API": "true", "PYTHONPATH": str(ROOT)}
    celery = [str(environment / "bin/celery"), "-A", "tests.flower.echo"]
    flower = [*celery, "flower", "--address=127.0.0.1", f"--port={port}"]
    with (
        _running(["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", ""], variables, folder),
        _running(flower, variables, folder),
    ):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(f"{url}/healthcheck"), "Flower to answer")
        with _running([*celery, "worker", "-n", WORKER, "-c", "1", "-l", "warning"], variables, folder):
            wait_for(lambda: requests.get(f"{url}/api/workers?refresh=1", timeout=60).json().get(WORKER), "the worker")
            ids = _tasks(url)
            return {question.name: _ask(url, question, ids) for question in (*QUESTIONS, *CHANGES)}


def _tasks(url: str) -> dict[str, str]:
    """Ids by name of the tasks that the questions are about, each in the state that its name says."""

    def start(text: str, **options: object) -> str:
        body = {"kwargs": {"text": text}, **options}
        return str(requests.post(f"{url}/api/task/async-apply/tests.echo", json=body, timeout=60).json()["task-id"])

    ids = {}
    for name, text, options, state in (
        ("succeeded", "hello", {}, "SUCCESS"),
        ("failed", "fail", {}, "FAILURE"),
        ("retrying", "retry", {}, "RETRY"),
        ("waiting", "later", {"countdown": 3600}, "RECEIVED"),
        ("revoked", "never", {"countdown": 4}, "RECEIVED"),
    ):
        ids[name] = task_id = start(text, **options)
        _await_state(url, task_id, state)
        time.sleep(1.1)  # so that their times determine the order of the tasks
    requests.post(f"{url}/api/task/revoke/{ids['revoked']}", timeout=60)
    _await_state(url, ids["revoked"], "REVOKED")
    # The retried task's message comes again, with the number of its next attempt.
    wait_for(lambda: _info(url, ids["retrying"])["retries"] == 1, "the retry to be received")
    return ids


def _info(url: str, task_id: str) -> dict[str, object]:
    answer = requests.get(f"{url}/api/task/info/{task_id}", timeout=60)
    return dict(answer.json()) if answer.ok else {"state": None, "retries": None}


def _await_state(url: str, task_id: str, state: str) -> None:
    wait_for(lambda: _info(url, task_id)["state"] == state, f"{task_id} to be {state}")


def _ask(url: str, question: Question, ids: dict[str, str]) -> dict[str, object]:
    path = question.path.format(worker=WORKER, **ids)
    body = {name: ids.get(str(value), value) for name, value in question.body.items()} if question.body else None
    try:
        answer = requests.request(question.method, f"{url}{path}", params=question.of(WORKER), json=body, timeout=WAIT)
    except requests.ReadTimeout:
        return {"status": None, "answer": None}  # 2.0.1 waits forever where it accepts no time-out
    text = PLACES.sub("", answer.text.replace(WORKER, "{worker}"))
    for name, task_id in ids.items():
        text = text.replace(task_id, f"{{{name}}}")
    try:
        return {"status": answer.status_code, "answer": json.loads(text)}
    except ValueError:
        return {"status": answer.status_code, "answer": text if answer.status_code < 300 else ""}


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def _running(command: list[str], variables: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=variables, cwd=folder, stdout=log, stderr=log)  # noqa: S603 - as above
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()  # a thread of Flower's still waits for a task
            process.wait()


if __name__ == "__main__":
    main()
