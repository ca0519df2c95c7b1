"""`make rollback STAGE=prod`: switch all functions back to the previous deployment, within seconds.

A published version includes code, layers, environment, memory and time-out, so moving the alias `live` restores all of
them. Tables, queues, schedules and permissions stay as last deployed. The next `make deploy` moves the alias forward
again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import boto3

from infra.command import on_stack
from infra.stacks import Refused, status_of

ALIAS = "live"


@dataclass(frozen=True)
class Alias:
    """A function's alias, its current version, and all published versions, oldest first."""

    function: str
    current: int
    published: list[int]

    @property
    def before(self) -> int | None:
        """The version that was published before the current one."""
        older = [number for number in self.published if number < self.current]
        return max(older, default=None)

    @property
    def is_rolled_back(self) -> bool:
        """Whether a version newer than the current one is published."""
        return self.current < max(self.published, default=self.current)


def main() -> int:
    """Roll one stage back."""
    return on_stack(__doc__, "rollback", roll_back)


def roll_back(stack: str) -> None:
    """Move every function's alias to its previous version; raises Refused without one."""
    status = status_of(stack)
    if status is None:
        raise Refused(f"stack {stack} does not exist in this account and region")
    if status.endswith("_IN_PROGRESS"):
        raise Refused(f"{stack} is {status}; try again when that has finished")
    found = list(aliases(stack))
    earlier = [(alias, alias.before) for alias in found if alias.before is not None]
    if not earlier:
        raise Refused(f"{stack} has no previous version")
    for alias, version in earlier:
        boto3.client("lambda").update_alias(
            FunctionName=alias.function, Name=ALIAS, FunctionVersion=str(version), RoutingConfig={}
        )
        print(f"{alias.function}: version {alias.current} → {version}")
    print("Rolled back. The next `make deploy` switches forward again, even if the code has not changed.")


def marker(stack: str) -> str:
    """Return a value that changes with each rollback, so that the next deployment publishes versions; else empty."""
    if status_of(stack) is None:
        return ""
    return " ".join(f"{alias.function}:{alias.published[-1]}" for alias in aliases(stack) if alias.is_rolled_back)


def aliases(stack: str) -> Iterator[Alias]:
    """Yield the alias `live` of each of a stack's functions that have one."""
    client = boto3.client("lambda")
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    listed = [each for page in pages for each in page["StackResourceSummaries"]]
    for each in listed:
        if each["ResourceType"] == "AWS::Lambda::Function":
            function = each["PhysicalResourceId"]
            versions = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
            numbers = [version["Version"] for page in versions for version in page["Versions"]]
            try:
                current = client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"]
            except client.exceptions.ResourceNotFoundException:
                continue
            yield Alias(function, int(current), sorted(int(number) for number in numbers if number.isdigit()))


if __name__ == "__main__":
    sys.exit(main())
