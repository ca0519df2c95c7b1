"""Add a Celery application: its package, its layer, its block in template.yaml and its schedules.

make celery-app APP=shop.celery:app FROM=../shop                                the package ../shop/shop
make celery-app APP=site.celery:app FROM=../site PACKAGES="site orders"         with other packages its tasks import
make celery-app APP=shop.celery:app FROM=../shop TRY='shop.tasks.add [2, 3]'    and run one task on the local AWS

The application may also be a single module. Its requirements are read from REQUIREMENTS=…, or else from
requirements.txt or pyproject.toml beside the package.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra import locks, new_task
from infra.new_task import ROOT, InvalidTask

CELERY = "celery>=5.4,<6"
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", "*.sqlite3", "node_modules")

HANDLER = '''"""The Lambda function of the Celery application {app}."""

from makertasks.contrib.celery import lambda_handler
from {module} import {name}

handler = lambda_handler({name}, queue="{package}")
'''
# Permissions of its role in addition to every task's: kombu reads a queue's length before it sends to the queue.
RIGHTS = """\
        {Sid: Queues, Effect: Allow, Action: [sqs:GetQueueAttributes],
         Resource: !Sub "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-tasks-*"}]}}]"""
LAYER = """\
  {camel}Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{LayerName: !Sub "${{AWS::StackName}}-{package}", Description: Celery and the libraries of {package},
      ContentUri: layers/{package}, CompatibleRuntimes: [!Ref Runtime], RetentionPolicy: Delete}}
"""
SCHEDULE_ROLE = """\
  {camel}ScheduleRole:
    Type: AWS::IAM::Role
    Properties:
      Description: Role of {package}'s schedules
      AssumeRolePolicyDocument: {{Version: "2012-10-17", Statement: [
        {{Effect: Allow, Action: sts:AssumeRole, Principal: {{Service: scheduler.amazonaws.com}},
         Condition: {{StringEquals: {{"aws:SourceAccount": !Ref "AWS::AccountId"}}}}}}]}}
      ManagedPolicyArns: [!If [HasKey, !Ref KeyPolicy, !Ref "AWS::NoValue"]]
      Policies: [{{PolicyName: send, PolicyDocument: {{Version: "2012-10-17", Statement: [
        {{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt {camel}Queue.Arn}}]}}}}]

"""
SCHEDULE = """\
  {camel}Schedule{number}:
    # The message's id contains the scheduled time, so a duplicate event is the same task.
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: {slug}
      Description: {description}
      GroupName: !Ref Schedules
      ScheduleExpression: {expression}
      ScheduleExpressionTimezone: {timezone}
      FlexibleTimeWindow: {{Mode: "OFF"}}
      Target:
        Arn: !GetAtt {camel}Queue.Arn
        RoleArn: !GetAtt {camel}ScheduleRole.Arn
        RetryPolicy: {{MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86400}} # Scheduler's own defaults: a day
        # `body` is the base64 of [args, kwargs, {{}}].
        Input: >-
          {{"headers": {{"lang": "py", "task": "{task}",
          "id": "{slug}-<aws.scheduler.scheduled-time>", "origin": "schedule {slug}"}},
          "content-type": "application/json", "content-encoding": "utf-8", "body": "{body}",
          "properties": {{"body_encoding": "base64"}}}}

