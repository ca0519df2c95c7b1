"""`make task` in a copy of the project: the added task passes its tests, is deployed, runs, and links to its file."""

from __future__ import annotations

import html
import io
import re
import shlex
import sys
import uuid
from pathlib import Path

import pytest
import requests
from rich.console import Console

from infra.local import display, trial
from infra.local.stack import local_stack
from makertasks.inventory import table as inventory
from tests import copies, documentation
from tests.copies import MAKE, run
from tests.template import ROOT
from tests.waiting import wait_for

# Files that the command may change.
CHANGED = ("functions", "infra", "tests", "docs", "template.yaml")
# The tests that a new task affects.
UNIT = tuple(f"tests/unit/test_{name}.py" for name in ("print_label", "template", "declarations", "events", "costs"))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Return a copy of the project with an added task."""
    copy = copies.project(tmp_path_factory.mktemp("project"))
    for line in documentation.run_by("tests/stack/test_new_task.py"):
        done = run(copy, *MAKE, *shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
    return copy


@pytest.mark.parametrize(
    ("name", "writes", "reason"),
    [
        ("cli", "", "NAME=cli: is reserved, because makertasks.cli is part of the package"),
        ("chain", "", "NAME=chain: is reserved, because makertasks.chain is part of the package"),
        ("api", "", "NAME=api: functions/api already exists"),
        ("print_label", "", "NAME=print_label: functions/print_label already exists"),
        ("json", "", "NAME=json: this name belongs to a Python module"),
        ("boto3", "", "NAME=boto3: this name belongs to a Python module"),
        ("Print-Label", "", "NAME=Print-Label: use lower-case letters"),
        ("class", "", "NAME=class: use lower-case letters"),
        ("", "", "NAME=: use lower-case letters"),
        ("a" * 41, "", "has 41 characters; use at most 40"),
        ("print_sign", "signs", "WRITES=signs: use letters, digits, - and _ and a slash at the end, such as labels/"),
        ("print_sign", "uploads/signs/", "'uploads/signs/' is not a valid folder"),
    ],
)
def test_an_invalid_name_or_folder_is_refused_and_nothing_is_written(project, name, writes, reason):
    before = copies.files(project, *CHANGED)
    done = run(project, *MAKE, "task", f"NAME={name}", f"WRITES={writes}")
    assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert copies.files(project, *CHANGED) == before


def test_a_new_tasks_block_is_short_and_nothing_else_is_written(project):
    before, after = copies.files(ROOT, *CHANGED), copies.files(project, *CHANGED)
    assert {path for path in after if before.get(path) != after[path]} == {
        "functions/print_label/__init__.py",
        "functions/print_label/handler.py",
        "tests/unit/test_print_label.py",
        "infra/events/print_label.json",
        "docs/costs.md",
        "template.yaml",
    }
    text = (project / "template.yaml").read_text()
    block = text.partition("# ── Task print_label ")[2].partition("  # ── ")[0]
    assert len(block.splitlines()) <= 65
    assert not re.search(r"\bqr|\bcodes?\b", block, re.IGNORECASE), "words of the task that the block was copied from"


def test_a_new_tasks_test_and_the_templates_tests_pass(project):
    done = run(project, sys.executable, "-m", "pytest", *UNIT)
    assert done.returncode == 0, done.stdout
    for command in (("check",), ("format", "--check")):
        done = run(project, sys.executable, "-m", "ruff", *command, "functions/print_label", UNIT[0])
        assert done.returncode == 0, done.stdout


def test_a_new_tasks_role_has_exactly_the_permissions_it_needs(project):
    done = run(project, sys.executable, "-m", "pytest", "tests/stack/test_rights.py", "-k", "PrintLabelRole or probes")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_a_new_task_runs_links_to_its_file_and_is_run_by_make_run(project, tmp_path):
    with local_stack(tmp_path, template=project / "template.yaml") as stack:
        # given an item
        item_id = str(uuid.uuid4())
        item = inventory.Item(inventory.owner_of(item_id), "item", name="Bench vice").serialize()
        stack.client("dynamodb").put_item(TableName=f"{stack.name}-inventory", Item=item)

        # when somebody opens its page, it has a button for the task
        page = stack.api.request("GET", f"/items/{item_id}").text
        assert '<input type="hidden" name="task" value="inventory.tasks.print_label">' in page
        assert ">Print label</button>" in page

        # when the task is submitted
        assert "inventory.tasks.print_label" in [each["name"] for each in stack.api.get("/v1/task-types")["task_types"]]
        task_id = stack.api.submit("print_label", item_id=item_id)
        ended = wait_for(
            lambda: (task := stack.api.get(f"/v1/tasks/{task_id}"))["status"] not in {"PENDING", "STARTED"} and task,
            "the task to end",
        )

        # then it succeeds, and its page shows the result with a link to the file
        assert (ended["status"], ended["result"]) == ("SUCCESS", {"file": f"labels/{item_id}.txt"})
        page = stack.api.request("GET", f"/tasks/{task_id}").text
        [link] = {html.unescape(found) for found in re.findall(r'href="(http[^"]*/labels/[^"]*)"', page)}
        with requests.Session() as session:
            session.trust_env = False  # loopback is never behind a proxy
            assert session.get(link, timeout=10).content == b"Bench vice\n"

        # and when `make run` tries the tasks on the sample inventory, it runs the new one as well and shows its column
        trial.import_sample(stack)
        tried = trial.run(stack, Console(file=io.StringIO()), since=None)
        of_sample = [task for task in tried.tasks if task["name"] == "inventory.tasks.print_label"]
        assert [(task["item_id"] in tried.items, task["status"]) for task in of_sample] == [(True, "SUCCESS")]
        printed = Console(file=io.StringIO(), width=160)
        display.show_results(printed, tried)
        assert "Print label" in printed.file.getvalue()
