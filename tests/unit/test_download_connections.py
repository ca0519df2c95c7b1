"""Connections of downloads: name resolution, allowed hosts, redirects, TLS and credentials."""

from __future__ import annotations

import pytest

from download_image_from_url.fetching import Fetcher
from download_image_from_url.handler import download
from makertasks.errors import PermanentError
from makertasks.inventory import table as inventory
from tests.unit.downloads import ITEM, JPEG, PATIENT, QUICK, answering, run, save_item
from tests.unit.misbehaving_server import MisbehavingServer, redirect, repeated, reply, write_certificate


def test_a_host_name_is_resolved_only_once(server, store):
    """DNS rebinding in reverse: the first lookup returns the server, later ones an address without one."""
    resolver = answering("127.0.0.1", "127.0.0.99")
    server.serve("/drill.jpg", reply(200, JPEG))
    fetcher = Fetcher(frozenset({"rebinding.example.com"}), PATIENT, resolver)

    result = download(ITEM, server.url("/drill.jpg", "rebinding.example.com"), fetcher)

    assert result["changed"]
    assert resolver.asked == ["rebinding.example.com"]
    assert f"Host: rebinding.example.com:{server.port}".encode() in server.heads["/drill.jpg"]


def test_an_allowed_host_is_allowed_only_at_its_port(server, store):
    server.serve("/drill.jpg", reply(200, JPEG))
    elsewhere = Fetcher(frozenset({"127.0.0.1:1"}), QUICK)
    here = Fetcher(frozenset({f"127.0.0.1:{server.port}"}), PATIENT)

    with pytest.raises(PermanentError, match="is not allowed"):
        download(ITEM, server.url("/drill.jpg"), elsewhere)
    assert download(ITEM, server.url("/drill.jpg"), here)["changed"]


def test_a_proxy_in_the_environment_is_not_used(server, store, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert run(server.serve("/drill.jpg", reply(200, JPEG)))["changed"]


def test_five_redirects_are_followed_and_a_sixth_is_not(server, store):
    server.serve("/0", reply(200, JPEG))
    for hop in range(1, 7):
        server.serve(f"/{hop}", redirect(f"/{hop - 1}", [301, 302, 303, 307, 308][hop % 5]))

    with pytest.raises(PermanentError, match="redirects more than 5 times"):
        run(server.url("/6"))
    assert run(server.url("/5"))["changed"]


def test_the_body_of_a_redirect_is_not_read(server, store):
    server.serve("/end.jpg", reply(200, JPEG))
    endless = repeated(b"HTTP/1.1 302 Found\r\nLocation: /end.jpg\r\n\r\n", bytes(65536))

    assert run(server.serve("/start", endless))["changed"]


def test_a_redirect_to_a_non_ascii_name_is_followed(server, store):
    server.serve("/%C3%BCbersicht.jpg", reply(200, JPEG))

    assert run(server.serve("/start", redirect("/übersicht.jpg".encode().decode("latin-1"))))["changed"]


@pytest.fixture
def certificate(tmp_path):
    return write_certificate(tmp_path / "server.pem", "picture.example.com")


def test_tls_is_verified_for_the_host_name_not_the_resolved_address(store, certificate):
    trusting = {"trust": str(certificate), "resolver": answering("127.0.0.1")}
    hosts = frozenset({"picture.example.com", "other.example.com"})
    with MisbehavingServer(certificate) as server:
        server.serve("/drill.jpg", reply(200, JPEG))

        assert download(ITEM, server.url("/drill.jpg", "picture.example.com"), Fetcher(hosts, PATIENT, **trusting))
        with pytest.raises(PermanentError, match=r"certificate of .* is not valid: Hostname mismatch"):
            download(ITEM, server.url("/drill.jpg", "other.example.com"), Fetcher(hosts, PATIENT, **trusting))


def test_credentials_are_used_but_never_stored(server, store):
    plain = server.serve("/drill.jpg", reply(200, JPEG))
    url = plain.replace("http://", "http://ann:p%40ss@")
    save_item(image_url=url)

    run(url)

    assert b"Authorization: Basic YW5uOnBAc3M=" in server.heads["/drill.jpg"]
    assert inventory.get_item(ITEM).image_source == plain


def test_a_url_without_credentials_matches_the_items_url_with_them(server, store):
    """Messages and task records therefore do not need them."""
    plain = server.serve("/drill.jpg", reply(200, JPEG))
    save_item(image_url=plain.replace("http://", "http://ann:secret@"))

    assert run(plain)["changed"]
    assert b"Authorization: Basic" in server.heads["/drill.jpg"]


def test_credentials_are_not_sent_to_another_origin(server, store):
    with MisbehavingServer() as elsewhere:
        there = elsewhere.serve("/picture.jpg", reply(200, JPEG))
        server.serve("/here", redirect(there))
        server.serve("/start", redirect("/here"))

        run(server.url("/start").replace("http://", "http://ann:secret@"))

    assert b"Authorization" in server.heads["/here"]
    assert b"Authorization" not in elsewhere.heads["/picture.jpg"]
