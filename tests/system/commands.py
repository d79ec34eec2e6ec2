"""The `refit` command as a process, watched from outside."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from plant.stores.store import OWN_MEASUREMENTS

REFIT = (sys.executable, "-m", "refit.main")


def refit(*words: str | Path, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [*REFIT, *map(str, words)], capture_output=True, text=True, timeout=timeout_s
    )


def opened(database: Path) -> sqlite3.Connection:
    """A SQLite file, read by nothing of ours."""
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True)


def samples_in(store: Path) -> int:
    """How many samples of machines a store has; 0 while there is none."""
    query = f"""SELECT count(*) FROM sample JOIN series ON series.id = sample.series
        WHERE measurement NOT IN {OWN_MEASUREMENTS}"""
    try:
        with closing(opened(store)) as database:
            return int(database.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


class Watched:
    """A running command; remembers every process that it starts, and kills what is left of it."""

    def __init__(self, *words: str | Path, **how: Any) -> None:
        self.process = subprocess.Popen([*REFIT, *map(str, words)], **how)
        self.seen: dict[tuple[int, float], psutil.Process] = {}

    def look(self) -> None:
        """Remember the processes that there are now."""
        with suppress(psutil.NoSuchProcess):
            mine = psutil.Process(self.process.pid)
            for one in (mine, *mine.children(recursive=True)):
                self.seen.setdefault((one.pid, one.create_time()), one)

    def ended(self) -> bool:
        """True when the command itself has ended."""
        self.look()
        return self.process.poll() is not None

    def left(self) -> list[str]:
        """The command lines of those that still run."""
        found = []
        for one in self.seen.values():
            with suppress(psutil.NoSuchProcess):
                if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(one.cmdline()))
        return found

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.look()
        for one in self.seen.values():
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait(10)
