"""The media store over HTTP: resuming, verifying, reading, counting, ending."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from pathlib import Path
from random import Random

import orjson
import pytest
from prometheus_client import generate_latest

from tests.plant.media_contract import name_of
from tests.plant.media_servers import Made, ask, client_of, send
from tests.servers import until
from tests.servers.certificate import certificate
from wire.media.client import MediaClient, Progress, Refused, Unreachable, WrongHash
from wire.media.protocol import chunk_digest
from wire.metrics import Metrics
from wire.tls import client_context

pytestmark = pytest.mark.system

HASH = "a" * 64


def test_a_file_is_sent_in_chunks_and_read_back(made_media: Made) -> None:
    media, content = made_media(), os.urandom(10_500)
    client = client_of(media)
    assert client.claim(name_of(content), len(content), "image/jpeg") == Progress(False, 0)
    assert send(client, content) == Progress(True, 10_500)
    assert client.claim(name_of(content), len(content), "image/jpeg") == Progress(True, 10_500)
    assert b"".join(client.read(name_of(content))) == content
    assert b"".join(client.read(name_of(content), 10_000)) == content[10_000:]
    assert media.tally["received_bytes"] == 10_500 and media.tally["completed"] == 1
    client.close()


def test_a_connection_for_which_there_was_no_thread_takes_no_place(
    made_media: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = made_media()
    monkeypatch.setattr("plant.media.server.CONNECTIONS_MAX", 1)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", start)
        with socket.create_connection(("127.0.0.1", media.port), 30) as connection:
            assert connection.recv(1) == b""
    assert ask(media, "HEAD", f"/media/{HASH}")[0] == 404


def test_an_empty_file_needs_no_chunk(made_media: Made) -> None:
    client = client_of(made_media())
    assert send(client, b"") == Progress(True, 0)
    assert b"".join(client.read(name_of(b""))) == b""
    client.close()


def test_an_upload_goes_on_at_another_server_where_it_stopped(made_media: Made) -> None:
    content = os.urandom(5000)
    name = name_of(content)
    first = made_media()
    client = client_of(first)
    client.append(name, 5000, 0, content[:3000], "image/png")
    first.close()
    with pytest.raises(Unreachable):
        client.append(name, 5000, 3000, content[3000:], "image/png")
    other = made_media()
    assert ask(other, "HEAD", f"/media/{name}")[1]["Upload-Offset"] == "3000"
    again = client_of(other)
    assert again.claim(name, 5000, "image/png") == Progress(False, 3000)
    assert send(again, content).there
    assert other.tally["received_bytes"] == 2000
    again.close()
    client.close()


def test_a_chunk_at_another_offset_is_told_the_right_one(made_media: Made) -> None:
    client, content = client_of(made_media()), b"0123456789"
    name = name_of(content)
    assert client.append(name, 10, 4, b"4567", "text/plain") == Progress(False, 0)
    assert client.append(name, 10, 0, b"0123", "text/plain") == Progress(False, 4)
    assert client.append(name, 10, 0, b"0123", "text/plain") == Progress(False, 4)
    assert send(client, content).there
    client.close()


def test_wrong_bytes_are_thrown_away_and_told(made_media: Made) -> None:
    media = made_media()
    client, content = client_of(media), b"0123456789"
    with pytest.raises(WrongHash):
        client.append(name_of(content), 10, 0, b"012345678X", "text/plain")
    with pytest.raises(Refused, match="it is not there"):
        b"".join(client.read(name_of(content)))
    assert send(client, content).there
    with pytest.raises(WrongHash, match="has 10 bytes, not 11"):
        client.claim(name_of(content), 11, "text/plain")
    client.close()


def test_a_chunk_that_was_changed_on_its_way_is_not_kept(made_media: Made) -> None:
    media, name = made_media(), name_of(b"0123456789")
    told = {"Upload_Length": "10", "Upload_Offset": "0", "Content_Digest": chunk_digest(b"0123")}
    status, _, body = ask(media, "PATCH", f"/media/{name}", b"012X", **told)
    assert (status, orjson.loads(body)["status"]) == (400, 400)
    assert media.store.received(name, 10) == 0


def test_a_reader_gets_ranges_types_and_an_etag(made_media: Made) -> None:
    media = made_media()
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


def test_a_page_is_never_shown(made_media: Made) -> None:
    media, page = made_media(), b"<script>alert(1)</script>"
    client = client_of(media)
    send(client, page, type="text/html")
    _, headers, _ = ask(media, "GET", f"/media/{name_of(page)}")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment"
    client.close()


def test_tls_proves_who_the_store_is(made_media: Made, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    media, content = made_media(cert_file=cert, key_file=key), Random(1).randbytes(30_000)
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


def test_two_agents_send_one_file_at_once(made_media: Made) -> None:
    media, content = made_media(), os.urandom(200_000)
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


def test_a_full_disk_is_said_and_passes(made_media: Made) -> None:
    media = made_media(free_min=1 << 60)
    client = client_of(media)
    with pytest.raises(Refused) as refused:
        client.claim(name_of(b"x"), 1, "text/plain")
    assert refused.value.status == 507
    assert "no room" in media.problems()[0]
    media.store.free_min = 1  # type: ignore[attr-defined]
    assert send(client, b"x").there
    assert media.problems() == []
    client.close()


def test_what_is_there_is_counted(made_media: Made) -> None:
    first = made_media()
    client = client_of(first)
    send(client, b"0123456789")
    client.append(name_of(b"ab"), 2, 0, b"a", "text/plain")
    client.close()
    first.close()
    media, metrics = made_media(), Metrics()
    media.describe(metrics)
    until(lambda: media.files == 1, "the files are counted")
    ask(media, "GET", "/")
    shown = generate_latest(metrics.registry).decode()
    for line in (
        "media_files 1.0", "media_bytes 10.0", "media_partial_uploads 1.0",
        'media_refused_total{status="404"} 1.0', "media_completed_total 0.0",
    ):  # fmt: skip
        assert f"\n{line}\n" in shown


def test_an_upload_that_stood_still_for_a_day_is_given_up(made_media: Made) -> None:
    first = made_media()
    first.store.append(HASH, 2, 0, b"a")
    first.store.append("b" * 64, 2, 0, b"a")
    first.close()
    os.utime(next((first.store.folder / "incoming").glob("b*")), (1, 1))  # type: ignore[attr-defined]
    media = made_media()
    until(lambda: media.store.received("b" * 64, 2) == 0, "the old one is gone")
    assert media.store.received(HASH, 2) == 1


def test_it_ends_although_clients_are_there(made_media: Made) -> None:
    media = made_media()
    with socket.create_connection(("127.0.0.1", media.port), timeout=20) as idle:
        idle.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 404 ")
        media.close()
        media.close()
        assert idle.recv(10) == b""
