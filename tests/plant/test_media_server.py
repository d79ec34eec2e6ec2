"""The media store over HTTP: resuming, verifying, reading, and whoever does it wrong."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest

from plant.media import handler, server
from plant.media.server import MediaServer, MediaUnusable, open_media
from tests.plant.media_contract import name_of
from tests.servers import free_port, until
from tests.servers.certificate import certificate
from wire.clock import SystemClock
from wire.media.client import MediaClient, Progress, Refused, Unreachable, WrongHash
from wire.media.protocol import chunk_digest
from wire.metrics import Metrics
from wire.site import MediaConfig
from wire.tls import client_context

pytestmark = pytest.mark.system

TOKEN = "0123456789abcdef-agent"
READER = "0123456789abcdef-reader"
Made = Callable[..., MediaServer]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Makes servers that end with the test."""
    running: list[MediaServer] = []

    def make(**keys: Any) -> MediaServer:
        scheme = "https" if "cert_file" in keys else "http"
        values = {
            "url": f"{scheme}://127.0.0.1:{free_port()}",
            "folder": tmp_path / "media",
            "free_min": 1,
            **keys,
        }
        config = MediaConfig.model_validate(values)
        running.append(open_media(config, ["pc-1", "pc-2"], SystemClock()))
        return running[-1]

    yield make
    for one in running:
        one.close()


def client_of(media: MediaServer, token: str | None = None, **how: Any) -> MediaClient:
    """A client of a server without TLS."""
    return MediaClient(f"http://127.0.0.1:{media.port}", lambda: token, **how)


def send(
    client: MediaClient, content: bytes, size: int = 1000, type: str = "image/jpeg"
) -> Progress:
    """Send a file from where it stands."""
    name, total = name_of(content), len(content)
    progress = client.claim(name, total, type)
    while not progress.there:
        chunk = content[progress.offset : progress.offset + size]
        progress = client.append(name, total, progress.offset, chunk, type)
    return progress


