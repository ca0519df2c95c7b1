"""Checks account and region before a deployment, and chooses a concurrency within the account's limit."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from infra.stacks import Refused

# Partitions that have user pools, and whose sign-in host template.yaml knows (SIGN_IN_ADDRESS).
PARTITIONS = frozenset({"aws", "aws-us-gov"})
# Lambda's default; a new account starts with 10.
USUAL_CONCURRENCY = 1000
# From this limit on, bursts of tasks leave enough concurrency for the API, and queues need no limit.
WANTED_CONCURRENCY = 100
# Concurrency of downloads (from template.yaml), and about as much for the API and the system's functions.
RESERVED = 5 + 5
FEWEST = 2  # Lambda's minimum for a queue's maximum concurrency


def check_region(region: str) -> None:
    """Raise Refused for a region in whose partition nobody could sign in.

    The partitions of China and of the secret regions have no user pools; the European Sovereign Cloud has them, but
    their sign-in pages are at a host that template.yaml does not know.
    """
    session = boto3.Session()
    partition = session.get_partition_for_region(region)
    if partition in PARTITIONS:
        return
    lack = (
        "whose sign-in pages are at a host that template.yaml does not know"
        if session.get_available_regions("cognito-idp", partition)
        else "which has no Amazon Cognito user pools"
    )
    raise Refused(
        f"region {region} belongs to the partition {partition}, {lack}; "
        "choose a region of another partition, for example eu-central-1"
    )


def refuse_kept_data(stack: str, stage: str) -> None:
    """Raise Refused if an earlier stack's data still exists: a new stack could not create tables of that name."""
    kept = [name for name in tables_of(stack) if _has_table(name)]
    if kept:
        raise Refused(
            f"stack {stack} does not exist, but its data does ({', '.join(kept)}): restore both with make restore "
            f"STAGE={stage}, or delete the data as docs/deploying.md says"
        )


def tables_of(stack: str) -> list[str]:
    """Return the names of a stack's tables."""
    return [f"{stack}-{name}" for name in ("tasks", "inventory", "counters")]


def concurrency_limit() -> int:
    """Return the account's limit of concurrent executions in this region."""
    limit: int = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    return limit


def fitting(limit: int, queues: int) -> str:
    """Return the MaximumConcurrency of each queue within an account's limit; empty if no limit is needed.

    >>> fitting(10, 9), fitting(60, 9), fitting(1000, 9)
    ('2', '5', '')
    """
    return "" if limit >= WANTED_CONCURRENCY else str(max(FEWEST, (limit - RESERVED) // queues))


def explain(limit: int, chosen: str, stage: str) -> str:
    """Explain an account's limit for a stage whose MaximumConcurrency is `chosen`."""
    if limit >= WANTED_CONCURRENCY:
        return f"Lambda's limit of {limit} concurrent executions in this account is high enough."
    return (
        f"Lambda allows this account only {limit} concurrent executions (new accounts start with 10), so the maximum "
        f"concurrency of each queue is {chosen or 'unlimited'} (MaximumConcurrency). Bursts of tasks wait in their "
        f"queue; none is lost. To raise the limit, request {USUAL_CONCURRENCY} in Service Quotas (AWS Lambda, "
        f"Concurrent executions), then run: make deploy STAGE={stage} MaximumConcurrency="
    )


def _has_table(name: str) -> bool:
    try:
        boto3.client("dynamodb").describe_table(TableName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True
