"""Decisions of a deployment: parameters, cleaning up after a failed one, rolling back."""

from __future__ import annotations

import io
import json
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from moto import mock_aws

from infra import account, budget, deploy, parameters, rollback, stacks
from infra.local.template import load
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


# ── The account and the region ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("partition", boto3.Session().get_available_partitions())
def test_a_region_without_sign_in_is_refused_before_anything_is_created(partition):
    reasons = {
        "aws-cn": "has no Amazon Cognito", "aws-iso": "has no Amazon Cognito", "aws-iso-b": "has no Amazon Cognito",
        "aws-iso-e": "has no Amazon Cognito", "aws-iso-f": "has no Amazon Cognito",
        "aws-eusc": "sign-in pages are at a host that template.yaml does not know",
    }  # fmt: skip
    for region in boto3.Session().get_available_regions("lambda", partition):
        if partition in {"aws", "aws-us-gov"}:
            account.check_region(region)
        else:
            with pytest.raises(
                Refused, match=rf"{region} belongs to the partition {partition}, .*{reasons[partition]}"
            ):
                account.check_region(region)


class Lambda:
    """Lambda of an account with this concurrency limit."""

    def __init__(self, limit: int):
        self.limit = limit

    def get_account_settings(self):
        return {"AccountLimit": {"ConcurrentExecutions": self.limit}}


@pytest.mark.parametrize(
    ("limit", "given", "stored", "chosen"),
    [
        (10, {}, {}, "2"),  # a new account
        (60, {}, {"MaximumConcurrency": ""}, "5"),
        (1000, {}, {}, ""),
        (10, {"MaximumConcurrency": "7"}, {}, "7"),
        (10, {"MaximumConcurrency": ""}, {"MaximumConcurrency": "2"}, ""),
        (1000, {}, {"MaximumConcurrency": "30"}, "30"),
    ],
)
def test_concurrency_fits_the_accounts_limit_unless_somebody_chose_it(
    monkeypatch, capsys, limit, given, stored, chosen
):
    monkeypatch.setattr(account.boto3, "client", lambda _service: Lambda(limit))
    values = {"MaximumConcurrency": given.get("MaximumConcurrency", stored.get("MaximumConcurrency", ""))}
    deploy.limit_concurrency(values, given, stored, "prod")
    assert values["MaximumConcurrency"] == chosen
    said = capsys.readouterr().out
    assert f"{limit} concurrent executions" in said
    assert ("Service Quotas" in said) == (limit < 100)


def test_the_chosen_concurrency_leaves_room_for_the_api():
    queues = parameters.limited_queues()
    assert queues > 5
    for limit in range(account.RESERVED + account.FEWEST * queues, account.WANTED_CONCURRENCY):
        assert int(account.fitting(limit, queues)) * queues + account.RESERVED <= limit


@mock_aws
def test_a_budget_is_set_changed_and_removed(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    client, who = boto3.client("budgets"), boto3.client("sts").get_caller_identity()["Account"]

    def amounts():
        found = client.describe_budgets(AccountId=who).get("Budgets", [])
        return {each["BudgetName"]: float(each["BudgetLimit"]["Amount"]) for each in found}

    budget.set_monthly(STACK, "0", "")
    assert amounts() == {}
    for dollars in ("20", "30"):
        budget.set_monthly(STACK, dollars, "ann@example.org")
        assert amounts() == {f"{STACK}-eu-central-1": float(dollars)}
    notifications = client.describe_notifications_for_budget(AccountId=who, BudgetName=f"{STACK}-eu-central-1")
    assert [each["Threshold"] for each in notifications["Notifications"]] == [80, 100]
    budget.set_monthly(STACK, "0", "ann@example.org")
    assert amounts() == {}


def lacks_budgets(region: str) -> bool:
    try:
        PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, "AWS::Budgets::Budget")
    except ResourceNotFoundError:
        return True
    return False


def test_a_budget_cannot_be_in_the_template_because_some_regions_lack_the_resource_type():
    """CloudFormation rejects a template with an unknown resource type, whatever the conditions say."""
    lacking = {region for region in boto3.Session().get_available_regions("lambda") if lacks_budgets(region)}
    assert {"eu-central-2", "ap-southeast-5"} <= lacking
    assert "AWS::Budgets::Budget" not in {body["Type"] for body in load()["Resources"].values()}


def test_a_budget_requires_an_email_address_and_a_partition_with_aws_budgets():
    budget.check("us-gov-west-1", "0", "")
    budget.check("ap-southeast-5", "20", "ann@example.org")
    with pytest.raises(Refused, match="requires AlarmEmail"):
        budget.check("eu-central-1", "20", "")
    with pytest.raises(Refused, match="us-gov-west-1 belongs to a partition without AWS Budgets"):
        budget.check("us-gov-west-1", "20", "ann@example.org")


# ── The way back ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch):
    """A stack with one function of three published versions, whose alias names the last."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
            ],
        }
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        function = {"Type": "AWS::Lambda::Function", "Properties": {
            "FunctionName": "api", "Role": role, "Runtime": "python3.13", "Handler": "a.b",
            "Code": {"ZipFile": "x = 0"},
        }}  # fmt: skip
        body = json.dumps({"Resources": {"ApiFunction": function}})
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=body)
        client = boto3.client("lambda")
        for number in range(1, 4):
            client.update_function_code(FunctionName="api", ZipFile=zipped(f"x = {number}"))
            last = client.publish_version(FunctionName="api")["Version"]
        client.create_alias(FunctionName="api", Name="live", FunctionVersion=last)
        yield client


def zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.py", text)
    return content.getvalue()


def test_a_rollback_moves_to_the_version_before_and_the_next_deployment_knows_it(deployed):
    before = int(deployed.get_alias(FunctionName="api", Name="live")["FunctionVersion"])
    assert rollback.marker(STACK) == ""

    rollback.roll_back(STACK)

    assert int(deployed.get_alias(FunctionName="api", Name="live")["FunctionVersion"]) == before - 1
    assert rollback.marker(STACK) == f"api:{before}"


def test_a_rollback_without_an_earlier_version_changes_nothing(deployed):
    rollback.roll_back(STACK)
    rollback.roll_back(STACK)
    with pytest.raises(Refused, match="no previous version"):
        rollback.roll_back(STACK)
    with pytest.raises(Refused, match="stack makertasks-dev does not exist"):
        rollback.roll_back("makertasks-dev")
