"""The media store over HTTP, and whoever does it wrong: paths, heads, bodies, tokens, patience."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
from pathlib import Path

import pytest

from plant.media import handler, server
from plant.media.rates import Rates
from plant.media.server import MediaServer, MediaUnusable, open_media
from tests.plant.media_contract import name_of
from tests.plant.media_servers import Made, ask, client_of, raw, send
from tests.servers import until
from wire.clock import SystemClock
from wire.media.client import Refused
from wire.media.protocol import RESTRICTED
from wire.site import MediaConfig

pytestmark = pytest.mark.system

TOKEN = "0123456789abcdef-agent"
READER = "0123456789abcdef-reader"


@pytest.mark.parametrize(
    "path",
    [
        "/", "/media/", "/media/..", "/media/../../etc/passwd", "/media/%2e%2e/x", "/media/a",
        "/media/" + "A" * 64, "/media/" + "a" * 65, "/media/" + "a" * 64 + "/..", "//" + "a" * 64,
        "/media/" + "a" * 64 + "?x=1", "/media/" + "a" * 63 + "%00", "/metrics", "*",
    ],
)  # fmt: skip
def test_only_a_hash_is_a_path(made_media: Made, path: str) -> None:
    media = made_media()
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
    "a body hidden behind a length of none": (
        b"POST /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nContent-Length: 0\r\n"
        b"Content-Length: 4\r\n\r\nabcd",
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
    "chunks and a length": (
        b"PATCH /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nabcd",
        b" 400 ",
    ),
    "a name that ends with a space": (
        b"POST /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nContent-Length : 4\r\n\r\nabcd",
        b" 400 ",
    ),
    "a header in two lines": (
        b"POST /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nX: a\r\n Content-Length: 4\r\n\r\n",
        b" 400 ",
    ),
    "a length with a sign": (
        b"PATCH /media/%s HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        b"Content-Length: +4\r\n\r\nabcd",
        b" 400 ",
    ),
    "a path with a zero": (b"GET /media/%s\0 HTTP/1.1\r\n\r\n", b" 404 "),
    "a path of other letters": ("GET /media/%s\u212a/../ä HTTP/1.1\r\n\r\n".encode(), b" 404 "),
    "a method that is not known": (b"DELETE /media/%s HTTP/1.1\r\n\r\n", b" 501 "),
    "no HTTP at all": (b"\x16\x03\x01 /media/%s \r\n\r\n", b" 400 "),
    "a long line": (b"GET /media/%s" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b" 431 "),
    "a long header": (b"GET /media/%s HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b" 431 "),
    "many headers": (b"GET /media/%s HTTP/1.1\r\n" + b"X: x\r\n" * 3000 + b"\r\n", b" 431 "),
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_malformed_request_is_refused_and_leaves_nothing(made_media: Made, how: str) -> None:
    media = made_media()
    text, status = MALFORMED[how]
    try:
        answer = raw(media, text.replace(b"%s", HASH.encode()))
    except OSError as error:
        assert not isinstance(error, TimeoutError)
        answer = b" 431 "  # it is cut off while it still sends: the answer may be lost
    assert status in answer.partition(b"\r\n")[0]
    assert list(media.store.stored()) == list(media.store.partials()) == []
    client = client_of(media)
    assert send(client, b"0123456789").there, "the next one is served"
    client.close()


def test_a_slow_client_is_cut_off_and_others_are_served(
    made_media: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "IDLE_S", 2.0)
    media = made_media(uploads_max=2)
    name = name_of(b"slow")
    dripping = socket.create_connection(("127.0.0.1", media.port), timeout=20)
    idle = socket.create_connection(("127.0.0.1", media.port), timeout=20)
    dripping.sendall(
        f"PATCH /media/{name} HTTP/1.1\r\nUpload-Length: 4\r\nUpload-Offset: 0\r\n"
        "Content-Length: 4\r\n\r\ns".encode()
    )
    client = client_of(media)
    assert send(client, b"0123456789").there
    for connection in (dripping, idle):
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1000) == b""
    assert media.tally["refused_408"] >= 2
    assert media.store.received(name, 4) == 0
    for connection in (dripping, idle):
        connection.close()
    client.close()


def test_no_more_chunks_at_a_time_than_allowed(made_media: Made) -> None:
    media = made_media(uploads_max=2)
    client = client_of(media)
    with media.turn() as first, media.turn() as second:
        assert first and second
        with pytest.raises(Refused) as refused:
            client.append(name_of(b"ab"), 2, 0, b"a", "text/plain")
        assert refused.value.status == 503
        assert client.claim(name_of(b"ab"), 2, "text/plain").offset == 0, "who only asks is served"
    assert send(client, b"ab").there, "then it has its turn"
    client.close()


def test_no_more_clients_at_a_time_than_allowed(
    made_media: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 3)
    media = made_media()
    held = [socket.create_connection(("127.0.0.1", media.port), timeout=20) for _ in range(5)]
    until(lambda: media.tally["refused_503"] == 2, "the others are turned away")
    for one in held:
        one.close()
    until(lambda: is_served(media), "the next one is served")


def is_served(media: MediaServer) -> bool:
    try:
        return ask(media, "GET", "/")[0] == 404
    except (OSError, http.client.HTTPException):
        return False


def test_who_has_no_token_gets_nothing(made_media: Made, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who may\npc-1 {TOKEN}\nboard {READER}\n")
    media = made_media(tokens_file=tokens)
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


def test_who_asks_too_much_waits_and_nobody_else(made_media: Made, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"pc-1 {TOKEN}\nboard {READER}\n")
    media = made_media(tokens_file=tokens, requests_max=1)
    greedy, other = client_of(media, TOKEN), client_of(media, READER)
    with pytest.raises(Refused, match="too much in too short a time") as raised:
        for _ in range(50):
            greedy.claim(name_of(b"x"), 1, "text/plain")
    assert raised.value.status == 429
    with pytest.raises(Refused, match="it is not there"):
        b"".join(other.read(name_of(b"x")))
    guessing = {ask(media, "GET", f"/media/{HASH}", Authorization="Bearer x")[0] for _ in range(9)}
    assert guessing == {401, 429}
    for client in (greedy, other):
        client.close()


def test_a_rate_is_one_for_each_and_is_paid_back() -> None:
    rates = Rates(10, 100)
    assert rates.wait_s("a", 0) == 0
    rates.take("a", 150, 0)
    assert rates.wait_s("a", 1) == pytest.approx(4.1)
    assert (rates.wait_s("a", 6), rates.wait_s("b", 1)) == (0, 0)


def test_all_files_together_have_a_bound(made_media: Made) -> None:
    media = made_media(size_max="25 B")
    client = client_of(media)
    send(client, b"0123456789")
    assert client.append(name_of(b"x" * 10), 10, 0, b"x" * 5, "text/plain").offset == 5
    for deed in (
        lambda: client.claim(name_of(b"y" * 10), 10, "text/plain"),
        lambda: client.append(name_of(b"y" * 10), 10, 0, b"y" * 5, "text/plain"),
    ):
        with pytest.raises(Refused, match="all files together") as raised:
            deed()
        assert raised.value.status == 507
    assert send(client, b"x" * 10).there, "what was begun is ended"
    client.close()


def test_a_store_open_to_others_needs_tokens(tmp_path: Path) -> None:
    config = MediaConfig.model_validate(
        {"url": "http://media.example:9180", "folder": tmp_path / "media"}
    )
    with pytest.raises(MediaUnusable, match="tokens_file"):
        open_media(config, [], SystemClock())
    tokens = tmp_path / "tokens"
    tokens.write_text(f"pc-1 {TOKEN}\n")
    with pytest.raises(MediaUnusable, match='url with "https://"'):
        open_media(config.model_copy(update={"tokens_file": tokens}), [], SystemClock())


def test_a_restricted_file_is_for_names_that_may_see_it(made_media: Made, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"pc-1 {TOKEN}\nboard {READER}\nkeeper {READER}-2 restricted\n")
    media = made_media(tokens_file=tokens)
    content = b"the VIN plate"
    with contextlib.closing(client_of(media, TOKEN)) as client:
        send(client, content, type=RESTRICTED)
        send(client, b"a wheel")
    path = f"/media/{name_of(content)}"
    statuses = {
        token: ask(media, "GET", path, Authorization=f"Bearer {token}")[0]
        for token in (TOKEN, READER, f"{READER}-2")
    }
    assert statuses == {TOKEN: 403, READER: 403, f"{READER}-2": 200}
    assert ask(media, "GET", path)[0] == 401
    wheel = f"/media/{name_of(b'a wheel')}"
    assert ask(media, "GET", wheel, Authorization=f"Bearer {READER}")[0] == 200


def test_without_tokens_nobody_reads_a_restricted_file(made_media: Made) -> None:
    media = made_media()
    with contextlib.closing(client_of(media)) as client:
        send(client, b"the VIN plate", type=RESTRICTED)
    assert ask(media, "GET", f"/media/{name_of(b'the VIN plate')}")[0] == 403
    assert ask(media, "HEAD", f"/media/{name_of(b'the VIN plate')}")[0] == 200
