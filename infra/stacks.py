"""A stage's stack in CloudFormation: the last deployment, and recovery from failed ones.

`prepare` makes a stack ready for a deployment: it removes a stack whose creation failed, finishes a failed rollback,
and raises Refused with a remedy if a person has to decide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

POLL_SECONDS = 5

# Statuses of a stack whose creation failed. It has no data: RetainExceptOnCreate deletes the resources it created.
EMPTY = frozenset({"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
# Statuses of a stack that a deployment can change.
READY = frozenset({
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
})  # fmt: skip
STUCK = "UPDATE_ROLLBACK_FAILED"


class Refused(Exception):
    """Nothing was deployed; the message says what to do."""


def describe(stack: str) -> dict[str, Any] | None:
    """Return CloudFormation's description of a stack; None if there is no stack."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(found[0])


def status_of(stack: str) -> str | None:
    """Return a stack's status; None if there is no stack."""
    found = describe(stack)
    return None if found is None else str(found["StackStatus"])


def outputs_of(stack: str) -> dict[str, str]:
    """Return a stack's outputs; empty if there is no stack."""
    found = describe(stack) or {}
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def parameters_of(stack: str) -> dict[str, str]:
    """Return the parameters of the last deployment; empty if there is no stack."""
    found = describe(stack)
    if found is None or found["StackStatus"] in EMPTY:
        return {}
    return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}


def prepare(stack: str) -> None:
    """Make a stack ready for a deployment; raises Refused."""
    status = status_of(stack)
    if status is None or status in READY:
        return
    if status in EMPTY:
        print(f"{stack} is {status} after a failed creation. Removing it first.")
        remove(stack)
    elif status == STUCK:
        print(f"{stack} is {status}. Finishing the rollback first.")
        finish_rollback(stack)
    elif status.endswith("_IN_PROGRESS"):
        raise Refused(f"{stack} is {status}: another deployment or removal is running; try again when it has finished")
    else:
        raise Refused(
            f"{stack} is {status}, which has to be resolved in the CloudFormation console (Stack actions). Its events "
            f"give the reason: aws cloudformation describe-stack-events --stack-name {stack}"
        )


def remove(stack: str) -> None:
    """Delete a stack and wait for CloudFormation to finish, printing one line per resource; raises Refused."""
    cloudformation = boto3.client("cloudformation")
    found = describe(stack)
    if found is None:
        return
    arn = str(found["StackId"])  # a deleted stack is found only by this
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    shown = {event["EventId"] for event in _events(arn)}
    cloudformation.delete_stack(StackName=stack)
    status = _follow(arn, shown)
    if status != "DELETE_COMPLETE":
        raise Refused(f"{stack} could not be removed ({status}): {failure_of(arn)}. Resolve this and try again")


def finish_rollback(stack: str) -> None:
    """Continue an update's failed rollback and wait until it has finished; raises Refused."""
    found = describe(stack) or {}
    arn = str(found.get("StackId", stack))
    shown = {event["EventId"] for event in _events(arn)}
    boto3.client("cloudformation").continue_update_rollback(StackName=stack)
    status = _follow(arn, shown)
    if status != "UPDATE_ROLLBACK_COMPLETE":
        raise Refused(f"the rollback of {stack} failed again ({status}): {failure_of(arn)}. Resolve this and try again")


def failure_of(stack: str) -> str:
    """Return the latest failure among a stack's events, in one line."""
    for event in _events(stack):
        if event["ResourceStatus"].endswith("_FAILED") and event["LogicalResourceId"] != event.get("StackName"):
            reason = event.get("ResourceStatusReason", "no reason given")
            return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
    return "CloudFormation gave no reason"


def _follow(arn: str, shown: set[str]) -> str:
    """Print a stack's events until its status is final, and return the status."""
    while True:
        status = status_of(arn)
        for event in reversed([each for each in _events(arn) if each["EventId"] not in shown]):
            shown.add(event["EventId"])
            print(f"  {event['ResourceStatus']:24} {event['LogicalResourceId']}", flush=True)
        if status is None:
            return "DELETE_COMPLETE"
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(POLL_SECONDS)


def _events(arn: str) -> Iterator[dict[str, Any]]:
    """Yield a stack's last 100 events, newest first; none if CloudFormation no longer has the stack."""
    try:
        yield from boto3.client("cloudformation").describe_stack_events(StackName=arn)["StackEvents"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
