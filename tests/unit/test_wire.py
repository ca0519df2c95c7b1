"""Reading and writing messages; tests/celery compares the same with stock Celery."""

import base64
import bz2
import json
import lzma
import subprocess
import sys
import zlib
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from wire_samples import EVERYTHING, ITEM, NAME, NOW, chain, chord, decode, envelope, refused, signature

from makertasks import wire


class TestReading:
    def test_base64_and_plain_envelopes_are_the_same_message(self):
        text = json.dumps(envelope())

        as_base64 = wire.decode(base64.b64encode(text.encode()).decode(), message_id="sqs-id")

        assert as_base64 == wire.decode(text, message_id="sqs-id")
        assert (as_base64.task_id, as_base64.name, as_base64.kwargs) == ("an-id", NAME, ITEM)
        assert as_base64.queue == "generate_qr_code"

    def test_a_json_object_of_arguments_gets_the_message_id_as_its_task_id(self):
        message = decode(ITEM, default_name=NAME)

        assert (message.task_id, message.name, message.kwargs) == ("sqs-id", NAME, ITEM)

    def test_arguments_in_a_queue_of_several_tasks_are_refused(self):
        assert refused(ITEM).task_id is None

    def test_every_field_of_a_message_is_read(self):
        message = decode(
            envelope(
                [[1], {"a": 2}, {"callbacks": [signature()], "errbacks": None, "chain": [signature()], "chord": None}],
                headers={
                    "retries": 2,
                    "eta": "2026-11-22T09:00:00+01:00",
                    "expires": "2026-11-22T10:00:00",
                    "timelimit": [30, 20.5],
                    "root_id": "root",
                    "parent_id": "parent",
                    "group": "group",
                    "group_index": 3,
                    "ignore_result": True,
                    "shadow": "shown",
                    "x-added": {"any": "thing"},
                },
            )
        )

        assert message.retries == 2
        assert message.eta == NOW
        assert message.expires == NOW + timedelta(hours=2)
        assert (message.time_limit, message.soft_time_limit) == (30, 20.5)
        assert (message.root_id, message.parent_id, message.group_id) == ("root", "parent", "group")
        assert (message.group_index, message.ignore_result, message.shadow) == (3, True, "shown")
        assert message.headers == {"x-added": {"any": "thing"}}
        assert message.callbacks == message.chain == [signature()]

    def test_typed_values_become_python_values_and_plain_ones_for_records(self):
        values = [
            datetime(2026, 1, 2, tzinfo=UTC),
            date(2026, 1, 2),
            time(3),
            Decimal("1.50"),
            UUID(int=1),
            b"a",
            b"\xff",
        ]

        message = wire.decode(wire.encode(wire.Message("an-id", NAME, values), "q"), message_id="sqs-id")

        assert message.args == values
        assert wire.plain(message.args) == [
            "2026-01-02T00:00:00+00:00",
            "2026-01-02",
            "03:00:00",
            "1.50",
            "00000000-0000-0000-0000-000000000001",
            "a",
            "/w==",
        ]

    def test_a_uuid_object_as_id_becomes_its_text(self):
        typed = {"__type__": "uuid", "__value__": {"hex": "0" * 31 + "1"}}

        assert decode(envelope(headers={"id": typed})).task_id == str(UUID(int=1))

    @pytest.mark.parametrize(
        ("method", "compress"),
        [("application/x-gzip", zlib.compress), ("application/x-bz2", bz2.compress), ("xz", lzma.compress)],
    )
    def test_compressed_bodies_are_opened(self, method, compress):
        content = compress(json.dumps([["x" * 100_000], {}, {}]).encode())

        message = decode(envelope(content=content, headers={"compression": method}))

        assert message.args == ["x" * 100_000]
        assert message.compression == method


