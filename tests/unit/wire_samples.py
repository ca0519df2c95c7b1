"""Messages, signatures and junk for tests of the wire format."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st

from makertasks import wire

NAME = "inventory.tasks.generate_qr_code"
ITEM = {"item_id": "6f1c2a4e-0000-4000-8000-000000000001"}
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def envelope(payload=None, *, content=None, headers=None, **changes):
    """A stock client's envelope as a dict."""
    written = json.dumps([[], ITEM, {}] if payload is None else payload).encode() if content is None else content
    return {
        "body": base64.b64encode(written).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": NAME, "id": "an-id", **(headers or {})},
        "properties": {"body_encoding": "base64", "delivery_info": {"routing_key": "generate_qr_code"}},
        **changes,
    }


def decode(content, **options):
    return wire.decode(json.dumps(content), message_id="sqs-id", **options)


def signature(name="t.next", *args, options=None, kind=None, immutable=False, **kwargs):
    return {
        "task": name,
        "args": list(args),
        "kwargs": kwargs,
        "options": options or {},
        "subtask_type": kind,
        "immutable": immutable,
    }


def chain(*tasks):
    return signature("celery.chain", kind="chain", tasks=list(tasks))


def group(*tasks):
    return signature("celery.group", kind="group", tasks=list(tasks))


def chord(header, body):
    return signature("celery.chord", kind="chord", kwargs={}, header=header, body=body)


def refused(content, **options):
    with pytest.raises(wire.Malformed) as caught:
        decode(content, **options)
    return caught.value


JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("\ud800"), st.just(10**400),
        st.sampled_from(["base64", "gzip", "application/json", "chain", "group", "chord", "celery.chain", "an-id"]),
        st.fixed_dictionaries({"__type__": st.sampled_from(["date", "uuid", "x"]), "__value__": st.text(max_size=3)}),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)  # fmt: skip
EVERYTHING = [
    [1],
    {"a": 2},
    {
        "callbacks": [
            signature("t.a", options={"task_id": "x", "countdown": 5, "link": [signature()]}),
            group(signature()),
        ],
        "errbacks": [signature("t.b")],
        "chain": [chord([signature("t.c")], chain(signature("t.d"), group(signature("t.e"), signature("t.f"))))],
        "chord": chain(signature("t.g"), signature("t.h", options={"eta": "2026-01-01", "expires": 5})),
    },
]
