"""Result items, keys, and the trees of groups."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import ITEM, JUNK, NAME, NOW

from makertasks import wire


class TestResults:
    def test_result_meta_has_celerys_fields_in_their_order(self):
        meta = wire.result_meta(
            "SUCCESS",
            task_id="an-id",
            result={"key": "é"},
            children=["child", wire.group_tree("g", [wire.task_tree("a")])],
            date_done=NOW,
            parent_id="p",
            group_id="g",
            name=NAME,
            kwargs=ITEM,
            worker="w",
            retries=1,
            queue="q",
        )

        assert list(json.loads(meta)) == [
            "status", "result", "traceback", "children", "date_done", "task_id", "parent_id", "group_id", "name",
            "args", "kwargs", "worker", "retries", "queue",
        ]  # fmt: skip
        assert json.loads(meta)["children"] == [[["child", None], None], [["g", None], [[["a", None], None]]]]
        assert b": " not in meta
        assert wire.parse_result_meta(meta)["date_done"] == "2026-11-22T08:00:00+00:00"

    def test_each_status_has_celerys_result(self):
        def result(status, **options):
            return wire.parse_result_meta(wire.result_meta(status, task_id="an-id", **options))["result"]

        assert result("PENDING") is None
        assert result("STARTED", worker="w")["hostname"] == "w"
        assert result("RETRY", error=OSError(5)) == {
            "exc_type": "OSError",
            "exc_message": [5],
            "exc_module": "builtins",
        }
        assert result("FAILURE", error=ValueError(ValueError))["exc_message"] == ["<class 'ValueError'>"]
        assert result("REVOKED", error=KeyError("x")) == wire.revoked("'x'")
        assert wire.revoked("expired")["exc_module"] == "celery.exceptions"

    def test_a_result_that_json_cannot_represent_is_the_callers_error(self):
        with pytest.raises(TypeError, match="type set"):
            wire.result_meta("SUCCESS", task_id="an-id", result={1})
        endless = []
        endless.append(endless)
        with pytest.raises(ValueError, match="ircular"):
            wire.result_meta("SUCCESS", task_id="an-id", result=endless)

    @given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
    def test_a_key_can_contain_any_id(self, task_id):
        assert wire.task_id_of(wire.result_key(task_id)) == task_id

    @pytest.mark.parametrize(
        "key", ["", "x", "b'celery-taskset-meta-1'", "b'", "5", "b'celery-task-meta-\\xff'", "(" * 500]
    )
    def test_other_keys_are_not_task_keys(self, key):
        with pytest.raises(ValueError, match=r"key|utf"):
            wire.task_id_of(key)

    def test_a_result_that_celery_compressed_is_read(self):
        stored = b"\x00celery-compressed\x00application/x-gzip\x00" + zlib.compress(b'{"status": "SUCCESS"}')

        assert wire.parse_result_meta(stored) == {"status": "SUCCESS"}

    @given(st.one_of(st.binary(), JUNK.map(lambda value: json.dumps(value).encode())))
    def test_any_stored_bytes_are_a_result_or_malformed(self, stored):
        for parse in (wire.parse_result_meta, wire.parse_group_meta):
            try:
                parse(stored)
            except wire.Malformed:
                continue

    def test_results_of_a_group_come_in_its_shape(self):
        tree = wire.group_tree("g", [wire.task_tree("a"), wire.group_tree("h", [wire.task_tree("b")])])

        assert wire.parse_group_meta(wire.group_meta(tree)) == tree
        assert list(wire.tree_ids(tree)) == ["a", "b"]
        assert wire.join(tree, str.upper) == ["A", ["B"]]
