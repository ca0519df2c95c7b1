"""The stack's tables, bucket and queues as template.yaml declares them, on moto."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.core.serialize import ResponseSerializer

from makertasks.aws import session as aws_module
from makertasks.inventory import batches, names
from makertasks.monitoring import recent, views
from makertasks.worker import task_limits
from tests.template import resources

ROOT = Path(__file__).parents[1]
TABLE_KEYS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "StreamSpecification")

# The environment that template.yaml gives every function.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STACK_NAME": "unit",
    "TASKS_TABLE": "unit-tasks",
    "INVENTORY_TABLE": "unit-inventory",
    "COUNTERS_TABLE": "unit-counters",
    "MEDIA_BUCKET": "unit-media",
    "FRONTEND_URL": "http://localhost:3000",
    "RETENTION_DAYS_SUCCESS": "30",
    "DELAYS_ROLE": "arn:aws:iam::123456789012:role/unit-delays",
    "LAMBDA_TASK_ROOT": str(ROOT / "functions"),
    "POWERTOOLS_SERVICE_NAME": "unit",
    "POWERTOOLS_METRICS_NAMESPACE": "makertasks",
}


# DynamoDB's types; a value is an object with one of them as its only key: {"S": "text"}.
VALUE_TYPES = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}
_get_value = ResponseSerializer.get_value


def get_value(serializer: ResponseSerializer, found: Any, key: str, shape: Any) -> Any:
    """Return a member of a response; moto tries five other names for each type that a value lacks.

    That took a fifth of the engine tests' CPU time.
    """
    if type(found) is dict and len(found) == 1 and not VALUE_TYPES.isdisjoint(found):
        return found.get(key)
    return _get_value(serializer, found, key, shape)


ResponseSerializer.get_value = get_value  # type: ignore[method-assign]


class Clients:
    """The part of a boto3 session that tests use."""

    @staticmethod
    def client(service):
        """The client that the code under test also uses."""
        return aws_module.client(service)


aws_clients = Clients()


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The environment that template.yaml gives every function."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    names.forget()
    recent.forget()
    views._folders.cache_clear()  # a test with its own tasks may have filled it
    task_limits._cache.clear()  # limits of another test would be cached for five seconds
    batches._names.clear()


@pytest.fixture
def aws(environment):
    """An empty AWS account on moto. boto3's clients are kept between tests, because creating one is slow."""
    with mock_aws():
        yield aws_clients


def create_table(aws, resource: str, name: str) -> None:
    properties = resources()[resource]["Properties"]
    wanted = {key: properties[key] for key in TABLE_KEYS if key in properties}
    if "StreamSpecification" in wanted:
        wanted["StreamSpecification"] = {"StreamEnabled": True, **wanted["StreamSpecification"]}
    aws.client("dynamodb").create_table(TableName=name, **wanted)


@pytest.fixture
def tasks_table(aws):
    """The tasks table."""
    create_table(aws, "TasksTable", "unit-tasks")


@pytest.fixture
def counters_table(aws):
    """The counters table."""
    create_table(aws, "CountersTable", "unit-counters")


@pytest.fixture
def inventory_table(aws):
    """The inventory table."""
    create_table(aws, "InventoryTable", "unit-inventory")


@pytest.fixture
def media_bucket(aws):
    """The media bucket."""
    aws.client("s3").create_bucket(Bucket="unit-media")


@pytest.fixture
def task_queues(aws):
    """Every queue of the stack."""
    sqs = aws.client("sqs")
    for resource in resources().values():
        if resource["Type"] == "AWS::SQS::Queue":
            sqs.create_queue(QueueName=resource["Properties"]["QueueName"].replace("${AWS::StackName}", "unit"))
