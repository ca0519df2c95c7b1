"""Bounds of messages: sizes, nesting, numbers."""

import bz2
import json
import lzma
import zlib

import pytest
from wire_samples import ITEM, decode, envelope, refused

from makertasks import wire
from makertasks.wire.compression import MAX_BYTES
from makertasks.wire.values import MAX_DEPTH


class TestBounds:
    @pytest.mark.parametrize(("method", "module"), [("gzip", zlib), ("bzip2", bz2), ("lzma", lzma)])
    def test_a_decompression_bomb_is_refused_before_it_is_unpacked(self, method, module):
        bomb = module.compress(b" " * (MAX_BYTES + 1))

        error = refused(envelope(content=bomb, headers={"compression": method}))

        assert len(bomb) < 10_000
        assert error.task_id == "an-id"
        assert str(MAX_BYTES) in error.reason

    def test_a_body_of_the_maximum_size_is_read(self):
        payload = json.dumps([[], ITEM, {}]).encode()
        content = zlib.compress(payload + b" " * (MAX_BYTES - len(payload)))

        assert decode(envelope(content=content, headers={"compression": "gzip"})).kwargs == ITEM

    def test_compressed_data_that_is_cut_off_is_refused(self):
        content = zlib.compress(json.dumps([[], ITEM, {}]).encode())[:-3]

        assert "cut off" in refused(envelope(content=content, headers={"compression": "gzip"})).reason

    @pytest.mark.parametrize("method", ["gzip", "bzip2", "lzma", "zstd"])
    def test_a_body_that_is_not_compressed_is_refused(self, method):
        assert refused(envelope(headers={"compression": method})).task_id == "an-id"

    @pytest.mark.parametrize("levels", [MAX_DEPTH, 100_000])
    def test_deep_nesting_is_refused_with_the_tasks_id(self, levels):
        body = b"[" * levels + b"]" * levels

        assert refused(envelope(content=b"[" + body + b", {}, {}]")).task_id == "an-id"

    def test_brackets_inside_text_do_not_count_as_nesting(self):
        assert decode(envelope([["[" * 10_000 + '\\"['], {}, {}])).args == ["[" * 10_000 + '\\"[']

    def test_a_number_too_long_for_python_is_refused(self):
        assert refused(envelope(content=b"[[" + b"9" * 5000 + b"], {}, {}]")).task_id == "an-id"

    def test_plain_values_are_valid_json(self):
        values = {"a": [float("nan"), float("inf"), 2**64, 10**5000, "\ud800", {1, 2}, object], 5: None}

        plain = wire.plain(values)

        assert json.loads(json.dumps(plain, allow_nan=False).encode()) == plain
        assert plain["a"][:3] == ["nan", "inf", "18446744073709551616"]