"""


@dataclass
class Application:
    """A validated request to add an application."""

    app: str
    source: Path
    packages: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)

    @property
    def package(self) -> str:
        """The app's top-level package, which also names its folder, queue and function."""
        return self.app.partition(":")[0].partition(".")[0]

    @property
    def camel(self) -> str:
        """The package's name in camel case, for resources."""
        return new_task.camel(self.package)

    def check(self) -> None:
        """Raise InvalidTask for an application that cannot be added."""
        if not re.fullmatch(r"\w+(\.\w+)*:\w+", self.app):
            raise InvalidTask(f"APP={self.app}: write package.module:name, such as shop.celery:app")
        for package in (self.package, *self.packages):
            if not (self.source / package).is_dir() and not (self.source / f"{package}.py").is_file():
                raise InvalidTask(
                    f"FROM={self.source}: contains neither a folder {package} nor {package}.py; "
                    "give the folder that contains the package"
                )
            try:
                new_task.check_name(package)
            except InvalidTask as error:
                raise InvalidTask(f"APP={self.app}: the package {str(error).removeprefix('NAME=')}") from error
        if (self.source / self.package / "handler.py").exists():
            raise InvalidTask(
                f"FROM={self.source}: {self.package}/handler.py exists, but makertasks writes its own; rename it"
            )


def add(wanted: Application) -> list[str]:
    """Write all files and return the differences from a worker; an error such as InvalidTask leaves no files."""
    wanted.check()
    layer = ROOT / "layers" / wanted.package
    if layer.exists():
        raise InvalidTask(
            f"APP={wanted.app}: layers/{wanted.package} already exists; delete it to add the application again"
        )
    folders = [ROOT / "functions" / package for package in (wanted.package, *wanted.packages)]
    try:
        _write_layer(layer, wanted.requirements)
        described, differences = _describe(wanted, layer)
        for folder in folders:
            copy(wanted.source / folder.name, folder)
        (folders[0] / "handler.py").write_text(handler(wanted))
        (folders[0] / "application.json").write_text(json.dumps(described, indent=2) + "\n")
        template = ROOT / "template.yaml"
        template.write_text(with_application(template.read_text(), wanted, described["schedules"]))
    except BaseException:
        for each in (layer, *folders):
            shutil.rmtree(each, ignore_errors=True)
        raise
    return differences


def copy(source: Path, folder: Path) -> None:
    """Copy a package, or a single module as a package."""
    if source.is_dir():
        shutil.copytree(source, folder, ignore=NOT_COPIED)
    else:
        folder.mkdir()
        shutil.copy(source.with_suffix(".py"), folder / "__init__.py")


def handler(wanted: Application) -> str:
    """Return the source of the Lambda function's module."""
    module, _, name = wanted.app.partition(":")
    return HANDLER.format(app=wanted.app, module=module, name=name, package=wanted.package)


def _write_layer(layer: Path, requirements: list[str]) -> None:
    lines = [line for line in map(str.strip, requirements) if line and not line.startswith("#")]
    has_celery = any(re.match(r"celery\b(?!-)", line, re.IGNORECASE) for line in lines)
    layer.mkdir()
    shutil.copy(ROOT / "layers/celery/Makefile", layer / "Makefile")
    (layer / "requirements.in").write_text("\n".join([*lines, *([] if has_celery else [CELERY]), ""]))
    try:
        locks.resolve(layer)
    except locks.Unresolved as error:
        raise InvalidTask(f"its requirements could not be resolved: {error}") from error


