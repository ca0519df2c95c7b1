"""Stock Celery from PyPI, the oldest and newest supported versions, with an IAM user who has exactly our policy."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import LocalStack, local_stack
from makertasks import wire
from tests import shells
from tests.stack.extra import ROOT, project_with
from tests.waiting import wait_for

CLIENT = Path(__file__).with_name("celery_client")
VERSIONS = ("oldest", "newest")
# Concurrent programs: more than there are processors, because they mostly wait.
SIDE_BY_SIDE = 4

Ran = subprocess.CompletedProcess[str]


@dataclass
class Site:
    """The stack, its settings for Celery, and the policy that the command line prints for clients."""

    stack: LocalStack
    folder: Path
    item_id: str
    root: dict[str, str]  # environment of an administrator's command line
    policy: dict[str, Any]

    @property
    def beside_the_package(self) -> dict[str, str]:
        """Environment with which a site also uses the package; the IAM user stays the same."""
        names = {name: value for name, value in self.root.items() if name.isupper() and not name.startswith("AWS_")}
        return names | {"WITH_MAKERTASKS": "1", "PYTHONPATH": str(ROOT / "layers/makertasks/python")}

    def check(self, version: str, *arguments: str, policy: dict[str, Any] | None = None, **more: str) -> Ran:
        """Run checks with that version of Celery, as a new IAM user who has only the policy."""
        python = str(ROOT / f".local/celery-{version}/bin/python")
        options = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null", f"--confcutdir={CLIENT}")
        user = a_user(self.stack, policy or self.policy)
        return run([python, "-m", "pytest", *options, *arguments], self.environment(user) | more, CLIENT)

    def environment(self, keys: dict[str, str]) -> dict[str, str]:
        """The environment of a site's process."""
        return {
            **shells.shell(self.stack.endpoint),
            "CELERY_SETTINGS": str(self.folder / "settings.json"),
            "ITEM_ID": self.item_id,
            **keys,
        }


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy without one of its actions."""
    statements = [
        statement | {"Action": [each for each in statement["Action"] if each != action]}
        for statement in policy["Statement"]
    ]
    return policy | {"Statement": [statement for statement in statements if statement["Action"]]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    stamps = [f".local/celery-{version}/.installed" for version in VERSIONS]
    made = run(["make", "--silent", *stamps], dict(os.environ), ROOT)
    assert made.returncode == 0, made.stdout + made.stderr
    folder = tmp_path_factory.mktemp("site")
    with local_stack(folder / "aws", template=project_with(folder, "calculate")) as stack:
        root = stack_environment(stack, folder)
        (folder / "settings.json").write_text(makertasks(root, "celery-settings", "--json"))
        policy = json.loads(makertasks(root, "celery-settings", "--policy"))
        yield Site(stack, folder, an_item(stack), root, policy)


@pytest.fixture(scope="module")
def begun(site: Site) -> Iterator[dict[tuple[str, str], Future[Ran]]]:
    """Stock Celery's checks by version and kind, all started at once; each test waits for its own."""
    with_inventory = json.loads(makertasks(site.root, "celery-settings", "--policy", "--inventory"))
    with_results = json.loads(makertasks(site.root, "celery-settings", "--policy", "--results"))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs = {(version, "alone"): pool.submit(site.check, version, "checks.py") for version in VERSIONS}
        for version in VERSIONS:
            beside = pool.submit(site.check, version, "checks_with_makertasks.py", **site.beside_the_package)
            jobs[version, "beside"] = beside
            large = pool.submit(site.check, version, "checks_large.py", policy=with_results, **site.beside_the_package)
            jobs[version, "large"] = large
        jobs["newest", "django"] = pool.submit(
            site.check, "newest", "checks_django.py", policy=with_inventory, **site.beside_the_package
        )
        for action, (file, name) in NEEDS.items():
            arguments = (file, "-x", "-k", name)
            denied = pool.submit(
                site.check, "newest", *arguments, policy=without(site.policy, action), **site.beside_the_package
            )
            jobs["newest", action] = denied
        yield jobs


