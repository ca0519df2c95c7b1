"""What a list of tasks shows on terminals of any width."""

from __future__ import annotations

import io
import json
import re

import pytest
from command_line import ITEM, qr
from rich.console import Console

from makertasks.cli import output
from makertasks.inventory.model import Item


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_list_shows_whole_ids_at_any_width(command, worker, monkeypatch, width):
    task_id = command(*qr())[1].strip()
    worker.deliver()
    shown = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=shown, width=width))
    command("list")
    heading, *lines = shown.getvalue().splitlines()
    [first] = [line for line in lines if line.startswith(task_id)]
    assert "SUCCESS" in first
    assert ("ITEM" in heading, "WORKER" in heading) == (width >= 100, width >= 160)
    assert "ERROR" not in heading  # no such task


@pytest.mark.parametrize("width", [64, 80, 99])
def test_a_list_on_a_narrow_terminal_shows_errors_and_items_below_names(command, worker, monkeypatch, width):
    # given a task that failed and one that waits, both for an item with a name
    failed = command(*qr())[1].strip()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").delete()
    worker.deliver()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").save()
    waiting = command(*qr())[1].strip()
    shown = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=shown, width=width))

    # when they are listed
    command("list")

    # then each takes two lines: below its id when it was created, below its name the error or the item
    lines = shown.getvalue().splitlines()
    assert {len(line) <= width for line in lines} == {True}
    assert [line.split() for line in lines[:2]] == [["ID", "NAME", "STATUS"], ["CREATED", "ERROR", "OR", "ITEM"]]
    rows = {
        first.split()[0]: (first.split()[1:], second) for first, second in zip(lines[2::2], lines[3::2], strict=True)
    }
    assert rows.keys() == {failed, waiting}
    assert (rows[failed][0][-1], "UnknownItem" in rows[failed][1]) == ("FAILURE", True)
    assert (rows[waiting][0][-1], rows[waiting][1].split()[-1]) == ("PENDING", "Drill")
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", second) for _, second in rows.values())


def test_a_list_shows_the_items_name_and_the_error(command, worker, monkeypatch):
    command(*qr())
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").delete()
    worker.deliver()
    sent = command("list", "--status", "FAILURE", "--json")[1]
    assert json.loads(sent)["tasks"][0]["error"]["type"] == "UnknownItem"
    printed = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=printed, width=200))
    command("list")
    assert "UnknownItem" in printed.getvalue()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").save()
    command("list")
    assert "Drill" in printed.getvalue()
