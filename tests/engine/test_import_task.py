"""The task that imports a dump: its pauses, and files that are replaced, missing or truncated."""

# ruff: noqa: F811 - tests name the fixtures that are imported here
from __future__ import annotations

import json
import time

import pytest
from dump_imports import KEY, bring_in, counts, one_copy_a_transaction, put, rows  # noqa: F401 - fixtures
from dump_samples import REAL

from import_dump.handler import import_dump
from makertasks.context import Context, Continue, running
from makertasks.errors import PermanentError
from makertasks.inventory.openmakersuite import dumps


def run_with_pauses() -> tuple[list[int], dict]:
    """Run the task with so little time that it pauses after each chunk; return where it paused, and its result."""
    pauses: list[int] = []
    state: dict = {}
    while True:
        try:
            with running(Context("t", deadline=time.monotonic() + 1, state=state)):
                return pauses, import_dump.call({"key": KEY})
        except Continue as pause:
            state = json.loads(json.dumps(pause.state))
            pauses.append(state["objects"])


class TestTheTask:
    def test_an_import_continues_where_its_time_ran_out(self, put, rows):
        put(json.loads(REAL.read_bytes())[:160])
        pauses, report = run_with_pauses()
        assert pauses == [50, 100]
        assert counts(report) == (140, 0, 0, 0)
        assert len(rows()) == 140 + report["by_model"]["inventory.itemsupplier"]["created"]

    def test_a_replaced_dump_is_left_to_its_own_task(self, put):
        put([])
        with pytest.raises(PermanentError, match=r"imports/dump\.json: has been replaced"):
            import_dump.call({"key": KEY, "etag": "0123"})

    @pytest.mark.usefixtures("inventory_table", "media_bucket")
    def test_a_missing_file_is_reported(self):
        with pytest.raises(PermanentError, match="no longer in the bucket"):
            import_dump.call({"key": "imports/gone.json"})

    @pytest.mark.parametrize("length", [0, 1, 5_000, 172_000])
    def test_a_truncated_dump_changes_nothing(self, bring_in, rows, length):
        with pytest.raises(dumps.BrokenDump, match=r"^line \d+, column \d+: .*; nothing was imported$"):
            bring_in(REAL.read_bytes()[:length])
        assert rows() == {}
