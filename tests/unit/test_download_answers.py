"""Unusual but usable responses and URLs, as found on the web."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest

from download_image_from_url.fetching import Fetcher, exact_target
from download_image_from_url.handler import download
from makertasks.errors import PermanentError
from makertasks.inventory import table as inventory
from tests.unit.downloads import ITEM, JPEG, answering, local_fetcher, run, save_item
from tests.unit.misbehaving_server import raw, redirect, reply


@pytest.fixture(autouse=True)
def store(inventory_table, media_bucket):
    """Moto's inventory table and bucket, with one item."""
    return save_item()


BARE = zlib.compressobj(wbits=-15)
PACKED = {
    "gzip": gzip.compress(JPEG),
    "X-GZip": gzip.compress(JPEG[:100]) + gzip.compress(JPEG[100:]),
    "deflate": zlib.compress(JPEG),
    "Deflate": BARE.compress(JPEG) + BARE.flush(),
    "br": brotli.compress(JPEG),
    "br, gzip": gzip.compress(brotli.compress(JPEG)),
    "gzip, gzip": gzip.compress(gzip.compress(JPEG)),
    "aws-chunked, gzip": gzip.compress(JPEG),
    **dict.fromkeys(["UTF-8", "base64", "aws-chunked", "binary", "none", "identity", "", "identity, utf8"], JPEG),
}


@pytest.mark.parametrize("coding", PACKED)
def test_compressed_bodies_are_decompressed_and_unknown_codings_skipped(server, coding):
    url = server.serve("/drill.jpg", reply(200, PACKED[coding], Content_Encoding=coding))

    assert run(url)["image"] == "inventory/images/DR-1.jpg"


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n",
    ],
)
def test_interim_responses_are_skipped(server, interim):
    final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(JPEG), JPEG)
    url = server.serve("/drill.jpg", raw(interim + final))

    assert run(url)["image"] == "inventory/images/DR-1.jpg"


@pytest.mark.parametrize(
    "target",
    [
        "/a%2fb%7eann.jpg?X-Amz-Signature=ab%2fcd&name=%c3%a9&x=%7E~",
        "/drill.jpg?a=b&a=b+c&empty=&[x]='!*()\"<>{}|^`",
        "//double//slash.jpg",
        "/semi;colon,comma@at:colon.jpg",
    ],
)
def test_a_signed_url_is_sent_byte_for_byte(server, target):
    server.serve(target.partition("?")[0], reply(200, JPEG))

    run(server.url(target))

    assert server.heads[target].startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_a_redirects_url_is_sent_byte_for_byte(server):
    url = server.serve("/start", redirect("/a%2fb.jpg?sig=%7e"))
    server.serve("/a%2fb.jpg", reply(200, JPEG))

    run(url)

    assert b"GET /a%2fb.jpg?sig=%7e HTTP/1.1" in server.heads["/a%2fb.jpg?sig=%7e"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/Schl\u00fcssel 5.jpg?gr\u00f6\u00dfe=1", "/Schl%C3%BCssel%205.jpg?gr%C3%B6%C3%9Fe=1"),
        ("/100%.jpg", "/100%25.jpg"),
        ("/a/../b.jpg", "/b.jpg"),
    ],
)
def test_characters_that_a_request_cannot_contain_are_encoded_as_browsers_do(server, path, sent):
    server.serve(sent.partition("?")[0], reply(200, JPEG))

    run(server.url(path))

    assert sent in server.requests


def test_a_fragment_is_not_sent():
    assert exact_target("https://example.com/a.jpg#top") == "/a.jpg"
    assert exact_target("https://example.com?size=2") == "/?size=2"


@pytest.mark.parametrize("host", ["my_shop.example.com", "_images.example.com", "a_b-c_.example.com"])
def test_a_host_name_may_have_underscores(server, host):
    server.serve("/drill.jpg", reply(200, JPEG))
    address = f"http://{host}:{server.port}/drill.jpg"
    fetcher = Fetcher(frozenset({host}), resolver=answering("127.0.0.1"))

    assert download(ITEM, address, fetcher)["image"] == "inventory/images/DR-1.jpg"


def test_a_host_name_with_underscores_cannot_reach_private_addresses():
    with pytest.raises(PermanentError, match="is not allowed"):
        download(ITEM, "http://my_shop.example.com/a.jpg", Fetcher(resolver=answering("10.0.0.1")))
    assert inventory.get_item(ITEM).image is None


def test_the_user_agent_names_a_contact(server):
    url = server.serve("/drill.jpg", reply(200, JPEG))

    download(ITEM, url, local_fetcher(contact="https://makerspace.example; ann@makerspace.example"))

    agent = (
        b"User-Agent: makertasks (https://makerspace.example; ann@makerspace.example; images of inventory items)\r\n"
    )
    assert agent in server.heads["/drill.jpg"]


@pytest.mark.parametrize(("contact", "remedy"), [("", "set the stack's parameter DownloadContact"), ("a@b.c", "")])
def test_a_forbidden_download_names_the_remedy(server, contact, remedy):
    url = server.serve("/drill.jpg", reply(403))

    with pytest.raises(PermanentError, match="403 Forbidden") as failed:
        download(ITEM, url, local_fetcher(contact=contact))

    assert remedy in str(failed.value)
    assert "upload the picture instead" in str(failed.value)


@pytest.mark.parametrize("override", [False, True])
def test_the_remedy_for_a_missing_picture_fits_an_entered_address_as_well(server, override):
    url = server.serve("/drill.jpg", reply(404))

    with pytest.raises(PermanentError, match="404 Not Found") as failed:
        run(url, override=override)

    assert "correct the address: the item's image_url, or the one that was entered" in str(failed.value)
