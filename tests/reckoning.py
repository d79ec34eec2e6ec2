"""What became of every value of a run with kills: an account beside `refit.accounts`.

It walks each tag's offers in the order of the log and the tag's stored samples in the order of
time, and says of every offer whether it is stored, says nothing new against what is stored before
it (the same again, or within the deadband), or is missing. So it also holds where an agent was
killed: what it had not committed is forgotten, and the next value is compared with the last stored.

What counts as lost: a missing offer whose notification was acknowledged to the machine, and a
missing offer of which no gap record says that it may be missing. OPC UA offers have a time.
Modbus has neither times nor acknowledgements: an answer that reached an agent which was killed
before it committed is missing, and all that the agent can do is to say so. Its time is then known
between two changes beside it in the log: a sample of it comes soon after that, and the gap record
must cover it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from edge.agent import connection_of
from plant.ledger import open_ledger
from plant.stores.store import Store
from refit.accounts import EVER, OWN, Fact, acknowledged, events
from stations import status as codes
from stations.declare import Tag
from stations.samples import build
from wire.clock import SystemClock
from wire.site import Site

TICKS_PER_MS = 10_000
ANSWER_MS = 2_000  # after which an answer to a poll cannot have become a sample any more


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that a machine offered: when at the earliest and at the latest (ms), and what."""

    number: int
    from_ms: int
    to_ms: int
    fact: Fact
    value: Any
    has_time: bool

    @property
    def what(self) -> tuple[int, int, Fact]:
        """The same for the same value of one time, however many subscriptions it is offered to."""
        return (
            self.from_ms if self.has_time else 0,
            0 if self.has_time else self.number,
            self.fact,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """What a gap record says: of which tags of which connection, from when to when, and why."""

    station: str
    connection: str | None
    tags: frozenset[str]
    from_ms: int
    to_ms: int
    reason: str

    def covers(self, station: str, tag: Tag[Any], from_ms: int, to_ms: int) -> bool:
        """True when values of this tag between these times may be missing."""
        return (
            self.station == station
            and (self.connection is None or self.connection == connection_of(tag))
            and (not self.tags or tag.name in self.tags)
            and self.from_ms <= to_ms
            and from_ms <= self.to_ms
        )


@dataclass(slots=True)
class Reckoning:
    """The figures of a run. `told` offers are missing, and a gap record says so.

    `stored` is without what only the agent says of a tag, such as that its machine does not answer.
    """

    emitted: int = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    duplicates: int = 0
    told: int = 0
    gaps: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Keep an example of what is wrong."""
        if len(self.examples) < 20:
            self.examples.append(f"{where}: {what}")


def reckon(site: Site, log: Path, store: Store) -> Reckoning:
    """Walk over all tags of a site."""
    spans, said, offers = gaps(site), acknowledged(log), read_offers(site, log)
    found = Reckoning(gaps=len(spans))
    for station in site.stations:
        for tag in station.declaration.tags:
            listed = offers.get((station.name, tag.name), [])
            found.acknowledged += sum(offer.number in said for offer in listed)
            _tag(found, station.name, tag, listed, store, said, spans)
    return found


def _tag(
    found: Reckoning, station: str, tag: Tag[Any], offers: list[Offer], store: Store,
    said: set[int], spans: list[Span],
) -> None:  # fmt: skip
    samples = store.range(station, tag.name, -EVER, EVER)
    rows = [
        (int(samples.time[row]), (int(samples.status[row]), repr(samples.row(row))))
        for row in range(len(samples))
    ]
    rows = [one for one in rows if one[1][0] not in OWN]
    missing, extra, new = walk(tag, offers, rows)
    where = f"{station}.{tag.name}"
    found.emitted, found.stored = found.emitted + new, found.stored + len(rows)
    told: set[tuple[int, int, Fact]] = set()
    for offer in missing:
        if offer.number in said:
            found.lost += 1
            found.add(where, f"offer {offer.number} was acknowledged and is not stored")
        elif not any(one.covers(station, tag, offer.from_ms, offer.to_ms) for one in spans):
            found.lost += 1
            found.add(where, f"offer {offer.number} is not stored and no gap record says so")
        else:
            told.add(offer.what)
    found.told += len(told)
    found.duplicates += len(extra)
    for time, (status, value) in extra:
        found.add(where, f"{value[:60]} ({status:#010x}) at {time} was not offered, or in disorder")


def walk(
    tag: Tag[Any], offers: list[Offer], stored: list[tuple[int, Fact]]
) -> tuple[list[Offer], list[tuple[int, Fact]], int]:
    """The missing offers, the stored samples that nobody offered, and how many offers were new."""
    missing: list[Offer] = []
    seen: set[tuple[int, int, Fact]] = set()
    new = at = 0
    last: tuple[int, Fact] | None = None
    for offer in offers:
        due_ms = offer.from_ms if last is None else max(offer.from_ms, last[0] + 1)
        repeated = last is not None and _is_old(tag, offer, *last)
        wanted = stored[at] if at < len(stored) else None
        is_next = wanted is not None and wanted[1] == offer.fact
        is_next = is_next and wanted is not None and _may_be(offer, wanted[0], due_ms)
        if is_next and not (repeated and offer.has_time):
            last, at, new = stored[at], at + 1, new + 1
        elif not repeated:
            missing.append(offer)
            new += offer.what not in seen
            seen.add(offer.what)
    return missing, stored[at:], new


def _may_be(offer: Offer, time_ms: int, due_ms: int) -> bool:
    """Whether a sample of this time can be of this offer.

    An answer that died with its agent must not be taken for the same value read seconds later:
    what was read in between would be held against the wrong sample.
    """
    return time_ms == due_ms if offer.has_time else time_ms <= offer.to_ms + ANSWER_MS


def _is_old(tag: Tag[Any], offer: Offer, time_ms: int, fact: Fact) -> bool:
    """Whether an offer says nothing that the stored sample before it did not say."""
    if offer.fact == fact and (not offer.has_time or offer.from_ms <= time_ms):
        return True
    is_number = isinstance(offer.value, int | float)
    if not tag.deadband or offer.fact[0] != fact[0] or not is_number or fact[1] == "None":
        return False
    is_good = fact[0] & codes.SEVERITY == codes.GOOD
    return is_good and abs(float(offer.value) - float(fact[1])) <= tag.deadband


def read_offers(site: Site, log: Path) -> dict[tuple[str, str], list[Offer]]:
    """All offers by station and tag, in the order of the log."""
    tags = {
        (station.name, tag.name): tag
        for station in site.stations
        for tag in station.declaration.tags
    }
    found: dict[tuple[str, str], list[Offer]] = {}
    for event, from_ms, to_ms in timed(log):
        if event["event"] in ("item", "write", "read"):
            key = event["station"], event["tag"]
            samples = build([(0, 0, event["status"], tags[key].value_type, event["value"])])
            fact = event["status"], repr(samples.row(0))
            has_time = "ticks" in event
            offer = Offer(event["n"], from_ms, to_ms, fact, event["value"], has_time)
            found.setdefault(key, []).append(offer)
    return found


def timed(log: Path) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Each event with the time at which it was logged: its own, or between its neighbours'."""
    waiting: list[dict[str, Any]] = []
    before_ms = 0
    for event in events(log):
        if "ticks" not in event:
            waiting.append(event)
            continue
        time_ms = event["ticks"] // TICKS_PER_MS
        if event["event"] == "change":  # an `item` may show an old value
            yield from ((one, before_ms, time_ms) for one in waiting)
            waiting.clear()
            before_ms = time_ms
        yield event, time_ms, time_ms
    yield from ((one, before_ms, EVER) for one in waiting)


def gaps(site: Site) -> list[Span]:
    """What the gap records in the ledger say."""
    with open_ledger(site.ledger, SystemClock(), create=False) as ledger:
        found = ledger.find(kind="gap")
    return [_span(entry.station, orjson.loads(entry.body)["data"]) for entry in found]


def _span(station: str, data: dict[str, Any]) -> Span:
    began, ended = (
        round(datetime.fromisoformat(data[key]).timestamp() * 1000) for key in ("began", "ended")
    )
    tags = frozenset(data["tags"])
    return Span(station, data["connection"], tags, began, ended, data["reason"])


def unsaid(site: Site, log: Path, store: Store, station: str) -> list[str]:
    """Changes of OPC UA tags that are neither stored nor covered by a gap record.

    Also those that nobody offered, because no agent listened at that time. Only for a station
    without deadbands; what changed before the agent first came is left out.
    """
    spans = gaps(site)
    tags = {tag.name: tag for tag in site.station(station).declaration.tags}
    stored = {name: set(store.range(station, name, -EVER, EVER).time.tolist()) for name in tags}
    first: dict[str, int] = {}
    found = []
    for event in events(log):
        if event["event"] == "item" and event["station"] == station:
            first.setdefault(event["tag"], event["n"])
        if event["event"] != "change" or event["station"] != station:
            continue
        name, ms = event["tag"], event["ticks"] // TICKS_PER_MS
        if name not in first or ms in stored[name]:
            continue
        if not any(one.covers(station, tags[name], ms, ms) for one in spans):
            found.append(f"{station}.{name}: the change {event['n']} at {ms} is told nowhere")
    return found
