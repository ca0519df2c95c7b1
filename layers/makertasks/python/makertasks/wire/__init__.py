"""The wire format, pure: Celery's messages on SQS and its results on DynamoDB, read and written without Celery.

message     Message, and how it is written
envelope    how a message is read, from whatever a queue holds
values      JSON with Celery's typed values, plain JSON for records
results     keys and JSON of result items, saved groups, trees of results
followers   follow-ups of a task: callbacks, chains, errbacks, chords
"""

from makertasks.wire.callbacks import Followers, chord_error_followers, chord_followers, error_followers, followers
from makertasks.wire.canvas import Beginning, StartedChord, begin
from makertasks.wire.envelope import decode
from makertasks.wire.message import Message, Signature, dump_options, encode, load_options
from makertasks.wire.results import (
    chord_key,
    compressed,
    decompressed,
    failure,
    group_key,
    group_meta,
    group_tree,
    join,
    parse_group_meta,
    parse_result_meta,
    result_key,
    result_meta,
    revoked,
    task_id_of,
    task_tree,
    tree_ids,
)
from makertasks.wire.values import Malformed, dump_result, dump_value, load_value, plain

__all__ = [
    "Beginning",
    "Followers",
    "Malformed",
    "Message",
    "Signature",
    "StartedChord",
    "begin",
    "chord_error_followers",
    "chord_followers",
    "chord_key",
    "compressed",
    "decode",
    "decompressed",
    "dump_options",
    "dump_result",
    "dump_value",
    "encode",
    "error_followers",
    "failure",
    "followers",
    "group_key",
    "group_meta",
    "group_tree",
    "join",
    "load_options",
    "load_value",
    "parse_group_meta",
    "parse_result_meta",
    "plain",
    "result_key",
    "result_meta",
    "revoked",
    "task_id_of",
    "task_tree",
    "tree_ids",
]
