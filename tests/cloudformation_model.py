"""A small model of CloudFormation: the rules that decide whether a deployment can be repeated, removed and restored.

It knows fixed names, the order of dependencies, deletion and replacement policies, deletion protection, stack policies,
published versions, rollbacks and imports. It allows whatever it does not know.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.cloudformation_template import Template

Undo = Callable[[], bool]


class Failed(Exception):
    """A resource could not be created or changed."""


@cache
def replaced_by(kind: str) -> frozenset[str]:
    """Properties of a type whose change makes CloudFormation replace the resource, from AWS's own schemas."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return frozenset(each.split("/")[2] for each in schema.get("createOnlyProperties", []))


@dataclass
class Resource:
    """One existing resource, whether or not it belongs to a stack."""

    kind: str
    name: str
    properties: dict[str, Any]

    @property
    def is_protected(self) -> bool:
        """Whether it is protected against deletion."""
        return self.properties.get("DeletionProtectionEnabled") is True or (
            self.properties.get("DeletionProtection") == "ACTIVE"
        )


@dataclass
class Stack:
    """A stack's resources: each one's physical name, and the policies of its last deployment."""

    names: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Account:
    """The resources of one account and region, with one stack."""

    existing: dict[tuple[str, str], Resource] = field(default_factory=dict)
    stack: Stack = field(default_factory=Stack)
    status: str | None = None
    reason: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)  # the stack policy
    published: dict[str, Any] = field(default_factory=dict)  # the content of each function's newest version
    _made: int = 0
    _stuck: list[Undo] = field(default_factory=list)

    # ── Operations ────────────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, template: Template, fails_at: str | None = None) -> None:
        """Create the stack; a failure removes created resources that are neither retained nor protected."""
        self.stack, undone = Stack(), []
        template.physical = self.stack.names
        try:
            undone.extend(self._make(template, logical_id, fails_at) for logical_id in template.order())
        except Failed as error:
            left = [undo for undo in reversed(undone) if not undo()]
            self.stack, self.status, self.reason = Stack(), "ROLLBACK_COMPLETE", str(error)
            if left:
                self.status = "ROLLBACK_FAILED"
        else:
            self.stack.bodies, self.status = dict(template.resources()), "CREATE_COMPLETE"

    def update(self, template: Template, fails_at: str | None = None) -> None:
        """Update the stack to a template; a failure rolls it back."""
        before, wanted = dict(self.stack.names), template.resources()
        template.physical = self.stack.names
        undone: list[Undo] = []
        try:
            self._refuse_denied_deletions(before.keys() - wanted.keys())
            for logical_id in template.order():
                change = self._change if logical_id in before else self._make
                undone.append(change(template, logical_id, fails_at))
        except Failed as error:
            self.reason = str(error)
            self._roll_back(list(reversed(undone)), before)
            return
        self._clean_up(before, wanted)
        self.stack.bodies, self.status = dict(wanted), "UPDATE_COMPLETE"

    def continue_rollback(self) -> None:
        """Continue a failed rollback, as `continue-update-rollback` does."""
        assert self.status == "UPDATE_ROLLBACK_FAILED"
        self._roll_back(self._stuck, self.stack.names)

    def adopt(self, template: Template, names: Mapping[str, str]) -> None:
        """Import: every resource must exist as described, and have a deletion policy."""
        assert not self.stack.names
        template.physical = dict(names)
        for logical_id, body in template.resources().items():
            assert body.get("DeletionPolicy"), f"{logical_id} has no deletion policy"
            found = self.existing.get((body["Type"], names[logical_id]))
            assert found, f"{names[logical_id]} does not exist and cannot be imported"
            described = template.properties(logical_id)
            assert {name: found.properties.get(name) for name in described} == described, logical_id
        self.stack = Stack(dict(names), dict(template.resources()))
        self.status = "IMPORT_COMPLETE"

    def delete(self) -> None:
        """Delete the stack; retained resources stay, and protected ones make it fail."""
        left = {}
        for logical_id, body in reversed(self.stack.bodies.items()):
            if not str(body.get("DeletionPolicy", "")).startswith("Retain") and not self._remove(body, logical_id):
                left[logical_id] = self.stack.names[logical_id]
        self.status = "DELETE_FAILED" if left else None
        self.stack = Stack(left, {name: self.stack.bodies[name] for name in left})

    # ── One resource ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _make(self, template: Template, logical_id: str, fails_at: str | None) -> Undo:
        """Create a resource; returns a function that undoes it."""
        body, names = template.body["Resources"][logical_id], self.stack.names
        fixed = template.name(logical_id)
        self._made += 1
        key = fixed or (body["Type"], f"{logical_id}-{self._made}")
        if logical_id == fails_at:
            raise Failed(f"{logical_id}: something is wrong with it")
        if key in self.existing:
            raise Failed(f"{logical_id}: {key[1]} already exists")
        properties = template.properties(logical_id)
        if body["Type"] == "AWS::Lambda::Version":
            self._publish(properties["FunctionName"])
        self.existing[key], names[logical_id] = Resource(*key, properties), key[1]

        def undo() -> bool:
            if body.get("DeletionPolicy") == "Retain":
                return names.pop(logical_id) is not None
            if self.existing.get(key) and self.existing[key].is_protected:
                return False
            self._forget(key)
            names.pop(logical_id)
            return True

        return undo

    def _publish(self, function: str) -> None:
        """Publish a version; Lambda publishes none if the function equals its newest version."""
        content = self.existing["AWS::Lambda::Function", function].properties
        if self.published.get(function) == content:
            raise Failed(f"A version for this Lambda function exists: {function}. Modify the function")
        self.published[function] = content

    def _change(self, template: Template, logical_id: str, fails_at: str | None) -> Undo:
        """Change a resource's properties or replace it; returns a function that undoes it."""
        kind = template.body["Resources"][logical_id]["Type"]
        key = (kind, self.stack.names[logical_id])
        wanted = template.properties(logical_id)
        found = self.existing.get(key)
        if logical_id == fails_at or found is None:
            raise Failed(f"{logical_id}: something is wrong with it" if found else f"{logical_id}: {key[1]} is gone")
        before = found.properties
        changed = {name for name in before.keys() | wanted.keys() if before.get(name) != wanted.get(name)}
        if changed & replaced_by(kind):
            self._refuse_denied("Update:Replace", logical_id)
            fixed = template.name(logical_id)
            if fixed == key:
                raise Failed(f"{logical_id}: cannot replace the custom-named {key[1]} ({', '.join(sorted(changed))})")
            undo = self._make(template, logical_id, fails_at)
            return lambda: undo() and self.stack.names.update({logical_id: key[1]}) is None
        found.properties = wanted

        def undo_change() -> bool:
            if key not in self.existing:
                return False
            self.existing[key].properties = before
            return True

        return undo_change

    def _remove(self, body: Mapping[str, Any], logical_id: str) -> bool:
        """Delete a stack's resource; returns False if it is protected."""
        key = (body["Type"], self.stack.names[logical_id])
        if key in self.existing and self.existing[key].is_protected:
            return False
        self._forget(key)
        return True

    def _forget(self, key: tuple[str, str]) -> None:
        """Remove a deleted resource; a function's versions are removed with it."""
        self.existing.pop(key, None)
        if key[0] == "AWS::Lambda::Function":
            self.published.pop(key[1], None)
            for version, found in list(self.existing.items()):
                if version[0] == "AWS::Lambda::Version" and found.properties["FunctionName"] == key[1]:
                    del self.existing[version]

    # ── Rules of the whole stack ──────────────────────────────────────────────────────────────────────────────────────

    def _roll_back(self, undone: list[Undo], names: Mapping[str, str]) -> None:
        for number, undo in enumerate(undone):
            if not undo():
                self._stuck, self.status = undone[number:], "UPDATE_ROLLBACK_FAILED"
                return
        self.stack.names, self._stuck, self.status = dict(names), [], "UPDATE_ROLLBACK_COMPLETE"

    def _clean_up(self, before: Mapping[str, str], wanted: Mapping[str, Any]) -> None:
        """Clean up after an update: resources that were replaced or are no longer in the template."""
        for logical_id, name in before.items():
            body, is_gone = self.stack.bodies[logical_id], logical_id not in wanted
            policy = body.get("DeletionPolicy" if is_gone else "UpdateReplacePolicy", "")
            if (is_gone or self.stack.names[logical_id] != name) and not policy.startswith("Retain"):
                self._forget((body["Type"], name))
            if is_gone:
                del self.stack.names[logical_id]

    def _refuse_denied_deletions(self, logical_ids: set[str]) -> None:
        for logical_id in sorted(logical_ids):
            self._refuse_denied("Update:Delete", logical_id)

    def _refuse_denied(self, action: str, logical_id: str) -> None:
        for statement in self.policy.get("Statement", ()):
            is_named = f"LogicalResourceId/{logical_id}" in statement["Resource"]
            if statement["Effect"] == "Deny" and action in statement["Action"] and is_named:
                raise Failed(f"{logical_id}: {action} is denied by the stack policy")
