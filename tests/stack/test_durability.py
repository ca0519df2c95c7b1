"""Nothing is lost by a restart amid 500 tasks or a deployment during traffic; two stacks share no resource name."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from infra.local.deploy import deploy
from infra.local.ministack import MiniStack
from infra.local.stack import STACK_NAME, LocalStack, parameters
from makertasks import wire
from makertasks.inventory import table as inventory
from tests.waiting import wait_for

ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
QR_CODE = "generate_qr_code"
TASK = {"name": f"inventory.tasks.{QR_CODE}", "kwargs": {"item_id": ITEM}}
TASKS, MESSAGES = 450, 50  # sent by the API, and directly to the queue
REQUESTS = 20
PATIENCE = 240.0
# Types whose names only need to be unique in a group, an API or a user pool of the same stack.
NAMED_WITHIN_THEIR_PARENT = {
    "AWS::ApiGatewayV2::Stage",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::Scheduler::Schedule",
}


def deployed(aws: MiniStack, name: str = STACK_NAME, **overrides: str) -> LocalStack:
    """The stack on a local AWS, with one item in its inventory."""
    stack = LocalStack(aws, name, deploy(aws.connection, name, parameters(aws) | overrides))
    item = inventory.Item(inventory.owner_of(ITEM), "item", name="Bench vice")
    stack.client("dynamodb").put_item(TableName=stack.outputs["InventoryTableName"], Item=item.serialize())
    return stack


def queue(stack: LocalStack) -> str:
    """URL of the QR code queue."""
    return str(stack.client("sqs").get_queue_url(QueueName=f"{stack.name}-tasks-{QR_CODE}")["QueueUrl"])


def send(stack: LocalStack, number: int) -> set[str]:
    """Send a number of messages to the QR code queue as the SQS console does; returns their tasks' ids."""
    sqs, url = stack.client("sqs"), queue(stack)
    body, sent = json.dumps(TASK["kwargs"]), set()
    for start in range(0, number, 10):
        entries = [{"Id": str(each), "MessageBody": body} for each in range(start, min(start + 10, number))]
        sent |= {each["MessageId"] for each in sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]}
    return sent


def statuses(stack: LocalStack) -> dict[str, str]:
    """The status of every task, read from the table."""
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.outputs["TasksTableName"],
            ConsistentRead=True,
            ProjectionExpression="id, #s",
            ExpressionAttributeNames={"#s": "status"},
        )
    )
    items = [item for page in pages for item in page["Items"] if "status" in item]
    return {wire.task_id_of(item["id"]["S"]): item["status"]["S"] for item in items}


def all_succeed(stack: LocalStack, sent: set[str], sweep: Callable[[], object] = lambda: None) -> None:
    """Wait until each task has finished once; `sweep` is called now and then in place of its schedule."""

    def done() -> bool:
        sweep()
        found = statuses(stack)
        assert not {found.get(task_id) for task_id in sent} & {"FAILURE", "REVOKED"}
        return {found.get(task_id) for task_id in sent} == {"SUCCESS"}

    wait_for(done, "every task to succeed", PATIENCE)


def test_a_restart_in_the_middle_of_500_tasks_loses_none(tmp_path: Path):
    # given 500 tasks, of which some have run, some run, and most wait
    with MiniStack(tmp_path, persist=True) as aws:
        stack = deployed(aws, SweepPatienceSeconds="5")
        answer = stack.api.post("/v1/tasks/batch", {"tasks": [TASK] * TASKS})
        sent = send(stack, MESSAGES) | set(answer["ids"])
        assert len(sent) == TASKS + MESSAGES
        wait_for(lambda: "SUCCESS" in statuses(stack).values(), "the first to be done", PATIENCE)

    # when the local AWS is stopped and started again
    with MiniStack(tmp_path, aws.port, persist=True) as aws:
        stack = LocalStack(aws, STACK_NAME, stack.outputs)
        assert set(statuses(stack).values()) != {"SUCCESS"}

        # then all of them succeed, including those that were running when it stopped
        sweeper = f"{STACK_NAME}-sweeper"
        all_succeed(stack, sent, lambda: stack.client("lambda").invoke(FunctionName=sweeper, Payload=b"{}"))
        assert len(statuses(stack)) == len(sent)


def test_a_deployment_during_traffic_loses_no_message_and_no_request(tmp_path: Path):
    # given a stack with traffic: messages in a queue, and a client that submits without pause
    with MiniStack(tmp_path) as aws:
        stack = deployed(aws)
        stack.api.get("/v1/me")
        sent, submitted, refused = send(stack, MESSAGES), set[str](), list[str]()
        is_deployed = threading.Event()

        def traffic() -> None:
            while not is_deployed.is_set() or len(submitted) < REQUESTS:
                response = stack.api.request("POST", "/v1/tasks", json=TASK)
                if response.ok:
                    submitted.add(response.json()["id"])
                else:
                    refused.append(f"{response.status_code} {response.text[:200]}")

        client = threading.Thread(target=traffic, daemon=True)
        client.start()

        # when another version is deployed over it
        deploy(aws.connection, STACK_NAME, parameters(aws) | {"FrontendUrl": "https://new.example.org"})
        is_deployed.set()
        client.join(PATIENCE)
        assert not client.is_alive()

        # then no request was refused, every message and submission succeeds, and the new version is active
        assert not refused
        assert len(submitted) >= REQUESTS
        all_succeed(stack, sent | submitted)
        function = stack.client("lambda").get_function_configuration(FunctionName=f"{STACK_NAME}-{QR_CODE}")
        assert function["Environment"]["Variables"]["FRONTEND_URL"] == "https://new.example.org"

        # and a second stack of the same template shares no name with it and works independently
        names = physical_names(stack)
        other = deployed(aws, "beside")
        assert {kind for kind, _ in names & physical_names(other)} <= NAMED_WITHIN_THEIR_PARENT
        assert physical_names(stack) == names
        before = statuses(stack)
        all_succeed(other, send(other, 1))
        assert statuses(stack) == before


def physical_names(stack: LocalStack) -> set[tuple[str, str]]:
    """(type, name) of every resource that a stack created."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    resources = [each for page in pages for each in page["StackResourceSummaries"]]
    return {(each["ResourceType"], each["PhysicalResourceId"]) for each in resources}
