"""The environment, read when asked and never at import. template.yaml sets these variables for every function."""

from __future__ import annotations

import os
from pathlib import Path

from makertasks.errors import MakertasksError


class MissingSetting(MakertasksError):
    """An environment variable that must be there is not."""


def required(name: str) -> str:
    """Value of an environment variable that template.yaml sets; raises MissingSetting where it is empty."""
    value = os.environ.get(name, "")
    if not value:
        raise MissingSetting(f"the environment variable {name} is not set; template.yaml names its value")
    return value


def stack() -> str:
    """Name of the CloudFormation stack: the prefix of every queue's name."""
    return required("STACK_NAME")


def tasks_table() -> str:
    """Name of the DynamoDB table with one item a task."""
    return required("TASKS_TABLE")


def inventory_table() -> str:
    """Name of the DynamoDB table with items, supplier links and reorder requests."""
    return required("INVENTORY_TABLE")


def counters_table() -> str:
    """Name of the DynamoDB table with the counts of tasks by hour, name and status."""
    return required("COUNTERS_TABLE")


def bucket() -> str:
    """Name of the S3 bucket with images, QR codes, cards, uploads and imports."""
    return required("MEDIA_BUCKET")


def frontend_url() -> str:
    """Base address of the OpenMakerSuite front end without trailing slash; QR codes hold {this}/scan/{item id}."""
    return required("FRONTEND_URL").rstrip("/")


def allowed_hosts() -> frozenset[str]:
    """Hosts (`name` or `name:port`) that downloads may reach although their address is private; for local use."""
    return frozenset(host for host in os.environ.get("DOWNLOAD_ALLOWED_HOSTS", "").replace(",", " ").split() if host)


def retention_days(status: str) -> float | None:
    """Days after which an ended task's record goes, by status (`RETENTION_DAYS_SUCCESS`); None keeps it for ever."""
    value = os.environ.get(f"RETENTION_DAYS_{status}", "")
    return float(value) if value and float(value) > 0 else None


def code_root() -> Path:
    """The folder that holds a folder for each function, whose `handler.py` declares its task."""
    return Path(required("LAMBDA_TASK_ROOT"))
