"""Runs MiniStack so that functions cannot use its packages, and its processes end with the process that started it.

    .local/ministack/bin/python -I launcher.py .local/runtime/bin/python .local/aws-4566

MiniStack runs functions with `sys.executable`, its own interpreter, whose packages would hide that a layer lacks one.
Here it gets another interpreter, with only the packages of AWS Lambda's runtime (boto3).

The folder is an argument only so that local AWSs can be told apart in a list of processes.

Standard input is a pipe that the parent holds open: when it closes, however the parent ended, MiniStack stops, too.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

# Seconds for which a stop waits for open connections: boto3 keeps idle ones open. The default is 3.
GRACE_SECONDS = 0.3

# Properties of the template that are ignored here; infra/local/deploy.py also replaces folders. docs/deploying.md has
# the same list, with the tests that cover these properties for AWS.
LEFT_OUT = frozenset({"AutoPublishAlias", "DeploymentPreference"})


class Store(dict[Any, Any]):
    """A dictionary that one thread can iterate over while another adds to it: iteration uses a copy."""

    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__()))

    def keys(self) -> Any:
        """Return a copy of the keys."""
        return list(super().keys())

    def values(self) -> Any:
        """Return a copy of the values."""
        return list(super().values())

    def items(self) -> Any:
        """Return a copy of the items."""
        return list(super().items())


def keep_resources_in_stores() -> None:
    """Prevent starts and deployments from failing with "dictionary changed size during iteration".

    MiniStack's threads iterate over the resources of a service while others create new ones.
    """
    responses: Any = importlib.import_module("ministack.core.responses")

    def begin(self: Any) -> None:
        self._data = Store()

    for kind in (responses.AccountScopedDict, responses.AccountRegionScopedDict):
        kind.__init__ = begin


def read_streams_from_their_start() -> None:
    """Make functions read a table's stream from its beginning after a start.

    MiniStack restores the number of changes that a function has read, but not the changes, so it would skip new ones.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    restore = functions._restore_state  # noqa: SLF001 - MiniStack has no public hook for this

    def restored(data: Any) -> None:
        restore(data)
        mappings, positions = functions._esms._data, functions._dynamodb_stream_positions._data  # noqa: SLF001 - as above
        positions.update(dict.fromkeys(mappings, 0))

    functions._restore_state = restored  # noqa: SLF001 - as above


def stop_with_parent() -> None:
    """Wait until the parent closes its end of the pipe, then send SIGTERM to this process."""
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: this returns when the pipe is closed
    os.kill(os.getpid(), signal.SIGTERM)


def count_loopback_as_tls() -> None:
    """Treat requests as encrypted, so that policies that deny plain HTTP (`aws:SecureTransport`) allow them.

    MiniStack enforces these policies, but uses HTTP here, so that browsers, scripts and functions need no certificate.
    """
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    remember = evaluator.pin_request_origin
    evaluator.pin_request_origin = lambda address, _secure: remember(address, True)


def name_what_policies_ask_for() -> None:
    """Resolve in the evaluation of policies what AWS resolves and MiniStack does not.

    This is a schedule's group (MiniStack uses `default`), an event source mapping's function (`lambda:FunctionArn`) and
    the action that changes a mapping. On AWS, the permission for a single message also allows batches.
    """
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    find_resource, find_value = actions.extract_resource_arn, evaluator._resolve_condition_key  # noqa: SLF001 - MiniStack has no public hook for this

    def resource(service: str, method: str, path: str, headers: Any, body: Any, query: Any, *rest: Any) -> Any:
        arn = find_resource(service, method, path, headers, body, query, *rest)
        if service != "scheduler" or ":schedule/default/" not in arn:
            return arn
        group = (query or {}).get("groupName") or (json.loads(body) if body else {}).get("GroupName") or "default"
        return arn.replace(":schedule/default/", f":schedule/{group[0] if isinstance(group, list) else group}/")

    def value(key: str, context: Any) -> Any:
        if key.lower() != "lambda:functionarn":
            return find_value(key, context)
        mappings = importlib.import_module("ministack.services.lambda_svc")._esms  # noqa: SLF001 - as above
        return mappings.get(context.resource_arn.rpartition(":")[2], {}).get("FunctionArn")

    find_action = actions.extract_iam_action

    def action(service: str, method: str, path: str, *request: Any, **more: Any) -> Any:
        if service == "lambda" and method == "PUT" and "/event-source-mappings/" in path:
            return "lambda:UpdateEventSourceMapping"
        found = find_action(service, method, path, *request, **more)
        return found.removesuffix("Batch") if found and found.startswith("sqs:") else found

    actions.extract_iam_action = action
    actions.extract_resource_arn = resource
    evaluator._resolve_condition_key = value  # noqa: SLF001 - as above