def _describe(wanted: Application, layer: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the application's tasks and schedules, and its differences from a worker, using a new environment."""
    with tempfile.TemporaryDirectory() as folder:
        python = f"{folder}/bin/python"
        _run("the virtual environment could not be created", locks.UV, "venv", "-q", folder)
        install = (locks.UV, "pip", "install", "-q", "--python", python)
        _run("its requirements could not be installed", *install, "-r", layer / "requirements.in", ROOT)
        command = (python, "-m", "makertasks.contrib.celery.describing", wanted.app)
        done = _run(f"{wanted.app} could not be imported", *command, folder=wanted.source)
    return json.loads(done.stdout), done.stderr.splitlines()


def _run(what: str, *command: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InvalidTask(f"{what}: {done.stderr.strip()[-2000:]}")
    return done


def with_application(template: str, wanted: Application, schedules: list[dict[str, Any]]) -> str:
    """Return template.yaml with the application's layer, block and schedules."""
    names = {"package": wanted.package, "camel": wanted.camel}
    says = f"The Celery application {wanted.package}"
    text = new_task.block(template, wanted.package, RIGHTS, says)
    text = text.replace("!Ref AwsLayer", f"!Ref AwsLayer, !Ref {wanted.camel}Layer", 1)
    text = re.sub(r"BatchSize: [0-9]+", "BatchSize: 1", text)  # a chord's tasks may wait for each other
    if schedules:
        text += SCHEDULE_ROLE.format(**names)
        text += "".join(_schedule(wanted, number, each) for number, each in enumerate(schedules, 1))
    template = template.replace("  QrcodeLayer:\n", f"{LAYER.format(**names)}  QrcodeLayer:\n", 1)
    return new_task.with_block(template, wanted.package, text)


def _schedule(wanted: Application, number: int, entry: dict[str, Any]) -> str:
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{wanted.package}-{entry['name']}")[:64]
    body = base64.b64encode(json.dumps([entry["args"], entry["kwargs"], {}]).encode()).decode()
    return SCHEDULE.format(
        camel=wanted.camel,
        number=number,
        slug=slug,
        description=json.dumps(f"{entry['name']} of {wanted.package}"),
        expression=json.dumps(entry["expression"]),
        timezone=entry["timezone"],
        task=entry["task"],
        body=body,
    )


def requirements(source: Path, file: Path | None = None) -> list[str]:
    """Return the lines of a requirements file and of the files it includes, or else the project's dependencies.

    Raises InvalidTask.
    """
    if file is None and not (source / "requirements.txt").exists():
        project = source / "pyproject.toml"
        declared = tomllib.loads(project.read_text()) if project.exists() else {}
        return list(declared.get("project", {}).get("dependencies", []))
    file = file or source / "requirements.txt"
    if not file.is_file():
        raise InvalidTask(f"REQUIREMENTS={file}: no such file")
    lines = []
    for line in map(str.strip, file.read_text().splitlines()):
        included = re.fullmatch(r"(?:-r|--requirement)[ =]*(.+)", line)
        lines += requirements(source, file.parent / included[1].strip()) if included else [line]
    return lines


def run_once(task: str, arguments: str) -> Any:
    """Deploy to a local AWS, run a task of the application there and return its result; raises InvalidTask."""
    from infra.local.stack import local_stack  # noqa: PLC0415 - only a trial needs it

    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as stack:
        stack.write_environment()
        named = dict(line.split("=", 1) for line in stack.environment.read_text().splitlines())
        functions = str(ROOT / "functions")
        search = os.pathsep.join((functions, str(ROOT / "layers/makertasks/python")))
        environment = {**os.environ, **named, "PYTHONPATH": search, "LAMBDA_TASK_ROOT": functions, "NO_PROXY": "*"}
        command = (sys.executable, "-m", "makertasks", "call", task, "--args", arguments, "--wait", "--timeout", "60")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InvalidTask(f"TRY={task}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def main() -> int:
    """Add an application, print its differences from a worker, and run a task if TRY is given."""
    parser = argparse.ArgumentParser(prog="make celery-app", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--app", required=True)
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--packages", default="")
    parser.add_argument("--requirements", type=Path)
    parser.add_argument("--try", dest="trial", default="")
    given = parser.parse_args()
    others = [each for each in given.packages.split() if each != given.app.partition(".")[0]]
    try:
        lines = requirements(given.source, given.requirements)
        wanted = Application(given.app, given.source.resolve(), others, lines)
        differences = add(wanted)
        print(f"Added functions/{wanted.package}, layers/{wanted.package} and the block in template.yaml.")
        for said in differences:
            print(f"  differs: {said}")
        if given.trial:
            task, _, arguments = given.trial.partition(" ")
            print(f"Running {task} on the local AWS …")
            print(f"  result: {json.dumps(run_once(task, arguments or '[]'))}")
    except InvalidTask as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
