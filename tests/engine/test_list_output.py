"""Lists of tasks on narrow terminals and in pipes: a line for each task, with its error or item."""

from __future__ import annotations

import io

import pytest
from command_line import ITEM, qr
from rich.console import Console

from makertasks.cli import output
from makertasks.inventory.model import Item
from makertasks.records import table as records
from makertasks.records.model import TaskRecord


@pytest.fixture
def listed(command, worker):
    """The id of a task that failed and of one that succeeded."""
    failed = command(*qr())[1].strip()
    Item.get(f"item#{ITEM}", "item").delete()
    worker.deliver()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").save()
    done = command(*qr())[1].strip()
    worker.deliver()
    return failed, done


@pytest.mark.parametrize("width", [110, 120])
def test_a_narrow_list_shows_each_tasks_error_or_else_its_item_on_one_line(command, listed, monkeypatch, width):
    printed = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=printed, width=width))

    command("list")

    heading, *lines = printed.getvalue().splitlines()
    assert "ERROR OR ITEM" in heading
    by_id = {line.split()[0]: line for line in lines}
    failed, done = listed
    assert by_id.keys() == {failed, done}
    assert ("UnknownItem" in by_id[failed], "Drill" in by_id[done]) == (True, True)


def test_a_wide_list_shows_errors_and_items(command, listed, monkeypatch):
    printed = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=printed, width=200))
    command("list")
    heading = printed.getvalue().splitlines()[0]
    assert {"ERROR", "ITEM"} <= set(heading.split())
    assert "ERROR OR ITEM" not in heading


def test_a_list_that_is_not_for_a_terminal_has_a_line_for_each_task(command, listed):
    long = "x" * 400
    records.get(listed[0]).update(actions=[TaskRecord.kwargs.set({"item_id": ITEM, "note": long})])
    _, out, _ = command("list")
    lines = out.splitlines()
    assert {line.split()[0] for line in lines[1:]} == set(listed)
    assert [line for line in lines if line != line.rstrip()] == []
    assert [line for line in lines if long in line] != []
