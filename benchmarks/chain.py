"""A chain from the machine to the store, and the account of every value that went through it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.children import Children
from benchmarks.generator import Done, Generator
from benchmarks.machine import load_average, wait_until_quiet
from benchmarks.usage import Usage

SETTLE_S = 2.0
POLL_S = 0.02
DRAIN_S = 30.0
LAG_S_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Tag:
    """What the store holds of one tag, without its value before the start (0)."""

    name: str
    rows: int
    distinct: int
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Account:
    """Every value once: tag by tag the store must hold 1, 2, ... to the last one written."""

    written: int
    stored: int
    lost: int
    doubled: int
    strange: int

    @classmethod
    def of(cls, tags: Sequence[Tag], names: Sequence[str], count: int) -> Account:
        """The account of tags that each counted to `count`."""
        found = {tag.name: tag for tag in tags}
        stored = sum(tag.rows for tag in tags)
        distinct = sum(found[name].distinct for name in names if name in found)
        odd = [t for t in tags if t.name not in names or t.lowest < 1 or t.highest > count]
        return cls(
            written=len(names) * count,
            stored=stored,
            lost=len(names) * count - distinct,
            doubled=stored - sum(tag.distinct for tag in tags),
            strange=len(odd),
        )

    @property
    def is_whole(self) -> bool:
        """True when every value is there exactly once and nothing else is."""
        return not (self.lost or self.doubled or self.strange)


class Chain(Protocol):
    """A chain that is set up by entering it; `children` are its processes."""

    children: Children

    def start(self) -> None:
        """Start every process and return when the first value of every tag is stored."""
        ...

    def highest(self, tag: str) -> float:
        """The newest stored value of a tag; -1 when there is none."""
        ...

    def tags(self) -> list[Tag]:
        """What is stored of all tags."""
        ...


@dataclass(frozen=True, slots=True)
class Load:
    """How much goes through: tags, changes of each a second, and for how many seconds."""

    tags: int
    hz: float
    seconds: float

    @property
    def rate(self) -> float:
        """Values a second."""
        return self.tags * self.hz

    @property
    def count(self) -> int:
        """How far each tag counts."""
        return max(1, round(self.hz * self.seconds))


def trial(chain: Chain, generator: Generator, load: Load, patience_s: float) -> dict[str, Any]:
    """One load through one chain, which has been started: the account, the lag, CPU and memory."""
    time.sleep(SETTLE_S)
    others_before, average = wait_until_quiet(patience_s), load_average()
    with Usage({**chain.children.pids, "generator": generator.pid}) as usage:
        began = time.monotonic()
        generator.go(load.count)
        done = generator.done(load.seconds)
        wrote_s = time.monotonic() - began
        lag_s = _drained(chain, generator, load)
    account = _settled(chain, generator, load)
    chain.children.check()
    return _told(load, done, wrote_s, lag_s, account, usage) | {
        "cores_of_others_before": others_before,
        "load_average_before": average,
    }


def _told(
    load: Load, done: Done, wrote_s: float, lag_s: float, account: Account, usage: Usage
) -> dict[str, Any]:
    millions = account.written / 1e6
    kept_pace = done.skipped_s == 0 and done.errors == 0
    return {
        "tags": load.tags, "hz": load.hz, "values_per_s": load.rate,
        "written_per_s": round(account.written / wrote_s),
        "generator_kept_pace": kept_pace,
        "account": asdict(account),
        "lag_s": round(lag_s, 3),
        "held": account.is_whole and kept_pace and lag_s <= LAG_S_MAX,
        "cpu_s_per_million": {
            name: round(used / millions, 2) for name, used in usage.cpu_s.items()
        },
        "disk_bytes_per_value": {
            name: round(size / account.written, 1) for name, size in usage.written.items()
        },
        "peak_mib": {name: round(size, 1) for name, size in usage.peak_mib.items()},
        "cores_of_others": round(usage.others_s / (wrote_s + lag_s), 2),
    }  # fmt: skip


def _drained(chain: Chain, generator: Generator, load: Load) -> float:
    """Seconds from the last value written until the store has the last of the last tag."""
    began = time.monotonic()
    last = generator.names[-1]
    while chain.highest(last) < load.count and time.monotonic() < began + DRAIN_S:
        time.sleep(POLL_S)
    return time.monotonic() - began


def _settled(chain: Chain, generator: Generator, load: Load) -> Account:
    """The account as soon as it is whole, or as it stands when DRAIN_S are over."""
    until = time.monotonic() + DRAIN_S
    while True:
        account = Account.of(chain.tags(), generator.names, load.count)
        if account.is_whole or time.monotonic() > until:
            return account
        time.sleep(1.0)


def wait_for_all(chain: Chain, generator: Generator, seconds: float) -> None:
    """Wait until something of every tag is stored."""
    names = list(generator.names)

    def known() -> bool:
        while names and chain.highest(names[-1]) >= 0:
            names.pop()
        return not names

    chain.children.wait_for("the first value of every tag", known, seconds)


def folder_of(path: Path, name: str) -> Path:
    """A folder for the files of one part of a trial."""
    made = path / name
    made.mkdir(parents=True, exist_ok=True)
    return made
