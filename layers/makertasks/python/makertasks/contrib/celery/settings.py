"""Settings for stock Celery clients, and IAM policies for clients that send tasks and read results."""

from __future__ import annotations

from typing import Any

from makertasks import settings, tasks
from makertasks.aws import dynamodb, queues
from makertasks.records.payloads import FOLDER as PAYLOADS
from makertasks.submission import delays


def celery_settings() -> dict[str, Any]:
    """Celery's settings by their own names (`app.conf.update(**celery_settings())`); raises Unavailable.

    The result backend's address intentionally has no `ttl_seconds`: with it Celery would try to change the table's time
    to live.
    """
    names = _queues()
    region = queues.region()
    return {
        "broker_url": "sqs://",
        "broker_transport_options": {
            "region": region,
            "predefined_queues": {queues.name_of(short): {"url": queues.url_of(short)} for short in names.values()},
        },
        "task_routes": {name: {"queue": queues.name_of(short)} for name, short in names.items()},
        "result_backend": f"dynamodb://@{region}/{settings.tasks_table()}",
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "result_extended": True,
        # SQS has no broadcasts, so nobody would answer these.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
    }


def django_settings() -> str:
    """These settings as lines for a Django project's settings.py, with Celery's usual prefix; raises Unavailable."""
    lines = [f"CELERY_{name.upper()} = {_python(value)}\n" for name, value in celery_settings().items()]
    return "".join(lines)


def policy(*, inventory: bool = False, results: bool = False) -> dict[str, Any]:
    """The least IAM policy for whoever runs that client; raises Unavailable.

    `inventory`: the client also sends changes of its inventory and pulls those made by tasks
    (`makertasks.contrib.django`). `results`: it reads results that are too large for records
    (`contrib.celery.reader`). Without permission to list the bucket, S3 would return "forbidden" for missing objects.

    Groups, chords and `forget()` put and delete items; MakertasksControl updates the records of tasks it revokes.
    """
    table = _table_arn()
    arns = [queues.arn_by_sqs(short) for short in _queues().values()]
    partition = table.split(":")[1]
    bucket = f"arn:{partition}:s3:::{settings.bucket()}"
    more = _inventory_statements(bucket) if inventory else []
    if results:
        more.append(_allow("LargeResults", ["s3:GetObject"], f"{bucket}/{PAYLOADS}*"))
    return {
        "Version": "2012-10-17",
        "Statement": [
            *more,
            _allow("SendTasks", ["sqs:GetQueueAttributes", "sqs:SendMessage"], arns),
            _allow("ReadResults", ["dynamodb:DescribeTable", "dynamodb:GetItem"], table),
            _allow("KeepGroupsAndForget", ["dynamodb:PutItem", "dynamodb:DeleteItem"], table),
            _allow("Revoke", ["dynamodb:UpdateItem"], table),
            _allow("RevokeDelayed", ["scheduler:DeleteSchedule"], _schedules_arn(table)),
        ],
    }


def _inventory_statements(bucket: str) -> list[dict[str, Any]]:
    """The additional statements for `makertasks.contrib.django`."""
    pull = ["sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
    return [
        _allow("SendInventory", ["s3:PutObject"], f"{bucket}/imports/changes/*"),
        _allow("PullChanges", pull, queues.arn_by_sqs(queues.SITE_CHANGES)),
        _allow("ReadMedia", ["s3:GetObject"], [f"{bucket}/inventory/images/*", f"{bucket}/inventory/qrcodes/*"]),
        _allow("KnowMedia", ["s3:ListBucket"], bucket),
        _allow("Compare", ["dynamodb:Scan"], _table_arn(settings.inventory_table())),
    ]


def client_policy() -> dict[str, Any]:
    """The least IAM policy for a program that uses the Python client; raises Unavailable.

    Revoking updates items and forgetting deletes them; the bucket holds large arguments and results.
    """
    table = _table_arn()
    payloads = f"arn:{table.split(':')[1]}:s3:::{settings.bucket()}/{PAYLOADS}*"
    arns = [queues.arn_by_sqs(short) for short in _queues().values()]
    single = ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("SendTasks", ["sqs:GetQueueUrl", "sqs:SendMessage"], arns),
            _allow("Records", [*single, "dynamodb:BatchWriteItem"], table),
            _allow("KnowItems", ["dynamodb:BatchGetItem"], _table_arn(settings.inventory_table())),
            _allow("LargeValues", ["s3:PutObject", "s3:GetObject"], payloads),
            _allow("RevokeDelayed", ["scheduler:DeleteSchedule"], _schedules_arn(table)),
        ],
    }


def _queues() -> dict[str, str]:
    """The queues of the tasks that callers may send, by the tasks' names."""
    return {name: declared.short_name for name, declared in tasks.discover().items() if not declared.system}


def _allow(sid: str, actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _table_arn(name: str | None = None) -> str:
    """ARN of a table, by default the tasks table."""
    return dynamodb.arn_of(name or settings.tasks_table())


def _schedules_arn(table: str) -> str:
    """ARN of the schedules for tasks that are delayed longer than SQS can."""
    _, partition, _, region, account, _ = table.split(":", 5)
    return f"arn:{partition}:scheduler:{region}:{account}:schedule/{delays.group()}/task-*"


def _python(value: Any, indent: int = 0) -> str:
    """Python source of a setting, one entry per line."""
    if not isinstance(value, dict):
        return repr(value).replace("'", '"')
    inner = " " * (indent + 4)
    entries = "".join(f'{inner}"{name}": {_python(entry, indent + 4)},\n' for name, entry in value.items())
    return f"{{\n{entries}{' ' * indent}}}"
