"""`make restore STAGE=prod`: restore a stage that `make destroy` removed, with its retained data.

A CloudFormation import takes tables, bucket and user pool into a new stack; a deployment then adds the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra import parameters, stacks
from infra.account import tables_of
from infra.command import choose_region, parse
from infra.deploy import BUILT, FAILURES, deploy
from infra.local.template import load
from infra.stacks import Refused

# The property by which CloudFormation identifies each store.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
IDENTIFIERS = {
    "TasksTable": "TableName", "InventoryTable": "TableName", "CountersTable": "TableName",
    "MediaBucket": "BucketName", "Users": "UserPoolId",
}  # fmt: skip
# Left out of the import, because they refer to resources that do not exist yet; the deployment adds them.
LATER = {"MediaBucket": ("NotificationConfiguration",)}
POLL_SECONDS = 2


def main() -> int:
    """Restore one stage; print an error in one line and return 1."""
    arguments = parse(__doc__, "restore")
    try:
        restore(arguments.stage, parameters.given(arguments.parameters))
    except FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def restore(stage: str, given: Mapping[str, str]) -> None:
    """Import the kept resources, then deploy; raises one of FAILURES."""
    stack = str(parameters.configuration(stage)["stack_name"])
    choose_region()
    values = parameters.effective(stage, given, {})
    if stacks.status_of(stack) is not None:
        raise Refused(f"stack {stack} exists, so there is nothing to restore; to update it: make deploy STAGE={stage}")
    names = kept(stack)
    values["KeyArn"] = given.get("KeyArn") or key_of(names["TasksTable"])
    values["KeyShards"] = str(max(int(values["KeyShards"]), int(shards_of(names["TasksTable"]))))
    body = template(names)
    adopt(stack, body, names, {name: values[name] for name in body["Parameters"]})
    print(f"{stack}: tables, bucket and user pool imported. Deploying the rest …")
    known = {name: values[name] for name in ("KeyArn", "KeyShards")}
    deploy(stage, {**given, **known}, BUILT, restoring=True)


def kept(stack: str) -> dict[str, str]:
    """Return the name of each store that the removed stack left; raises Refused for a missing or ambiguous one."""
    sts = boto3.client("sts")
    account, region = sts.get_caller_identity()["Account"], sts.meta.region_name
    tasks, inventory, counters = tables_of(stack)
    names = {"TasksTable": tasks, "InventoryTable": inventory, "CountersTable": counters}
    names["MediaBucket"] = f"{stack}-media-{account}-{region}"
    _look(names)
    pages = boto3.client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
    pools = [pool["Id"] for page in pages for pool in page["UserPools"] if pool["Name"] == stack]
    if len(pools) != 1:
        raise Refused(
            f"found {len(pools)} user pools named {stack} ({', '.join(pools) or 'none'}), but exactly one is needed; "
            "delete or rename those of other stages"
        )
    return {**names, "Users": pools[0]}


def key_of(table: str) -> str:
    """Return the ARN of the key that encrypts a table; empty for AWS's own key."""
    described = boto3.client("dynamodb").describe_table(TableName=table)["Table"]
    return str(described.get("SSEDescription", {}).get("KMSMasterKeyArn", ""))


def shards_of(table: str) -> str:
    """Return the number of shards of a table's keys, from the tag that the template sets."""
    client = boto3.client("dynamodb")
    arn = client.describe_table(TableName=table)["Table"]["TableArn"]
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    return str(tags.get("key-shards", "1"))


def template(names: Mapping[str, str]) -> dict[str, Any]:
    """Return a template with only the stores, under their literal names, and the parameters and conditions they use."""
    whole = load()
    resources = {}
    for logical_id, identifier in IDENTIFIERS.items():
        resource = json.loads(json.dumps(whole["Resources"][logical_id]))
        resource.pop("DependsOn", None)
        for name in LATER.get(logical_id, ()):
            resource["Properties"].pop(name, None)
        if identifier in resource["Properties"]:
            resource["Properties"][identifier] = names[logical_id]
        resources[logical_id] = resource
    used = _words(resources)
    conditions = {name: body for name, body in whole["Conditions"].items() if name in used}
    used |= _words(conditions)
    return {
        "AWSTemplateFormatVersion": whole["AWSTemplateFormatVersion"],
        "Parameters": {name: body for name, body in whole["Parameters"].items() if name in used},
        "Conditions": conditions,
        "Resources": resources,
    }


def adopt(stack: str, body: Mapping[str, Any], names: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Create a stack from existing resources; raises Refused if CloudFormation rejects them."""
    cloudformation = boto3.client("cloudformation")
    imported = [
        {
            "ResourceType": body["Resources"][logical_id]["Type"],
            "LogicalResourceId": logical_id,
            "ResourceIdentifier": {identifier: names[logical_id]},
        }
        for logical_id, identifier in IDENTIFIERS.items()
    ]
    made = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=f"restore-{int(time.time())}",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        ResourcesToImport=imported,
    )["Id"]
    while (found := cloudformation.describe_change_set(ChangeSetName=made))["Status"].endswith(("PROGRESS", "PENDING")):
        time.sleep(POLL_SECONDS)
    if found["Status"] == "FAILED":
        reason = found.get("StatusReason", "no reason given")
        stacks.remove(stack)
        raise Refused(f"CloudFormation could not import {stack}'s data: {reason}")
    cloudformation.execute_change_set(ChangeSetName=made)
    while (status := str(stacks.status_of(stack))).endswith("_IN_PROGRESS"):
        time.sleep(POLL_SECONDS)
    if status != "IMPORT_COMPLETE":
        raise Refused(f"CloudFormation could not import {stack}'s data ({status}): {stacks.failure_of(stack)}")


def _look(names: Mapping[str, str]) -> None:
    """Raise Refused if a table or the bucket does not exist."""
    for logical_id, name in names.items():
        try:
            if IDENTIFIERS[logical_id] == "TableName":
                boto3.client("dynamodb").describe_table(TableName=name)
            else:
                boto3.client("s3").head_bucket(Bucket=name)
        except ClientError as error:
            raise Refused(f"{name} does not exist, so the stage cannot be restored: {error}") from error


def _words(value: Any) -> set[str]:
    """Return every string in a template's value, including names of conditions and parameters."""
    if isinstance(value, dict):
        return set().union(*map(_words, value.values()), set())
    if isinstance(value, list):
        return set().union(*map(_words, value), set())
    return {str(value)}


if __name__ == "__main__":
    sys.exit(main())