def a_user(stack: LocalStack, policy: dict[str, Any]) -> dict[str, str]:
    """Environment variables with the keys of a new IAM user who has this policy."""
    iam, name = stack.client("iam"), f"site-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="celery", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def run(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program and wait until it ends."""
    return subprocess.run(  # noqa: S603 - what it is given is written here
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def stack_environment(stack: LocalStack, folder: Path) -> dict[str, str]:
    """The environment of an administrator's makertasks command."""
    return {**shells.with_package(stack, folder / "functions"), **shells.of_stack(stack)}


def makertasks(environment: dict[str, str], *arguments: str) -> str:
    """The command's output."""
    command = [str(ROOT / ".venv/bin/python"), "-m", "makertasks", *arguments]
    ran = run(command, environment, ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def root_keys(root: dict[str, str]) -> dict[str, str]:
    return {name: root[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def an_item(stack: LocalStack) -> str:
    item_id = str(uuid.uuid4())
    values = {"owner": f"item#{item_id}", "entry": "item", "kind": "item", "name": "Drill", "sort_name": "drill"}
    item = {name: {"S": value} for name, value in (values | {"listing": "item"}).items()}
    stack.client("dynamodb").put_item(TableName=stack.outputs["InventoryTableName"], Item=item)
    return item_id


# The checks that need each permission of the policy.
NEEDS = {
    "sqs:GetQueueAttributes": ("checks.py", "delay_and_get"),
    "sqs:SendMessage": ("checks.py", "delay_and_get"),
    "dynamodb:DescribeTable": ("checks.py", "delay_and_get"),
    "dynamodb:GetItem": ("checks.py", "delay_and_get"),
    "dynamodb:PutItem": ("checks.py", "test_chord"),
    "dynamodb:DeleteItem": ("checks.py", "test_forget"),
    "dynamodb:UpdateItem": ("checks_with_makertasks.py", "a_long_delay"),
    "scheduler:DeleteSchedule": ("checks_with_makertasks.py", "a_long_delay"),
}


WORKED_BY_STOCK = "download_image_from_url"


def test_a_stock_worker_runs_what_our_client_sent(site: Site, begun: object):
    """Migrating back: the same queue, the same table, another worker.

    On a queue that no other test uses: a stopped worker's last poll continues for ten seconds, and a message that it
    receives reappears only after the queue's visibility time-out.
    """
    # given a queue that no function consumes
    makertasks(site.root, "control", "shutdown", "--destination", WORKED_BY_STOCK)
    try:
        for version in VERSIONS:
            # when our client sends to it, and a stock worker receives from it
            task_id = a_waiting_task(site)
            with stock_worker(site, version):
                answer = makertasks(site.root, "result", task_id, "--wait", "--timeout", "90", "--json")
            # then our command line reads its result like any other
            assert json.loads(answer)["result"] == {"by": "a stock worker", "value": "https://images.example/ours.png"}
    finally:
        makertasks(site.root, "control", "start", "--destination", WORKED_BY_STOCK)


def a_waiting_task(site: Site) -> str:
    """Id of a task whose message waits in the queue; a poll already in progress may have received earlier ones."""
    for _ in range(10):
        arguments = json.dumps({"item_id": site.item_id, "image_url": "https://images.example/ours.png"})
        task_id = makertasks(site.root, "call", WORKED_BY_STOCK, "--kwargs", arguments).strip()
        queues = json.loads(makertasks(site.root, "inspect", "active-queues", "--json"))
        if next(queue["waiting"] for queue in queues if queue["name"] == WORKED_BY_STOCK):
            return task_id
    raise AssertionError("the queue is consumed although it was stopped")


@contextmanager
def stock_worker(site: Site, version: str) -> Iterator[None]:
    """A stock worker on one queue, with all permissions."""
    queue = f"{site.stack.name}-tasks-{WORKED_BY_STOCK}"
    options = ("-A", "client", "worker", "-P", "solo", "-Q", queue, "--without-mingle", "--without-gossip")
    worker = subprocess.Popen(  # noqa: S603 - what it runs is written here
        [str(ROOT / f".local/celery-{version}/bin/python"), "-m", "celery", *options],
        cwd=CLIENT,
        env=site.environment(root_keys(site.root)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield
    finally:
        worker.terminate()
        print(worker.communicate(timeout=30)[0])  # noqa: T201 - shown where the test fails


def test_malformed_messages_do_not_affect_others(site: Site, begun: object):
    """An unreadable message becomes a FAILURE if it names its task, else a dead letter; other messages run."""
    # given intact messages, with unreadable ones and ones with an invalid value in between
    sqs, name = site.stack.client("sqs"), "tests.calculate"
    url = sqs.get_queue_url(QueueName=f"{site.stack.name}-tasks-calculate")["QueueUrl"]
    good = [
        wire.encode(wire.Message(f"good-{number}", name, kwargs={"value": number}), "calculate") for number in range(5)
    ]
    bodies = [
        good[1],
        good[0][: len(good[0]) // 2],
        broken("wrong", body=7),
        good[2],
        broken("pickle", **{"content-type": "application/x-python-serialize"}),
        good[3],
        "[" * 100_000,
        broken("bomb", compression=True),
        good[4],
    ]
    # when they are sent
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    # then the intact ones run, and those that name their task have failed
    for number in range(1, 5):
        assert json.loads(makertasks(site.root, "result", f"good-{number}", "--wait", "--timeout", "30")) == number
    for task_id in ("wrong", "pickle", "bomb"):
        ended = until_ended(site, task_id)
        assert ended["status"] == {"S": "FAILURE"}
        assert ended["error_type"] == {"S": "Malformed"}


def broken(task_id: str, *, compression: bool = False, **changes: object) -> str:
    """A readable envelope with one invalid value."""
    envelope = json.loads(base64.b64decode(wire.encode(wire.Message(task_id, "tests.calculate"), "calculate")))
    if compression:
        envelope["body"] = base64.b64encode(zlib.compress(b"0" * 50_000_000)).decode()
        envelope["headers"]["compression"] = "application/x-gzip"
    return json.dumps(envelope | changes)


def until_ended(site: Site, task_id: str) -> dict[str, dict[str, str]]:
    key = {"id": {"S": wire.result_key(task_id)}}
    table, dynamodb = site.stack.outputs["TasksTableName"], site.stack.client("dynamodb")
    return wait_for(lambda: dynamodb.get_item(TableName=table, Key=key).get("Item"), f"a record of {task_id}")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stock_client_passes_all_checks(begun: dict[tuple[str, str], Future[Ran]], version: str):
    ran = begun[version, "alone"].result()
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_with_makertasks_installed_revoke_and_short_delays_work(
    begun: dict[tuple[str, str], Future[Ran]], version: str
):
    ran = begun[version, "beside"].result()
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_large_results_are_read(begun: dict[tuple[str, str], Future[Ran]], version: str):
    ran = begun[version, "large"].result()
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_django_sites_inventory_is_synchronised(begun: dict[tuple[str, str], Future[Ran]]):
    ran = begun["newest", "django"].result()
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_client_policy_grants_only_what_clients_need(site: Site, begun: dict[tuple[str, str], Future[Ran]]):
    given = [action for statement in site.policy["Statement"] for action in statement["Action"]]
    assert sorted(given) == sorted(NEEDS)
    for action in NEEDS:
        ran = begun["newest", action].result()
        assert ran.returncode == 1, f"{action} is not needed: {ran.stdout}"
        assert "AccessDenied" in ran.stdout
