"""What the pages say to type with AWS's own tools, and the test events: all of it run as it stands on a stack."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.stack import LocalStack, local_stack
from makertasks import inventory
from tests import documentation
from tests.stack.extra import ROOT

ME = "tests/stack/test_documentation.py"
EVENTS = sorted((ROOT / "infra/events").glob("*.json"))
ITEMS = ("b3515d30-e44f-455a-a04a-d4199241840e", "2e7661b6-6bec-46f0-ab31-64c5ec355590")
DUMP = ROOT / "tests/data/openmakersuite-dump.json"
PICTURE = ROOT / "infra/local/sample/images/plywood.jpg"
# What functions that run no task answer.
OTHER_ANSWERS: dict[str, dict[str, Any] | None] = {
    "api": {"statusCode": 200, "body": '{"status":"ok"}'},
    "dead_letters": {"batchItemFailures": []},
    "item_changes": {"batchItemFailures": []},
    "sweeper": {"complete": True},
    "task_events": None,
    "uploads": {"queued": 1},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    # The pages speak of the stage prod.
    with local_stack(tmp_path_factory.mktemp("documentation"), name="makertasks-prod") as deployed:
        for item_id in ITEMS:
            item = inventory.Item(inventory.owner_of(item_id), "item", name="Birch plywood 6 mm")
            deployed.client("dynamodb").put_item(
                TableName=deployed.outputs["InventoryTableName"], Item=item.serialize()
            )
        yield deployed


def typed(stack: LocalStack, line: str, folder: Path = ROOT, **variables: str) -> str:
    """What a command prints that is typed in this checkout by somebody who has AWS's tools and credentials."""
    tools = (ROOT / ".local/awscli/bin", ROOT / ".local/sam/bin")
    environment = {
        "PATH": os.pathsep.join([*map(str, tools), os.environ["PATH"]]),
        "HOME": str(folder),
        "NO_PROXY": "*",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **variables,
    }
    command = ["/bin/bash", "-euc", line]
    ran = subprocess.run(  # noqa: S603 - the commands of our own pages
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def lines(page: str, begins: str) -> list[str]:
    """The page's commands that begin so."""
    return [line for line in documentation.run_by(ME, page) if line.startswith(begins)]


def test_a_person_is_added_and_signs_in_with_the_aws_command_line(stack: LocalStack, tmp_path: Path):
    # given a person added as the page on deploying says
    for line in lines("docs/deploying.md", "aws "):
        typed(stack, line.replace("USER_POOL_ID", stack.outputs["UserPoolId"]), tmp_path)

    # and who has chosen a password, as the login pages ask for
    password = f"Aa1-{secrets.token_urlsafe(12)}"
    stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=stack.outputs["UserPoolId"], Username="ann", Password=password, Permanent=True
    )

    # when she signs in as the page on the API says
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
        answer = json.loads(typed(stack, line, tmp_path))
        assert answer["status"] == "SUCCESS"
        assert answer["result"]["qr_code"].endswith(f"{ITEMS[0]}.png")


def test_the_event_that_sam_local_is_given_is_the_functions_own():
    [line] = [each.line for each in documentation.commands("docs/console.md") if each.line.startswith("sam local ")]
    function, event = re.fullmatch(r"sam local invoke (\w+)Function --event (\S+)", line).groups()
    assert (ROOT / event).is_file()
    assert Path(event).stem == re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()


def test_every_function_has_a_test_event(stack: LocalStack):
    names = {each["FunctionName"] for each in stack.client("lambda").list_functions()["Functions"]}
    assert {f"makertasks-prod-{event.stem}" for event in EVENTS} == names


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_a_test_event_is_what_its_function_takes(stack: LocalStack, event: Path):
    body = prepared(stack, json.loads(event.read_text()))
    answer = stack.client("lambda").invoke(FunctionName=f"makertasks-prod-{event.stem}", Payload=json.dumps(body))
    said = json.load(answer["Payload"])
    assert "FunctionError" not in answer, said
    expected = OTHER_ANSWERS.get(event.stem, {"status": "SUCCESS"})
    assert expected is None or expected.items() <= said.items(), said


def prepared(stack: LocalStack, event: dict[str, Any]) -> dict[str, Any]:
    """The event, with what it speaks of put into place."""
    s3, bucket = stack.client("s3"), stack.outputs["MediaBucketName"]
    if key := event.get("key"):
        s3.put_object(Bucket=bucket, Key=key, Body=(DUMP if key.endswith(".json") else PICTURE).read_bytes())
    if "image_url" in event:  # tests reach no network
        s3.put_object(Bucket=bucket, Key="downloads/plywood.jpg", Body=PICTURE.read_bytes(), ContentType="image/jpeg")
        event["image_url"] = s3.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "downloads/plywood.jpg"}
        )
    return event
