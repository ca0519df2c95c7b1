"""Environments of programs that tests and benches start next to a local stack."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.connection import read_settings
from infra.local.stack import LocalStack
from tests.template import ROOT

FUNCTIONS = ROOT / "functions"


def shell(endpoint: str) -> dict[str, str]:
    """Environment of a shell with all permissions on the local AWS at an address."""
    settings = {name: value for name, value in read_settings().items() if name.startswith("AWS_")}
    # Loopback is never behind a proxy.
    return {**settings, "PATH": os.environ["PATH"], "NO_PROXY": "*", "AWS_ENDPOINT_URL": endpoint}


def with_package(stack: LocalStack, functions: Path = FUNCTIONS) -> dict[str, str]:
    """The same with this checkout's `makertasks` and the tasks of a folder, but no stack yet."""
    package = ROOT / "layers/makertasks/python"
    return {
        **shell(stack.endpoint),
        "PYTHONPATH": f"{package}{os.pathsep}{functions}",
        "LAMBDA_TASK_ROOT": str(functions),
    }


def of_stack(stack: LocalStack) -> dict[str, str]:
    """The environment variables with which the package finds the stack."""
    return {
        "STACK_NAME": stack.name,
        "TASKS_TABLE": stack.outputs["TasksTableName"],
        "INVENTORY_TABLE": stack.outputs["InventoryTableName"],
        "COUNTERS_TABLE": stack.outputs["CountersTableName"],
        "MEDIA_BUCKET": stack.outputs["MediaBucketName"],
    }
