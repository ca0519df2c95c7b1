"""`makertasks[celery]`: an ordinary Celery application runs unchanged on Lambda, with Celery's own tracer."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.stack import local_stack
from tests.stack.extra import FUNCTIONS, ROOT, project_with, with_layer
from tests.stack.test_stock_celery import CLIENT, run, stack_environment


def test_an_applications_tasks_run_on_lambda(tmp_path: Path):
    template = with_layer(project_with(tmp_path, "shop"), "celery", "shop")
    with local_stack(tmp_path / "aws", template=template, SweepPatienceSeconds="1") as stack:
        queue = f"{stack.name}-tasks-shop"
        environment = stack_environment(stack, tmp_path) | {
            "QUEUE": queue,
            "QUEUE_URL": stack.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"],
            "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/makertasks/python"), str(FUNCTIONS)]),
        }
        python = str(ROOT / ".local/celery-oldest/bin/python")
        options = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null", f"--confcutdir={CLIENT}", "--durations=5")
        ran = run([python, "-m", "pytest", *options, "checks_app.py"], environment, CLIENT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
