"""What a deployment needs from the account and the region: services, concurrency, a budget."""

from __future__ import annotations

import boto3
import pytest
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from moto import mock_aws

from infra import account, budget, deploy, parameters
from infra.local.template import load
from infra.stacks import Refused

STACK = "makertasks-prod"


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

    # when no budget is given, then none exists
    budget.set_monthly(STACK, "0", "")
    assert amounts() == {}
    # when one is given and changed, then it exists once and warns by email
    for dollars in ("20", "30"):
        budget.set_monthly(STACK, dollars, "ann@example.org")
        assert amounts() == {f"{STACK}-eu-central-1": float(dollars)}
    notifications = client.describe_notifications_for_budget(AccountId=who, BudgetName=f"{STACK}-eu-central-1")
    assert [each["Threshold"] for each in notifications["Notifications"]] == [80, 100]
    # when it is set to nothing, then it is removed
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
