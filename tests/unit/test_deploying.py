"""Decisions of a deployment: parameters, and cleaning up after a failed one."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra import account, parameters, stacks
from infra.stacks import Refused

ADDRESS = "https://inventory.example.org"
STACK = "makertasks-prod"


# ── Parameters ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_given_parameters_override_stored_ones_which_override_the_stages():
    stored = {"FrontendUrl": ADDRESS, "LogRetentionDays": "90", "Architecture": "x86_64"}

    values = parameters.effective("prod", {"LogRetentionDays": "60"}, stored)

    assert values["LogRetentionDays"] == "60"
    assert values["Architecture"] == "x86_64"  # remembered: layers are built for what is deployed
    assert values["SuccessRetentionDays"] == "30"  # the template's default
    assert parameters.effective("prod", {}, {"FrontendUrl": ADDRESS})["LogRetentionDays"] == "30"  # the stage's


@pytest.mark.parametrize("stored", [{}, {"FrontendUrl": "http://localhost:3000"}], ids=["nothing stored", "default"])
@pytest.mark.parametrize("stage", ["prod", "staging"])
def test_the_front_ends_url_is_required_unless_one_is_stored(stage, stored):
    with pytest.raises(Refused, match=f"make deploy STAGE={stage} FrontendUrl=https://"):
        parameters.effective(stage, {}, stored)
    assert parameters.effective(stage, {}, {"FrontendUrl": ADDRESS})["FrontendUrl"] == ADDRESS
    assert parameters.effective("dev", {}, {})["FrontendUrl"] == "http://localhost:3000"


@pytest.mark.parametrize("address", ["https://lager.müller.example", "https://a b.example", "ftp://a.example", "a.org"])
def test_a_front_end_url_that_a_qr_code_could_not_hold_is_refused(address):
    with pytest.raises(Refused, match="FrontendUrl"):
        parameters.effective("prod", {"FrontendUrl": address}, {})


@pytest.mark.parametrize(
    ("pair", "reason"),
    [("Architecture", "write Name=value"), ("Build=1", "computed"), ("DeletionProtection=1", "computed")],
)
def test_computed_and_malformed_parameters_are_refused(pair, reason):
    with pytest.raises(Refused, match=reason):
        parameters.given([pair])


def test_keys_are_never_spread_over_fewer_partitions_than_before():
    stored = {"FrontendUrl": ADDRESS, "KeyShards": "8"}
    assert parameters.effective("prod", {}, stored)["KeyShards"] == "8"
    assert parameters.effective("prod", {"KeyShards": "16"}, stored)["KeyShards"] == "16"
    with pytest.raises(Refused, match="KeyShards cannot be lowered from 8 to 4"):
        parameters.effective("prod", {"KeyShards": "4"}, stored)


def test_an_unknown_parameter_is_refused_with_a_list_of_the_known_ones():
    with pytest.raises(Refused, match=r"no parameter Retention; it has AlarmEmail, Architecture"):
        parameters.effective("prod", {"FrontendUrl": ADDRESS, "Retention": "1"}, {})


# ── What an earlier attempt left behind ───────────────────────────────────────────────────────────────────────────────


class CloudFormation:
    """One stack in a given status; deletion and continued rollback end as in CloudFormation."""

    def __init__(self, status: str | None, *, fails: bool = False):
        self.status, self.fails, self.calls, self.events = status, fails, [], []

    def describe_stacks(self, **_which):
        if self.status is None:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        given = [{"ParameterKey": "Architecture", "ParameterValue": "x86_64"}]
        return {"Stacks": [{"StackId": f"arn:{STACK}", "StackStatus": self.status, "Parameters": given}]}

    def describe_stack_events(self, **_which):
        return {"StackEvents": self.events}

    def update_termination_protection(self, **which):
        assert which["EnableTerminationProtection"] is False

    def delete_stack(self, **_which):
        self.calls.append("delete")
        self._end("DELETE_FAILED" if self.fails else None)

    def continue_update_rollback(self, **_which):
        self.calls.append("continue")
        self._end("UPDATE_ROLLBACK_FAILED" if self.fails else "UPDATE_ROLLBACK_COMPLETE")

    def _end(self, status):
        self.status = status
        if self.fails:
            self.events = [
                {
                    "EventId": "1", "StackName": STACK, "LogicalResourceId": "MediaBucket",
                    "ResourceType": "AWS::S3::Bucket", "ResourceStatus": "DELETE_FAILED",
                    "ResourceStatusReason": "The bucket you tried to delete is not empty",
                }
            ]  # fmt: skip


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch):
    def use(status: str | None, *, fails: bool = False) -> CloudFormation:
        made = CloudFormation(status, fails=fails)
        monkeypatch.setattr(stacks.boto3, "client", lambda _service: made)
        return made

    return use


ALL_STATUSES = boto3.session.Session()._session.get_service_model("cloudformation").shape_for("StackStatus").enum


@pytest.mark.parametrize("status", ALL_STATUSES)
def test_every_status_is_deployable_cleaned_up_or_refused_with_a_reason(cloudformation, status):
    made = cloudformation(status)
    if status in stacks.READY:
        stacks.prepare(STACK)
        assert made.calls == []
    elif status in stacks.EMPTY:
        stacks.prepare(STACK)
        assert (made.calls, made.status) == (["delete"], None)
    elif status == "UPDATE_ROLLBACK_FAILED":
        stacks.prepare(STACK)
        assert (made.calls, made.status) == (["continue"], "UPDATE_ROLLBACK_COMPLETE")
    else:
        with pytest.raises(Refused, match=f"{STACK} is {status}[,:]"):
            stacks.prepare(STACK)
        assert made.calls == []


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_resources_that_cannot_be_cleaned_up_are_named_with_the_reason(cloudformation, status):
    cloudformation(status, fails=True)
    with pytest.raises(Refused, match=r"MediaBucket \(AWS::S3::Bucket\): The bucket you tried to delete is not empty"):
        stacks.prepare(STACK)


def test_a_stack_that_was_never_created_has_no_stored_parameters(cloudformation):
    cloudformation("ROLLBACK_COMPLETE")
    assert stacks.parameters_of(STACK) == {}
    cloudformation("UPDATE_ROLLBACK_COMPLETE")
    assert stacks.parameters_of(STACK) == {"Architecture": "x86_64"}


@mock_aws
def test_retained_data_of_an_earlier_stack_is_reported_before_deployment(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    account.refuse_kept_data(STACK, "prod")
    boto3.client("dynamodb").create_table(
        TableName=f"{STACK}-tasks", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    with pytest.raises(Refused, match="make restore STAGE=prod"):
        account.refuse_kept_data(STACK, "prod")
