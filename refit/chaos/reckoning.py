"""What became of every value of a run with faults: an account beside `refit.accounts`.

It walks each tag's offers in the order of the log and the tag's stored samples in the order of
time, and says of every offer whether it is stored, says nothing new against what is stored before
it (the same again, or within the deadband), or is missing. So it also holds where an agent was
killed: what it had not committed is forgotten, and the next value is compared with the last stored.

What counts as lost: a missing offer whose notification was acknowledged to the machine, and a
missing offer of which no gap record says that it may be missing. OPC UA offers have a time.
Modbus has neither times nor acknowledgements: an answer that reached an agent which was killed
before it committed is missing, and all that the agent can do is to say so. Its time is then known
between two changes beside it in the log: a sample of it comes soon after that, and the gap record
must cover it. An answer that never arrived, or too late, is told by the Bad sample of that poll.
A sample that the store has refused and that is a dead letter counts as kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from plant.stores.store import Store
from refit.accounts import EVER, OWN, Fact, events
from refit.chaos.spans import Span, gaps
from stations import status as codes
from stations.declare import Node, Tag
from stations.samples import build
from wire.site import Site

TICKS_PER_MS = 10_000
ANSWER_MS = 2_000  # after which an answer to a poll cannot have become a sample any more
EARLY_MS = 50  # by which a sample may seem older than what the log says of it
FIRST_MS = 6_000  # in which the first values of all items come, and more of quick ones
BEHIND_MS = 1_000  # that much behind its newest a source's clock is taken to have been set back
# What an agent says of a poll that failed; the device itself said no value.
OF_POLLS = OWN | {codes.BAD_DEVICE_FAILURE, codes.BAD_RESOURCE_UNAVAILABLE}
Row = tuple[int, Fact]
ABSENCES = frozenset(("agent restarted", "link down", "not trusted", "subscription lost"))
Letters = Mapping[tuple[str, str], Mapping[int, Fact]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that a machine offered: when at the earliest and at the latest (ms), and what."""

    number: int
    from_ms: int
    to_ms: int
    fact: Fact
    value: Any
    has_time: bool
    is_first: bool = False  # of a monitored item
    late_ms: int = 0  # how much longer than usual a sample of it may take

    @property
    def what(self) -> tuple[int, int, Fact]:
        """The same for the same value of one time, however many subscriptions it is offered to."""
        return (
            self.from_ms if self.has_time else 0,
            0 if self.has_time else self.number,
            self.fact,
        )


Offers = dict[tuple[str, str], list[Offer]]


