"""The full-screen monitor: filters, tasks, queues."""

from __future__ import annotations

import asyncio

import pytest
from command_line import qr

from makertasks.aws import event_sources
from makertasks.cli import events, screen, shown
from makertasks.records import table as records
from makertasks.records.states import Status


@pytest.fixture
def monitor(command, worker):
    """A full screen with a finished and a waiting task."""
    ended = command(*qr())[1].strip()
    worker.deliver()
    waiting = command(*qr())[1].strip()
    return screen.Monitor(lambda: shown.rows(events.look()), interval=2, seconds=None), ended, waiting


def ids_on(app):
    table = app.query_one("#tasks")
    return [str(table.get_row_at(place)[0]) for place in range(table.row_count)]


async def until(pilot, condition):
    """Wait until a condition holds, and fail if it never does."""
    for _ in range(1200):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError(f"waited in vain; on the screen: {ids_on(pilot.app)}")


def test_the_full_screen_shows_filters_and_opens_tasks(monitor):
    app, ended, waiting = monitor

    async def use():
        async with app.run_test(size=(160, 40)) as pilot:
            await until(pilot, lambda: ids_on(app) == [waiting, ended])
            assert "SUCCESS 1" in str(app.query_one("#counts").render())
            offered = [each.description for each in app.query("FooterKey")]
            assert offered[:2] == ["Open", "Filter by status"]
            await pilot.press("slash", *ended[:8], "enter")
            await until(pilot, lambda: ids_on(app) == [ended])
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, screen.Detail))
            assert any(ended in str(line.render()) for line in app.screen.query("Static"))
            [attempts] = app.screen.query(".attempts")
            assert [str(column.header) for column in attempts.content.columns][:2] == ["ATTEMPT", "STATUS"]
            assert attempts.content.row_count == 1
            await pilot.press("escape", "q")

    asyncio.run(use())


def test_the_full_screen_filters_by_status_and_retries(monitor, worker):
    app, ended, _ = monitor

    async def use():
        async with app.run_test(size=(160, 40)) as pilot:
            await until(pilot, lambda: len(ids_on(app)) == 2)
            for _ in range(1 + list(Status).index(Status.SUCCESS)):
                await pilot.press("f")
            await until(pilot, lambda: ids_on(app) == [ended])
            await pilot.press("r")
            await until(pilot, lambda: records.get(ended).retried_to)
            await pilot.press("q")

    asyncio.run(use())


def test_the_full_screen_pauses_and_resumes_a_queue(monitor, monkeypatch):
    app, *_ = monitor
    mapping = {"UUID": "1", "State": "Enabled"}
    name = "unit-tasks-generate_qr_code"
    monkeypatch.setattr(event_sources, "mappings", lambda: [(name, mapping)])

    def update(_mapping, Enabled):  # noqa: N803 - AWS's name
        mapping["State"] = "Enabled" if Enabled else "Disabled"
        return mapping

    monkeypatch.setattr(event_sources, "update", update)

    async def use():
        async with app.run_test(size=(160, 40)) as pilot:
            queues = app.query_one("#queues")
            await until(pilot, lambda: queues.row_count)
            queues.focus()
            queues.move_cursor(row=queues.get_row_index("generate_qr_code"))
            await pilot.press("p")
            await until(pilot, lambda: mapping["State"] == "Disabled")
            await until(pilot, lambda: "paused" in str(queues.get_row("generate_qr_code")[1]))
            await pilot.press("p")
            await until(pilot, lambda: mapping["State"] == "Enabled")
            await pilot.press("q")

    asyncio.run(use())
