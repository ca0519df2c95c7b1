"""Reading dumps as a stream, with errors that name line and column, and listing imported objects."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from uuid import UUID

import pytest
from dump_samples import REAL

from makertasks.inventory import table as inventory
from makertasks.inventory.openmakersuite import dumps
from makertasks.inventory.table import Item


class TestReading:
    @pytest.mark.parametrize(
        ("text", "line", "column", "reason"),
        [
            (b"", 1, 1, "a dump is a JSON list"),
            (b'{"model": "x"}', 1, 1, "a dump is a JSON list"),
            (b"<html>", 1, 1, "a dump is a JSON list"),
            (b'[\n{"a": 1},\n{"a" 2}\n]', 3, 6, "expecting ':' delimiter"),
            (b'[\n{"a": 1}\n{"a": 2}]', 3, 1, "expected ',' or ']'"),
            (b'[{"a": 1},]', 1, 11, "expecting value"),
            (b'[\n{"a": 1}', 2, 9, "the file ends inside the list"),
            (b'[\n{"a": 1},\n{"b": "half', 3, 12, "the file ends inside the object that begins on line 3"),
            (b'[\n{"a": 1}]\n[]', 3, 1, "more text after the end"),
            (b'[\n{"a": 1},\n{"a": 2,\n"b" 3},' + b'{"a": 1},\n' * 300_000, 4, 5, "expecting ':' delimiter"),
            (b'{"model": "x"}\n{"model": "y"}', 1, 1, "JSON lines"),
            (
                b"<?xml version='1.0'?><django-objects/>",
                1,
                1,
                "looks like XML or HTML. Make one with manage.py dumpdata",
            ),
            (b"- model: inventory.location\n", 1, 1, "YAML. Make one with manage.py dumpdata inventory reorder_queue "),
            (b"BZh91AY", 1, 1, "compressed (bzip2); unpack it, or compress it with gzip"),
            (b"PK\x03\x04abcd", 1, 1, "compressed (ZIP)"),
            (gzip.compress(b"[]", mtime=0)[:-6], 1, 1, "the gzip file is damaged or incomplete"),
            (gzip.compress(b"[]", mtime=0)[:-6] + b"123456", 1, 1, "the gzip file is damaged or incomplete"),
            (gzip.compress(b'[\n{"a": 1},\n{"a" 2}\n]', mtime=0), 3, 6, "expecting ':' delimiter"),
            (b'[\n{"a": "\xff"}]', 2, 8, "byte 0xff is not UTF-8"),
            (b"\xff\xfe[\x00]\x00", 1, 1, "byte 0xff is not UTF-8"),
            ('[{"ä": "€'.encode()[:-1], 1, 9, "the file ends inside a character"),
            (b"[" + b"[" * 200_000, 1, 2, "recursion"),
            (b'[{"a": "' + b"x" * (1 << 21), 1, 2, "an object of more than 1048576 characters"),
        ],
    )
    def test_the_error_of_a_broken_file_names_line_and_column(self, text, line, column, reason):
        with pytest.raises(dumps.BrokenDump) as caught:
            list(dumps.read(io.BytesIO(text)))
        assert (caught.value.line, caught.value.column) == (line, column)
        assert reason in caught.value.reason

    def test_objects_have_their_first_lines_number(self):
        text = REAL.read_bytes()
        lines = text.decode().splitlines()
        found = list(dumps.read(io.BytesIO(text)))
        assert [each.value for each in found] == json.loads(text)
        assert all(lines[each.line - 1] == "{" for each in found)

    def test_a_dump_in_one_line_and_with_a_byte_order_mark_is_read(self):
        objects = json.loads(REAL.read_bytes())
        found = list(dumps.read(io.BytesIO(b"\xef\xbb\xbf" + json.dumps(objects).encode())))
        assert [each.value for each in found] == objects
        assert [each.number for each in found] == list(range(1, 329))

    def test_memory_depends_on_the_largest_object_not_on_the_file(self):
        stream = dumps.read(_Endless())
        assert sum(1 for _ in itertools.islice(stream, 20_000)) == 20_000


class _Endless(io.RawIOBase):
    """A dump without an end."""

    def __init__(self) -> None:
        self._text = itertools.chain(b"[", itertools.cycle(b'{"model": "x", "pk": 1, "fields": {}},\n'))

    def read(self, size: int = -1) -> bytes:
        return bytes(itertools.islice(self._text, min(size, 4096)))


@pytest.mark.usefixtures("inventory_table")
class TestListing:
    def test_items_are_listed_by_name_in_pages(self):
        inventory.write(
            Item(f"item#{UUID(int=number)}", "item", name=name)
            for number, name in enumerate(["Ärmel", "bolt", "Axle", "apple", "Bracket"])
        )
        names, cursor = [], None
        while True:
            page, cursor, _ = inventory.list_items(2, cursor)
            names += [item.name for item in page]
            if cursor is None:
                break
        assert names == ["apple", "Axle", "bolt", "Bracket", "Ärmel"]

    def test_a_prefix_finds_names_in_any_case(self):
        inventory.write(Item(f"item#{name}", "item", name=name) for name in ("Bolt", "bolt M3", "Axle"))
        page, cursor, _ = inventory.list_items(10, prefix=" BOLT")
        assert ([item.name for item in page], cursor) == (["Bolt", "bolt M3"], None)

    @pytest.mark.parametrize("cursor", ["x", "%%%", "YWJj"])
    def test_a_cursor_of_another_list_is_refused(self, cursor):
        with pytest.raises(inventory.InvalidRequest, match=r"^cursor: not a cursor of this list"):
            inventory.list_items(2, cursor)
