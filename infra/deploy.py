"""`make deploy STAGE=prod`: build everything for Lambda, deploy it, protect the data stores, and test it.

    python -m infra.deploy prod FrontendUrl=https://inventory.example.org AlarmEmail=ann@example.org

CloudFormation keeps parameters, so they need to be given only once. Account, region and permissions come from the
environment (AWS_PROFILE, AWS_REGION …), as for every AWS tool; AWS_ENDPOINT_URL selects a local AWS instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra import account, budget, digest, parameters, rollback, sizes, smoke, stacks
from infra.command import choose_region, parse
from infra.local import archives, packages
from infra.local.errors import LocalAwsError
from infra.stacks import Refused

ROOT = Path(__file__).resolve().parents[1]
SAM = ROOT / ".local/sam/bin/sam"
STACK_POLICY = ROOT / "infra/stack-policy.json"
BUILT = ROOT / ".aws-sam/build"
TRIAL_STAGE = "dev"
FAILURES = (Refused, smoke.Failed, sizes.TooLarge, LocalAwsError, BotoCoreError, ClientError)


def main() -> int:
    """Deploy one stage; print an error in one line and return 1."""
    arguments = parse(__doc__, "deploy")
    try:
        deploy(arguments.stage, parameters.given(arguments.parameters), BUILT)
    except FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode  # SAM has printed the reason
    return 0


def deploy(stage: str, given: Mapping[str, str], built: Path, *, restoring: bool = False) -> None:
    """Build, check, deploy, protect and test; raises one of FAILURES or CalledProcessError."""
    configured, region = parameters.configuration(stage), choose_region()
    stack = str(configured["stack_name"])
    account.check_region(region)
    stored = stacks.parameters_of(stack)
    values = parameters.effective(stage, given, stored)
    budget.check(region, values["BudgetDollars"], values["AlarmEmail"])
    stacks.prepare(stack)
    is_new = stacks.status_of(stack) is None
    if is_new and not restoring:
        account.refuse_kept_data(stack, stage)
    limit_concurrency(values, given, stored, stage)
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    build(built, packages.chosen(values["Runtime"], values["Architecture"]), values, environment)
    print(sizes.table(sizes.measure(built / "template.yaml")))
    protected = stage != TRIAL_STAGE
    # Computed from the build and the stage. A new stack is protected only after its creation: CloudFormation could not
    # remove protected tables if the creation failed.
    values["Build"] = digest.of_build(built / "template.yaml", values, again=rollback.marker(stack))
    values["DeletionProtection"] = str(protected and not is_new).lower()
    changed = {name: value for name, value in values.items() if name in given or stored.get(name) != value}
    options = ["--config-file", str(parameters.CONFIG), "--config-env", stage]
    options += ["--template-file", str(built / "template.yaml"), "--region", region, *configured_options(configured)]
    _sam("deploy", *options, *_overrides(changed), environment=environment)
    protect(stack, forever=protected)
    if is_new and protected:
        _sam("deploy", *options, *_overrides({"DeletionProtection": "true"}), environment=environment)
    if {values["BudgetDollars"], stored.get("BudgetDollars", "0")} != {"0"}:
        budget.set_monthly(stack, values["BudgetDollars"], values["AlarmEmail"])
    outputs = stacks.outputs_of(stack)
    for name, value in outputs.items():
        print(f"{name:20} {value}")
    check(stage, outputs)


def limit_concurrency(values: dict[str, str], given: Mapping[str, str], stored: Mapping[str, str], stage: str) -> None:
    """Choose a MaximumConcurrency within the account's limit unless one is given, and print its effect."""
    limit = account.concurrency_limit()
    if "MaximumConcurrency" not in given and not stored.get("MaximumConcurrency"):
        values["MaximumConcurrency"] = account.fitting(limit, parameters.limited_queues())
    print(account.explain(limit, values["MaximumConcurrency"], stage))


def check(stage: str, outputs: Mapping[str, str]) -> None:
    """Run the smoke test; raises Failed with the command that rolls back."""
    try:
        smoke.test(outputs)
    except smoke.Failed as error:
        raise smoke.Failed(f"{error}. To return to the previous version: make rollback STAGE={stage}") from error
    print("The API, a page and a task work.")


def configured_options(configured: dict[str, Any]) -> list[str]:
    """Return a stage's settings as options, because SAM does not merge a stage's section with the defaults."""
    return [
        "--stack-name", str(configured["stack_name"]),
        "--capabilities", str(configured["capabilities"]),
        "--tags", *configured["tags"],
        "--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
    ]  # fmt: skip


def protect(stack: str, *, forever: bool) -> None:
    """Prevent updates from replacing or removing stores, and the whole stack from being deleted by mistake."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=json.dumps(json.loads(STACK_POLICY.read_text())))
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=forever)


def build(built: Path, target: packages.Target, values: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Build functions and layers for the platform in `values`; raises CalledProcessError.

    The layers' Makefiles also compile their bytecode; this compiles the functions' bytecode and page templates.
    """
    layers = {
        "MAKERTASKS_RUNTIME": values["Runtime"],
        "MAKERTASKS_ARCHITECTURE": values["Architecture"],
        "MAKERTASKS_PYTHON": str(target.compiler or packages.interpreter(target.version) or ""),
    }
    where = ["--build-dir", str(built), "--template-file", str(ROOT / "template.yaml")]
    _sam("build", *where, environment={**environment, **layers})
    compile_functions(built.resolve() / "template.yaml", target)


def compile_functions(template: Path, target: packages.Target) -> None:
    """Compile each function's folder of a build; folders with the same code are compiled once. Raises BuildFailed."""
    compiled: dict[str, Path] = {}
    built = (each for each in digest.folders(template, "AWS::Serverless::Function") if template.parent in each.parents)
    for folder in sorted(built):
        first = compiled.setdefault(archives.digest(folder), folder)
        if first is folder:
            packages.compile_code(folder, target)
        else:
            shutil.rmtree(folder)
            shutil.copytree(first, folder)


def _overrides(values: Mapping[str, str]) -> list[str]:
    """Return parameters as options, quoted because SAM ends a value at its first space: cron(0 3 * * ? *)."""
    return ["--parameter-overrides", *(f'{name}="{value}"' for name, value in values.items())] if values else []


def _sam(command: str, *options: str, environment: Mapping[str, str]) -> None:
    if not SAM.exists():
        raise Refused("SAM is not installed; `make deploy` installs it")
    subprocess.run([SAM, command, *options], check=True, cwd=ROOT, env=dict(environment))


if __name__ == "__main__":
    sys.exit(main())
