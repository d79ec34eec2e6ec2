"""The whole account against planted defects: one value lost, one doubled, gaps too wide or narrow.

A small plant is only written down: its site, the log of its machines, its store and its ledger hold
what a faultless road would have made of ten minutes with two absences. Then one thing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from plant.ledger import open_ledger
from plant.stores.store import Points
from refit.chaos.plant import SmallPlant
from refit.chaos.reckoning import reckon
from refit.chaos.unsaid import kills_unsaid, unsaid
from refit.chaos.widths import too_wide
from stations import status as codes
from stations.declare import Type
from stations.records import AgentInfo, Record, record_id
from stations.samples import build
from stations.upsets import Gap, rfc3339
from wire.clock import SystemClock
from wire.sparkplug.metrics import MetricName

START = 1_790_000_000_000
TURN_MS, POLL_MS = 500, 500
LAST = 600  # turns
AWAY = range(200, 240)  # nobody listened to the press
DOWN = range(300, 340)  # the meter could not be reached
BURST = range(400, 410)  # a queue of the press overflowed
Row = tuple[str, str, int, int, Any]  # station, tag, ms, status, value


def value_of(turn: int) -> float:
    return 1.0 + turn / 8


@dataclass
class Story:
    """What was written down: events, samples and gap records; in the order of time."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    gaps: list[tuple[str, str, list[str], int, int, str]] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)

    def event(self, event: str, station: str, **fields: Any) -> int:
        number = len(self.events) + 1
        self.events.append({"n": number, "event": event, "station": station, **fields})
        return number

    def turn(self, turn: int) -> None:
        ms, value = START + TURN_MS * turn, value_of(turn)
        shown = {"status": 0, "value": value}
        press = {"tag": "force_01", "ticks": 10_000 * ms, **shown}
        self.event("change", "press-1", **press)
        self.event("change", "meter-1", tag="power_01", ticks=10_000 * ms, **shown)
        if turn not in AWAY and turn not in BURST:
            first = turn in (0, AWAY.stop)
            number = self.event("item" if first else "write", "press-1", **press)
            self.event("ack", "", subscription=1, sequence=turn + 1, numbers=[number])
            self.rows.append(("press-1", "force_01", ms, 0, value))
        if turn not in DOWN and turn not in AWAY:
            self.event("read", "meter-1", tag="power_01", **shown)
            self.rows.append(("meter-1", "power_01", ms + 20, 0, value))


def at(turn: int) -> int:
    return START + TURN_MS * turn


@pytest.fixture
def story() -> Story:
    made = Story()
    for turn in range(LAST):
        made.turn(turn)
    made.kills.append(at(AWAY.start) + 100)
    began, ended = at(AWAY.start - 1), at(AWAY.stop)
    made.gaps += [
        ("press-1", "opcua", [], began, ended, "agent restarted"),
        ("meter-1", "", [], began + 20, ended + 20, "agent restarted"),
        ("meter-1", "", [], at(DOWN.start - 1) + 20, at(DOWN.stop) + 20, "link down"),
        ("press-1", "opcua", ["force_01"], at(BURST.start - 1), at(BURST.stop), "queue overflow"),
    ]
    failed = ("meter-1", "power_01", at(DOWN.start) + 900, codes.BAD_TIMEOUT, None)
    made.rows.append(failed)
    return made


def problems(story: Story, folder: Path) -> list[str]:
    """What the account finds wrong in this."""
    plant = SmallPlant(folder, 1)
    plant.truth.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in story.events))
    kept: dict[str, list[Row]] = {}
    for row in sorted(story.rows, key=lambda row: row[2]):
        kept.setdefault(row[0], []).append(row)
    with plant.store() as store:
        for station, rows in kept.items():
            names = {1: MetricName(1, station, rows[0][1], Type.FLOAT)}
            samples = build(
                [(1, ms, status, Type.FLOAT, value) for _, _, ms, status, value in rows]
            )
            points = Points("small", "line-1", station, station, names, samples, START)
            assert store.write([points]) == [[]]
    with open_ledger(plant.site.ledger, SystemClock()) as ledger:
        ledger.append([_record(*one) for one in story.gaps])
    polled = {"meter-1": [""]}
    with plant.store() as store:
        found = reckon(plant.site, plant.truth, store)
        assert bool(found.lost or found.duplicates or found.inside) == bool(found.examples)
        assert found.lost <= 1 and found.duplicates <= 1, "one defect is counted once"
        said = [line for name in kept for line in unsaid(plant.site, plant.truth, store, name)]
        wide = list(too_wide(plant.site, store))
    return [*found.examples, *said, *kills_unsaid(plant.site, polled, story.kills), *wide]


