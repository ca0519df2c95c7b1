"""The real template with additional functions for tests."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from infra import new_application

ROOT = Path(__file__).parents[2]
FUNCTIONS = Path(__file__).with_name("functions")
MODEL = "generate_qr_code"  # the task whose block is copied for an added task


def project_with(folder: Path, *tasks: str) -> Path:
    """Make a project in `folder` that also has the tasks of tests/stack/functions; return its template.yaml."""
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "layers").symlink_to(ROOT / "layers")
    template = (ROOT / "template.yaml").read_text()
    for name in tasks:
        shutil.copytree(FUNCTIONS / name, folder / "functions" / name, ignore=shutil.ignore_patterns("__pycache__"))
        template = template.replace("\nOutputs:\n", f"\n{block(template, name)}\nOutputs:\n")
    target = folder / "template.yaml"
    target.write_text(template)
    return target


def with_layer(template: Path, layer: str, task: str) -> Path:
    """The template with one task's function using a layer that no function of the stack uses."""
    text = template.read_text()
    model, name = "QrcodeLayer", f"{_camel(layer)}Layer"
    found = re.search(rf"  {model}:\n(?: {{4}}.*\n)+", text)
    assert found, f"template.yaml has no {model}"
    declared = found[0].replace(model, name).replace("qrcode", layer)
    head, _, rest = text.replace(found[0], found[0] + declared).partition(f"  # ── Task {task} ")
    rest = rest.replace(f"!Ref {model}", f"!Ref {name}", 1).replace("BatchSize: 10", "BatchSize: 1", 1)
    template.write_text(f"{head}  # ── Task {task} {rest}")
    return template


def project_with_application(folder: Path, app: str, source: Path) -> Path:
    """A project in `folder` with a Celery application that needs only Celery, as `make celery-app` adds it."""
    wanted = new_application.Application(app, source)
    target = project_with(folder)
    (folder / "layers").unlink()
    (folder / "layers").mkdir()
    for layer in (ROOT / "layers").iterdir():
        (folder / "layers" / layer.name).symlink_to(layer)
    (folder / "layers" / wanted.package).symlink_to(ROOT / "layers/celery")
    function = folder / "functions" / wanted.package
    shutil.copytree(source / wanted.package, function, ignore=shutil.ignore_patterns("__pycache__"))
    (function / "handler.py").write_text(new_application.handler(wanted))
    described = json.loads(_described(app, source))
    (function / "application.json").write_text(json.dumps(described))
    target.write_text(new_application.with_application(target.read_text(), wanted, described["schedules"]))
    return target


def _described(app: str, source: Path) -> str:
    """Return the application's description, from an environment with Celery."""
    return subprocess.run(  # noqa: S603 - ours
        [str(ROOT / ".local/celery-newest/bin/python"), "-m", "makertasks.contrib.celery.describing", app],
        cwd=source, env={"PYTHONPATH": str(ROOT / "layers/makertasks/python")}, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip


def with_schedule(template: Path, task: str, kwargs: dict[str, Any]) -> Path:
    """The template with a schedule for a task, copied from another schedule as documented."""
    text = template.read_text()
    model, prefix = "update_average_lead_times", task.replace("_", "-")
    found = re.search(r"  LeadTimesScheduleRole:\n.*?(?=  CleanMediaScheduleRole:)", text, re.DOTALL)
    assert found, "template.yaml has no LeadTimesScheduleRole"
    body = base64.b64encode(json.dumps([[], kwargs, {}]).encode()).decode()
    added = re.sub(r"LeadTimesSchedule(Role|Rule)", rf"{_camel(task)}Schedule\1", found[0])
    added = added.replace(f"inventory.tasks.{model}", f"tests.{task}").replace("W1tdLCB7fSwge31d", body)
    added = added.replace(model, task).replace(_camel(model), _camel(task)).replace("lead-times-<", f"{prefix}-<")
    template.write_text(text.replace(found[0], found[0] + added))
    return template


def block(template: str, name: str) -> str:
    """A task's block, copied from another task's block as documented."""
    found = re.search(rf"  # ── Task {MODEL} .*?(?=  # ── )", template, re.DOTALL)
    assert found, f"template.yaml has no block of {MODEL}"
    return found[0].replace(MODEL, name).replace(_camel(MODEL), _camel(name))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
