"""The policy that `makertasks policy` prints has exactly the permissions that the Python client needs."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path

from infra.local.stack import LocalStack
from tests.stack.extra import ROOT
from tests.stack.test_stock_celery import a_user, an_item, makertasks, root_keys, stack_environment, without

# The probes that need each permission of the policy.
NEEDS = {
    "sqs:GetQueueUrl": "sends",
    "sqs:SendMessage": "sends",
    "dynamodb:PutItem": "sends",
    "dynamodb:GetItem": "reads",
    "dynamodb:UpdateItem": "revokes",
    "dynamodb:DeleteItem": "forgets",
    "dynamodb:BatchWriteItem": "sends_many",
    "dynamodb:BatchGetItem": "sends_many",
    "s3:PutObject": "sends_large_arguments",
    "s3:GetObject": "reads_a_large_result",
    "scheduler:DeleteSchedule": "revokes_a_delayed_task",
}


def test_the_printed_policy_has_exactly_the_needed_permissions(stack: LocalStack, tmp_path: Path):
    # given a user with the whole policy, and for each action one whose policy lacks it
    environment = stack_environment(stack, tmp_path) | {
        "LAMBDA_TASK_ROOT": str(ROOT / "functions"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/makertasks/python'}:{ROOT / 'functions'}",
        "ITEM_ID": an_item(stack),
        "LARGE": f"large-{uuid.uuid4()}",
    }
    policy = json.loads(makertasks(environment, "policy"))
    given = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert sorted(given) == sorted(NEEDS)
    everything = a_user(stack, policy)
    cases = [("stores_a_large_result", root_keys(environment))]
    cases += [(probe, everything) for probe in sorted(set(NEEDS.values()))]
    allowed = len(cases)
    cases += [(probe, a_user(stack, without(policy, action))) for action, probe in NEEDS.items()]

    # when each runs the probe that needs the action
    ran = subprocess.run(
        [sys.executable, "-m", "tests.stack.client_probes"],
        input=json.dumps(cases),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    # then only the users without it are refused
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said[:allowed] == [""] * allowed
    for action, answer in zip(NEEDS, said[allowed:], strict=True):
        assert "AccessDenied" in answer, f"{action} is not needed: {answer}"
