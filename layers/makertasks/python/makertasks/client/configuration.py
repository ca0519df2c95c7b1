"""A client's configuration: the environment, or the file that `makertasks configure` wrote.

    # ~/.config/makertasks/config.toml
    [environment]
    STACK_NAME = "makertasks"
    TASKS_TABLE = "makertasks-tasks"
    AWS_DEFAULT_REGION = "eu-central-1"

The file holds values of environment variables and no credentials, which boto3 finds as usual.
"""

from __future__ import annotations

import json
import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from makertasks.errors import MakertasksError, NotFound

# Outputs of the stack and their environment variables.
OUTPUTS = {
    "TasksTableName": "TASKS_TABLE",
    "InventoryTableName": "INVENTORY_TABLE",
    "CountersTableName": "COUNTERS_TABLE",
    "MediaBucketName": "MEDIA_BUCKET",
}
# Outputs that only some commands need; files written by earlier versions lack them.
OPTIONAL = {
    "FrontendUrl": "FRONTEND_URL",
    "AlertsTopicArn": "ALERTS_TOPIC",
    "AlertsFunctionArn": "ALERTS_FUNCTION",
}
# AWS's own variables, copied to the file, so that a file for a local AWS works without them.
LOCATION = ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE")


class NotConfigured(MakertasksError):
    """Neither the environment nor a file configures the stack."""


def path() -> Path:
    """The file: MAKERTASKS_CONFIG, or config.toml in makertasks' folder of the user's configuration."""
    named = os.environ.get("MAKERTASKS_CONFIG")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - no error without HOME
    return Path(base) / "makertasks" / "config.toml"


@cache
def load() -> None:
    """Set the environment variables that are missing from the file, once per process; raises NotConfigured.

    A file for another stack than that of the environment is ignored.
    """
    file = path()
    if file.is_file():
        values = _read(file)
        if os.environ.get("STACK_NAME", values.get("STACK_NAME")) == values.get("STACK_NAME"):
            for name, value in values.items():
                os.environ.setdefault(name, value)
    missing = [name for name in ("STACK_NAME", *OUTPUTS.values()) if not os.environ.get(name)]
    if missing:
        raise NotConfigured(
            f"{', '.join(missing)}: missing in the environment and {file}; run `makertasks configure --stack NAME`"
        )


def values_of(stack: str) -> dict[str, str]:
    """Return a stack's environment variables from its outputs; raises NotConfigured or Unavailable."""
    from makertasks.aws import stacks  # noqa: PLC0415 - only `configure` needs AWS here

    try:
        outputs = stacks.outputs(stack)
    except NotFound as error:
        raise NotConfigured(str(error)) from error
    absent = OUTPUTS.keys() - outputs.keys()
    if absent:
        raise NotConfigured(
            f"the stack {stack} has no output {min(absent)}: it is not a makertasks stack, or not ready"
        )
    location: dict[str, Any] = {"AWS_DEFAULT_REGION": stacks.region()}
    location |= {name: os.environ[name] for name in LOCATION[1:] if os.environ.get(name)}
    known = {variable: outputs[name] for name, variable in (OUTPUTS | OPTIONAL).items() if name in outputs}
    return {"STACK_NAME": stack, **known, **location}


def write(values: dict[str, str]) -> Path:
    """Write the file, readable only by its user; returns its path."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    # JSON text is TOML's basic string.
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    file.write_text("".join(["# Written by `makertasks configure`.\n[environment]\n", *lines]), encoding="utf-8")
    file.chmod(0o600)
    load.cache_clear()
    return file


def _read(file: Path) -> dict[str, str]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8")).get("environment", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotConfigured(f"{file} cannot be read: {error}; run `makertasks configure --stack NAME` again") from error
    return {str(name): str(value) for name, value in values.items()}
