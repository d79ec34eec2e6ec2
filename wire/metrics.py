"""What a process says of itself over HTTP: /metrics for Prometheus, /healthz for whoever watches.

Values are read when somebody asks, so that keeping them costs nothing. Nothing can be changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from wire.listening import POLL_S, BoundedHandler, Door, Listener

REQUEST_S_MAX = 5.0  # for a head, and between two parts of an answer
ANSWER_S_MAX = 60.0
CONNECTIONS_MAX = 32

log = structlog.get_logger("metrics")


Pages = Callable[[str, Mapping[str, str]], object | None]
_Make = Callable[..., GaugeMetricFamily | CounterMetricFamily]


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as it is exposed: its name, gauge or counter, its label ("" without one), a doc."""

    name: str
    kind: str
    label: str
    doc: str


class _Family(Collector):
    """One metric whose values are read at each scrape."""

    def __init__(
        self,
        family: _Make,
        name: str,
        doc: str,
        label: str,
        read: Callable[[], Mapping[str, float]],
    ) -> None:
        self._new = partial(family, name, doc, labels=[label] if label else [])
        self._labelled = bool(label)
        self._read = read

    def collect(self) -> Iterable[Metric]:
        metric = self._new()
        for key, value in self._read().items():
            metric.add_metric([key] if self._labelled else [], value)
        yield metric

    def describe(self) -> Iterable[Metric]:
        return [self._new()]


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        ProcessCollector(registry=self.registry)

    def gauge(self, name: str, doc: str, read: Callable[[], float]) -> None:
        """A value that rises and falls; its unit stands last in its name."""
        self._add(GaugeMetricFamily, name, doc, "", lambda: {"": read()})

    def counter(self, name: str, doc: str, read: Callable[[], float]) -> None:
        """A value that only rises while the process lives; exposed as `name` + `_total`."""
        self._add(CounterMetricFamily, name, doc, "", lambda: {"": read()})

    def gauges(
        self, name: str, doc: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """One gauge per value of a label; the label's values must be few and bounded."""
        self._add(GaugeMetricFamily, name, doc, label, read)

    def counters(
        self, name: str, doc: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """One counter per value of a label; the label's values must be few and bounded."""
        self._add(CounterMetricFamily, name, doc, label, read)

    def _add(
        self,
        family: _Make,
        name: str,
        doc: str,
        label: str,
        read: Callable[[], Mapping[str, float]],
    ) -> None:
        self.registry.register(_Family(family, name, doc, label, read))
        is_counter = family is CounterMetricFamily
        exposed = f"{name}_total" if is_counter else name
        kind = "counter" if is_counter else "gauge"
        self.described.append(Described(exposed, kind, label, doc))


class StatusServer:
    """Serves /metrics and /healthz on a thread of its own until `close`.

    `health` gives what /healthz answers; its key `ok` decides between 200 and 503. `pages` gives
    what other paths answer as JSON, by path and query; None for what there is not. `door` says who
    may ask, and whether by TLS. Raises OSError when the port is taken; port 0 takes a free one,
    which `port` says then.
    """

    def __init__(
        self,
        metrics: Metrics,
        health: Callable[[], Mapping[str, object]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        pages: Pages = lambda path, query: None,
        door: Door | None = None,
    ) -> None:
        door = door or Door()
        handler = _handler(metrics, health, pages, door)
        self._server = Listener((host, port), handler, connections_max=CONNECTIONS_MAX)
        self._server.context = door.context
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), name="status", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a second time does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> StatusServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _handler(
    metrics: Metrics, health: Callable[[], Mapping[str, object]], pages: Pages, door: Door
) -> type[BoundedHandler]:
    class Handler(BoundedHandler):
        timeout = REQUEST_S_MAX

        def head_s(self) -> float:
            return REQUEST_S_MAX

        def do_GET(self) -> None:
            self.server.watch(self.connection, ANSWER_S_MAX)
            if not door.opens(self.headers.get("Authorization", "")):
                self._answer(401, "text/plain", b"a token is needed\n", "WWW-Authenticate: Bearer")
                return
            match self.path.partition("?")[0]:
                case "/metrics":
                    self._guarded(self._metrics)
                case "/healthz":
                    self._guarded(self._healthz)
                case _:
                    self._guarded(self._page)

        def _guarded(self, answer: Callable[[], tuple[int, str, bytes]]) -> None:
            try:
                status, kind, body = answer()
            except Exception as error:
                log.exception("the status of this process could not be read")
                status, kind, body = 503, "application/json", orjson.dumps({"error": str(error)})
            self._answer(status, kind, body)

        def _metrics(self) -> tuple[int, str, bytes]:
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            return 200, kind, encode(metrics.registry)

        def _healthz(self) -> tuple[int, str, bytes]:
            state = dict(health())
            return 200 if state.get("ok") else 503, "application/json", orjson.dumps(state)

        def _page(self) -> tuple[int, str, bytes]:
            asked = urlsplit(self.path)
            found = pages(unquote(asked.path), dict(parse_qsl(asked.query)))
            if found is None:
                return (
                    404,
                    "text/plain",
                    b"there is /metrics, /healthz and, of a historian, /stations\n",
                )
            body = orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)
            return 200, "application/json", body

        def _answer(self, status: int, kind: str, body: bytes, more: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("X-Content-Type-Options", "nosniff")
            if more:
                self.send_header(*more.split(": ", 1))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