@dataclass(slots=True)
class Reckoning:
    """The figures of a run. `told` offers are missing, and a gap record says so.

    `stored` is without what only the agent says of a tag, such as that its machine does not answer,
    and with the `refused` samples that are dead letters. `inside` are samples that lie inside of a
    gap although they came after the first report behind it.
    """

    emitted: int = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    duplicates: int = 0
    told: int = 0
    gaps: int = 0
    refused: int = 0
    inside: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Keep an example of what is wrong."""
        if len(self.examples) < 20:
            self.examples.append(f"{where}: {what}")


def reckon(
    site: Site, log: Path, store: Store, letters: Letters | None = None,
    stills: Sequence[tuple[int, int]] = (), offers: Offers | None = None, *,
    is_spoiled: bool = False,
) -> Reckoning:  # fmt: skip
    """Walk over all tags of a site. `letters`: the dead letters by station and tag, by time.

    `stills`: from when to when the agent stood still (ms); what it was answered then, or just
    before, it may have taken afterwards. `offers`: as `read_offers` gives them, if they are there.
    `is_spoiled`: the outbox was; what was acknowledged may be gone where a gap record says so.
    """
    spans, said, offers = gaps(site), reports(log), offers or read_offers(site, log, stills)
    found = Reckoning(gaps=len(spans))
    for station in site.stations:
        for tag in station.declaration.tags:
            key = station.name, tag.name
            listed = offers.get(key, [])
            found.acknowledged += sum(offer.number in said for offer in listed)
            samples = store.range(station.name, tag.name, -EVER, EVER)
            rows: dict[int, Fact] = {
                int(samples.time[row]): (int(samples.status[row]), repr(samples.row(row)))
                for row in range(len(samples))
            }
            refused = {} if letters is None else letters.get(key, {})
            found.refused += len(refused.keys() - rows.keys())
            facts = sorted((refused | rows).items())
            _tag(found, station.name, tag, listed, facts, said, spans, is_spoiled)
    return found


def _tag(
    found: Reckoning, station: str, tag: Tag[Any], offers: list[Offer], rows: list[Row],
    said: Mapping[int, int], spans: list[Span], is_spoiled: bool,
) -> None:  # fmt: skip
    is_polled = not isinstance(tag.at, Node)
    own = OF_POLLS if is_polled else OWN
    failed = [ms for ms, fact in rows if fact[0] in own]
    rows = [one for one in rows if one[1][0] not in own]
    places: list[int] = []
    kept: list[tuple[Offer, int]] = []
    missing, extra, new = walk(tag, offers, rows, places, kept, is_spoiled=is_spoiled)
    where = f"{station}.{tag.name}"
    found.emitted, found.stored = found.emitted + new, found.stored + len(rows)
    told, early = set[tuple[int, int, Fact]](), set[tuple[int, int, Fact]]()
    for offer, place in zip(missing, places, strict=True):
        if offer.fact[0] in own:
            continue  # a server that says itself what an agent says, such as of a node that is gone
        if rows and not place and not is_polled and offer.number not in said:
            early.add(offer.what)  # to a first session that ended before this tag was known
            continue
        if offer.number in said and not is_spoiled:
            found.lost += 1
            found.add(where, f"offer {offer.number} was acknowledged and is not stored")
        elif any(one.covers(station, tag, offer.from_ms, offer.to_ms) for one in spans) or (
            is_polled and is_told_by_a_poll(rows, place, failed)
        ):
            told.add(offer.what)
        else:
            found.lost += 1
            found.add(where, f"offer {offer.number} is not stored and no gap record says so")
    found.told, found.emitted = found.told + len(told), found.emitted - len(early)
    found.duplicates += len(extra)
    for time, (status, value) in extra:
        found.add(where, f"{value[:60]} ({status:#010x}) at {time} was not offered, or in disorder")
    if not (is_polled or is_spoiled):  # what was confirmed, too, may have to be told as lost
        for span in spans:
            _inside(found, where, span, station, tag, kept, said)


def is_told_by_a_poll(rows: list[Row], place: int, failed: list[int]) -> bool:
    """Whether the agent says between two stored answers that a poll has failed."""
    after_ms = rows[place - 1][0] if place else -EVER
    before_ms = rows[place][0] if place < len(rows) else EVER
    return any(after_ms < ms <= before_ms for ms in failed)


def _inside(
    found: Reckoning, where: str, span: Span, station: str, tag: Tag[Any],
    kept: list[tuple[Offer, int]], said: Mapping[int, int],
) -> None:  # fmt: skip
    """Only the first report behind a gap, and what came while that was on its way, lies in it."""
    if span.reason not in ABSENCES or not span.covers(station, tag, span.from_ms, span.to_ms):
        return
    inside = [(offer, ms) for offer, ms in _now(kept) if span.from_ms < ms < span.to_ms]
    first = max((place for place, (offer, _) in enumerate(inside) if offer.is_first), default=0)
    behind = {said.get(offer.number) for offer, _ in inside[first:]}
    is_late = bool(inside) and inside[-1][1] - inside[first][1] > FIRST_MS
    if first or is_late or (len(behind) > 1 and not inside[0][0].is_first):
        found.inside += 1
        found.add(where, f"samples from {inside[0][1]} on lie in the gap {span}")


def _now(kept: list[tuple[Offer, int]]) -> list[tuple[Offer, int]]:
    """Without what bears times that the clock has passed again, since it was set back."""
    later_ms, found = EVER, []
    for offer, ms in reversed(kept):
        if offer.from_ms <= later_ms + BEHIND_MS:
            found.append((offer, ms))
        later_ms = min(later_ms, offer.from_ms)
    return found[::-1]


def walk(
    tag: Tag[Any], offers: list[Offer], stored: list[Row], places: list[int] | None = None,
    kept: list[tuple[Offer, int]] | None = None, *, is_spoiled: bool = False,
) -> tuple[list[Offer], list[Row], int]:  # fmt: skip
    """The missing offers, the stored samples that nobody offered, and how many offers were new.

    `places` gets for each missing offer before which stored sample it is missing, `kept` each
    that is not, with its stored time. With a spoiled outbox the agent compared with what is gone.
    """
    missing, extra = list[Offer](), list[Row]()
    seen: set[tuple[int, int, Fact]] = set()
    new = at = 0
    last: Row | None = None
    gone: Offer | None = None
    high_ms, is_behind = -EVER, False
    for offer, low_ms in zip(offers, _lowest(offers), strict=True):
        # The agent compares 100 ns; of a clock that has just caught up ms do not tell.
        newest_ms = high_ms + 1 if is_behind else high_ms - BEHIND_MS
        is_behind = offer.has_time and offer.from_ms < newest_ms
        high_ms = max(high_ms, offer.from_ms)
        due_ms = offer.from_ms if last is None else max(offer.from_ms, last[0] + 1)
        repeated = last is not None and (
            is_small(tag, offer, last[1]) if is_behind else _is_old(tag, offer, *last)
        )
        while not is_behind and at < len(stored) and stored[at][0] < low_ms - EARLY_MS:
            extra.append(stored[at])  # of no later offer
            at += 1
        wanted = stored[at] if at < len(stored) else None
        is_next = wanted is not None and (
            _stands_in(offer, wanted[1])
            if is_behind
            else wanted[1] == offer.fact and _may_be(offer, wanted[0], due_ms)
        )
        is_odd = is_spoiled and (offer.is_first or gone is not None)
        if is_next and not (repeated and offer.has_time and not is_odd):
            last, at, new, gone = stored[at], at + 1, new + 1, None
            if is_behind:  # the same may be offered to a subscription whose agent is dead, too
                seen.add(offer.what)
            if kept is not None:
                kept.append((offer, last[0]))
        elif is_spoiled and gone is not None and _is_old(tag, offer, gone.to_ms, gone.fact):
            continue
        elif not repeated and not (is_behind and offer.what in seen):
            missing.append(offer)
            gone = offer
            if places is not None:
                places.append(at)
            new += offer.what not in seen
            seen.add(offer.what)
    return missing, extra + stored[at:], new


def _lowest(offers: list[Offer]) -> list[int]:
    """For each offer the earliest time of it and all behind it: a clock may be set back later."""
    return list(accumulate((offer.from_ms for offer in reversed(offers)), min))[::-1]


def _stands_in(offer: Offer, fact: Fact) -> bool:
    """Whether a sample with a time of the agent's can be of an offer whose clock was set back."""
    return fact[1] == offer.fact[1] and fact[0] | codes.UNCERTAIN == offer.fact[0] | codes.UNCERTAIN


