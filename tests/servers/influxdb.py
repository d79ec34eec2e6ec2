"""InfluxDB 1: 1.8.10 as Go builds it, which knows /api/v2/write, or Debian's 1.6.7, which does not.

`influxdb2` beside it is InfluxDB 2.9.1 when `make influx2` has built it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import orjson

from tests.conftest import missing
from tests.servers.ports import free_port, until

VERSION = "1.8.10"
START_S = 30.0
# The settings of a test: no reports to its makers, nothing written about itself.
SETTINGS = {
    "REPORTING_DISABLED": "true",
    "DATA_INDEX_VERSION": "tsi1",
    "DATA_QUERY_LOG_ENABLED": "false",
    "HTTP_LOG_ENABLED": "false",
    "MONITOR_STORE_ENABLED": "false",
    "CONTINUOUS_QUERIES_ENABLED": "false",
    "LOGGING_LEVEL": "warn",
}


def cache() -> Path:
    """The folder of what Debian has no package of."""
    return Path(os.environ.get("REFIT_CACHE") or Path.home() / ".cache" / "refit")


def built() -> Path:
    """Where the program of InfluxDB 1.8.10 lies once it is built."""
    return cache() / f"influxdb-{VERSION}" / "influxd"


def debian() -> Path | None:
    """Debian's InfluxDB 1.6.7; None where it is not installed."""
    found = shutil.which("influxd")
    return None if found is None else Path(found)


class InfluxDB:
    """A real InfluxDB 1 with its data in a folder of the test.

    `settings` are its own by their environment names without INFLUXDB_, such as
    `DATA_MAX_SERIES_PER_DATABASE`. `program` is 1.8.10 where it is built, else Debian's.
    """

    def __init__(self, folder: Path, program: Path | None = None, **settings: str) -> None:
        found = program or (built() if built().exists() else debian())
        if found is None or not found.exists():
            missing(f"InfluxDB {VERSION}", "tests/servers/install.sh")
        assert found is not None
        self.port = free_port()
        self._program, self._folder = found, folder
        self._settings = SETTINGS | settings
        self._rpc_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def speaks_v2(self) -> bool:
        """Whether it takes /api/v2/write."""
        return self._program == built()

    @property
    def pid(self) -> int:
        """The number of its process while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def version(self) -> str:
        """What a site file says of it in its [store]."""
        return "1.8" if self.speaks_v2 else "1"

    @property
    def url(self) -> str:
        """Where it answers over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> InfluxDB:
        """Run it until `stop`; returns when it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        places = {
            "META_DIR": str(self._folder / "meta"),
            "DATA_DIR": str(self._folder / "data"),
            "DATA_WAL_DIR": str(self._folder / "wal"),
            "BIND_ADDRESS": f"127.0.0.1:{self._rpc_port}",
            "HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
        }
        told = {f"INFLUXDB_{name}": value for name, value in (places | self._settings).items()}
        (self._folder / "influxdb.conf").touch()
        with (self._folder / "influxd.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._program, "run", "-config", self._folder / "influxdb.conf"],
                stdout=output, stderr=subprocess.STDOUT, env=os.environ | told,
            )  # fmt: skip
        until(self._answers, "InfluxDB answers", START_S)
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End it, or kill it."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(30)
            self._process = None

    def ask(self, statement: str, database: str = "", user: str = "", password: str = "") -> bytes:
        """What it answers to a statement of InfluxQL, as JSON with times in ms."""
        who = urlencode({"u": user, "p": password} if user else {})
        body = urlencode({"q": statement, "db": database, "epoch": "ms"}).encode()
        with urlopen(Request(f"{self.url}/query?{who}", body), timeout=START_S) as answer:
            return bytes(answer.read())

    def rows(self, statement: str, database: str) -> list[list[object]]:
        """The rows of the first series that a statement gives."""
        series = orjson.loads(self.ask(statement, database))["results"][0].get("series", [])
        return list(series[0]["values"]) if series else []

    def put(self, lines: str, database: str) -> None:
        """Write lines with times in ms, as a program other than ours would."""
        request = Request(f"{self.url}/write?db={database}&precision=ms", lines.encode())
        urlopen(request, timeout=START_S).close()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"InfluxDB ended: see {self._folder}/influxd.log"
        try:
            urlopen(f"{self.url}/ping", timeout=5).close()
        except HTTPError:
            return True
        except OSError:
            return False
        return True

    def __enter__(self) -> InfluxDB:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
