"""Stock Celery from PyPI, the oldest and the newest that is promised, with an IAM user who has exactly our policy."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.stack import LocalStack, local_stack
from tests.stack.extra import ROOT, project_with

CLIENT = Path(__file__).with_name("celery_client")
VERSIONS = ("oldest", "newest")


@dataclass
class Site:
    """The stack, its settings for Celery, and a machine user who may send and read."""

    stack: LocalStack
    folder: Path
    item_id: str
    environment: dict[str, str]

    def run(self, version: str, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run Python where that version of Celery is installed."""
        python = ROOT / f".local/celery-{version}/bin/python"
        return run([str(python), *command], self.environment | more, CLIENT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    template = project_with(folder, "calculate")
    with local_stack(folder / "aws", template=template) as stack:
        root = stack_environment(stack, folder)
        (folder / "settings.json").write_text(makertasks(root, "celery-settings", "--json"))
        policy = makertasks(root, "celery-settings", "--policy")
        yield Site(stack, folder, an_item(stack), {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": stack.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "*",
            "CELERY_SETTINGS": str(folder / "settings.json"),
            **user_with(stack, policy),
        })  # fmt: skip


def run(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of ours and wait for its end."""
    return subprocess.run(  # noqa: S603 - what it is given is written here
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def stack_environment(stack: LocalStack, folder: Path) -> dict[str, str]:
    """What the makertasks command of an administrator finds in the environment."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "*",
        "PYTHONPATH": f"{ROOT / 'layers/makertasks/python'}{os.pathsep}{folder / 'functions'}",
        "LAMBDA_TASK_ROOT": str(folder / "functions"),
        "STACK_NAME": stack.name,
        "TASKS_TABLE": stack.outputs["TasksTableName"],
        "INVENTORY_TABLE": stack.outputs["InventoryTableName"],
        "COUNTERS_TABLE": stack.outputs["CountersTableName"],
        "MEDIA_BUCKET": stack.outputs["MediaBucketName"],
    }


def makertasks(environment: dict[str, str], *arguments: str) -> str:
    """What the command prints."""
    command = [str(ROOT / ".venv/bin/python"), "-m", "makertasks", *arguments]
    ran = run(command, environment, ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def an_item(stack: LocalStack) -> str:
    item_id = str(uuid.uuid4())
    values = {"owner": f"item#{item_id}", "entry": "item", "kind": "item", "name": "Drill", "sort_name": "drill"}
    item = {name: {"S": value} for name, value in (values | {"listing": "item"}).items()}
    stack.client("dynamodb").put_item(TableName=stack.outputs["InventoryTableName"], Item=item)
    return item_id


def user_with(stack: LocalStack, policy: str) -> dict[str, str]:
    """Credentials of a new IAM user who has that policy and nothing else."""
    iam, name = stack.client("iam"), f"site-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="celery", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stock_client_finds_everything_it_knows(site: Site, version: str):
    options = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", f"--confcutdir={CLIENT}", "checks.py")
    ran = site.run(version, *options, ITEM_ID=site.item_id)
    assert ran.returncode == 0, ran.stdout + ran.stderr
