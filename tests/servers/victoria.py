"""VictoriaMetrics, Debian's package: a store of numbers that forgets its last seconds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.request import urlopen

from tests.conftest import missing
from tests.servers.ports import accepts, free_port, until

START_S = 30.0
FLAGS = ("-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-memory.allowedBytes=64MB")


class VictoriaMetrics:
    """A real server with its data in a folder of the test."""

    def __init__(self, folder: Path, flags: tuple[str, ...] = FLAGS) -> None:
        program = shutil.which("victoria-metrics")
        if program is None:
            missing("VictoriaMetrics", "apt-get install victoria-metrics")
        self.port = free_port()
        self._program, self._folder, self._flags = str(program), folder, flags
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> VictoriaMetrics:
        """Run it until `stop`; returns when it listens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "victoria.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    self._program, "-storageDataPath", str(self._folder / "data"),
                    "-httpListenAddr", f"127.0.0.1:{self.port}", *self._flags,
                ],
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until(lambda: accepts(self.port), "VictoriaMetrics listens", START_S)
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End it, or kill it."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(30)
            self._process = None

    def flush(self) -> None:
        """Make what was written visible to readers at once."""
        urlopen(f"{self.url}/internal/force_flush", timeout=START_S).close()

    def __enter__(self) -> VictoriaMetrics:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
