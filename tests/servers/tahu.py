"""Programs of tests/tahu: a Sparkplug host and an edge node of Eclipse Tahu, in JVMs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import orjson

from tests.conftest import missing
from tests.servers.ports import until

SOURCES = Path(__file__).parents[1] / "tahu"
READY_S = 60.0
QUICK = ("-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx192m")


def compiled(cache: Path) -> Path:
    """Where `install.sh` has put the programs and their libraries."""
    digest = hashlib.sha256((SOURCES / "pom.xml").read_bytes())
    for file in sorted((SOURCES / "java").iterdir()):
        digest.update(file.read_bytes())
    return cache / f"tahu-{digest.hexdigest()[:12]}"


class TahuProgram:
    """One program in a JVM of its own; `told` is every JSON object that it has said."""

    def __init__(self, cache: Path, name: str, *words: object, log: Path) -> None:
        java, home = shutil.which("java"), compiled(cache)
        if java is None or not (home / "complete").exists():
            missing("Java with Eclipse Tahu", "tests/servers/install.sh")
        self.told: list[dict[str, Any]] = []
        self._log = log
        self._command = [
            java or "java", *QUICK, "-Dlogback.configurationFile=quiet.xml",
            "-cp", f"{home}/classes:{home}/lib/*", f"tahu.{name}", *map(str, words),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> TahuProgram:
        """Run it; returns when it is connected to its broker."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=dict(os.environ), stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self.wait(lambda: self.of("connected"), "it is connected")
        return self

    def tell(self, line: str) -> None:
        """Tell it something."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def of(self, what: str, about: str | None = None, name: str | None = None) -> list[Any]:
        """What it has told of one sort, of one node or device, of one metric."""
        return [
            one
            for one in list(self.told)
            if one["what"] == what
            and about in (None, one.get("about"))
            and name in (None, one.get("name"))
        ]

    def wait(self, holds: Any, what: str) -> None:
        """Wait until it holds; AssertionError with the program's log when it never does."""
        try:
            until(holds, what, READY_S)
        except AssertionError as error:
            said = self.log[-2000:]
            raise AssertionError(f"{error}\n{self.told[-5:]}\n{said}") from error

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL, when it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(READY_S)
        assert self._reader is not None
        self._reader.join(READY_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"{"):
                self.told.append(orjson.loads(line))

    def __enter__(self) -> TahuProgram:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
