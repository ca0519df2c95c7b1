"""What an account and a region must have before anything is created, and what their limits mean."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from infra.stacks import Refused

# Lambda's own default; a new account begins with 10.
USUAL_CONCURRENCY = 1000
# The tasks' functions together run at most this many at a time (MaximumConcurrency in template.yaml).
WANTED_CONCURRENCY = 100


def check_region(region: str) -> None:
    """Raises Refused for a region of a partition without user pools, in which nobody could sign in."""
    partition = boto3.Session().get_partition_for_region(region)
    if partition not in {"aws", "aws-us-gov"}:
        raise Refused(
            f"region {region} belongs to the partition {partition}, which has no Amazon Cognito user pools; "
            "choose a region of another partition, for example eu-central-1"
        )


def refuse_kept_data(stack: str, stage: str) -> None:
    """Raises Refused where an earlier stack's data is still there: a new stack could not make tables of that name."""
    kept = [name for name in tables_of(stack) if _has_table(name)]
    if kept:
        raise Refused(
            f"there is no stack {stack}, but its data is still there ({', '.join(kept)}): make restore STAGE={stage} "
            "brings it back. docs/deploying.md says how to delete it instead"
        )


def tables_of(stack: str) -> list[str]:
    """Names of a stack's tables."""
    return [f"{stack}-{name}" for name in ("tasks", "inventory", "counters")]


def concurrency() -> str:
    """One line on how many functions the account may run at a time, and what that means."""
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit >= WANTED_CONCURRENCY:
        return f"The account may run {limit} functions at a time: enough."
    return (
        f"The account may run only {limit} functions at a time (new accounts begin with 10). Everything works, but a "
        "burst of tasks waits in its queue, and pages may be slow meanwhile. To raise it, ask AWS in Service Quotas "
        f"for {USUAL_CONCURRENCY} (AWS Lambda, Concurrent executions)."
    )


def _has_table(name: str) -> bool:
    try:
        boto3.client("dynamodb").describe_table(TableName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True
