"""What is not about lines: something before the server refuses everything, a certificate."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from plant.stores.influx import InfluxStore
from plant.stores.store import StoreRefuses, StoreUnavailable, StoreUnusable
from stations.status import GOOD
from tests.plant.influx import config
from tests.plant.points import T0, angles, points
from tests.plant.store_contract import EVER
from tests.servers import InfluxDB
from tests.servers.certificate import certificate

pytestmark = pytest.mark.system


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


class MadProxy(BaseHTTPRequestHandler):
    """Hands everything on to a real InfluxDB, or refuses every write in words of its own."""

    target = ""
    is_mad = False
    refusals = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.is_mad and self.path.startswith("/write"):
            type(self).refusals += 1
            self._answer(400, b"this is not allowed here")
            return
        kind = {"Content-Type": self.headers["Content-Type"]}
        with urlopen(Request(self.target + self.path, body, kind)) as answer:
            self._answer(answer.status, answer.read())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


def test_a_refusal_of_everything_makes_no_dead_letters(server: InfluxDB) -> None:
    handler = type("Handler", (MadProxy,), {"target": server.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        url = f"influxdb://127.0.0.1:{proxy.server_port}/proxied"
        with closing(InfluxStore(config(server, version="1", url=url))) as store:
            assert store.write([angles([1.0])]) == [[]]
            handler.is_mad = True
            for known in (angles([2.0], T0 + 1), points([("state", T0, GOOD, 1)])):
                with pytest.raises(StoreUnavailable, match="not allowed here"):
                    store.write([known])
            handler.refusals = 0
            with pytest.raises(StoreUnavailable, match="not allowed here"):
                store.write([angles([2.0] * 1000, T0 + 1)])
            assert handler.refusals <= 3, "it is not asked about each sample"
            handler.is_mad = False
            assert store.write([angles([2.0], T0 + 1)]) == [[]]
            assert store.count() == 2
        proxy.shutdown()


def test_an_answer_that_is_cut_short_is_none(tmp_path: Path) -> None:
    with (
        InfluxDB(tmp_path / "data", HTTP_MAX_ROW_LIMIT="10") as server,
        closing(InfluxStore(config(server))) as store,
    ):
        store.write([angles([1.0] * 20)])
        assert len(store.range("studio-1", "angle", T0, T0 + 500)) == 5
        with pytest.raises(StoreRefuses, match="max-row-limit = 0"):
            store.range("studio-1", "angle", *EVER)


@pytest.mark.parametrize("version", ["1", "1.8"])
def test_a_server_is_known_by_its_certificate(tmp_path: Path, version: str) -> None:
    cert_file, key_file = certificate(tmp_path)
    settings = {
        "HTTP_HTTPS_ENABLED": "true",
        "HTTP_HTTPS_CERTIFICATE": str(cert_file),
        "HTTP_HTTPS_PRIVATE_KEY": str(key_file),
    }
    with InfluxDB(tmp_path / "data", **settings) as server:
        if version == "1.8" and not server.speaks_v2:
            pytest.skip("Debian's InfluxDB does not know /api/v2/write")
        url = f"influxdbs://127.0.0.1:{server.port}/secret"
        told = config(server, version=version, url=url, ca_file=cert_file)
        with closing(InfluxStore(told)) as store:
            assert store.write([angles([1.0])]) == [[]]
            assert store.count() == 1
        with pytest.raises(StoreUnusable, match=r"(?i)certificate verify failed"):
            InfluxStore(told.model_copy(update={"ca_file": None}))
    with pytest.raises(StoreUnusable, match=r"nothing\.pem"):
        InfluxStore(told.model_copy(update={"ca_file": tmp_path / "nothing.pem"}))
