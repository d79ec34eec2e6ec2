"""Counting what became of every value: the simulators' log of the truth against what was stored.

OPC UA offers are matched by station, tag, time, status and value; Modbus answers, which have no
time of their own, by their order. What a declared deadband suppresses, and a poll that found
nothing new, is left out by the same pure function that the agent uses, run over the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from edge.pipeline import Pipeline
from edge.sources.source import TICKS_PER_MS, Report
from edge.state import EARLIEST_MS
from plant.stores.store import Store
from stations import status as codes
from stations.declare import Node, Tag
from stations.samples import build
from wire.site import Site

# What only the agent itself says of a tag; no machine offered it.
OWN = frozenset(
    (
        codes.UNCERTAIN_LAST_USABLE_VALUE,
        codes.BAD_NO_COMMUNICATION,
        codes.BAD_TIMEOUT,
        codes.BAD_NOT_CONNECTED,
        codes.BAD_NODE_ID_UNKNOWN,
        codes.BAD_TYPE_MISMATCH,
    )
)
EVER = 1 << 62

Fact = tuple[int, str]
"""Status and value of a sample; the value as text, so that any two can be compared."""


@dataclass(slots=True)
class Balance:
    """What was offered and what is stored, of one station or of all."""

    emitted: int = 0
    stored: int = 0
    lost: int = 0
    duplicates: int = 0
    refused: int = 0
    bad: int = 0
    own: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: Balance) -> None:
        """Take another balance into this one."""
        for name in ("emitted", "stored", "lost", "duplicates", "refused", "bad", "own"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.examples += other.examples[: 20 - len(self.examples)]


@dataclass(frozen=True, slots=True)
class Offer:
    """One value that a machine offered: its number in the log, source time, status and value."""

    number: int
    ticks: int
    status: int
    value: Any


def read_log(path: Path) -> dict[tuple[str, str], list[Offer]]:
    """What was offered, by station and tag, in order. A torn last line is left out."""
    offers: dict[tuple[str, str], list[Offer]] = {}
    for event in events(path):
        if event["event"] in ("item", "write", "read"):
            ticks = event.get("ticks", (EARLIEST_MS + 1000 * event["n"]) * TICKS_PER_MS)
            offer = Offer(event["n"], ticks, event["status"], event["value"])
            offers.setdefault((event["station"], event["tag"]), []).append(offer)
    return offers


def events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a log of the truth, in order; a torn last line is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield orjson.loads(line)


def acknowledged(path: Path) -> set[int]:
    """The numbers of the offers whose notifications were acknowledged to the machine."""
    return {n for event in events(path) if event["event"] == "ack" for n in event["numbers"]}


def balance(
    site: Site,
    log: Path,
    store: Store,
    refused: Counter[str],
    only: set[int] | None = None,
) -> dict[str, Balance]:
    """The balance of each station. `refused` counts its dead letters.

    With `only`, what is missing counts as lost only when its number is in there (Modbus answers
    always count).
    """
    offers = read_log(log)
    balances = {}
    for station in site.stations:
        whole = Balance(refused=refused[station.name])
        for tag in station.declaration.tags:
            whole.add(
                _of_tag(station.name, tag, offers.get((station.name, tag.name), []), store, only)
            )
        whole.lost = max(whole.lost - whole.refused, 0)
        balances[station.name] = whole
    return balances


def _of_tag(
    station: str, tag: Tag[Any], offers: list[Offer], store: Store, only: set[int] | None
) -> Balance:
    samples = store.range(station, tag.name, -EVER, EVER)
    stored = [
        (int(samples.time[row]), (int(samples.status[row]), repr(samples.row(row))))
        for row in range(len(samples))
    ]
    kept = _expected(tag, offers)
    found = Balance(emitted=len(kept), stored=len(stored))
    found.bad = sum(codes.is_bad(status) for _, (status, _) in stored)
    if isinstance(tag.at, Node):
        missing, extra = _by_time(kept, stored)
    else:
        missing, extra, found.own = _by_order(kept, stored)
        only = None
    own = [fact for fact in extra if fact[1][0] in OWN]
    found.own += len(own)
    found.duplicates = len(extra) - len(own)
    lost = [number for number, _, _ in missing if only is None or number in only]
    found.lost = len(lost)
    where = f"{station}.{tag.name}"
    found.examples = [f"{where}: offer {number} of the log is not stored" for number in lost]
    for time, (status, value) in extra:
        if status not in OWN:
            found.examples.append(
                f"{where}: {value[:60]} ({status:#010x}) at {time} was not offered"
            )
    return found


def _expected(tag: Tag[Any], offers: list[Offer]) -> list[tuple[int, int, Fact]]:
    """What the pipeline keeps of the offers: number in the log, time in ms, fact."""
    pipeline = Pipeline()
    pipeline.declare({0: tag})
    kept = []
    for offer in offers:
        ms = offer.ticks // TICKS_PER_MS
        samples = build([(0, ms, offer.status, tag.value_type, offer.value)])
        polled = not isinstance(tag.at, Node)
        report = Report(samples, np.array([offer.ticks]), ms, polled, False, _nothing)
        passed = pipeline.run(report).samples
        for row in range(len(passed)):
            fact = (int(passed.status[row]), repr(passed.row(row)))
            kept.append((offer.number, int(passed.time[row]), fact))
    return kept


def _nothing() -> None:
    """A report made from a log is acknowledged to nobody."""


def _by_time(
    kept: list[tuple[int, int, Fact]], stored: list[tuple[int, Fact]]
) -> tuple[list[tuple[int, int, Fact]], list[tuple[int, Fact]]]:
    there, offered = set(stored), {(time, fact) for _, time, fact in kept}
    missing = [one for one in kept if (one[1], one[2]) not in there]
    return missing, [one for one in stored if one not in offered]


def _by_order(
    kept: list[tuple[int, int, Fact]], stored: list[tuple[int, Fact]]
) -> tuple[list[tuple[int, int, Fact]], list[tuple[int, Fact]], int]:
    """Missing, extra, and how many stored ones only say again what held before an own remark."""
    told, own = [], 0
    before: Fact | None = None
    interrupted = False
    for time, fact in sorted(stored):
        if fact[0] in OWN:
            own += 1
            interrupted = True
            continue
        if interrupted and fact == before:
            own += 1
        else:
            told.append((time, fact))
        before, interrupted = fact, False
    wanted, found = [fact for _, _, fact in kept], [fact for _, fact in told]
    if wanted == found:
        return [], [], own
    matcher = SequenceMatcher(None, wanted, found, autojunk=False)
    blocks = matcher.get_matching_blocks()
    seen = {block.a + i for block in blocks for i in range(block.size)}
    used = {block.b + i for block in blocks for i in range(block.size)}
    missing = [one for index, one in enumerate(kept) if index not in seen]
    return missing, [one for index, one in enumerate(told) if index not in used], own


def total(balances: Iterable[Balance]) -> Balance:
    """All stations together."""
    whole = Balance()
    for one in balances:
        whole.add(one)
    return whole
