"""The permissions of the stack's roles on a local AWS: listed one by one, removed, restored."""

from __future__ import annotations

import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from infra.local.stack import LocalStack
from makertasks import wire
from makertasks.inventory import table as inventory
from tests.template import resources

DENIED = "denied-by-the-test"  # name of an inline policy


@dataclass(frozen=True)
class Right:
    """One action on one resource."""

    sid: str
    action: str
    resource: str
    condition: str = ""

    def __str__(self) -> str:
        return f"{self.sid}: {self.action} on {self.resource.partition(':::')[2] or self.resource.split(':', 5)[-1]}"

    def statement(self) -> dict[str, Any]:
        stated = {"Sid": self.sid, "Effect": "Allow", "Action": self.action, "Resource": self.resource}
        return stated | ({"Condition": json.loads(self.condition)} if self.condition else {})


@dataclass
class Role:
    """A role of the template as it is deployed, and the function that has it."""

    stack: LocalStack
    logical_id: str
    name: str
    function: str
    policies: dict[str, list[Right]] = field(default_factory=dict)

    @property
    def rights(self) -> list[Right]:
        return [right for rights in self.policies.values() for right in rights]

    @contextmanager
    def without(self, right: Right) -> Iterator[None]:
        """The role without one permission."""
        policy = next(name for name, rights in self.policies.items() if right in rights)
        self._put(policy, [each.statement() for each in self.policies[policy] if each != right])
        try:
            yield
        finally:
            self._put(policy, [each.statement() for each in self.policies[policy]])

    @contextmanager
    def denied(self, actions: list[str], resource: str) -> Iterator[None]:
        """The role with an additional Deny: how a probe makes a task fail."""
        self._put(DENIED, [{"Effect": "Deny", "Action": actions, "Resource": [resource, f"{resource}/*"]}])
        try:
            yield
        finally:
            self.stack.client("iam").delete_role_policy(RoleName=self.name, PolicyName=DENIED)

    def _put(self, policy: str, statements: list[dict[str, Any]]) -> None:
        statements = statements or [
            {"Effect": "Deny", "Action": "iam:GetUser", "Resource": "*"}
        ]  # a policy needs at least one statement
        document = {"Version": "2012-10-17", "Statement": statements}
        self.stack.client("iam").put_role_policy(
            RoleName=self.name, PolicyName=policy, PolicyDocument=json.dumps(document)
        )


@dataclass
class Bench:
    """A stack whose queues, streams and bucket invoke no function, so that only probes do."""

    stack: LocalStack
    _locks: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    @classmethod
    def on(cls, stack: LocalStack) -> Bench:
        client = stack.client("lambda")
        for page in client.get_paginator("list_event_source_mappings").paginate():
            for mapping in page["EventSourceMappings"]:
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        bucket = stack.outputs["MediaBucketName"]
        stack.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        return cls(stack)

    # ── lookups ──

    @cached_property
    def physical(self) -> dict[str, str]:
        """Physical ids by logical id."""
        cloudformation = self.stack.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack.name)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Every role by logical id."""
        functions = {
            body["Properties"]["Role"].removesuffix(".Arn"): logical_id
            for logical_id, body in resources().items()
            if body["Type"] == "AWS::Serverless::Function"
        }
        found = {}
        for logical_id, body in resources().items():
            if body["Type"] == "AWS::IAM::Role":
                name = self.physical[logical_id]
                function = self.physical.get(functions.get(logical_id, ""), "")
                found[logical_id] = Role(self.stack, logical_id, name, function, self._policies(name))
        return found

    def _policies(self, role: str) -> dict[str, list[Right]]:
        """A role's permissions by policy. Shared policies are copied, so that only this role loses them."""
        iam = self.stack.client("iam")
        shared = self.physical["EnginePolicy"]
        if shared in {each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]}:
            version = iam.get_policy(PolicyArn=shared)["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=shared, VersionId=version)["PolicyVersion"]["Document"]
            iam.put_role_policy(RoleName=role, PolicyName="engine", PolicyDocument=json.dumps(document))
            iam.detach_role_policy(RoleName=role, PolicyArn=shared)
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return {name: rights_of(iam.get_role_policy(RoleName=role, PolicyName=name)) for name in names}

    def queue(self, name: str) -> str:
        """URL of a task's queue."""
        url: str = self.stack.client("sqs").get_queue_url(QueueName=f"{self.stack.name}-tasks-{name}")["QueueUrl"]
        return url

    def alone_with(self, queue: str) -> threading.Lock:
        """Lock a queue while it is purged or a message is awaited, because several roles are tested concurrently."""
        return self._locks[queue]

    def table(self, name: str) -> str:
        """Name of one of the tables: tasks, inventory, counters."""
        return f"{self.stack.name}-{name}"

    def arn(self, logical_id: str) -> str:
        """ARN of a table."""
        described = self.stack.client("dynamodb").describe_table(TableName=self.physical[logical_id])
        return str(described["Table"]["TableArn"])

    # ── actions of probes ──

    def invoke(self, role: Role, event: Any) -> Any:
        """The response of a role's function; raises AssertionError if it failed."""
        answer = self.stack.client("lambda").invoke(FunctionName=role.function, Payload=json.dumps(event))
        body = json.load(answer["Payload"])
        assert "FunctionError" not in answer, f"{body.get('errorType')}: {body.get('errorMessage')}"
        return body

    def restart(self, role: Role) -> None:
        """Make the next invocation start a new environment, without cached values such as queue URLs."""
        client = self.stack.client("lambda")
        timeout = client.get_function_configuration(FunctionName=role.function)["Timeout"]
        client.update_function_configuration(FunctionName=role.function, Timeout=timeout)

    def item(self, **attributes: str) -> str:
        """A new item's id."""
        item_id = str(uuid.uuid4())
        self.put_entry(inventory.Item(inventory.owner_of(item_id), "item", name="Probe", **attributes))
        return item_id

    def put_entry(self, entry: inventory.Entry) -> None:
        """Write one entry of the inventory table."""
        self.stack.client("dynamodb").put_item(TableName=self.table("inventory"), Item=entry.serialize())

    def put(self, table: str, values: dict[str, Any]) -> None:
        """Write one entry."""
        item = {name: TypeSerializer().serialize(value) for name, value in values.items()}
        self.stack.client("dynamodb").put_item(TableName=self.table(table), Item=item)

    def record(self, task_id: str) -> dict[str, Any]:
        """A task's item in DynamoDB's format; empty if there is none."""
        key = {"id": {"S": wire.result_key(task_id)}}
        answer = self.stack.client("dynamodb").get_item(TableName=self.table("tasks"), Key=key, ConsistentRead=True)
        return dict(answer.get("Item", {}))

    def put_object(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Put an object into the media bucket."""
        self.stack.client("s3").put_object(
            Bucket=self.stack.outputs["MediaBucketName"], Key=key, Body=body, ContentType=content_type
        )

    def has_object(self, key: str) -> bool:
        """Whether the media bucket contains the object."""
        try:
            self.stack.client("s3").head_object(Bucket=self.stack.outputs["MediaBucketName"], Key=key)
        except ClientError:
            return False
        return True


def rights_of(policy: dict[str, Any]) -> list[Right]:
    """The permissions that an inline policy grants."""
    return [
        Right(
            statement.get("Sid", ""),
            action,
            resource,
            json.dumps(statement.get("Condition")) if "Condition" in statement else "",
        )
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _many(statement["Action"])
        for resource in _many(statement["Resource"])
    ]


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
