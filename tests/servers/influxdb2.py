"""InfluxDB 2.9.1, when `make influx2` has built it; by hand, not where CI is set."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import orjson
import pytest

from tests.servers.influxdb import cache
from tests.servers.ports import free_port, until

VERSION = "2.9.1"
START_S = 60.0
ORG, USER, PASSWORD = "refit", "refit", "refit-refit"
TOKEN = "refit-token-of-the-tests"


class InfluxDB2:
    """A real InfluxDB 2 with its data in a folder of the test, set up with one token."""

    version = "2"

    def __init__(self, folder: Path) -> None:
        self._program = cache() / f"influxdb-{VERSION}" / "influxd"
        if not self._program.exists():
            pytest.skip(f"InfluxDB {VERSION} is not built; `make influx2` builds it")
        self.port = free_port()
        self.token_file = folder / "token"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> InfluxDB2:
        """Run it until `stop`, set it up if it is new; returns when it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "influxd.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    self._program, "run", "--reporting-disabled", "--log-level", "error",
                    "--bolt-path", self._folder / "bolt", "--engine-path", self._folder / "engine",
                    "--sqlite-path", self._folder / "sqlite",
                    "--http-bind-address", f"127.0.0.1:{self.port}",
                ],
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until(self._answers, "InfluxDB 2 answers", START_S)
        if not self.token_file.exists():
            told = {"username": USER, "password": PASSWORD, "org": ORG, "bucket": "first"}
            self._post("/api/v2/setup", orjson.dumps(told | {"token": TOKEN}))
            self.token_file.write_text(TOKEN)
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End it, or kill it."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(30)
            self._process = None

    def rows(self, statement: str, database: str) -> list[list[object]]:
        """The rows of the first series that a statement of InfluxQL gives, times in ms."""
        form = urlencode({"q": statement, "db": database, "epoch": "ms"})
        answer = self._post(f"/query?{form}", b"")
        series = orjson.loads(answer)["results"][0].get("series", [])
        return list(series[0]["values"]) if series else []

    def put(self, lines: str, database: str) -> None:
        """Write lines with times in ms, as a program other than ours would."""
        form = urlencode({"bucket": database, "org": ORG, "precision": "ms"})
        self._post(f"/api/v2/write?{form}", lines.encode())

    def _post(self, path: str, body: bytes) -> bytes:
        headers = {"Authorization": f"Token {TOKEN}"}
        with urlopen(Request(self.url + path, body, headers), timeout=START_S) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"InfluxDB ended: see {self._folder}/influxd.log"
        try:
            urlopen(f"{self.url}/health", timeout=5).close()
        except HTTPError:
            return False
        except OSError:
            return False
        return True

    def __enter__(self) -> InfluxDB2:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
