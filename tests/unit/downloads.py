"""Shared by tests of downloads: an item, a fetcher that may reach this machine, a scripted resolver."""

from __future__ import annotations

import socket
from uuid import UUID

from download_image_from_url.fetching import Fetcher, Limits
from download_image_from_url.handler import download
from makertasks.aws import session as clients
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media import pictures
from tests.unit.picture_samples import encoded, quarters

ITEM = UUID("3f0c2f1e-7f6b-4f0a-9b51-0d8f4f0c7a11")
OTHER = UUID("8d1c7c3e-54a5-4f86-8f1e-2f7b8f3f2b22")
JPEG = encoded("JPEG")

# Deadlines for downloads that must time out, and for those that must not, even on a slow machine.
QUICK = Limits(seconds=0.15, connect_seconds=0.15, silence_seconds=0.15, bytes=300_000)
PATIENT = Limits(seconds=10.0, connect_seconds=5.0, silence_seconds=5.0, bytes=300_000)


def save_item(item_id=ITEM, **attributes):
    inventory.connect()
    item = Item(f"item#{item_id}", "item", name="Drill", sort_name="drill", **({"sku": "DR-1"} | attributes))
    item.save()
    return item


def local_fetcher(limits=PATIENT, **options):
    """A fetcher that may reach this machine, like the local stack's."""
    return Fetcher(frozenset({"127.0.0.1"}), limits, **options)


def run(url, item_id=ITEM, *, override=False, **options):
    return download(item_id, url, local_fetcher(**options), override=override)


def stored_keys():
    pages = clients.client("s3").list_objects_v2(Bucket="unit-media")
    return sorted(entry["Key"] for entry in pages.get("Contents", []))


def answering(*addresses):
    """A resolver that returns these addresses in turn, then always the last; `asked` lists the names."""
    asked = []

    def resolve(host, port, *_):
        asked.append(host)
        address = addresses[min(len(asked), len(addresses)) - 1]
        if isinstance(address, Exception):
            raise address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        tail = (0, 0) if ":" in address else ()
        return [(family, socket.SOCK_STREAM, 6, "", (address, port, *tail))]

    resolve.asked = asked
    return resolve


def prepared(size=(80, 60), kind="JPEG"):
    return pictures.prepare(encoded(kind, quarters(*size)))


def stop(*_, **__):
    raise ConnectionError("the function ends here")
