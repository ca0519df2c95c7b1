"""The documented AWS CLI commands and the test events, run unchanged on a stack."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.stack import LocalStack, local_stack
from makertasks.inventory import table as inventory
from tests import documentation, shells
from tests.stack.extra import ROOT

ME = "tests/stack/test_documented_commands.py"
EVENTS = sorted((ROOT / "infra/events").glob("*.json"))
ITEMS = ("b3515d30-e44f-455a-a04a-d4199241840e", "2e7661b6-6bec-46f0-ab31-64c5ec355590")
ROLLED_BACK, COMMITTED = "0b9aa2a4-8f7c-4b0c-9d4e-3d1f1c1a0001", "0b9aa2a4-8f7c-4b0c-9d4e-3d1f1c1a0002"
CELERY = ROOT / ".local/celery-newest/bin/python"
[CELERYS] = (ROOT / ".local/celery-newest/lib").glob("python*/site-packages")  # Django is there
DUMP = ROOT / "tests/data/openmakersuite-dump.json"
PICTURE = ROOT / "infra/local/sample/images/plywood.jpg"
# Responses of functions that run no task, or whose task does not succeed here.
OTHER_ANSWERS: dict[str, dict[str, Any] | None] = {
    "alerts": {"problems": 0, "sent": 0, "failed": 0},
    "api": {"statusCode": 200, "body": '{"status":"ok"}'},
    "item_changes": {"batchItemFailures": []},
    "push_to_site": {"status": "RETRY"},  # there is no site
    "sweeper": {"complete": True, "dead_letters": 0},
    "task_events": None,
    "uploads": {"queued": 1},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    # The documentation uses the stage prod.
    with local_stack(tmp_path_factory.mktemp("documentation"), name="makertasks-prod") as deployed:
        for item_id in ITEMS:
            item = inventory.Item(inventory.owner_of(item_id), "item", name="Birch plywood 6 mm")
            deployed.client("dynamodb").put_item(
                TableName=deployed.outputs["InventoryTableName"], Item=item.serialize()
            )
        yield deployed


def typed(stack: LocalStack, line: str, folder: Path, **variables: str) -> str:
    """Run a command in this checkout with the AWS CLI and credentials; returns its output."""
    tools = (ROOT / ".local/awscli/bin", ROOT / ".local/sam/bin")
    path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
    environment = {**shells.shell(stack.endpoint), "PATH": path, "HOME": str(folder), "SAM_CLI_TELEMETRY": "0"}
    return ran(["/bin/bash", "-euc", line], environment | variables, ROOT)


def executed(stack: LocalStack, python: str, script: str, folder: Path) -> str:
    """Run a script with the package and the stack's configuration; returns its output."""
    environment = {**shells.with_package(stack), **shells.of_stack(stack), "HOME": str(folder)}
    return ran([python, "-c", script], environment, folder)


def ran(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - what our own pages say
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[-1]}: {done.stdout}{done.stderr}"
    return done.stdout


def lines(page: str, begins: str) -> list[str]:
    """The page's commands that begin with this text."""
    return [line for line in documentation.run_by(ME, page) if line.startswith(begins)]