def ask(
    media: MediaServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", media.port, timeout=20)
    try:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def raw(media: MediaServer, text: bytes) -> bytes:
    """What comes back for bytes as they are, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", media.port), timeout=20) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while part := connection.recv(65536):
            got += part
        return got


def test_a_file_is_sent_in_chunks_and_read_back(made: Made) -> None:
    media, content = made(), os.urandom(10_500)
    client = client_of(media)
    assert client.claim(name_of(content), len(content), "image/jpeg") == Progress(False, 0)
    assert send(client, content) == Progress(True, 10_500)
    assert client.claim(name_of(content), len(content), "image/jpeg") == Progress(True, 10_500)
    assert b"".join(client.read(name_of(content))) == content
    assert b"".join(client.read(name_of(content), 10_000)) == content[10_000:]
    assert media.tally["received_bytes"] == 10_500 and media.tally["completed"] == 1
    client.close()


def test_an_empty_file_needs_no_chunk(made: Made) -> None:
    client = client_of(made())
    assert send(client, b"") == Progress(True, 0)
    assert b"".join(client.read(name_of(b""))) == b""
    client.close()


def test_an_upload_goes_on_at_another_server_where_it_stopped(made: Made) -> None:
    content = os.urandom(5000)
    name = name_of(content)
    first = made()
    client = client_of(first)
    client.append(name, 5000, 0, content[:3000], "image/png")
    first.close()
    with pytest.raises(Unreachable):
        client.append(name, 5000, 3000, content[3000:], "image/png")
    other = made()
    assert ask(other, "HEAD", f"/media/{name}")[1]["Upload-Offset"] == "3000"
    again = client_of(other)
    assert again.claim(name, 5000, "image/png") == Progress(False, 3000)
    assert send(again, content).there
    assert other.tally["received_bytes"] == 2000
    again.close()
    client.close()


def test_a_chunk_at_another_offset_is_told_the_right_one(made: Made) -> None:
    client, content = client_of(made()), b"0123456789"
    name = name_of(content)
    assert client.append(name, 10, 4, b"4567", "text/plain") == Progress(False, 0)
    assert client.append(name, 10, 0, b"0123", "text/plain") == Progress(False, 4)
    assert client.append(name, 10, 0, b"0123", "text/plain") == Progress(False, 4)
    assert send(client, content).there
    client.close()


def test_wrong_bytes_are_thrown_away_and_told(made: Made) -> None:
    media = made()
    client, content = client_of(media), b"0123456789"
    with pytest.raises(WrongHash):
        client.append(name_of(content), 10, 0, b"012345678X", "text/plain")
    with pytest.raises(Refused, match="it is not there"):
        b"".join(client.read(name_of(content)))
    assert send(client, content).there
    with pytest.raises(WrongHash, match="has 10 bytes, not 11"):
        client.claim(name_of(content), 11, "text/plain")
    client.close()


def test_a_chunk_that_was_changed_on_its_way_is_not_kept(made: Made) -> None:
    media, name = made(), name_of(b"0123456789")
    told = {"Upload_Length": "10", "Upload_Offset": "0", "Content_Digest": chunk_digest(b"0123")}
    status, _, body = ask(media, "PATCH", f"/media/{name}", b"012X", **told)
    assert (status, orjson.loads(body)["status"]) == (400, 400)
    assert media.store.received(name, 10) == 0


def test_a_reader_gets_ranges_types_and_an_etag(made: Made) -> None:
    media = made()
    client, content = client_of(media), b"0123456789"
    send(client, content, type="image/jpeg")
    path = f"/media/{name_of(content)}"
    status, headers, body = ask(media, "GET", path)
    assert (status, body, headers["ETag"]) == (200, content, f'"{name_of(content)}"')
    assert headers["Content-Type"] == "image/jpeg" and headers["Content-Length"] == "10"
    assert headers["X-Content-Type-Options"] == "nosniff"
    for asked, wanted, where in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
    ):
        status, headers, body = ask(media, "GET", path, Range=asked)
        assert (status, body, headers["Content-Range"]) == (206, wanted, where)
    for asked in ("bytes=1-2,4-5", "lines=1-2", "bytes=-", "bytes=x-", "bytes=0-"):
        assert ask(media, "GET", path, Range=asked)[::2] == (200, content), asked
    assert ask(media, "GET", path, Range="bytes=10-")[0] == 416
    assert ask(media, "GET", path, Range="bytes=2-4", If_Range='"other"')[0] == 200
    assert ask(media, "GET", path, If_None_Match=f'"x", W/"{name_of(content)}"')[::2] == (304, b"")
    status, headers, body = ask(media, "HEAD", path)
    assert (status, headers["Content-Length"], body) == (200, "10", b"")
    client.close()


def test_a_page_is_never_shown(made: Made) -> None:
    media, page = made(), b"<script>alert(1)</script>"
    client = client_of(media)
    send(client, page, type="text/html")
    _, headers, _ = ask(media, "GET", f"/media/{name_of(page)}")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment"
    client.close()


@pytest.mark.parametrize(
    "path",
    [
        "/", "/media/", "/media/..", "/media/../../etc/passwd", "/media/%2e%2e/x", "/media/a",
        "/media/" + "A" * 64, "/media/" + "a" * 65, "/media/" + "a" * 64 + "/..", "//" + "a" * 64,
        "/media/" + "a" * 64 + "?x=1", "/media/" + "a" * 63 + "%00", "/metrics", "*",
    ],
)  # fmt: skip
def test_only_a_hash_is_a_path(made: Made, path: str) -> None:
    media = made()
    for method in ("HEAD", "GET", "POST", "PATCH"):
        assert ask(media, method, path, Upload_Length="1", Upload_Offset="0")[0] == 404
    assert list(media.store.stored()) == list(media.store.partials()) == []


HASH = "a" * 64
MALFORMED = {
    "no length": (b"PATCH /media/%s HTTP/1.1\r\nUpload-Offset: 0\r\n\r\n", b" 400 "),
    "a negative length": (b"POST /media/%s HTTP/1.1\r\nUpload-Length: -1\r\n\r\n", b" 400 "),
    "a length twice": (
        b"POST /media/%s HTTP/1.1\r\nUpload-Length: 1\r\nUpload-Length: 2\r\n\r\n",
        b" 400 ",
    ),
    "a length of a word": (b"POST /media/%s HTTP/1.1\r\nUpload-Length: ten\r\n\r\n", b" 400 "),
    "a length in other digits": (
        "POST /media/%s HTTP/1.1\r\nUpload-Length: ²\r\n\r\n".encode("latin-1"),
        b" 400 ",
    ),
    "chunks of HTTP": (
        b"PATCH /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        b" 411 ",
    ),
    "two lengths of the body": (
        b"PATCH /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        b"Content-Length: 4\r\nContent-Length: 2\r\n\r\nabcd",
        b" 400 ",
    ),
    "a body where none belongs": (
        b"POST /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        b" 400 ",
    ),
    "a chunk beyond the bound": (
        b"PATCH /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        b"Content-Length: 99999999999\r\n\r\n",
        b" 413 ",
    ),
    "a file beyond the bound": (
        b"POST /media/%s HTTP/1.1\r\nUpload-Length: 99999999999999\r\n\r\n",
        b" 413 ",
    ),
    "a method that is not known": (b"DELETE /media/%s HTTP/1.1\r\n\r\n", b" 501 "),
    "no HTTP at all": (b"\x16\x03\x01 /media/%s \r\n\r\n", b" 400 "),
    "a long line": (b"GET /media/%s" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b" 431 "),
    "a long header": (b"GET /media/%s HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b" 431 "),
    "many headers": (b"GET /media/%s HTTP/1.1\r\n" + b"X: x\r\n" * 3000 + b"\r\n", b" 431 "),
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_malformed_request_is_refused_and_leaves_nothing(made: Made, how: str) -> None:
    media = made()
    text, status = MALFORMED[how]
    try:
        answer = raw(media, text.replace(b"%s", HASH.encode()))
    except ConnectionError:
        answer = b" 431 "  # it is cut off while it still sends: the answer may be lost
    assert status in answer.partition(b"\r\n")[0]
    assert list(media.store.stored()) == list(media.store.partials()) == []
    client = client_of(media)
    assert send(client, b"0123456789").there, "the next one is served"
    client.close()


def test_a_slow_client_is_cut_off_and_others_are_served(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "IDLE_S", 0.5)
    media = made(uploads_max=2)
    name = name_of(b"slow")
    dripping = socket.create_connection(("127.0.0.1", media.port), timeout=20)
    idle = socket.create_connection(("127.0.0.1", media.port), timeout=20)
    dripping.sendall(
        f"PATCH /media/{name} HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        "Content-Length: 4\r\n\r\ns".encode()
    )
    client = client_of(media)
    assert send(client, b"0123456789").there
    assert dripping.recv(1000) == b"" and idle.recv(1000) == b""
    assert media.tally["refused_408"] >= 2
    assert media.store.received(name, 4) == 0
    for connection in (dripping, idle):
        connection.close()
    client.close()


def test_no_more_chunks_at_a_time_than_allowed(made: Made) -> None:
    media = made(uploads_max=1)
    name = name_of(b"slow")
    with socket.create_connection(("127.0.0.1", media.port), timeout=20) as other:
        other.sendall(
            f"PATCH /media/{name} HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
            "Content-Length: 4\r\n\r\ns".encode()
        )
        client = client_of(media)

        def refused() -> bool:
            try:
                client.append(name_of(b"ab"), 2, 0, b"a", "text/plain")
            except Refused as error:
                return error.status == 503
            return False

        until(refused, "a second sender is asked to wait")
        client.close()
    client = client_of(media)
    until(lambda: send_or_wait(client, b"0123456789"), "then it has its turn")
    client.close()


def send_or_wait(client: MediaClient, content: bytes) -> bool:
    try:
        return send(client, content).there
    except Refused:
        return False


def test_no_more_clients_at_a_time_than_allowed(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 3)
    media = made()
    held = [socket.create_connection(("127.0.0.1", media.port), timeout=20) for _ in range(5)]
    until(lambda: media.tally["refused_503"] == 2, "the others are turned away")
    for one in held:
        one.close()
    client = client_of(media)
    until(lambda: ask(media, "GET", "/")[0] == 404, "the next one is served")
    client.close()


def test_who_has_no_token_gets_nothing(made: Made, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who may\npc-1 {TOKEN}\nboard {READER}\n")
    media = made(tokens_file=tokens)
    sender, reader = client_of(media, TOKEN), client_of(media, READER)
    send(sender, b"0123456789")
    assert b"".join(reader.read(name_of(b"0123456789"))) == b"0123456789"
    with pytest.raises(Refused, match="board is no agent of this site"):
        reader.claim(name_of(b"x"), 1, "text/plain")
    for wrong in (None, "", "wrong-0123456789abcdef", TOKEN[:-1]):
        stranger = client_of(media, wrong)
        for deed in (
            lambda client: b"".join(client.read(name_of(b"0123456789"))),
            lambda client: client.claim(name_of(b"x"), 1, "text/plain"),
            lambda client: client.append(name_of(b"x"), 1, 0, b"x", "text/plain"),
        ):
            with pytest.raises(Refused, match="a token is needed"):
                deed(stranger)
        stranger.close()
    assert ask(media, "GET", f"/media/{HASH}", Authorization=f"Basic {TOKEN}")[0] == 401
    tokens.write_text("pc-1 another-0123456789\n")
    os.utime(tokens, ns=(1, 1))
    with pytest.raises(Refused, match="a token is needed"):
        sender.claim(name_of(b"x"), 1, "text/plain")
    tokens.write_text("pc-1 short\n")
    fresh = client_of(media, "another-0123456789")
    assert not fresh.claim(name_of(b"x"), 1, "text/plain").there, "a wrong file changes nothing"
    for client in (sender, reader, fresh):
        client.close()


def test_a_store_open_to_others_needs_tokens(tmp_path: Path) -> None:
    config = MediaConfig.model_validate(
        {"url": "http://media.example:9180", "folder": tmp_path / "media"}
    )
    with pytest.raises(MediaUnusable, match="tokens_file"):
        open_media(config, [], SystemClock())


def test_tls_proves_who_the_store_is(made: Made, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    media, content = made(cert_file=cert, key_file=key), Random(1).randbytes(30_000)
    (tmp_path / "other").mkdir()
    foreign, _ = certificate(tmp_path / "other")
    url = f"https://127.0.0.1:{media.port}"
    with socket.create_connection(("127.0.0.1", media.port), timeout=20):
        client = MediaClient(url, context=client_context(cert))
        assert send(client, content).there, "a handshake that never comes delays nobody"
    assert b"".join(client.read(name_of(content))) == content
    client.close()
    fooled = MediaClient(url, context=client_context(foreign))
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        fooled.claim(name_of(content), 30_000, "image/png")
    plain = client_of(media)
    with pytest.raises(Unreachable):
        plain.claim(name_of(content), 30_000, "image/png")
    assert isinstance(client_context(cert), ssl.SSLContext)


def test_two_agents_send_one_file_at_once(made: Made) -> None:
    media, content = made(), os.urandom(200_000)
    clients = [client_of(media) for _ in range(2)]
    threads = [
        threading.Thread(target=send, args=(client, content, 7000), daemon=True)
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert b"".join(clients[0].read(name_of(content))) == content
    assert list(media.store.partials()) == []
    assert 200_000 <= media.tally["received_bytes"] <= 407_000
    for client in clients:
        client.close()


def test_a_full_disk_is_said_and_passes(made: Made) -> None:
    media = made(free_min=1 << 60)
    client = client_of(media)
    with pytest.raises(Refused) as refused:
        client.claim(name_of(b"x"), 1, "text/plain")
    assert refused.value.status == 507
    assert "no room" in media.problems()[0]
    media.store.free_min = 1  # type: ignore[attr-defined]
    assert send(client, b"x").there
    assert media.problems() == []
    client.close()


def test_what_is_there_is_counted(made: Made) -> None:
    first = made()
    client = client_of(first)
    send(client, b"0123456789")
    client.append(name_of(b"ab"), 2, 0, b"a", "text/plain")
    client.close()
    first.close()
    media, metrics = made(), Metrics()
    media.describe(metrics)
    until(lambda: media.files == 1, "the files are counted")
    ask(media, "GET", "/")
    shown = generate_latest(metrics.registry).decode()
    for line in (
        "media_files 1.0", "media_bytes 10.0", "media_partial_uploads 1.0",
        'media_refused_total{status="404"} 1.0', "media_completed_total 0.0",
    ):  # fmt: skip
        assert f"\n{line}\n" in shown


def test_an_upload_that_stood_still_for_a_day_is_given_up(made: Made) -> None:
    first = made()
    first.store.append(HASH, 2, 0, b"a")
    first.store.append("b" * 64, 2, 0, b"a")
    first.close()
    os.utime(next((first.store.folder / "incoming").glob("b*")), (1, 1))  # type: ignore[attr-defined]
    media = made()
    until(lambda: media.store.received("b" * 64, 2) == 0, "the old one is gone")
    assert media.store.received(HASH, 2) == 1


def test_it_ends_although_clients_are_there(made: Made) -> None:
    media = made()
    with socket.create_connection(("127.0.0.1", media.port), timeout=20) as idle:
        idle.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 404 ")
        media.close()
        media.close()
        assert idle.recv(10) == b""