def _record(
    station: str, connection: str, tags: list[str], began: int, ended: int, reason: str
) -> Record:
    data = Gap(
        connection=connection, tags=tags, began=rfc3339(began), ended=rfc3339(ended), count=None,
        reason=reason,
    )  # fmt: skip
    return Record(
        id=record_id(ended, station, reason, connection), kind="gap", version=1, site="small",
        line="line-1", station=station, visit=None, time=rfc3339(ended),
        agent=AgentInfo(name="pc-1", version="0"), data=data.model_dump(),
    )  # fmt: skip


def test_a_faultless_road_has_no_problems(story: Story, tmp_path: Path) -> None:
    assert problems(story, tmp_path) == []


def _without(station: str, turn: int) -> Callable[[Story], None]:
    def plant(story: Story) -> None:
        near = [row for row in story.rows if row[0] == station and 0 <= row[2] - at(turn) < 100]
        story.rows.remove(near[0])

    return plant


def _with(row: Row) -> Callable[[Story], None]:
    return lambda story: story.rows.append(row)


def _gap(number: int, began_ms: int = 0, ended_ms: int = 0) -> Callable[[Story], None]:
    """Another beginning and end of a gap record, by so much later."""

    def plant(story: Story) -> None:
        *head, began, ended, reason = story.gaps[number]
        story.gaps[number] = (*head, began + began_ms, ended + ended_ms, reason)  # type: ignore[assignment]

    return plant


def _no_polls(turns: range) -> Callable[[Story], None]:
    """Nobody polled, and nobody says so."""

    def plant(story: Story) -> None:
        values = {value_of(turn) for turn in turns}
        story.events = [
            one for one in story.events if one["event"] != "read" or one["value"] not in values
        ]
        story.rows = [row for row in story.rows if row[0] != "meter-1" or row[4] not in values]

    return plant


def _not_offered(turn: int) -> Callable[[Story], None]:
    """The press showed a value to nobody."""

    def plant(story: Story) -> None:
        mine = [one for one in story.events if one["station"] == "press-1"
                and one["event"] == "write" and one["value"] == value_of(turn)]  # fmt: skip
        story.events.remove(mine[0])
        _without("press-1", turn)(story)

    return plant


DEFECTS: dict[str, tuple[Callable[[Story], None], str]] = {
    "a value of the press is lost": (_without("press-1", 100), "acknowledged and is not stored"),
    "the last value is lost": (_without("press-1", LAST - 1), "acknowledged and is not stored"),
    "a value of the meter is lost": (_without("meter-1", 100), "no gap record says so"),
    "a value is doubled": (_with(("press-1", "force_01", at(100) + 7, 0, value_of(100))),
                           "was not offered"),
    "a poll is doubled": (_with(("meter-1", "power_01", at(100) + 90, 0, value_of(99))),
                          "was not offered"),
    "a value is invented": (_with(("press-1", "force_01", at(220), 0, -1.0)), "was not offered"),
    "a value was offered to nobody": (_not_offered(100), "is told nowhere"),
    "a restart begins too late": (_gap(0, began_ms=2_000), "is told nowhere"),
    "a restart ends too early": (_gap(0, ended_ms=-2_000), "is told nowhere"),
    "a restart begins too early": (_gap(0, began_ms=-2_000), "lie in the gap"),
    "a restart ends too late": (_gap(0, ended_ms=20_000), "lie in the gap"),
    "a restart of the meter begins too late": (_gap(1, began_ms=9_000), "not polled from"),
    "a restart of the meter does not hold the kill": (_gap(1, began_ms=2_000), "covers the kill"),
    "a link is down too early": (_gap(2, began_ms=-20_000), "lie in the gap"),
    "a link is down too late": (_gap(2, ended_ms=20_000), "lie in the gap"),
    "an overflow begins too late": (_gap(3, began_ms=1_500), "is told nowhere"),
    "an overflow ends too early": (_gap(3, ended_ms=-1_500), "is told nowhere"),
    "an overflow begins too early": (_gap(3, began_ms=-40_000), "lie in the gap"),
    "an overflow ends too late": (_gap(3, ended_ms=40_000), "lie in the gap"),
    "nobody polled": (_no_polls(range(500, 530)), "not polled from"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found(name: str, story: Story, tmp_path: Path) -> None:
    plant, words = DEFECTS[name]
    plant(story)
    found = problems(story, tmp_path)
    assert any(words in one for one in found), found


def test_two_polls_may_lie_as_far_apart_as_the_rule_says(story: Story, tmp_path: Path) -> None:
    """What the meter showed for two seconds between two polls is missed by design."""
    _no_polls(range(500, 504))(story)
    assert problems(story, tmp_path) == []


@pytest.mark.parametrize("reason", ["outbox full", "outbox damaged", "not polled"])
def test_the_width_of_other_reasons_is_looked_at_too(
    reason: str, story: Story, tmp_path: Path
) -> None:
    station = "meter-1" if reason == "not polled" else "press-1"
    connection = "" if station == "meter-1" else "opcua"
    story.gaps.append((station, connection, [], at(450), at(500), reason))
    assert any("lie in the gap" in one and reason in one for one in problems(story, tmp_path))
