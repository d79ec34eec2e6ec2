"""What a process says of itself: metrics, health and logs."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import structlog

from refit.watching.client import Away, Client
from tests.servers import until
from tests.servers.certificate import certificate
from wire import metrics as metrics_module
from wire.listening import Door
from wire.logs import start_logging
from wire.metrics import Metrics, StatusServer
from wire.site import HttpConfig


def get(port: int, path: str, shown: str = "") -> tuple[int, bytes]:
    headers = {"Authorization": shown.encode("utf-8").decode("latin-1")} if shown else {}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.system
def test_values_are_read_when_somebody_asks() -> None:
    metrics, values = Metrics(), {"rows": 1.0}
    metrics.gauge("refit_backlog_rows", "Batches that wait.", lambda: values["rows"])
    metrics.counter("refit_samples", "Samples kept.", lambda: 7)
    metrics.counters("refit_reconnects", "Per station.", "station", lambda: {"studio-1": 2})
    metrics.gauges("refit_bad", "Per station.", "station", lambda: {"studio-1": 1, "b": 0})
    with StatusServer(metrics, lambda: {"ok": True}) as server:
        values["rows"] = 41.0
        status, body = get(server.port, "/metrics")
    lines = body.decode().splitlines()
    assert status == 200
    for line in (
        "refit_backlog_rows 41.0",
        "refit_samples_total 7.0",
        'refit_reconnects_total{station="studio-1"} 2.0',
        'refit_bad{station="b"} 0.0',
    ):
        assert line in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


@pytest.mark.system
def test_two_processes_metrics_do_not_meet() -> None:
    for _ in range(2):
        Metrics().gauge("refit_one", "The same name twice.", lambda: 1)


@pytest.mark.system
def test_health_decides_the_status() -> None:
    health: dict[str, object] = {"ok": True, "stations": {"studio-1": "running"}}
    with StatusServer(Metrics(), lambda: health) as server:
        assert get(server.port, "/healthz") == (200, orjson.dumps(health))
        health["ok"] = False
        assert get(server.port, "/healthz")[0] == 503
        assert get(server.port, "/else")[0] == 404


@pytest.mark.system
def test_a_health_that_cannot_be_read_is_bad_health() -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("the outbox is gone")

    with StatusServer(Metrics(), broken) as server:
        assert get(server.port, "/healthz") == (503, b'{"error":"the outbox is gone"}')


@pytest.mark.system
def test_the_port_is_free_again_after_the_end() -> None:
    server = StatusServer(Metrics(), lambda: {"ok": True})
    with pytest.raises(OSError, match="in use"):
        StatusServer(Metrics(), lambda: {"ok": True}, port=server.port)
    server.close()
    server.close()
    with StatusServer(Metrics(), lambda: {"ok": True}, port=server.port) as again:
        assert get(again.port, "/healthz")[0] == 200


TOKEN = "0123456789abcdef-prometheus"


def test_who_shows_no_token_is_told_nothing(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    door = Door.of(HttpConfig(token_file=file))
    with StatusServer(Metrics(), lambda: {"ok": True}, door=door) as server:
        for shown in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer ü"):
            for path in ("/metrics", "/healthz", "/stations", "/../etc/passwd"):
                status, body = get(server.port, path, shown)
                assert (status, body) == (401, b"a token is needed\n"), shown
        assert get(server.port, "/healthz", f"Bearer {TOKEN}")[0] == 200
        assert get(server.port, "/metrics", f"bearer {TOKEN}")[0] == 200
        file.write_text("another-0123456789abcdef")
        assert get(server.port, "/healthz", f"Bearer {TOKEN}")[0] == 401
        file.unlink()
        assert get(server.port, "/healthz", f"Bearer {TOKEN}")[0] == 401


def test_a_token_that_is_none_is_told_before_anybody_is_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short").write_text("short")
    monkeypatch.setenv("A_TOKEN", TOKEN)
    Door.of(HttpConfig(token_env="A_TOKEN"))
    for config, why in (
        (HttpConfig(token_file=tmp_path / "none"), "cannot be read"),
        (HttpConfig(token_file=tmp_path / "short"), "less than 16 characters"),
        (HttpConfig(token_env="NO_SUCH_TOKEN"), "the environment has no NO_SUCH_TOKEN"),
        (HttpConfig(cert_file=tmp_path / "c", key_file=tmp_path / "k"), "no such file"),
    ):
        with pytest.raises(ValueError, match=why) as raised:
            Door.of(config)
        assert "short\n" not in str(raised.value)


@pytest.mark.system
def test_over_tls_with_the_token_of_the_site_file(tmp_path: Path) -> None:
    cert_file, key_file = certificate(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    http = HttpConfig(cert_file=cert_file, key_file=key_file, token_file=tmp_path / "token")
    with StatusServer(Metrics(), lambda: {"ok": True}, door=Door.of(http)) as server:
        url = f"https://127.0.0.1:{server.port}"
        assert Client(url, http).health() == {"ok": True}
        assert Client(f"https://localhost:{server.port}", http).health() == {"ok": True}
        with pytest.raises(Away, match="it wants a token"):
            Client(url, HttpConfig(ca_file=cert_file)).health()
        with pytest.raises(Away, match="certificate verify failed"):
            Client(url, HttpConfig(token_file=tmp_path / "token")).health()
        with pytest.raises(Away):
            Client(url.replace("https", "http"), http).health()


@pytest.mark.system
def test_whoever_is_slow_or_many_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "REQUEST_S_MAX", 1.0)
    monkeypatch.setattr(metrics_module, "CONNECTIONS_MAX", 3)
    with StatusServer(Metrics(), lambda: {"ok": True}) as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(3)]
        for one in slow:
            one.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        for one in slow:
            with contextlib.suppress(ConnectionError):
                while one.recv(1000):
                    one.sendall(b"x")
            one.close()
        until(lambda: _answers(server.port), "the next one is served")


def _answers(port: int) -> bool:
    try:
        return get(port, "/healthz")[0] == 200
    except OSError:
        return False


def _told(port: int, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 30) as one:
        one.sendall(text)
        return one.recv(1000)


@pytest.mark.system
def test_a_head_has_a_bound_and_one_meaning() -> None:
    with StatusServer(Metrics(), lambda: {"ok": True}) as server:
        for more, status in (
            (b"X: " + b"x" * 16_384, b" 431 "),
            (b"X: x\r\n" * 150, b" 431 "),
            (b"Content-Length: 1\r\nContent-Length: 2", b" 400 "),
            (b"Content-Length: 1\r\nTransfer-Encoding: chunked", b" 400 "),
            (b"Content-Length : 1", b" 400 "),
            (b"X: a\r\n Host: b", b" 400 "),
        ):
            answer = _told(server.port, b"GET /healthz HTTP/1.1\r\n" + more + b"\r\n\r\n")
            assert status in answer.partition(b"\r\n")[0], (more[:40], answer)
        assert get(server.port, "/healthz")[0] == 200


@pytest.fixture
def restored() -> Iterator[None]:
    """The logs as they were, after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_logs_are_one_json_object_a_line(restored: None) -> None:
    stream = io.StringIO()
    start_logging("agent pc-1", stream=stream)
    structlog.get_logger("mqtt").warning("no connection", why="refused", port=1883)
    logging.getLogger("library").warning("a word of %s", "its own")
    logging.getLogger("library").debug("not this")
    try:
        raise ValueError("wrong")
    except ValueError:
        structlog.get_logger("edge").exception("it failed")
    first, second, third = (orjson.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "no connection"
    assert (first["logger"], first["level"], first["port"]) == ("mqtt", "warning", 1883)
    assert first["process"] == second["process"] == "agent pc-1"
    assert first["timestamp"].endswith("Z")
    assert second["event"] == "a word of its own"
    assert "ValueError: wrong" in third["exception"]


def test_logs_can_be_read_by_people(restored: None) -> None:
    stream = io.StringIO()
    start_logging("historian", stream=stream, readable=True)
    structlog.get_logger("mqtt").info("connected", broker="127.0.0.1:1883")
    assert "connected" in stream.getvalue()
    assert "broker=127.0.0.1:1883" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_a_log_that_is_cut_off_under_us_goes_on_at_its_beginning(
    restored: None, tmp_path: Path
) -> None:
    path = tmp_path / "agent.log"
    with path.open("a") as stream:
        start_logging("agent pc-1", stream=stream)
        log = structlog.get_logger()
        log.warning("before")
        os.truncate(path, 0)  # as logrotate does with copytruncate
        log.warning("after")
    (line,) = path.read_bytes().splitlines()
    assert orjson.loads(line)["event"] == "after"
