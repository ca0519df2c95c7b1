"""Any text in a queue, decoded and followed up, gives messages or Malformed, and nothing else."""

import base64
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import EVERYTHING, ITEM, JUNK, NAME, envelope

from makertasks import wire


@st.composite
def mutated(draw, value):
    """A JSON value with a random part replaced by junk."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(mutated(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(mutated(value[place])), *value[place + 1 :]]
    return draw(JUNK)


def only_malformed(text):
    """Decode a message and its follow-ups: this works or raises Malformed."""
    try:
        message = wire.decode(text, message_id="sqs-id", default_name=NAME)
        wire.decode(wire.encode(message, "q"), message_id="sqs-id")
        assert wire.result_key(message.task_id).isascii()
        json.dumps(wire.plain([message.args, message.kwargs]), allow_nan=False).encode()
        for following in (
            wire.followers(message, {"a": 1}),
            wire.error_followers(message),
            wire.chord_followers(message, [1]),
            wire.chord_error_followers(message),
        ):
            for sent in [*following.messages, *following.failed]:
                wire.encode(sent, "q")
    except wire.Malformed:
        pass


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(), st.binary().map(lambda data: base64.b64encode(data).decode()), JUNK.map(json.dumps)))
def test_random_text_is_either_a_message_or_malformed(text):
    only_malformed(text)


@settings(max_examples=120, deadline=None)
@given(mutated(envelope(EVERYTHING, headers={"eta": "2026-01-01", "timelimit": [1, 2], "stamps": {"a": 1}})))
def test_any_envelope_is_either_a_message_or_malformed(content):
    only_malformed(json.dumps(content))


@settings(max_examples=120, deadline=None)
@given(mutated(EVERYTHING))
def test_any_body_is_either_a_message_or_malformed(payload):
    only_malformed(json.dumps(envelope(payload)))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_text_is_either_a_message_or_malformed(data):
    text = wire.encode(wire.Message("an-id", NAME, [1, "é"], ITEM), "q")
    place = data.draw(st.integers(0, len(text)))
    damage = data.draw(st.sampled_from(["", "A", "=", "{", "\x00"]))

    only_malformed(text[:place] + damage + text[place + data.draw(st.integers(0, 5)) :])
    only_malformed(text[:place])
