"""The account's monthly budget: AWS Budgets sends mail to AlarmEmail at 80 % and at 100 % of it, free of charge.

A budget belongs to the account, not to a region, and CloudFormation supports its type only in some regions. Others
reject any template that contains it, so a deployment sets it by an API call instead.
"""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from infra.stacks import Refused

PERCENT = (80, 100)


def check(region: str, dollars: str, email: str) -> None:
    """Raise Refused for a budget without recipients, or if the region's partition has no budgets."""
    if not float(dollars):
        return
    if not email:
        raise Refused("BudgetDollars requires AlarmEmail, the address to which AWS Budgets sends mail; set both")
    if boto3.Session().get_partition_for_region(region) != "aws":
        raise Refused(f"region {region} belongs to a partition without AWS Budgets; leave BudgetDollars out")


def set_monthly(stack: str, dollars: str, email: str) -> None:
    """Create or replace the stack's budget; 0 dollars delete it."""
    account, name = boto3.client("sts").get_caller_identity()["Account"], name_of(stack)
    found = _find(account, name)
    wanted = float(dollars)
    if found is None and not wanted:
        return
    client = boto3.client("budgets")
    if found is not None:
        client.delete_budget(AccountId=account, BudgetName=name)  # and its recipients
    if wanted:
        client.create_budget(
            AccountId=account,
            Budget={
                "BudgetName": name,
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": dollars, "Unit": "USD"},
            },
            NotificationsWithSubscribers=[
                {
                    "Notification": {
                        "NotificationType": "ACTUAL",
                        "ComparisonOperator": "GREATER_THAN",
                        "Threshold": percent,
                        "ThresholdType": "PERCENTAGE",
                    },
                    "Subscribers": [{"SubscriptionType": "EMAIL", "Address": email}],
                }
                for percent in PERCENT
            ],
        )


def name_of(stack: str) -> str:
    """Return the budget's name, unique in the account: the same stage may be deployed to two regions."""
    return f"{stack}-{boto3.client('sts').meta.region_name}"


def _find(account: str, name: str) -> object | None:
    try:
        return dict(boto3.client("budgets").describe_budget(AccountId=account, BudgetName=name)["Budget"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return None
        raise
