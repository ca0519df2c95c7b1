"""A stack on the model of CloudFormation, for rehearsals."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from tests.cloudformation import FIRST, SECOND, deployments
from tests.cloudformation_model import Account
from tests.cloudformation_template import Template
from tests.template import ROOT

STACK = "makertasks-staging"
POLICY = json.loads((ROOT / "infra/stack-policy.json").read_text())


def template(which: str = "first", **more: str) -> Template:
    given = {"first": FIRST, "second": SECOND}[which]
    return Template(deployments()[which], STACK, {"FrontendUrl": "https://a.example", **given, **more})


def changed(logical_id: str, change: Callable[[dict[str, Any]], object], which: str = "second") -> Template:
    """The template with one changed resource."""
    made = template(which)
    made.body = copy.deepcopy(made.body)
    change(made.body["Resources"][logical_id])
    return made


def created(**more: str) -> Account:
    """An account with a stack."""
    account = Account(policy=POLICY)
    account.create(template(**more))
    assert account.status == "CREATE_COMPLETE", account.reason
    return account


def state(account: Account) -> dict[Any, Any]:
    return {key: found.properties for key, found in account.existing.items() if key[0] != "AWS::Lambda::Version"}


def kept(made: Template) -> set[str]:
    return {name for name, body in made.resources().items() if body.get("DeletionPolicy") == "RetainExceptOnCreate"}


def aliases(account: Account) -> dict[str, str]:
    """The version that each alias points to."""
    return {
        found.name: found.properties["FunctionVersion"].removesuffix(".Version>").removeprefix("<")
        for found in account.existing.values()
        if found.kind == "AWS::Lambda::Alias"
    }
