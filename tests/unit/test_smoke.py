"""The test after a deployment: what it detects, what it leaves behind, and the rollback that it offers."""

from __future__ import annotations

import io
import json
import urllib.error
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra import deploy, smoke

STACK = "makertasks-prod"
OUTPUTS = {
    "ApiUrl": "https://api.example", "ApiId": "a1", "TasksTableName": f"{STACK}-tasks",
    "InventoryTableName": f"{STACK}-inventory", "MediaBucketName": f"{STACK}-media",
}  # fmt: skip


class Deployed:
    """A deployed stack: its API's responses by path, and whether a function consumes its queue."""

    def __init__(self) -> None:
        self.answers = {"/v1/health": b'{"status": "ok"}', "/signed-out": b"<html>"}
        self.sent: list[str] = []

    def open(self, address: str, **_options: float) -> io.BytesIO:
        answer = self.answers[address.removeprefix(OUTPUTS["ApiUrl"])]
        if answer == b"":
            raise urllib.error.HTTPError(address, 500, "", {}, io.BytesIO(b"broken"))  # type: ignore[arg-type]
        return io.BytesIO(answer)

    def ends(self, status: str) -> None:
        """What the task's function does with the message: record the task."""
        queue = boto3.client("sqs").get_queue_url(QueueName=f"{STACK}-tasks-generate_qr_code")["QueueUrl"]
        for message in boto3.client("sqs").receive_message(QueueUrl=queue).get("Messages", []):
            self.sent.append(message["Body"])
            key = str(f"celery-task-meta-{message['MessageId']}".encode())
            item = {"id": {"S": key}, "status": {"S": status}}
            boto3.client("dynamodb").put_item(TableName=OUTPUTS["TasksTableName"], Item=item)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(smoke, "TRIES", 1)
    monkeypatch.setattr(smoke, "TASK_SECONDS", 0)
    monkeypatch.setattr(smoke, "is_paused", lambda _outputs: False)
    made = Deployed()
    monkeypatch.setattr(smoke.urllib.request, "urlopen", made.open)
    with mock_aws():
        for table, keys in (("TasksTableName", ["id"]), ("InventoryTableName", ["owner", "entry"])):
            kinds = zip(keys, ["HASH", "RANGE"], strict=False)
            boto3.client("dynamodb").create_table(
                TableName=OUTPUTS[table], BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
            )  # fmt: skip
        boto3.client("s3").create_bucket(Bucket=OUTPUTS["MediaBucketName"])
        boto3.client("sqs").create_queue(QueueName=f"{STACK}-tasks-generate_qr_code")
        yield made


def items() -> list[object]:
    found: list[object] = boto3.client("dynamodb").scan(TableName=OUTPUTS["InventoryTableName"])["Items"]
    return found


def test_a_working_deployment_passes_and_the_test_leaves_nothing_behind(deployed: Deployed, monkeypatch, capsys):
    wait = smoke._wait
    monkeypatch.setattr(smoke, "_wait", lambda *which: (deployed.ends("SUCCESS"), wait(*which))[1])
    deploy.check("prod", OUTPUTS)
    assert "The API, a page and a task work." in capsys.readouterr().out
    assert list(json.loads(deployed.sent[0])) == ["item_id"]
    assert items() == []


@pytest.mark.parametrize("path", ["/v1/health", "/signed-out"])
def test_a_failing_api_is_reported_with_the_rollback_command(deployed: Deployed, path: str):
    deployed.answers[path] = b""
    with pytest.raises(smoke.Failed, match=rf"{path} returned 500 b'broken'.*make rollback STAGE=prod"):
        deploy.check("prod", OUTPUTS)


def test_an_unhealthy_api_is_a_failure(deployed: Deployed):
    deployed.answers["/v1/health"] = b'{"status": "degraded"}'
    with pytest.raises(smoke.Failed, match="degraded"):
        smoke.test(OUTPUTS)


@pytest.mark.parametrize("status", ["FAILURE", "not recorded"])
def test_a_task_that_does_not_succeed_is_named_and_its_item_removed(deployed: Deployed, monkeypatch, status: str):
    wait = smoke._wait
    if status == "FAILURE":
        monkeypatch.setattr(smoke, "_wait", lambda *which: (deployed.ends(status), wait(*which))[1])
    with pytest.raises(smoke.Failed, match=rf"is {status} after 0 s.*make rollback STAGE=prod"):
        deploy.check("prod", OUTPUTS)
    assert items() == []