def without_aliases(value: Any) -> Any:
    """Return a part of a template without the properties in LEFT_OUT, and with functions instead of their aliases."""
    if isinstance(value, list):
        return [without_aliases(each) for each in value]
    if not isinstance(value, dict):
        return value
    name = value.get("Ref")
    if isinstance(name, str) and name.endswith(".Alias"):
        return {"Fn::GetAtt": [name.removesuffix(".Alias"), "Arn"]}
    return {key: without_aliases(each) for key, each in value.items() if key not in LEFT_OUT}


def call_functions_by_their_own_names() -> None:
    """Prevent SAM from creating functions' aliases, because the local AWS has no CodeDeploy to move them."""
    sam: Any = importlib.import_module("samtranslator.translator.transform")
    transform = sam.transform

    def transformed(template: Any, *rest: Any) -> Any:
        return transform(without_aliases(template), *rest)

    sam.transform = transformed


def patch_schedule_slot() -> None:
    """Insert the scheduled time into a schedule's message: the time of an `at`, or else the minute in which it fires.

    MiniStack sends the placeholder unchanged: every night's task would have the same id, and only the first would run.
    """
    placeholder = "<aws.scheduler.scheduled-time>"
    events: Any = importlib.import_module("ministack.services.eventbridge")
    invoke = events._invoke_target  # noqa: SLF001 - MiniStack has no public hook for this

    def with_slot(target: Any, event: Any, rule: Any, *rest: Any) -> Any:
        if placeholder in str(target.get("Input")):
            expression = str(rule.get("ScheduleExpression"))
            fires = f"{datetime.now(UTC):%Y-%m-%dT%H:%M}:00"
            slot = expression[3:-1] if expression.startswith("at(") else fires
            target = {**target, "Input": target["Input"].replace(placeholder, f"{slot}Z")}
        return invoke(target, event, rule, *rest)

    events._invoke_target = with_slot  # noqa: SLF001 - as above


def let_running_functions_answer() -> None:
    """When a function is redeployed, end its worker only after it has responded, as AWS does.

    MiniStack ends it at once, even during a request or a task.
    """
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    kill, release, invalidate = runtime.kill_workers, runtime.release_worker, runtime.invalidate_worker
    thread = threading.local()

    def kill_unless_busy(workers: Any) -> None:
        found = [worker for worker in workers if worker is not None]
        busy = []
        if getattr(thread, "deploys", False):
            with runtime._lock:  # noqa: SLF001 - MiniStack has no public hook for this
                busy = [worker for worker in found if worker.in_use and worker._proc and worker._proc.poll() is None]  # noqa: SLF001 - as above
                for worker in busy:
                    worker.retired = True
        kill([worker for worker in found if worker not in busy])

    def invalidate_when_idle(*which: Any, **more: Any) -> None:
        thread.deploys = True
        try:
            invalidate(*which, **more)
        finally:
            thread.deploys = False

    def release_or_kill(worker: Any) -> None:
        release(worker)
        if getattr(worker, "retired", False):
            kill([worker])

    runtime.kill_workers = kill_unless_busy
    users: list[Any] = [runtime, importlib.import_module("ministack.services.lambda_svc")]
    for module in users:
        module.invalidate_worker, module.release_worker = invalidate_when_idle, release_or_kill


def main() -> None:
    """Run MiniStack in this process until SIGTERM, then end and reap its function workers."""
    sys.executable, _ = sys.argv[1:]
    del sys.argv[1:]
    importlib.import_module("hypercorn.config").Config.graceful_timeout = GRACE_SECONDS
    importlib.import_module("zipfile")  # imported here because concurrent imports in MiniStack's threads failed once
    keep_resources_in_stores()
    read_streams_from_their_start()
    count_loopback_as_tls()
    name_what_policies_ask_for()
    call_functions_by_their_own_names()
    patch_schedule_slot()
    let_running_functions_answer()
    threading.Thread(target=stop_with_parent, daemon=True).start()
    try:
        runpy.run_module("ministack", run_name="__main__", alter_sys=True)
    finally:
        importlib.import_module("ministack.core.lambda_runtime").reset()


if __name__ == "__main__":
    main()
