"""Responses that are not pictures: whether the failure is permanent, and that every download ends."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
import zlib
from datetime import UTC, datetime

import brotli
import pytest

from download_image_from_url import faults
from download_image_from_url.fetching import Fetcher
from download_image_from_url.handler import download
from makertasks.errors import PermanentError, TemporaryError
from tests.unit.downloads import ITEM, JPEG, PATIENT, QUICK, answering, run
from tests.unit.misbehaving_server import (
    MisbehavingServer,
    raw,
    redirect,
    repeated,
    reply,
    reset,
    silent,
    write_certificate,
)
from tests.unit.picture_samples import REFUSED, encoded, photograph, png
from tests.unit.untouched import nothing_is_stored, untouched_aws  # noqa: F401 - fixtures
from tests.waiting import to_its_end

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(30_000_000), 9)
BROTLI_BOMB = brotli.compress(bytes(30_000_000), quality=5)
PERMANENT = {
    "not found": (reply(404), "404 Not Found"),
    "gone": (reply(410), "410 Gone"),
    "sign in": (reply(401), "401 Unauthorized"),
    "forbidden": (reply(403), "403 Forbidden"),
    "bad request": (reply(400), "400 Bad Request"),
    "an unknown status": (reply(299, JPEG), "299"),
    "no content": (reply(204), "204 No Content"),
    "partial content": (reply(206, JPEG), "206 Partial Content"),
    "a redirect to nowhere": (reply(302, JPEG), "302 Found"),
    "not modified": (reply(304), "304 Not Modified"),
    "redirect to a file": (redirect("file:///etc/passwd"), "redirects to an address that is not allowed: the scheme"),
    "redirect to metadata": (redirect("http://169.254.169.254/latest/"), "169.254.169.254/latest/ is not allowed"),
    "redirect to a private address": (redirect("http://10.0.0.1/"), "http://10.0.0.1/ is not allowed"),
    "redirect to the loopback's other name": (redirect("http://[::ffff:7f00:1]/"), "is not allowed"),
    "redirect to a broken address": (redirect("http://[::1/"), "redirects to an address that is not allowed"),
    "a length above the limit": (raw(OK + b"Content-Length: 300001\r\n\r\n"), "more than 300000 bytes"),
    "a length of a thousand digits": (raw(OK + b"Content-Length: " + b"9" * 1000 + b"\r\n\r\n"), ""),
    "two lengths": (raw(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "contradictory headers"),
    "an endless body": (repeated(OK + b"\r\n", bytes(65536)), "more than 300000 bytes"),
    "endless chunks": (repeated(CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n"), "more than 300000 bytes"),
    "an endless chunk length": (repeated(CHUNKED, b"0" * 65536), "does not respond with valid HTTP"),
    "a gzip bomb, declared": (reply(200, BOMB, Content_Encoding="gzip"), "more than 300000 bytes"),
    "a bomb in a bomb": (reply(200, gzip.compress(BOMB), Content_Encoding="gzip, x-gzip"), "more than 300000 bytes"),
    "a deflate bomb": (reply(200, zlib.compress(bytes(30_000_000)), Content_Encoding="deflate"), "more than 300000"),
    "compressed three times": (reply(200, b"abc", Content_Encoding="gzip, gzip, gzip"), "compressed 3 times over"),
    "not gzip as declared": (reply(200, JPEG, Content_Encoding="gzip"), "not compressed as its headers say (gzip)"),
    "only interim responses": (raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 30), "does not respond with valid HTTP"),
    "another protocol": (raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "101 Switching Protocols"),
    "a gzip bomb, not declared": (reply(200, BOMB), "is a gzip file"),
    "another compression": (reply(200, b"abc", Content_Encoding="zstd"), "compressed (zstd)"),
    "a brotli bomb": (reply(200, BROTLI_BOMB, Content_Encoding="br"), "more than 300000 bytes"),
    "a brotli bomb in gzip": (reply(200, gzip.compress(BROTLI_BOMB), Content_Encoding="br, gzip"), "more than 300000"),
    "not brotli as declared": (reply(200, JPEG, Content_Encoding="br"), "not compressed as its headers say (br)"),
    "a decompression bomb": (reply(200, png(50_000, 50_000, bytes(1_000_000))), "megapixels; the limit for a PNG is"),
    "too many pixels": (reply(200, png(6_000, 6_000, b"")), "has 36.0 megapixels"),
    "HTML as JPEG": (reply(200, REFUSED["an HTML page"], Content_Type="image/jpeg"), "is an HTML page"),
    "a truncated picture": (reply(200, encoded("JPEG", photograph(160, 120))[:2000]), "damaged or incomplete JPEG"),
    "a length shorter than the body": (
        raw(OK + b"Content-Length: 100\r\n\r\n" + encoded("PNG", photograph(160, 120))),
        "damaged or incomplete PNG",
    ),
    "a body that ends before its picture": (raw(OK + b"\r\n" + encoded("WEBP")[:60]), "damaged or incomplete WebP"),
    "both GIF and HTML": (reply(200, b"GIF89a/*" + REFUSED["an HTML page"]), "is a GIF"),
    "another protocol altogether": (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "does not respond with valid HTTP"),
    "an endless header line": (repeated(OK + b"X: ", b"x" * 65536), "does not respond with valid HTTP"),
    "endless headers": (repeated(OK, b"X-Y: z\r\n" * 1000), "does not respond with valid HTTP"),
    **{
        f"{name} as JPEG": (reply(200, body, Content_Type="image/jpeg"), f"is {name}") for name, body in REFUSED.items()
    },
}
TEMPORARY = {
    "server's time-out": (reply(408), "408 Request Timeout"),
    "too early": (reply(425), "425 Too Early"),
    "too many requests": (reply(429), "429 Too Many Requests"),
    "server error": (reply(500), "500 Internal Server Error"),
    "bad gateway": (reply(502), "502 Bad Gateway"),
    "service unavailable": (reply(503), "503 Service Unavailable"),
    "the highest status": (reply(599), "599"),
    "a length longer than the body": (
        raw(OK + b"Content-Length: 5000\r\n\r\n" + JPEG[:500]),
        "closed before",
    ),
    "truncated gzip": (
        reply(200, gzip.compress(JPEG)[:-20], Content_Encoding="gzip"),
        "closed before",
    ),
    "truncated brotli": (
        reply(200, brotli.compress(JPEG)[:-20], Content_Encoding="br"),
        "closed before",
    ),
    "an empty brotli body": (reply(200, b"", Content_Encoding="br"), "closed before"),
    "a truncated chunk": (raw(CHUNKED + b"1000\r\nabc"), "closed before"),
    "a chunk without a length": (raw(CHUNKED + b"nonsense\r\n"), "closed before"),
    "a connection closed before the response": (raw(b""), "closed the connection without a response"),
    "a reset": (reset, ""),
}
SLOW = {
    "silence": (silent, "did not"),
    "a slow body": (repeated(OK + b"Content-Length: 5000\r\n\r\n", b"x", 0.02), "completely within 0.15 s"),
    "a slow body without a length": (repeated(OK + b"\r\n" + JPEG[:100], b"x", 0.02), "completely within 0.15 s"),
    "slow headers": (repeated(OK + b"X-Drop: ", b"x", 0.02), "completely within 0.15 s"),
    "endless interim responses": (repeated(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02), "completely within 0.15 s"),
    "endless chunk trailers": (repeated(CHUNKED + b"0\r\n", b"X: y\r\n", 0.02), "completely within 0.15 s"),
}


def failure(server, behaviour, limits):
    """The error of downloading what `behaviour` sends, which must end and contain no secret."""
    url = server.serve("/picture.jpg", behaviour)
    with pytest.raises((PermanentError, TemporaryError)) as failed:
        to_its_end(lambda: run(f"{url}?token=secret", limits=limits))
    assert str(failed.value).startswith("image_url: ")
    assert "secret" not in "".join(map(str, _chain(failed.value)))
    return failed.value


def _chain(error):
    while error is not None:
        yield error
        error = None if error.__suppress_context__ and error.__cause__ is None else error.__cause__ or error.__context__


@pytest.mark.parametrize("what", PERMANENT)
def test_a_failure_that_a_retry_cannot_fix_is_permanent(server, what):
    behaviour, reason = PERMANENT[what]

    error = failure(server, behaviour, PATIENT)

    assert isinstance(error, PermanentError), error
    assert reason in str(error)


@pytest.mark.parametrize("what", [what for what in PERMANENT if "endless" in what or "bomb" in what])
def test_endless_responses_use_little_memory(server, what):
    behaviour, _ = PERMANENT[what]
    tracemalloc.start()
    try:
        failure(server, behaviour, PATIENT)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", TEMPORARY)
def test_a_temporary_failure_is_retried(server, what):
    behaviour, reason = TEMPORARY[what]

    error = failure(server, behaviour, PATIENT)

    assert isinstance(error, TemporaryError), error
    assert reason in str(error)


@pytest.mark.parametrize("what", SLOW)
def test_a_slow_response_ends_at_the_deadline(server, what):
    behaviour, reason = SLOW[what]

    error = failure(server, behaviour, QUICK)

    assert isinstance(error, TemporaryError), error
    assert reason in str(error)


def test_a_redirect_loop_ends(server):
    error = failure(server, redirect("/picture.jpg"), PATIENT)

    assert isinstance(error, PermanentError)
    assert "redirects more than 5 times" in str(error)
    assert server.requests.total() == 6


def test_a_resolver_that_does_not_answer_ends_at_the_deadline():
    # given a resolver that waits until the test lets it respond
    answers = threading.Event()
    fetcher = Fetcher(limits=QUICK, resolver=lambda *_: answers.wait())

    # when, then
    with pytest.raises(TemporaryError, match=r"did not arrive completely within 0\.15 s|did not respond in time"):
        to_its_end(lambda: download(ITEM, "http://picture.example.com/a.jpg", fetcher))
    answers.set()


@pytest.mark.parametrize(
    ("number", "expected", "reason"),
    [
        (socket.EAI_NONAME, PermanentError, "does not exist"),
        (socket.EAI_AGAIN, TemporaryError, "could not be looked up"),
        (socket.EAI_FAIL, TemporaryError, "could not be looked up"),
    ],
)
def test_a_name_that_does_not_exist_is_permanent_and_a_failing_resolver_is_not(number, expected, reason):
    resolver = answering(socket.gaierror(number, "no answer"))

    with pytest.raises(expected, match=reason):
        download(ITEM, "https://picture.example.com/a.jpg", Fetcher(limits=PATIENT, resolver=resolver))


def test_a_refused_connection_is_retried():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(TemporaryError, match=r"the connection to .* failed: Connection refused"):
        run(f"http://127.0.0.1:{port}/a.jpg")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Wed, 21 Oct 2026 07:30:00 GMT", 120.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("99999999", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    now = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)

    assert faults.retry_after({"Retry-After": header}, now) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_a_servers_retry_after_is_respected(server, status):
    error = failure(server, reply(status, Retry_After="17"), PATIENT)

    assert error.retry_after == 17.0


@pytest.mark.parametrize("behaviour", [reply(404), raw(b""), raw(b"nonsense\r\n"), redirect("http://10.0.0.1/?secret")])
def test_no_error_contains_credentials(server, behaviour):
    url = server.serve("/drill.jpg", behaviour).replace("http://", "http://ann:secret@")

    with pytest.raises((PermanentError, TemporaryError)) as failed:
        run(f"{url}?signature=secret#secret")

    assert "secret" not in "".join(map(str, _chain(failed.value)))
    assert "ann" not in str(failed.value)


@pytest.fixture
def certificate(tmp_path):
    return write_certificate(tmp_path / "server.pem", "picture.example.com")


def test_an_untrusted_certificate_is_refused(certificate):
    with MisbehavingServer(certificate) as server:
        server.serve("/drill.jpg", reply(200, JPEG))

        with pytest.raises(PermanentError, match=r"certificate of .* is not valid"):
            run(server.url("/drill.jpg"))


def test_a_tls_handshake_that_never_completes_ends_at_the_deadline(server):
    """A TLS connection to a port that accepts it and sends nothing."""
    with pytest.raises(TemporaryError, match="did not"):
        run(server.url("/drill.jpg").replace("http:", "https:"), limits=QUICK)


def test_plain_http_on_a_tls_port_is_a_connection_failure(server):
    server.behaviours[""] = raw(b"")
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer():
            connection, _ = plain.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises((TemporaryError, PermanentError), match=r"^image_url: "):
            run(f"https://127.0.0.1:{plain.getsockname()[1]}/drill.jpg")
        thread.join()
