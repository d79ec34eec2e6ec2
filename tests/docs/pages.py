"""Running the Markdown pages of the documentation as a reader would.

Blocks of a page are taken in their order. One marked `toml` or `csv` is saved under the name that
the words before it give; one marked `sh` is run in one shell for the whole page; one marked `text`
is what the commands before it must have shown, where `…` stands for any text and a line `...` for
any lines. Commands with something to show are repeated until they show it or a deadline has passed,
as a reader would who is told that something takes a few seconds.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
DEADLINE_S = 40.0
AGAIN_S = 0.3
END = "END-OF-BLOCK"
PORTS = re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=port = )\d+|(?<=http = )\d+|(?<=--control )\d+")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"`([\w./-]+\.(?:toml|csv))`")
CURL = """#!{python}
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[-1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except OSError:
    sys.exit(7)
sys.stdout.write(answer.read().decode())
"""


@dataclass(frozen=True, slots=True)
class Block:
    """One code block of a page; `name` is the file that it is to be saved as."""

    kind: str
    text: str
    line: int
    name: str = ""


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page, in order."""
    text, found, end = page.read_text(), [], 0
    for match in BLOCK.finditer(text):
        named = NAMED.findall(text[end : match.start()])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2], line, named[-1] if named else ""))
        end = match.end()
    return found


def shows(wanted: str, shown: str) -> bool:
    """Whether an output is as a page says."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else _line(line) for line in wanted.splitlines()
    )
    lines = (line.rstrip() + "\n" for line in shown.splitlines())
    return re.fullmatch(pattern, "".join(lines)) is not None


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"\n"


def installed(folder: Path) -> Path:
    """A folder that looks to `make` like this one with everything installed.

    Its Python refuses to work: nothing may be installed into the environment of the tests.
    """
    there, binaries = folder / "refit", folder / "refit" / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, there)
    shutil.copytree(ROOT / "requirements", there / "requirements")
    (binaries / "python").write_text("#!/bin/sh\necho 'tests install nothing' >&2\nexit 1\n")
    (binaries / "python").chmod(0o755)
    (binaries / "refit").symlink_to(Path(sys.executable).parent / "refit")
    (there / ".venv" / "installed").touch()
    return there


class Shell:
    """One bash in a folder, with `refit` on its way; what it starts ends with it."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        tools = folder / "tools"
        tools.mkdir(exist_ok=True)
        if shutil.which("curl") is None:
            (tools / "curl").write_text(CURL.format(python=sys.executable))
            (tools / "curl").chmod(0o755)
        path = os.pathsep.join((str(Path(sys.executable).parent), str(tools), os.environ["PATH"]))
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={**os.environ, "PATH": path, "HOME": str(folder), "COLUMNS": "120",
                 **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def run(self, commands: str) -> tuple[int, str]:
        """Run some lines; the exit code of the last that failed, or 0, and all that is shown."""
        assert self._process.stdin is not None
        self._process.stdin.write(
            f"failed=0; trap 'failed=$?' ERR\n{commands}\ntrap - ERR; echo; echo {END} $failed\n"
        )
        self._process.stdin.flush()
        shown = ""
        deadline = time.monotonic() + DEADLINE_S
        while not (end := re.search(rf"\n?\n{END} (\d+)\n\Z", "\n" + shown)):
            try:
                shown += self._lines.get(timeout=max(deadline - time.monotonic(), 0.01))
            except queue.Empty:
                raise AssertionError(f"it does not end:\n{commands}\n{shown}") from None
        return int(end[1]), ("\n" + shown)[: end.start()].lstrip("\n") + "\n"

    def close(self) -> None:
        """End the shell and all that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(5.0)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()
        self._reader.join(5.0)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Reader:
    """Follows a page in a folder, on ports that are free instead of those of the page.

    `ports` are those of servers that run already, by what the page says instead.
    """

    def __init__(
        self,
        page: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        ports: Mapping[str, str] | None = None,
    ) -> None:
        self.environment = environment
        self.page, self.blocks = page, blocks(page)
        found = {port for block in self.blocks for port in PORTS.findall(block.text)}
        self._ports = {port: str(free_port()) for port in sorted(found)} | (ports or {})
        self.folder = folder

    def follow(self, start: Path) -> None:
        """Do all that the page says, beginning in the folder `start`; AssertionError if not so."""
        with Shell(self.folder, self.environment) as shell:
            shell.run(f"cd '{start}'")
            for index, block in enumerate(self.blocks):
                if block.kind in ("toml", "csv"):
                    self._save(shell, block)
                elif block.kind == "sh":
                    after = self.blocks[index + 1 :]
                    wanted = after[0].text if after and after[0].kind == "text" else None
                    self._run(shell, block, wanted)

    def _save(self, shell: Shell, block: Block) -> None:
        assert block.name, f"{self.page.name}:{block.line}: it does not say how to save this"
        _, folder = shell.run("pwd")
        (Path(folder.strip()) / block.name).write_text(self._there(block.text))

    def _run(self, shell: Shell, block: Block, wanted: str | None) -> None:
        deadline = time.monotonic() + DEADLINE_S
        where = f"{self.page.name}:{block.line}"
        while True:
            code, shown = shell.run(self._there(block.text))
            if wanted is None:
                assert code == 0, f"{where}: exit code {code}\n{shown}"
                return
            here = self._here(shown)
            if code == 0 and shows(wanted, here):
                return
            assert time.monotonic() < deadline, (
                f"{where}: exit code {code}; shown is\n{here}\ninstead of\n{wanted}"
            )
            threading.Event().wait(AGAIN_S)

    def _there(self, text: str) -> str:
        return re.sub(r"\d{4,5}", lambda found: self._ports.get(found[0], found[0]), text)

    def _here(self, text: str) -> str:
        back = {free: port for port, free in self._ports.items()}
        text = re.sub(r"\d{4,5}", lambda found: back.get(found[0], found[0]), text)
        return text.replace(str(self.folder), "~")
