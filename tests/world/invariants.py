"""What must hold after every run, whatever was broken in it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import orjson

from edge.lane import RESTARTED
from plant.ledger.facts import Entry
from plant.stores.store import OWN_MEASUREMENTS
from stations.samples import Samples, concat
from stations.upsets import rfc3339
from tests.world.line import World

END_MS = 1 << 60
ROWS_MAX = 10_000_000
LIVED_S = 5.0  # a gap that an agent was told this long before it was killed is on its disk
SLACK_MS = 2_000
RISEN_MS = 5  # by so much at most may a time have risen to be later than the one before


def check(world: World, *, steps: bool = False) -> None:
    """All of them; `steps`: clocks have been set, so that times of machine and agent differ."""
    story = world.witness.story()
    assert not world.witness.wrong, f"{world.witness.wrong[:5]}\n{story}"
    problems = [*samples(world), *records(world), *gaps(world)]
    if not steps:
        problems += changes(world)
    assert not problems, "\n".join(["", *problems[:20], "", story])


def samples(world: World) -> list[str]:
    """What was committed is in the store, as it was, once; and nothing else is."""
    problems = []
    store = world.historian.store
    found = {
        (one.station, one.tag) for one in store.series() if one.measurement not in OWN_MEASUREMENTS
    }
    committed = {name: concat(parts) for name, parts in world.witness.committed.items()}
    if found != set(committed):
        problems.append(f"series that only one side has: {sorted(found ^ set(committed))}")
    for name, sent in committed.items():
        stored = store.range(*name, -END_MS, END_MS, rows_max=ROWS_MAX)
        problems += [f"{'/'.join(name)}: {wrong}" for wrong in _differ(sent, stored)]
    refused = world.historian.letters.count()
    return [*problems, *([f"{refused} samples were refused"] if refused else [])]


def _differ(sent: Samples, stored: Samples) -> list[str]:
    if (np.diff(sent.time) <= 0).any():
        return ["time does not rise: something was committed twice"]
    if len(sent) != len(stored) or (sent.time != stored.time).any():
        lost, more = np.setdiff1d(sent.time, stored.time), np.setdiff1d(stored.time, sent.time)
        return [f"{len(lost)} lost (first {lost[:3]}), {len(more)} too many (first {more[:3]})"]
    if (sent.status != stored.status).any() or (sent.type != stored.type).any():
        return ["another status or type was stored"]
    plain = ~sent.in_side
    if (sent.value[plain] != stored.value[plain]).any():
        return ["another value was stored"]
    rows = np.flatnonzero(sent.in_side).tolist()
    if any(sent.row(row) != stored.row(row) for row in rows):
        return ["another text or array was stored"]
    return []


def records(world: World, entries: Sequence[Entry] | None = None) -> list[str]:
    """The ledger has every record that was made, once, and its chain is whole."""
    entries = world.historian.ledger.find(limit=ROWS_MAX) if entries is None else entries
    ids = [entry.id for entry in entries]
    made, kept = world.witness.records, set(ids)
    problems = [f"the ledger lacks {len(made - kept)} records"] if made - kept else []
    problems += [f"the ledger has {len(kept - made)} that nobody made"] if kept - made else []
    twice = [id for id, count in Counter(ids).items() if count > 1]
    problems += [f"twice in the ledger: {twice}"] if twice else []
    verdict = world.historian.ledger.verify()
    return [*problems, *map(str, verdict.faults)]


def _gap_records(
    world: World, entries: Sequence[Entry] | None = None
) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = defaultdict(list)
    if entries is None:
        entries = world.historian.ledger.find(kind="gap", limit=ROWS_MAX)
    for entry in entries:
        if entry.kind == "gap":
            found[entry.station].append(orjson.loads(entry.body)["data"])
    return found


def gaps(world: World, entries: Sequence[Entry] | None = None) -> list[str]:
    """Every gap that a source told, and every restart, has its record."""
    problems = []
    known = {
        (station, one["connection"], one["reason"], one["ended"])
        for station, listed in _gap_records(world, entries).items()
        for one in listed
    }
    for told in world.witness.told:
        was_lost = told.life.was_killed and told.life.ended_s - told.time_s < LIVED_S
        gap = told.gap
        key = (told.station, told.connection, gap.reason, rfc3339(gap.to_ms))
        if key not in known and not was_lost and (gap.from_ms is not None or told.is_known):
            problems.append(f"no record of {key}, told at {told.time_s:.3f} s")
    restarts = Counter((station, on) for station, on, reason, _ in known if reason == RESTARTED)
    expected: Counter[tuple[str, object]] = Counter()
    for life in world.witness.lives:
        agent = world.agents[life.name].agent
        assert agent is not None
        for (station, connection), first_s in life.reported.items():
            numbers = set(agent.lanes[station].connections[connection])
            if numbers & life.known and life.ended_s - first_s > LIVED_S:
                expected[station, connection] += 1
    problems += [
        f"{count} restarts of {which}, {restarts[which]} records of one"
        for which, count in expected.items()
        if restarts[which] < count
    ]
    return problems


def changes(world: World) -> list[str]:
    """Each change of a tag without deadband is in the store, or a gap record says why not."""
    problems = []
    spans = {
        station: sorted((str(one["began"]), str(one["ended"])) for one in listed)
        for station, listed in _gap_records(world).items()
    }
    for (station, tag), times in world.changes().items():
        parts = world.witness.committed.get((station, tag), [])
        stored = np.concatenate([part.time for part in parts]).tolist() if parts else []
        for ms in times:
            place = bisect_left(stored, ms)
            if place < len(stored) and stored[place] <= ms + RISEN_MS:
                continue
            early, late = rfc3339(ms + SLACK_MS), rfc3339(ms - SLACK_MS)
            if not any(began <= early and late <= ended for began, ended in spans.get(station, [])):
                problems.append(f"{station}/{tag} changed at {rfc3339(ms)}: neither kept nor a gap")
    return problems
