"""URLs and addresses that downloads refuse: unusable URLs, private networks, other ports."""

from __future__ import annotations

import socket

import pytest

from download_image_from_url import addresses
from download_image_from_url.fetching import Fetcher
from download_image_from_url.handler import download, download_image_from_url
from makertasks.errors import InvalidArguments, PermanentError
from tests.unit.downloads import ITEM, QUICK, answering, local_fetcher
from tests.unit.misbehaving_server import (
    redirect,
)
from tests.unit.untouched import nothing_is_stored, untouched_aws  # noqa: F401 - fixtures


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty"),
        ("ftp://example.com/a.jpg", "the scheme is 'ftp'; only http and https are supported"),
        ("file:///etc/passwd", "the scheme is 'file'"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "the scheme is 'gopher'"),
        ("data:image/png;base64,AAAA", "the scheme is 'data'"),
        ("example.com/a.jpg", "the scheme is missing"),
        ("https:///a.jpg", "names no host"),
        ("https://example.com:port/a.jpg", "its host or port is malformed"),
        ("https://ann:secret@[::1/a.jpg", "its host or port is malformed"),
        ("https://example.com\\@10.0.0.1/a.jpg", "a control character or a backslash"),
        ("https://example.com/a\r\nHost: b", "a control character or a backslash"),
        ("https://example.com/" + "a" * 2048, "2068 characters; at most 2048"),
    ],
)
def test_unusable_urls_are_refused_before_any_connection(url, reason):
    with pytest.raises(InvalidArguments, match=r"^image_url: ") as refusal:
        download_image_from_url.call({"item_id": str(ITEM), "image_url": url})

    assert reason in str(refusal.value)
    assert "secret" not in str(refusal.value)


FORBIDDEN = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://198.18.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[::ffff:0:a9fe:a9fe]/",
    "http://[::ffff:0:8.8.8.8]/",
    "http://[::8.8.8.8]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[64:ff9b:1:ffff:ffff:ffff:a9fe:a9fe]/",
    "http://[64:ff9b:0:1::a9fe:a9fe]/",
    "http://[64:ff9b:2::1]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2002:808:808::1]/",
    "http://[2001:0:808:808:0:0:5601:5601]/",
    "http://[2001:0:808:808:0:0:f7f7:f7f7]/",
    "http://[2001:4860:4860::5efe:7f00:1]/",
    "http://[2001:4860:4860:0:200:5efe:a9fe:a9fe]/",
    "http://[fe80::5efe:7f00:1]/",
    "http://[1::1]/",
    "http://[4000::1]/",
    "http://[e000::1]/",
    "http://①②⑦.0.0.1/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_private_addresses_are_never_connected_to(url):
    with pytest.raises(PermanentError, match=r"^image_url: http"):
        download(ITEM, url, Fetcher(limits=QUICK))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:0:a00:1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_names_that_resolve_to_private_addresses_are_never_connected_to(address):
    with pytest.raises(PermanentError, match=r"picture\.example\.com/a\.jpg is not allowed"):
        download(ITEM, "https://picture.example.com/a.jpg?key=secret", Fetcher(resolver=answering(address)))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::6810:84e5", "2001:4860:4860::8888", "2600:1f18::1", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)
def test_public_addresses_are_allowed(address):
    assert not addresses.DENIED.classify(address).blocked


def test_a_name_with_a_public_and_a_private_address_is_refused():
    def both(host, port, *_):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("93.184.215.14", "10.0.0.1")
        ]

    with pytest.raises(PermanentError, match="is not allowed"):
        download(ITEM, "http://picture.example.com/a.jpg", Fetcher(resolver=both))


def test_dns_rebinding_between_redirects_is_refused(server):
    """The first lookup returns an allowed host; the second, of the redirect's host, a private address."""
    server.serve("/start", redirect("http://rebinding.example.com/drill.jpg"))
    fetcher = local_fetcher(resolver=answering("127.0.0.1", "10.0.0.1"))

    with pytest.raises(PermanentError, match=r"rebinding\.example\.com/drill\.jpg is not allowed"):
        download(ITEM, server.url("/start"), fetcher)


def test_only_allowed_ports_are_connected_to():
    with pytest.raises(PermanentError, match="port 6379 is not in allowed_ports"):
        download(ITEM, "http://picture.example.com:6379/a.jpg", Fetcher(resolver=answering("93.184.215.14")))
