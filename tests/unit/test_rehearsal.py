"""A stack's life on a model of CloudFormation: creation, failure, retry, update, removal, restoring; and limits."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest

from infra import parameters, restore
from tests.cloudformation import transformed
from tests.cloudformation_model import PSEUDO, Account, Template

STACK = "makertasks-staging"
FIRST, SECOND = {"Build": "a" * 64}, {"Build": "b" * 64}


@cache
def bodies() -> dict[str, dict[str, Any]]:
    """The template of two deployments, after SAM's transform."""
    return dict(zip(("first", "second"), transformed(FIRST, SECOND), strict=True))


def template(which: str = "first", **more: str) -> Template:
    given = {"first": FIRST, "second": SECOND}[which]
    return Template(bodies()[which], STACK, {"FrontendUrl": "https://a.example", **given, **more})


def everything(made: Template) -> set[tuple[str, str]]:
    return {name for logical_id in made.resources() if (name := made.name(logical_id))}


def stores(made: Template) -> set[tuple[str, str]]:
    kept = [name for name, body in made.resources().items() if "DeletionPolicy" in body]
    return {name for logical_id in kept if (name := made.name(logical_id)) and "Version" not in logical_id}


def test_nothing_depends_on_itself_and_no_two_resources_share_a_name():
    for more in ({}, {"KeyArn": "arn:aws:kms:x"}, {"AlarmEmail": "ann@example.org"}):
        made = template(**more)
        assert len(list(made.order())) == len(made.resources())
        names = [name for logical_id in made.resources() if (name := made.name(logical_id))]
        assert len(names) == len(set(names))


def test_a_creation_that_failed_anywhere_leaves_nothing_and_succeeds_when_tried_again():
    made = template()
    for fails_at in list(made.order())[::10]:
        account = Account()
        account.create(made, fails_at)
        assert (account.status, account.existing) == ("ROLLBACK_COMPLETE", set()), fails_at
        account.create(made)
        assert account.status == "CREATE_COMPLETE"


def test_retaining_stores_even_then_would_have_made_the_second_try_fail():
    body = copy.deepcopy(bodies()["first"])
    for resource in body["Resources"].values():
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Retain"
    account, made = Account(), Template(body, STACK, FIRST)
    account.create(made, list(made.order())[-1])
    account.create(made)
    assert account.status == "ROLLBACK_COMPLETE"


def test_protecting_stores_from_the_first_moment_would_make_a_failed_creation_stuck():
    made = template(DeletionProtection="true")
    account = Account()
    account.create(made, list(made.order())[-1])
    assert account.status == "ROLLBACK_FAILED"
    assert parameters.effective("dev", {}, {})["DeletionProtection"] == "false"


def test_an_update_moves_every_alias_to_a_new_version():
    account = Account()
    account.create(template())
    before = aliases(account.stack)
    account.update(template("second"))
    after = aliases(account.stack)
    assert before.keys() == after.keys()
    assert not [name for name in before if before[name] == after[name]]


def aliases(stack: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The version that each alias names."""
    return {
        name: json.dumps(body["Properties"]["FunctionVersion"])
        for name, body in stack.items()
        if body["Type"] == "AWS::Lambda::Alias"
    }


def test_a_removed_stack_leaves_its_stores_and_comes_back_with_them():
    made = template()
    account = Account()
    account.create(made)
    account.delete(made)
    assert account.existing == stores(made)
    assert len(stores(made)) == len(restore.IDENTIFIERS) - 1  # a user pool's name is not its identifier

    # creating it anew meets the stores
    account.create(made)
    assert account.status == "ROLLBACK_COMPLETE"
    assert account.existing >= stores(made)

    # restoring does not
    names = {logical_id: (made.name(logical_id) or ("", "pool-1"))[1] for logical_id in restore.IDENTIFIERS}
    account.adopt(Template(restore.template(names), STACK))
    account.update(made)
    assert account.status == "UPDATE_COMPLETE"
    assert account.existing == everything(made)


# ── Limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html and those of each service

LONGEST_STACK_NAME = "makertasks-staging"


def test_the_template_is_within_cloudformations_limits():
    made = template()
    assert len(made.body["Resources"]) <= 500
    assert len(json.dumps(made.body, separators=(",", ":")).encode()) <= 460_800
    assert len(made.body["Outputs"]) <= 200
    assert len(made.body["Parameters"]) <= 200


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_no_stage_has_a_stack_name_that_is_longer_than_what_is_tested_here(stage):
    assert len(parameters.configuration(stage)["stack_name"]) <= len(LONGEST_STACK_NAME)


def test_names_are_short_enough_in_the_longest_region():
    longest = {
        "AWS::Lambda::Function": 64,
        "AWS::S3::Bucket": 63,
        "AWS::SQS::Queue": 80,
        "AWS::Scheduler::ScheduleGroup": 64,
    }
    made = template()
    for kind, most in longest.items():
        named = [made.name(each) for each, body in made.resources().items() if body["Type"] == kind]
        assert named
        for _, name in filter(None, named):
            assert len(name) <= most, name


def test_environments_and_inline_policies_are_small_enough():
    made = template(FrontendUrl="https://" + "a" * 200)
    for name, body in made.resources().items():
        properties = made.value(body.get("Properties", {}))
        if body["Type"] == "AWS::Lambda::Function":
            variables = properties["Environment"]["Variables"]
            assert sum(len(key) + len(str(value)) for key, value in variables.items()) <= 4096 * 3 // 4, name
        if body["Type"] == "AWS::IAM::Role":
            inline = sum(
                len(json.dumps(each["PolicyDocument"], separators=(",", ":")))
                for each in properties.get("Policies", [])
            )
            assert inline <= 10_240 * 3 // 4, name  # references become ARNs, which are longer


@pytest.mark.parametrize(
    ("partition", "host"), [("aws", ".auth.ap-southeast-5.amazoncognito.com"), ("aws-us-gov", ".auth-fips.")]
)
def test_login_pages_have_the_partitions_own_host(partition: str, host: str, monkeypatch: pytest.MonkeyPatch):
    """https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html"""
    monkeypatch.setitem(PSEUDO, "AWS::Partition", partition)
    made = template()
    function = made.body["Resources"]["ApiFunction"]["Properties"]
    addresses = [
        made.value(function["Environment"]["Variables"]["SIGN_IN_ADDRESS"]),
        made.value(made.body["Outputs"]["SignInAddress"]["Value"]),
    ]
    assert all(host in address for address in addresses)
