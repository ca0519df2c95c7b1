"""Messages that we write equal kombu's, byte for byte where possible, and we read those that kombu writes."""

import base64
import json
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import kombu.compression
import kombu.utils.json
import pytest
from celery import chain, chord, group
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stock import QUEUE, app, read_by_kombu, received, run_by_celery, say, sent

from makertasks import wire

# No surrogates, which JSON cannot represent; no NaN, which does not equal itself.
text = st.text(st.characters(codec="utf-8"), max_size=20)
typed = st.one_of(
    st.datetimes(timezones=st.one_of(st.none(), st.just(UTC))),
    st.dates(),
    st.times(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.binary(max_size=20),
)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, text, typed),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=8,
)
soon = st.datetimes(datetime(2027, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - zone is given
calls = st.fixed_dictionaries(
    {},
    optional={
        "task_id": st.uuids().map(str),
        "eta": soon,
        "shadow": text,
        "time_limit": st.integers(60, 900),
        "soft_time_limit": st.integers(1, 60),
        "retries": st.integers(0, 5),
        "group_id": st.uuids().map(str),
        "group_index": st.integers(0, 99),
        "root_id": st.uuids().map(str),
        "parent_id": st.uuids().map(str),
        "priority": st.integers(0, 9),
        "ignore_result": st.booleans(),
        "headers": st.dictionaries(text.map("x-{}".format), values, max_size=2),
        "argsrepr": st.just("<hidden>"),
        "link": st.just([say.s(tag="b")]),
        "link_error": st.just([say.si(tag="c")]),
        "replaced_task_nesting": st.integers(0, 3),
    },
)
canvases = [
    say.s(1, tag="a"),
    chain(say.s(1, tag="a"), say.s(tag="b").set(countdown=5), say.s(tag="c")),
    chain(say.s(tag="a"), group(say.s(tag="b"), say.s(tag="c")), say.s(tag="d"), say.s(tag="e")),
    chain(say.s(tag="a"), group(say.s(tag="b"), say.s(tag="c"))),
    chord([say.s(tag="a"), say.s(tag="b")], say.s(tag="c").on_error(say.s(tag="d"))),
    group(say.s(tag="a"), chain(say.s(tag="b"), say.s(tag="c"))),
]


def envelope(body):
    return json.loads(base64.b64decode(body))


def comparable(body):
    """The envelope's text without the properties that SQS workers do not read.

    `delivery_tag` is new in every message, `expiration` is RabbitMQ's, `argsrepr` a stray copy of the header.
    """
    content = envelope(body)
    for unread in ("delivery_tag", "expiration", "argsrepr"):
        content["properties"].pop(unread, None)
    return json.dumps(content)


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.lists(values, max_size=3), st.dictionaries(text, values, max_size=3), calls)
def test_a_stock_clients_message_survives_a_round_trip(args, kwargs, options):
    [body] = sent(lambda: app.send_task("t.other", args, kwargs, **options))

    message = wire.decode(body, message_id="unused")

    by_kombu = read_by_kombu(body)
    assert [message.args, message.kwargs] == by_kombu.payload[:2]
    assert comparable(wire.encode(message, QUEUE)) == comparable(body)


@pytest.mark.parametrize("canvas", canvases, ids=repr)
def test_every_message_of_a_canvas_survives_a_round_trip(canvas):
    for body in sent(canvas.clone().apply_async):
        assert comparable(wire.encode(wire.decode(body, message_id="unused"), QUEUE)) == comparable(body)


@pytest.mark.parametrize("args", [(), (1, "it's"), (None, True, 1.5, b"\x00\xff", date(2026, 1, 2)), ([1], {"a": "b"})])
def test_our_message_equals_a_stock_clients_byte_for_byte(args):
    options = {"task_id": "an-id", "eta": datetime(2027, 1, 2, tzinfo=UTC), "argsrepr": "…", "ignore_result": False}
    [body] = sent(lambda: app.send_task("t.say", args, {"tag": "a"}, **options, time_limit=20))
    by_stock = wire.decode(body, message_id="unused")

    ours = wire.Message(
        "an-id",
        "t.say",
        list(args),
        {"tag": "a"},
        eta=options["eta"],
        time_limit=20,
        argsrepr="…",
        ignore_result=by_stock.ignore_result,  # null or false, depending on the version
        origin=by_stock.origin,
        reply_to=by_stock.reply_to,
    )

    assert comparable(wire.encode(ours, QUEUE)) == comparable(body)


@settings(deadline=None, max_examples=200)
@given(st.lists(values, max_size=3), st.dictionaries(text, values, max_size=3))
def test_kombu_reads_what_we_write(args, kwargs):
    message = wire.Message("an-id", "t.say", args, kwargs, stamps={"who": "me"}, stamped_headers=["who"])

    by_kombu = read_by_kombu(wire.encode(message, QUEUE))

    nothing = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    assert by_kombu.payload == [args, kwargs, nothing]
    assert by_kombu.headers["stamps"] == {"who": "me"}
    assert by_kombu.properties["correlation_id"] == "an-id"


@settings(max_examples=300)
@given(values)
def test_values_are_encoded_and_decoded_as_by_kombu(value):
    assert wire.dump_value(value) == kombu.utils.json.dumps(value)
    assert wire.load_value(wire.dump_value(value)) == kombu.utils.json.loads(wire.dump_value(value)) == value


def test_the_short_repr_of_arguments_equals_celerys():
    [body] = sent(lambda: app.send_task("t.say", (1, "x", None), {"tag": "a"}))

    ours = wire.encode(wire.Message("an-id", "t.say", [1, "x", None], {"tag": "a"}), QUEUE)

    assert read_by_kombu(ours).headers["argsrepr"] == read_by_kombu(body).headers["argsrepr"] == "(1, 'x', None)"
    assert read_by_kombu(ours).headers["kwargsrepr"] == read_by_kombu(body).headers["kwargsrepr"]


def test_a_plain_envelope_is_also_read():
    with app.connection_for_write() as connection:
        connection.transport_options = {**connection.transport_options, "sqs_base64_encoding": False}
        [body] = sent(lambda: say.apply_async(("é",), {"tag": "a"}, connection=connection))

    assert body.startswith("{")
    assert wire.decode(body, message_id="unused").args == ["é"]


@pytest.mark.parametrize("method", [name for name in kombu.compression.encoders() if "brotli" not in name])
def test_bodies_compressed_by_kombu_are_read(method):
    [body] = sent(lambda: say.apply_async(("x" * 10_000,), {"tag": "a"}, compression=method))

    message = wire.decode(body, message_id="unused")

    assert message.args == ["x" * 10_000]
    assert message.compression == method
    assert read_by_kombu(wire.encode(message, QUEUE)).payload[0] == ["x" * 10_000]


def test_another_content_type_is_refused_with_the_tasks_id():
    [body] = sent(lambda: say.apply_async((1,), {"tag": "a"}, serializer="pickle", task_id="an-id"))

    with pytest.raises(wire.Malformed, match="task_serializer = 'json'") as refused:
        wire.decode(body, message_id="unused")

    assert (refused.value.task_id, refused.value.name) == ("an-id", "t.say")


def test_protocol_1_is_refused_with_the_tasks_id():
    def publish():
        message = app.amqp.as_task_v1("an-id", "t.say", (1,), {"tag": "a"})
        with app.producer_or_acquire() as producer:
            app.amqp.send_task_message(producer, "t.say", message)

    [body] = sent(publish)

    with pytest.raises(wire.Malformed, match="task_protocol = 2") as refused:
        wire.decode(body, message_id="unused")

    assert (refused.value.task_id, refused.value.name) == ("an-id", "t.say")


@pytest.mark.parametrize("group_id", [None, "a-group"])
def test_a_stock_worker_runs_our_messages(group_id):
    message = wire.Message(
        str(uuid.uuid4()),
        "t.say",
        [Decimal("1.5"), time(1, 2), timedelta(seconds=1).total_seconds()],
        {"tag": "a"},
        group_id=group_id,
        callbacks=[dict(say.s(tag="b"))],
    )

    run_by_celery(wire.encode(message, QUEUE))

    assert app.AsyncResult(message.task_id).get(timeout=0.1) == {"a": [Decimal("1.5"), time(1, 2), 1.0]}
    [following] = received()
    assert wire.decode(following, message_id="unused").kwargs == {"tag": "b"}
