"""`make deploy STAGE=prod`: build everything for Lambda, show how large it is, deploy it, protect what holds data.

    python -m infra.deploy prod FrontendUrl=https://inventory.example.org AlarmEmail=ann@example.org

Parameters given once need not be given again: CloudFormation keeps them. Account, region and rights are those of the
environment (AWS_PROFILE, AWS_REGION …), as with every AWS tool; AWS_ENDPOINT_URL leads to a local AWS instead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra import sizes

ROOT = Path(__file__).resolve().parents[1]
SAM = ROOT / ".local/sam/bin/sam"
CONFIG = ROOT / "infra/samconfig.toml"
STACK_POLICY = ROOT / "infra/stack-policy.json"
BUILT = ROOT / ".aws-sam/build"

# Parameters that a stage people rely on cannot do without, with an example.
NEEDED = {"FrontendUrl": "https://inventory.example.org"}
TRIAL_STAGE = "dev"


class Refused(Exception):
    """Nothing was deployed; the message says what to do."""


def main() -> int:
    """Deploy one stage; an error is one line and exit status 1."""
    arguments = parse(__doc__, "deploy")
    try:
        deploy(arguments.stage, given(arguments.parameters), BUILT)
    except (Refused, sizes.TooLarge, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode  # SAM has said why
    return 0


def deploy(stage: str, parameters: dict[str, str], built: Path) -> None:
    """Build, check, deploy, protect; raises Refused, TooLarge or CalledProcessError."""
    configured, region = configuration(stage), choose_region()
    stack = str(configured["stack_name"])
    status = status_of(stack)
    if status is None and stage != TRIAL_STAGE:
        for name, example in NEEDED.items():
            if name not in parameters:
                raise Refused(f"{stack} is new and needs {name}: make deploy STAGE={stage} {name}={example}")
    environment = _environment(parameters)
    _sam("build", "--build-dir", str(built), "--template-file", str(ROOT / "template.yaml"), environment=environment)
    print(sizes.table(sizes.measure(built / "template.yaml")))
    # A stack that is there keeps what it was given before; the stage's own values are for the first time.
    first = dict(pair.split("=", 1) for pair in configured.get("parameter_overrides", [])) if status is None else {}
    overrides = [f"{name}={value}" for name, value in {**first, **parameters}.items()]
    options = ["--config-file", str(CONFIG), "--config-env", stage, "--template-file", str(built / "template.yaml")]
    options += ["--region", region, *configured_options(configured)]
    _sam("deploy", *options, *(["--parameter-overrides", *overrides] if overrides else []), environment=environment)
    protect(stack, forever=stage != TRIAL_STAGE)
    for name, value in outputs_of(stack).items():
        print(f"{name:20} {value}")


def choose_region() -> str:
    """The region of the environment or the profile, made the one of every client here; raises Refused."""
    region = os.environ.get("AWS_REGION") or boto3.Session().region_name
    if region is None:
        raise Refused("no region is chosen; put it in front, for example AWS_REGION=eu-central-1")
    boto3.setup_default_session(region_name=region)
    return region


def configured_options(configured: dict[str, Any]) -> list[str]:
    """A stage's settings as options: SAM reads no stage's table together with the defaults."""
    return [
        "--stack-name", str(configured["stack_name"]),
        "--capabilities", str(configured["capabilities"]),
        "--tags", *configured["tags"],
        "--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
    ]  # fmt: skip


def protect(stack: str, *, forever: bool) -> None:
    """Let no update replace or remove a store, and no slip of the hand the whole stack."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=json.dumps(json.loads(STACK_POLICY.read_text())))
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=forever)


def configuration(stage: str) -> dict[str, Any]:
    """A stage's settings in samconfig.toml, above the default ones; raises Refused for a stage that is not there."""
    known = tomllib.loads(CONFIG.read_text())
    stages = sorted(set(known) - {"version", "default"})
    if stage not in stages:
        raise Refused(f"there is no stage {stage!r} in infra/samconfig.toml; choose one of {', '.join(stages)}")
    settings: dict[str, Any] = known["default"]["deploy"]["parameters"] | known[stage]["deploy"]["parameters"]
    return settings


def given(pairs: list[str]) -> dict[str, str]:
    """`Name=value` pairs; raises Refused for anything else."""
    parameters = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Refused(
                f"{pair!r} is no parameter; write Name=value, for example FrontendUrl={NEEDED['FrontendUrl']}"
            )
        parameters[name] = value
    return parameters


def status_of(stack: str) -> str | None:
    """A stack's status; None where there is none."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return str(found[0]["StackStatus"])


def outputs_of(stack: str) -> dict[str, str]:
    """A stack's outputs."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def parse(description: str | None, command: str) -> argparse.Namespace:
    """The command line: a stage, then parameters of the template."""
    parser = argparse.ArgumentParser(
        prog=f"python -m infra.{command}", description=(description or "").partition("\n")[0]
    )
    parser.add_argument("stage", help="dev, staging or prod: a table of infra/samconfig.toml")
    parser.add_argument("parameters", nargs="*", metavar="Name=value", help="parameters of template.yaml")
    return parser.parse_args()


def _environment(parameters: dict[str, str]) -> dict[str, str]:
    """What the layers are built for is what the functions will run on."""
    chosen = {"MAKERTASKS_RUNTIME": "Runtime", "MAKERTASKS_ARCHITECTURE": "Architecture"}
    built_for = {variable: parameters[name] for variable, name in chosen.items() if name in parameters}
    return {**os.environ, **built_for, "SAM_CLI_TELEMETRY": "0"}


def _sam(command: str, *options: str, environment: dict[str, str]) -> None:
    if not SAM.exists():
        raise Refused("SAM is not installed; `make deploy` installs it")
    subprocess.run([SAM, command, *options], check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main())