def _may_be(offer: Offer, time_ms: int, due_ms: int) -> bool:
    """Whether a sample of this time can be of this offer.

    An answer that died with its agent must not be taken for the same value read seconds later:
    what was read in between would be held against the wrong sample.
    """
    return (
        time_ms == due_ms
        if offer.has_time
        else time_ms <= offer.to_ms + ANSWER_MS + max(offer.late_ms, 0)
    )


def _is_old(tag: Tag[Any], offer: Offer, time_ms: int, fact: Fact) -> bool:
    """Whether an offer says nothing that the stored sample before it did not say."""
    if offer.fact == fact and (not offer.has_time or offer.from_ms <= time_ms):
        return True
    return is_small(tag, offer, fact)


def is_small(tag: Tag[Any], offer: Offer, fact: Fact) -> bool:
    """Whether the deadband covers what has changed since the stored sample."""
    status = codes.GOOD if offer.has_time and fact[0] == codes.UNCERTAIN else fact[0]
    is_number = isinstance(offer.value, int | float)
    if not tag.deadband or offer.fact[0] != status or not is_number or fact[1] == "None":
        return False
    is_good = status & codes.SEVERITY == codes.GOOD
    return is_good and abs(float(offer.value) - float(fact[1])) <= tag.deadband


def reports(log: Path) -> dict[int, int]:
    """For each offer that was acknowledged to its machine the number of that acknowledgement."""
    return {n: one["n"] for one in events(log) if one["event"] == "ack" for n in one["numbers"]}


def read_offers(site: Site, log: Path, stills: Sequence[tuple[int, int]] = ()) -> Offers:
    """All offers by station and tag, in the order of the log."""
    tags = {
        (station.name, tag.name): tag
        for station in site.stations
        for tag in station.declaration.tags
    }
    polled = frozenset(key for key, tag in tags.items() if not isinstance(tag.at, Node))
    found: dict[tuple[str, str], list[Offer]] = {}
    for event, from_ms, to_ms in timed(log, polled):
        if event["event"] in ("item", "write", "read"):
            key = event["station"], event["tag"]
            samples = build([(0, 0, event["status"], tags[key].value_type, event["value"])])
            fact = event["status"], repr(samples.row(0))
            has_time = "ticks" in event
            is_first = event["event"] == "item"
            late_ms = 0 if has_time else _late_ms(from_ms, to_ms, stills)
            offer = Offer(
                event["n"], from_ms, to_ms, fact, event["value"], has_time, is_first, late_ms
            )
            found.setdefault(key, []).append(offer)
    return found


def _late_ms(from_ms: int, to_ms: int, stills: Sequence[tuple[int, int]]) -> int:
    return max(
        (end - to_ms for begin, end in stills if begin <= to_ms + ANSWER_MS and from_ms <= end),
        default=0,
    )


def timed(
    log: Path, polled: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Each event with the time at which it was logged: its own, or between its neighbours'.

    `polled` tags show the time of this machine even while the clocks of OPC UA servers are set.
    """
    waiting: list[dict[str, Any]] = []
    before_ms = ahead = 0
    for event in events(log):
        if event["event"] == "clock":
            ahead = event["ahead"]
        if "ticks" not in event:
            waiting.append(event)
            continue
        time_ms = event["ticks"] // TICKS_PER_MS
        if event["event"] == "change":  # an `item` may show an old value
            is_polled = (event["station"], event.get("tag", "")) in polled if polled else False
            now_ms = (event["ticks"] - (0 if is_polled else ahead)) // TICKS_PER_MS
            yield from ((one, before_ms, now_ms) for one in waiting)
            waiting.clear()
            before_ms = now_ms
        yield event, time_ms, time_ms
    yield from ((one, before_ms, EVER) for one in waiting)
