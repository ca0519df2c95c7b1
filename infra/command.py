"""The command line and the region of commands that work on a stage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.parameters import configuration
from infra.stacks import Refused


def on_stack(description: str | None, command: str, work: Callable[[str], None]) -> int:
    """Call `work` with the name of the stage's stack; print an error in one line and return 1."""
    arguments = parse(description, command)
    try:
        choose_region()
        work(str(configuration(arguments.stage)["stack_name"]))
    except (Refused, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse(description: str | None, command: str) -> argparse.Namespace:
    """Parse the command line: a stage, then parameters of the template."""
    parser = argparse.ArgumentParser(
        prog=f"python -m infra.{command}", description=(description or "").partition("\n")[0]
    )
    parser.add_argument("stage", help="dev, staging or prod: a section of infra/samconfig.toml")
    parser.add_argument("parameters", nargs="*", metavar="Name=value", help="parameters of template.yaml")
    return parser.parse_args()


def choose_region() -> str:
    """Use the region of the environment or the profile for every client; raises Refused."""
    region = os.environ.get("AWS_REGION") or boto3.Session().region_name
    if region is None:
        raise Refused("no AWS region is set; set one, for example AWS_REGION=eu-central-1")
    boto3.setup_default_session(region_name=region)
    return region
