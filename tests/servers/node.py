"""Programs for Node of tests/node: servers by other makers, told what to do by lines of text."""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path

from tests.conftest import missing

SCRIPTS = Path(__file__).parents[1] / "node"
READY_S = 60.0


def packages(cache: Path) -> Path:
    """Where `install.sh` has put the packages of tests/node/package.json."""
    text = (SCRIPTS / "package.json").read_bytes()
    return cache / f"node-{hashlib.sha256(text).hexdigest()[:12]}" / "node_modules"


class NodeProgram:
    """One program, which says `ready ...` when it is, and answers each line with a line."""

    def __init__(self, cache: Path, script: str, *words: str | Path, log: Path) -> None:
        program = shutil.which("node")
        if program is None or not packages(cache).is_dir():
            missing("Node with its packages", "tests/servers/install.sh")
        self._command = [program or "node", str(SCRIPTS / script), *map(str, words)]
        self._environment = os.environ | {"NODE_PATH": str(packages(cache))}
        self._log = log
        self._lines: queue.Queue[str] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> NodeProgram:
        """Run it; returns when it is ready."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, text=True, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self._wait_for("ready")
        return self

    def tell(self, line: str) -> str:
        """Tell it something; what it answers."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._wait_for(line)

    def quit(self) -> None:
        """Ask it to shut down in order."""
        self.tell("quit")
        self._end()

    def kill(self) -> None:
        """SIGKILL, when it runs."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        assert process is not None and self._reader is not None
        process.wait(READY_S)
        self._reader.join(READY_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _wait_for(self, word: str) -> str:
        while True:
            line = self._lines.get(timeout=READY_S)
            assert line, f"{self._command} has ended: {self._log.read_text()[-2000:]}"
            if line.startswith(word):
                return line.strip()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def __enter__(self) -> NodeProgram:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
