"""A template as CloudFormation reads it: conditions, functions, the order of its resources and their fixed names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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


@dataclass
class Template:
    """A template with its parameters resolved; values known only after creation are texts such as `<Logical.Arn>`."""

    body: dict[str, Any]
    stack: str
    parameters: dict[str, str] = field(default_factory=dict)
    physical: dict[str, str] = field(default_factory=dict)  # identifiers of existing resources, by logical id

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
            "Fn::GetAtt": lambda given: f"<{self._named(given[0])}.{'.'.join(given[1:])}>",
            "Fn::Sub": lambda given: re.sub(r"\$\{([^!}]+)\}", lambda found: self._substituted(found[1]), str(given)),
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
        """The resources whose condition is true."""
        return {
            name: body
            for name, body in self.body["Resources"].items()
            if "Condition" not in body or self.holds(body["Condition"])
        }

    def order(self) -> Iterator[str]:
        """The resources in the order of their dependencies; raises graphlib.CycleError."""
        found = self.resources()
        needs = {
            name: {each for each in _names_in(body) if each in found and each != name} for name, body in found.items()
        }
        return TopologicalSorter(needs).static_order()

    def properties(self, logical_id: str) -> dict[str, Any]:
        """A resource's properties with their functions computed, without `AWS::NoValue`."""
        return _without_nothing(self.value(self.body["Resources"][logical_id].get("Properties", {})))

    def name(self, logical_id: str) -> tuple[str, str] | None:
        """Type and fixed name of a resource; None if CloudFormation generates the name."""
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
        return self.physical.get(name, f"<{name}>")

    def _substituted(self, name: str) -> str:
        """The value of `${name}` or `${name.attribute}` in a text."""
        logical_id, dot, attribute = name.partition(".")
        return f"<{self._named(logical_id)}.{attribute}>" if dot else str(self._named(name))


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


def _without_nothing(node: Any) -> Any:
    """A value without `AWS::NoValue`."""
    if isinstance(node, dict):
        return {name: _without_nothing(each) for name, each in node.items() if each is not None}
    if isinstance(node, list):
        return [_without_nothing(each) for each in node if each is not None]
    return node
