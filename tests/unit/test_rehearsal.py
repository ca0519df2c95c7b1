"""A stack's life on a model of CloudFormation: creation, failure, retry, update, rollback."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from rehearsed_stack import POLICY, STACK, aliases, changed, created, kept, state, template

from infra import parameters, stacks
from tests.cloudformation_model import Account, replaced_by
from tests.cloudformation_template import NAMES, PSEUDO, Template

# ── What the model has to know about the template ─────────────────────────────────────────────────────────────────────


def test_no_resource_depends_on_itself_and_names_are_unique():
    for more in ({}, {"KeyArn": "arn:aws:kms:x"}, {"AlarmEmail": "ann@example.org"}):
        made = template(**more)
        assert len(list(made.order())) == len(made.resources())
        names = [name for logical_id in made.resources() if (name := made.name(logical_id))]
        assert len(names) == len(set(names))


# Types whose names are scoped by another resource, which is replaced with them.
NAMED_WITHIN = {
    "AWS::Cognito::UserPoolGroup": "GroupName", "AWS::Lambda::Alias": "Name", "AWS::Scheduler::Schedule": "Name",
    "AWS::ApiGatewayV2::Stage": "StageName",
}  # fmt: skip


def test_the_model_knows_every_name_that_is_fixed():
    made = template()
    for logical_id, body in made.resources().items():
        for name in replaced_by(body["Type"]) & body.get("Properties", {}).keys():
            if name == "Domain" or (name.endswith("Name") and body["Type"].endswith(name.removesuffix("Name"))):
                assert name in {NAMES.get(body["Type"]), NAMED_WITHIN.get(body["Type"])}, f"{logical_id}.{name}"


# ── Creation ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_creation_leaves_nothing_behind_and_can_be_repeated():
    for fails_at in list(template().order())[::10]:
        account = Account()
        account.create(template(), fails_at)
        assert (account.status, account.existing) == ("ROLLBACK_COMPLETE", {}), fails_at
        assert account.status in stacks.EMPTY
        account.create(template())
        assert account.status == "CREATE_COMPLETE"


def test_retaining_stores_after_a_failed_creation_would_make_the_second_attempt_fail():
    made = template()
    made.body = copy.deepcopy(made.body)
    for resource in made.body["Resources"].values():
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Retain"
    account = Account()
    account.create(made, list(made.order())[-1])
    account.create(made)
    assert account.status == "ROLLBACK_COMPLETE"
    assert "already exists" in account.reason


def test_protecting_stores_from_the_start_would_leave_a_failed_creation_stuck():
    made = template(DeletionProtection="true")
    account = Account()
    account.create(made, list(made.order())[-1])
    assert account.status == "ROLLBACK_FAILED"
    assert parameters.effective("dev", {}, {})["DeletionProtection"] == "false"


# ── Updates ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_update_moves_every_alias_to_a_new_version_and_keeps_the_one_before():
    account = created()
    before = aliases(account)
    account.update(template("second"))
    assert account.status == "UPDATE_COMPLETE", account.reason
    after = aliases(account)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    versions = {name for kind, name in account.existing if kind == "AWS::Lambda::Version"}
    assert versions >= set(before.values()), "what `make rollback` moves back to"


def test_protecting_a_new_stack_afterwards_publishes_nothing():
    account = created()
    before = aliases(account)
    account.update(template(DeletionProtection="true"))
    assert account.status == "UPDATE_COMPLETE", account.reason
    assert aliases(account) == before
    assert account.existing["AWS::DynamoDB::Table", f"{STACK}-tasks"].is_protected


def test_a_failed_update_leaves_the_stack_unchanged():
    for fails_at in list(template("second").order())[::10]:
        account = created()
        before, versions = state(account), aliases(account)
        account.update(template("second"), fails_at)
        assert account.status == "UPDATE_ROLLBACK_COMPLETE", fails_at
        assert account.status in stacks.READY
        assert (state(account), aliases(account)) == (before, versions), fails_at


def test_after_a_failed_update_the_same_build_needs_another_digest():
    """Why the digest includes rollback.marker: Lambda publishes no version that equals the newest one."""
    account = created()
    account.update(template("second"), fails_at=list(template("second").order())[-1])
    assert account.status == "UPDATE_ROLLBACK_COMPLETE"
    account.update(template("second"))
    assert "A version for this Lambda function exists" in account.reason

    again = template("second", Build="c" * 64)
    again.body = json.loads(json.dumps(again.body).replace("b" * 64, "c" * 64))
    account.update(again)
    assert account.status == "UPDATE_COMPLETE", account.reason


def test_a_failed_rollback_can_be_finished_once_its_cause_is_fixed():
    # given a queue that a person deletes during an update that changed it and then fails
    account, made = created(), changed("DeadLetters", lambda body: body["Properties"].update(VisibilityTimeout=90))
    before, queue, last = state(account), ("AWS::SQS::Queue", f"{STACK}-dead-letters"), list(made.order())[-1]
    lost = []

    def order():
        for logical_id in Template.order(made):
            if logical_id == last:
                lost.append(account.existing.pop(queue))
            yield logical_id

    made.order = order
    account.update(made, fails_at=last)

    # then its rollback gets stuck, and continuing it succeeds once the queue is back
    assert account.status == stacks.STUCK
    account.continue_rollback()
    assert account.status == stacks.STUCK
    account.existing[queue] = lost[0]
    account.continue_rollback()
    assert (account.status, state(account)) == ("UPDATE_ROLLBACK_COMPLETE", before)


def test_a_manually_deleted_resource_fails_an_update_and_leaves_the_others_unchanged():
    account = created()
    del account.existing["AWS::SQS::Queue", f"{STACK}-dead-letters"]
    before = state(account)
    account.update(changed("DeadLetters", lambda body: body["Properties"].update(VisibilityTimeout=90)))
    assert "is gone" in account.reason
    assert (account.status, state(account)) == ("UPDATE_ROLLBACK_COMPLETE", before)


def test_every_parameter_can_be_changed_later():
    """No parameter change replaces a resource with a fixed name, which CloudFormation rejects."""
    values = {
        "KeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1", "SiteUrl": "https://a.example/makertasks/changes/",
        "AlarmEmail": "ann@example.org", "LeadTimesSchedule": "rate(1 day)", "CleanMediaSchedule": "rate(2 days)",
        "LeadTimesTimezone": "Europe/Vienna", "Runtime": "python3.14", "MaximumConcurrency": "7",
    }  # fmt: skip
    for name, body in template().body["Parameters"].items():
        default = str(body.get("Default", ""))
        allowed = [str(each) for each in body.get("AllowedValues", ()) if str(each) != default]
        value = values.get(name) or next(iter(allowed), "77" if body["Type"] == "Number" else "another")
        account = created()
        account.update(template("second", **{name: value}))
        assert account.status == "UPDATE_COMPLETE", f"{name}: {account.reason}"


@pytest.mark.parametrize(
    ("logical_id", "name", "value"),
    [("GenerateQrCodeQueue", "FifoQueue", True), ("GenerateQrCodeFunction", "PackageType", "Image")],
)
def test_replacing_what_has_a_fixed_name_is_refused_and_changes_nothing(logical_id: str, name: str, value: Any):
    account = created()
    before = state(account)
    account.update(changed(logical_id, lambda body: body["Properties"].update({name: value})))
    assert "cannot replace the custom-named" in account.reason
    assert (account.status, state(account)) == ("UPDATE_ROLLBACK_COMPLETE", before)


def test_a_renamed_resource_is_replaced():
    account = created()
    account.update(changed("Delays", lambda body: body["Properties"].update(Name="other")))
    groups = {name for kind, name in account.existing if kind == "AWS::Scheduler::ScheduleGroup"}
    assert account.status == "UPDATE_COMPLETE", account.reason
    assert "other" in groups
    assert f"{STACK}-delays" not in groups


@pytest.mark.parametrize("policy", [POLICY, {}])
def test_no_update_replaces_or_removes_a_store(policy: dict[str, Any]):
    for logical_id in kept(template()):
        # when an update no longer has the store, then it still exists
        removed = template("second")
        removed.body = copy.deepcopy(removed.body)
        body = removed.body["Resources"].pop(logical_id)
        account = created()
        account.policy = policy
        key = (body["Type"], account.stack.names[logical_id])
        account.update(removed)
        if policy:
            assert "Update:Delete is denied" in account.reason
        assert key in account.existing, "retained even without the policy"

        # when an update changes its name, then the old one still exists
        account = created()
        account.policy = policy
        renamed = {"AWS::DynamoDB::Table": "TableName", "AWS::S3::Bucket": "BucketName"}.get(body["Type"])
        if renamed:
            account.update(changed(logical_id, lambda body, name=renamed: body["Properties"].update({name: "other"})))
            assert (account.status == "UPDATE_ROLLBACK_COMPLETE") == bool(policy)
            assert key in account.existing


# ── Other partitions ──────────────────────────────────────────────────────────────────────────────────────────────────


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
