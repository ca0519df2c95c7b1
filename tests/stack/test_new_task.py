"""`make task` in a copy of the project: what it adds passes its tests, is deployed, runs, and shows what it made."""

from __future__ import annotations

import html
import re
import shlex
import sys
import uuid
from pathlib import Path

import pytest
import requests

from infra.local.stack import local_stack
from makertasks.inventory import table as inventory
from tests import copies, documentation
from tests.copies import MAKE, run
from tests.template import ROOT
from tests.waiting import wait_for

# What the command may change.
CHANGED = ("functions", "infra", "tests", "docs", "template.yaml")
# What a new task concerns.
UNIT = tuple(f"tests/unit/test_{name}.py" for name in ("print_label", "template", "declarations", "events", "costs"))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with a task more."""
    copy = copies.project(tmp_path_factory.mktemp("project"))
    for line in documentation.run_by("tests/stack/test_new_task.py"):
        done = run(copy, *MAKE, *shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
    return copy


@pytest.mark.parametrize(
    ("name", "writes", "reason"),
    [
        ("cli", "", "NAME=cli: is reserved, because makertasks.cli is something else"),
        ("chain", "", "NAME=chain: is reserved, because makertasks.chain is something else"),
        ("api", "", "NAME=api: functions/api exists already"),
        ("print_label", "", "NAME=print_label: functions/print_label exists already"),
        ("json", "", "NAME=json: a Python module has this name"),
        ("boto3", "", "NAME=boto3: a Python module has this name"),
        ("Print-Label", "", "NAME=Print-Label: use lower-case letters"),
        ("class", "", "NAME=class: use lower-case letters"),
        ("", "", "NAME=: use lower-case letters"),
        ("a" * 41, "", "has 41 characters; use at most 40"),
        ("print_sign", "signs", "WRITES=signs: use letters, digits, - and _ and a slash at the end, such as labels/"),
        ("print_sign", "uploads/signs/", "'uploads/signs/' is not a valid folder"),
    ],
)
def test_what_no_task_can_be_is_refused_and_nothing_is_written(project, name, writes, reason):
    before = copies.files(project, *CHANGED)
    done = run(project, *MAKE, "task", f"NAME={name}", f"WRITES={writes}")
    assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert copies.files(project, *CHANGED) == before


def test_its_block_is_short_and_nothing_else_is_written(project):
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
    assert not re.search(r"\bqr|\bcodes?\b", block, re.IGNORECASE), "a word of the task that the block was copied from"


def test_its_own_test_and_those_of_the_template_pass(project):
    done = run(project, sys.executable, "-m", "pytest", *UNIT)
    assert done.returncode == 0, done.stdout
    for command in (("check",), ("format", "--check")):
        done = run(project, sys.executable, "-m", "ruff", *command, "functions/print_label", UNIT[0])
        assert done.returncode == 0, done.stdout


def test_it_has_every_right_that_it_needs_and_no_other(project):
    done = run(project, sys.executable, "-m", "pytest", "tests/stack/test_rights.py", "-k", "PrintLabelRole or probes")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_it_runs_and_its_page_leads_to_what_it_made(project, tmp_path):
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