class TestRefusing:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"content-type": "application/x-python-serialize"}, "task_serializer = 'json'"),
            ({"content-type": "application/x-yaml"}, "refused"),
            ({"content-type": 7}, "refused"),
            ({"content-encoding": "binary"}, "send utf-8"),
            ({"body": None}, "not text"),
            ({"body": "%%%"}, "body_encoding"),
            ({"properties": {"body_encoding": "rot13"}}, "use base64"),
            ({"properties": []}, "properties"),
        ],
    )
    def test_a_body_that_is_not_a_json_envelope_fails_with_the_tasks_id(self, changes, says):
        error = refused(envelope(**changes))

        assert (error.task_id, error.name) == ("an-id", NAME)
        assert says in error.reason

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("retries", "two"), ("retries", -1), ("retries", True), ("retries", 2**31), ("retries", 1.5),
            ("eta", "tomorrow"), ("eta", 5), ("eta", "0001-01-01T00:00:00+23:59"), ("expires", ["x"]),
            ("timelimit", 30), ("timelimit", [1]), ("timelimit", ["a", None]), ("timelimit", [float("nan"), None]),
            ("root_id", ""), ("root_id", 5), ("parent_id", "x" * 256), ("group", {}), ("group_index", "1"),
            ("ignore_result", "yes"), ("shadow", 1), ("argsrepr", []), ("stamps", []), ("stamped_headers", [1]),
            ("compression", "rar"), ("compression", ["gzip"]), ("origin", "\ud800"),
        ],
    )  # fmt: skip
    def test_a_field_of_the_wrong_type_fails_with_the_tasks_id(self, header, value):
        error = refused(envelope(headers={header: value}))

        assert (error.task_id, error.name) == ("an-id", NAME)

    def test_a_task_with_a_too_long_id_is_still_recorded_and_fails_under_that_id(self):
        error = refused(envelope(headers={"id": "x" * 256}))
        assert error.task_id == "x" * 256
        assert "not text of 1 to 255 bytes" in error.reason

    @pytest.mark.parametrize(
        "task_id", [None, "", 5, "x" * 2_029, "\ud800", {}, {"__type__": "uuid", "__value__": "x"}]
    )
    def test_a_message_whose_id_cannot_be_recorded_is_refused_without_an_id(self, task_id):
        assert refused(envelope(headers={"id": task_id})).task_id is None

    def test_a_message_without_a_name_fails_with_its_id(self):
        assert refused(envelope(headers={"task": None})).task_id == "an-id"

    def test_protocol_1_fails_with_the_id_in_its_body(self):
        old = {"task": NAME, "id": "old-id", "args": [], "kwargs": ITEM, "retries": 0}

        error = refused({**envelope(old), "headers": {}})

        assert (error.task_id, error.name) == ("old-id", NAME)
        assert "task_protocol = 2" in error.reason

    @pytest.mark.parametrize("payload", [[], [[], {}], [{}, {}, {}], [[], [], {}], "text", None, 5, [[], {}, []]])
    def test_a_body_with_the_wrong_structure_fails_with_the_tasks_id(self, payload):
        assert refused(envelope(content=json.dumps(payload).encode())).task_id == "an-id"

    @pytest.mark.parametrize(
        "broken",
        [
            "text",
            {**signature(), "task": 5},
            {**signature(), "args": 5},
            {**signature(), "kwargs": []},
            {**signature(), "options": "x"},
            {**signature(), "subtask_type": "chunks"},
            {**signature(), "subtask_type": []},
            {**signature(), "options": {"link": [5]}},
            {**signature(), "options": {"task_id": 5}},
            {**chain(), "kwargs": {"tasks": 5}},
            {**chord([], signature()), "kwargs": {"header": None, "body": None}},
        ],
    )
    @pytest.mark.parametrize("field", ["callbacks", "chain", "chord"])
    def test_a_broken_signature_fails_before_the_task_runs(self, field, broken):
        value = broken if field == "chord" else [broken]

        assert refused(envelope([[], {}, {field: value}])).task_id == "an-id"

    @pytest.mark.parametrize(
        "typed",
        [("datetime", "never"), ("uuid", "x"), ("uuid", {}), ("decimal", "x"), ("base64", "x"), ("set", []), ([], 1),
         ("bytes", 5), ("decimal", [0, [1], 0]), ("date", None)],
    )  # fmt: skip
    def test_an_invalid_typed_value_fails_with_the_tasks_id(self, typed):
        value = {"__type__": typed[0], "__value__": typed[1]}

        assert refused(envelope([[value], {}, {}])).task_id == "an-id"
        assert refused({"value": value}, default_name=NAME).task_id == "sqs-id"

    @pytest.mark.parametrize(
        "text", ["", "   ", "hello", "[1]", "7", "{", '{"a": ', "e30", "/w==", '"x"', "\ud800", "{\x00}", "NaN"]
    )
    def test_other_messages_are_refused_without_an_id(self, text):
        with pytest.raises(wire.Malformed) as caught:
            wire.decode(text, message_id="sqs-id")

        assert caught.value.task_id is None

    def test_arguments_are_never_quoted(self):
        secret = "http://user:secret@host"

        reasons = [
            refused(envelope([[], {"url": secret}, {"callbacks": [{"args": [secret]}]}])).reason,
            refused(envelope([[{"__type__": "uuid", "__value__": secret}], {}, {}])).reason,
            refused({"url": secret}).reason,
        ]

        assert "secret" not in " ".join(reasons)


class TestOptions:
    def test_options_outside_the_record_are_restored(self):
        message = decode(envelope(EVERYTHING, headers={"timelimit": [30, 20], "shadow": "s", "x-added": 1}))
        recorded = {
            name: getattr(message, name)
            for name in (
                "task_id",
                "name",
                "args",
                "kwargs",
                "eta",
                "expires",
                "root_id",
                "parent_id",
                "group_id",
                "queue",
            )
        }

        assert wire.Message(**recorded, **wire.load_options(wire.dump_options(message))) == message

    def test_a_message_without_options_stores_none(self):
        assert wire.dump_options(wire.Message("an-id", NAME, [], ITEM)) is None
        assert wire.load_options(None) == {}

    @pytest.mark.parametrize("text", ["[]", "{", '{"colour": 1}'])
    def test_options_in_an_unknown_format_are_malformed(self, text):
        with pytest.raises(wire.Malformed):
            wire.load_options(text)


def test_the_module_needs_no_aws_no_celery_and_no_compression_to_import():
    loaded = "import sys, makertasks.wire; print(*sys.modules)"
    environment = {"PYTHONPATH": str(Path(wire.__file__).parents[2])}

    modules = subprocess.run(  # noqa: S603 - Python itself
        [sys.executable, "-c", loaded], env=environment, capture_output=True, text=True, check=True
    )

    assert not {"boto3", "botocore", "celery", "kombu", "bz2", "lzma", "pynamodb"} & set(modules.stdout.split())
