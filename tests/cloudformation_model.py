"""A small model of CloudFormation: the rules that decide whether a deployment can be repeated, removed and restored.

It knows fixed names, the order of dependencies, deletion policies, deletion protection, rollbacks and imports. What it
does not know, it takes for allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

# Properties that name a resource within an account and a region; two resources of a type cannot share one.
NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Cognito::UserPoolDomain": "Domain", "AWS::DynamoDB::Table": "TableName",
    "AWS::Lambda::Function": "FunctionName", "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName", "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName", "AWS::Scheduler::ScheduleGroup": "Name",
}  # fmt: skip
PSEUDO = {
    "AWS::AccountId": "111122223333", "AWS::Region": "ap-southeast-5", "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": None,
}  # fmt: skip


class Failed(Exception):
    """A resource could not be made."""


@dataclass
class Template:
    """A template with its parameters resolved; what is known only later stays a text such as `<Logical.Arn>`."""

    body: dict[str, Any]
    stack: str
    parameters: dict[str, str] = field(default_factory=dict)

    def value(self, node: Any) -> Any:
        """A value with its functions computed."""
        if isinstance(node, list):
            return [self.value(each) for each in node]
        if not isinstance(node, dict):
            return node
        [(name, argument), *more] = node.items() or [("", None)]
        function = None if more else self._functions().get(name)
        return function(argument) if function else {key: self.value(each) for key, each in node.items()}

    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._named,
            "Fn::If": lambda given: self.value(given[1] if self.holds(given[0]) else given[2]),
            "Fn::GetAtt": lambda given: f"<{'.'.join(given)}>",
            "Fn::Sub": lambda given: re.sub(r"\$\{([^!}]+)\}", lambda found: str(self._named(found[1])), str(given)),
            "Fn::Join": lambda given: str(given[0]).join(map(str, self.value(given[1]))),
        }

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is true."""

        def true(node: dict[str, Any]) -> bool:
            [(name, argument)] = node.items()
            if name == "Condition":
                return self.holds(argument)
            if name == "Fn::Not":
                return not true(argument[0])
            if name == "Fn::Equals":
                return bool(self.value(argument[0]) == self.value(argument[1]))
            return {"Fn::And": all, "Fn::Or": any}[name](true(each) for each in argument)

        return true(self.body["Conditions"][condition])

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources whose condition holds."""
        return {
            name: body
            for name, body in self.body["Resources"].items()
            if "Condition" not in body or self.holds(body["Condition"])
        }

    def order(self) -> Iterator[str]:
        """Each resource behind those it needs; raises graphlib.CycleError."""
        found = self.resources()
        needs = {
            name: {each for each in _names_in(body) if each in found and each != name} for name, body in found.items()
        }
        return TopologicalSorter(needs).static_order()

    def name(self, logical_id: str) -> tuple[str, str] | None:
        """Type and fixed name of a resource; None where CloudFormation makes up the name."""
        resource = self.body["Resources"][logical_id]
        named = resource.get("Properties", {}).get(NAMES.get(resource["Type"], ""))
        return None if named is None else (resource["Type"], str(self.value(named)))

    def _named(self, name: str) -> Any:
        if name == "AWS::StackName":
            return self.stack
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.body.get("Parameters", {}):
            return self.parameters.get(name, str(self.body["Parameters"][name].get("Default", "")))
        return f"<{name}>"


def _names_in(node: Any) -> Iterator[str]:
    """What a resource refers to."""
    if isinstance(node, list):
        for each in node:
            yield from _names_in(each)
    elif isinstance(node, dict):
        for name, argument in node.items():
            if name in {"Ref", "DependsOn"}:
                yield from [argument] if isinstance(argument, str) else argument
            elif name == "Fn::GetAtt":
                yield argument[0]
            elif name == "Fn::Sub" and isinstance(argument, str):
                yield from (each.partition(".")[0] for each in re.findall(r"\$\{([^!}]+)\}", argument))
            else:
                yield from _names_in(argument)


@dataclass
class Account:
    """What exists in one account and region, and one stack in it."""

    existing: set[tuple[str, str]] = field(default_factory=set)
    protected: set[tuple[str, str]] = field(default_factory=set)
    stack: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: str | None = None

    def create(self, template: Template, fails_at: str | None = None) -> None:
        """Create the stack; a failure removes what was made, except for what is retained or protected."""
        made: list[str] = []
        try:
            for logical_id in template.order():
                self._make(template, logical_id, fails_at)
                made.append(logical_id)
        except Failed:
            left = [each for each in reversed(made) if not self._undo(template, each)]
            self.stack, self.status = {}, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE"
        else:
            self.stack, self.status = dict(template.resources()), "CREATE_COMPLETE"

    def update(self, template: Template) -> None:
        """Change the stack: make what is new, remove what is gone, unless it is retained."""
        wanted = template.resources()
        for logical_id in template.order():
            if logical_id not in self.stack:
                self._make(template, logical_id, None)
        self.stack, self.status = dict(wanted), "UPDATE_COMPLETE"

    def adopt(self, template: Template) -> None:
        """Import: every resource must be there already, and have a deletion policy."""
        for logical_id, body in template.resources().items():
            assert body.get("DeletionPolicy"), logical_id
            named = template.name(logical_id)
            assert named is None or named in self.existing, f"{named} is not there to be imported"
        self.stack, self.status = dict(template.resources()), "IMPORT_COMPLETE"

    def delete(self, template: Template) -> None:
        """Delete the stack; what is retained stays."""
        for logical_id, body in self.stack.items():
            if not str(body.get("DeletionPolicy", "")).startswith("Retain"):
                self.existing.discard(template.name(logical_id) or ("", ""))
        self.stack, self.status = {}, None

    def _make(self, template: Template, logical_id: str, fails_at: str | None) -> None:
        named = template.name(logical_id)
        if logical_id == fails_at or named in self.existing:
            raise Failed(f"{logical_id}: {named} exists" if named in self.existing else logical_id)
        if named is not None:
            self.existing.add(named)
            properties: Mapping[str, Any] = template.value(template.body["Resources"][logical_id]["Properties"])
            if properties.get("DeletionProtectionEnabled"):
                self.protected.add(named)

    def _undo(self, template: Template, logical_id: str) -> bool:
        """Remove what a failed creation made; false where that is refused."""
        named = template.name(logical_id)
        if template.body["Resources"][logical_id].get("DeletionPolicy") == "Retain" or named is None:
            return True
        if named in self.protected:
            return False
        self.existing.discard(named)
        return True
