"""Text that comes back as it was given, or not at all: signed with a key of the stack's own.

The key is made on first use and kept in the counters table (period `keys`), so nobody has to set one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from functools import cache

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, PynamoDBException
from pynamodb.models import Model

from makertasks import settings
from makertasks.aws.dynamodb import is_refused
from makertasks.errors import MakertasksError, Unavailable

KEY_BYTES = 32
SIGNATURE_BYTES = 16


class BrokenSeal(MakertasksError):
    """The text was not sealed here, or for another purpose."""


class SealingKey(Model):
    """The stack's key."""

    class Meta:
        table_name = ""  # set by key()
        connect_timeout_seconds = 3
        read_timeout_seconds = 10

    period = UnicodeAttribute(hash_key=True, default="keys")
    cell = UnicodeAttribute(range_key=True, default="sealing")
    value = BinaryAttribute(legacy_encoding=False)


def seal(purpose: str, text: str) -> str:
    """`text` in letters that fit into an address, with a signature for `purpose`; raises Unavailable."""
    signed = _signature(purpose, text.encode()) + text.encode()
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def unseal(purpose: str, sealed: str) -> str:
    """The text that was sealed for `purpose`; raises BrokenSeal or Unavailable."""
    try:
        signed = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BrokenSeal("not sealed here") from error
    signature, text = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(purpose, text)):
        raise BrokenSeal("not sealed here, or for another purpose")
    return text.decode()


def _signature(purpose: str, text: bytes) -> bytes:
    message = len(purpose.encode()).to_bytes(4, "big") + purpose.encode() + text
    return hmac.digest(key(settings.counters_table()), message, "sha256")[:SIGNATURE_BYTES]


@cache
def key(table: str) -> bytes:
    """The key in a table, made where there is none; raises Unavailable."""
    SealingKey.Meta.table_name = table
    try:
        return _read() or _make()
    except PynamoDBException as error:
        raise Unavailable(f"the key of cursors could not be read: {error}") from error


def _read() -> bytes | None:
    try:
        return bytes(SealingKey.get("keys", "sealing", consistent_read=True).value)
    except DoesNotExist:
        return None


def _make() -> bytes:
    """A new key, or the one that somebody else has just made."""
    made = secrets.token_bytes(KEY_BYTES)
    try:
        SealingKey(value=made).save(condition=SealingKey.period.does_not_exist())
    except PutError as error:
        if not is_refused(error):
            raise
        return _read() or made
    return made