def test_a_person_is_added_and_signs_in_with_the_aws_command_line(stack: LocalStack, tmp_path: Path):
    # given a person added as docs/deploying.md says
    for line in lines("docs/deploying.md", "aws "):
        typed(stack, line.replace("USER_POOL_ID", stack.outputs["UserPoolId"]), tmp_path)

    # and who has chosen a password, as the login pages require
    password = f"Aa1-{secrets.token_urlsafe(12)}"
    stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=stack.outputs["UserPoolId"], Username="ann", Password=password, Permanent=True
    )

    # when she signs in as docs/api.md says
    [line] = lines("docs/api.md", "aws ")
    token = typed(stack, line, tmp_path, CLIENT=stack.outputs["UserPoolClientId"], PASSWORD=password).strip()

    # then the API knows her
    answer = requests.get(f"{stack.api_url}/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=35)
    assert answer.json()["role"] == "superuser", answer.text


def test_a_machine_gets_its_token_with_curl(stack: LocalStack, tmp_path: Path):
    client = stack.outputs["MachinesClientId"]
    described = stack.client("cognito-idp").describe_user_pool_client(
        UserPoolId=stack.outputs["UserPoolId"], ClientId=client
    )
    secret = described["UserPoolClient"]["ClientSecret"]
    [line] = lines("docs/api.md", "curl ")
    said = typed(stack, line, tmp_path, CLIENT=client, SECRET=secret, SIGN_IN=stack.endpoint)
    token = json.loads(said)["access_token"]
    answer = requests.get(f"{stack.api_url}/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=35)
    assert answer.json()["role"] == "viewer", answer.text


def test_a_function_is_invoked_with_sam(stack: LocalStack, tmp_path: Path):
    for line in lines("docs/console.md", "sam remote "):
        here, alias = re.subn(r" +--parameter Qualifier=live", "", line)  # the local AWS has no aliases
        assert alias
        answer = json.loads(typed(stack, here, tmp_path))
        assert answer["status"] == "SUCCESS"
        assert answer["result"]["qr_code"].endswith(f"{ITEMS[0]}.png")


def test_the_documented_sam_local_event_is_the_functions_test_event():
    [line] = [each.line for each in documentation.commands("docs/console.md") if each.line.startswith("sam local ")]
    function, event = re.fullmatch(r"sam local invoke (\w+)Function --event (\S+)", line).groups()
    assert (ROOT / event).is_file()
    assert Path(event).stem == re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()


def test_every_function_has_a_test_event(stack: LocalStack):
    names = {each["FunctionName"] for each in stack.client("lambda").list_functions()["Functions"]}
    assert {f"makertasks-prod-{event.stem}" for event in EVENTS} == names


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_a_test_event_is_accepted_by_its_function(stack: LocalStack, event: Path):
    body = prepared(stack, json.loads(event.read_text()))
    answer = stack.client("lambda").invoke(FunctionName=f"makertasks-prod-{event.stem}", Payload=json.dumps(body))
    said = json.load(answer["Payload"])
    assert "FunctionError" not in answer, said
    expected = OTHER_ANSWERS.get(event.stem, {"status": "SUCCESS"})
    assert expected is None or expected.items() <= said.items(), said


def prepared(stack: LocalStack, event: dict[str, Any]) -> dict[str, Any]:
    """Return the event after creating what it refers to."""
    s3, bucket = stack.client("s3"), stack.outputs["MediaBucketName"]
    if key := event.get("key"):
        s3.put_object(Bucket=bucket, Key=key, Body=(DUMP if key.endswith(".json") else PICTURE).read_bytes())
    if "image_url" in event:  # tests have no network access
        s3.put_object(Bucket=bucket, Key="downloads/plywood.jpg", Body=PICTURE.read_bytes(), ContentType="image/jpeg")
        event["image_url"] = s3.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "downloads/plywood.jpg"}
        )
    return event


def test_the_clients_examples_run(stack: LocalStack, tmp_path: Path):
    # the first example's item is replaced by an existing one
    examples = [
        documentation.example("docs/client.md", "result.get(timeout=30)").replace(
            "94cb6421-7fa1-4dab-802f-ec76eba2bfe7", ITEMS[0]
        ),
        f"item_id, item_ids = {ITEMS[0]!r}, {ITEMS!r}",
        documentation.example("docs/client.md", "chain(generate_qr_code.s(item_id)"),
        documentation.example("docs/client.md", "generate_qr_code.submit_many("),
        "print(result.status, len(sent.ids), len(sent.rejected), len(sent.unsent))",
    ]
    assert executed(stack, sys.executable, "\n".join(examples), tmp_path) == "SUCCESS 2 0 0\n"


def test_django_sends_only_committed_tasks(stack: LocalStack, tmp_path: Path):
    # given the page's example, in a transaction that is rolled back and in one that is committed
    script = f"""
import sys
sys.path.append({str(CELERYS)!r})
from django.conf import settings
settings.configure(DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}})
{documentation.example("docs/client.md", "transaction.on_commit(")}
class Row:
    def __init__(self, id):
        self.id = id
    def save(self):
        pass
with transaction.atomic():
    save_item(Row({ROLLED_BACK!r}))
    transaction.set_rollback(True)
with transaction.atomic():
    save_item(Row({COMMITTED!r}))
"""
    # when it runs, then only the committed task was sent
    executed(stack, sys.executable, script, tmp_path)
    assert not list(stack.api.tasks(item_id=ROLLED_BACK))
    assert len(list(stack.api.tasks(item_id=COMMITTED))) == 1


def test_celery_accepts_the_control_class(stack: LocalStack, tmp_path: Path):
    script = documentation.example("docs/celery.md", "MakertasksControl") + "print(type(app.control).__name__)"
    assert executed(stack, str(CELERY), script, tmp_path) == "MakertasksControl\n"
