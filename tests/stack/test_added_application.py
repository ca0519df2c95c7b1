"""`make celery-app` in a copy of the project: ordinary Celery applications run on the local AWS after one command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests import copies
from tests.copies import MAKE, run

APPLICATIONS = Path(__file__).with_name("applications")
# Files that the command may change.
CHANGED = ("functions", "layers", "template.yaml")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project."""
    return copies.project(tmp_path_factory.mktemp("project"))


def add(project: Path, app: str, source: Path, **more: str) -> subprocess.CompletedProcess[str]:
    given = {"APP": app, "FROM": str(source), **more}
    return run(project, *MAKE, "celery-app", *(f"{name}={value}" for name, value in given.items()))


@pytest.mark.parametrize(
    ("app", "source", "reason"),
    [
        ("proj.celery", "proj", "APP=proj.celery: write package.module:name"),
        ("other.celery:app", "proj", "contains neither a folder other nor other.py"),
        ("proj.nothing:app", "proj", "proj.nothing:app could not be imported"),
        ("proj.celery:nothing", "proj", "proj.celery:nothing could not be imported"),
    ],
)
def test_an_invalid_application_is_refused_and_leaves_nothing_behind(project, app, source, reason):
    before = copies.files(project, *CHANGED)
    done = add(project, app, APPLICATIONS / source)
    assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert copies.files(project, *CHANGED) == before


def test_an_application_is_added_and_runs_on_the_local_aws(project):
    # when Celery's own kind of example is added, and one of its tasks is tried
    done = add(project, "proj.celery:app", APPLICATIONS / "proj", TRY="proj.tasks.add [2, 3]")

    # then the task ran in its function, and differences from a worker are listed
    assert done.returncode == 0, done.stderr
    assert "result: 5" in done.stdout
    assert "accept_content has pickle" in done.stdout
    assert "proj.tasks.xsum may take 3600 s" in done.stdout
    assert "worker_ready has receivers" in done.stdout
    assert "greet-every-30-seconds, which is left out" in done.stdout
    described = json.loads((project / "functions/proj/application.json").read_text())
    assert set(described["tasks"]) == {"proj.tasks.add", "proj.tasks.greet", "proj.tasks.mul", "proj.tasks.xsum"}

    # and its schedule and its block are in the template, which is well formed
    template = (project / "template.yaml").read_text()
    assert 'ScheduleExpression: "cron(30 7 ? * MON *)"' in template
    assert "ScheduleExpressionTimezone: Europe/Berlin" in template
    checked = run(project, ".venv/bin/cfn-lint", "template.yaml")
    assert checked.returncode == 0, checked.stdout
    assert "python-slugify==" in (project / "layers/proj/requirements.txt").read_text()


def test_a_django_projects_tasks_have_its_models(project):
    done = add(
        project, "makerboard.celery:app", APPLICATIONS / "board", PACKAGES="orders",
        TRY='orders.tasks.place ["six drills"]',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"text": "six drills"' in done.stdout
    assert "django_celery_beat.schedulers:DatabaseScheduler" in done.stdout
