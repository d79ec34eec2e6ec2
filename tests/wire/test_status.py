"""What a process says of itself: metrics, health and logs."""

from __future__ import annotations

import io
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator

import orjson
import pytest
import structlog

from wire.logs import start_logging
from wire.metrics import Metrics, StatusServer


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
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
