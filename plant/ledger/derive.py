"""What the views show of a record, derived from its bytes: pure, the same each time.

Whatever a record holds, something is derived: what cannot be read there is None. Nothing of this is
part of the chain, and all of it can be made again from the entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import ConfigDict, ValidationError

from stations.cycle import CycleData

WORDS_MAX = 500
INTEGER_MAX = (1 << 63) - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# From good to bad, in the words of OPC UA Machinery Result Transfer.
RESULTS = ("OK", "NotDecidable", "NotOK")
VERDICTS = {"pass": "OK", "not_decidable": "NotDecidable", "fail": "NotOK"}


@dataclass(frozen=True, slots=True)
class Place:
    """The columns of an entry that are taken as they are."""

    number: int
    site: str
    line: str
    station: str
    visit: str | None
    time: str
    recorded_ms: int


@dataclass(frozen=True, slots=True)
class Fact:
    """What every entry says beside its columns."""

    number: int
    time: datetime | None
    recorded_at: datetime | None
    version: int | None
    agent: str | None
    agent_version: str | None
    files: int


@dataclass(frozen=True, slots=True)
class CycleFact:
    """What the record of a vehicle's cycle at a station says; `result` None: nothing was judged."""

    number: int
    entered_at: datetime
    left_at: datetime
    seconds: float
    complete: bool
    flaws: str
    result: str | None


@dataclass(frozen=True, slots=True)
class Tour:
    """One visit, summed up over its records."""

    visit: str
    site: str
    line: str
    began: datetime | None
    ended: datetime | None
    station_visits: int
    incomplete: int
    records: int
    last_station: str
    last_time: datetime | None


class _Cycle(CycleData):
    model_config = ConfigDict(frozen=True, extra="ignore")


def derived(place: Place, body: bytes) -> tuple[Fact, CycleFact | None]:
    """What the views show of an entry."""
    said = _mapping(_loaded(body))
    agent, files = _mapping(said.get("agent")), said.get("files")
    fact = Fact(
        number=place.number,
        time=_moment(place.time),
        recorded_at=_moment_of(place.recorded_ms),
        version=_integer(said.get("version")),
        agent=_words(agent.get("name")),
        agent_version=_words(agent.get("version")),
        files=len(files) if isinstance(files, list) else 0,
    )
    return fact, _cycle(place.number, _mapping(said.get("data")))


def toured(tour: Tour | None, place: Place, fact: Fact, cycle: CycleFact | None) -> Tour:
    """The visit of this entry with the entry counted in. The entry must have a visit."""
    assert place.visit is not None
    tour = tour or Tour(
        place.visit, place.site, place.line, None, None, 0, 0, 0, place.station, None
    )
    times = [tour.began, tour.ended, fact.time]
    if cycle is not None:
        times += [cycle.entered_at, cycle.left_at]
    known = [one for one in times if one is not None]
    is_latest = fact.time is not None and (tour.last_time is None or fact.time >= tour.last_time)
    return Tour(
        visit=tour.visit,
        site=tour.site,
        line=tour.line,
        began=min(known, default=None),
        ended=max(known, default=None),
        station_visits=tour.station_visits + (cycle is not None),
        incomplete=tour.incomplete + (cycle is not None and not cycle.complete),
        records=tour.records + 1,
        last_station=place.station if is_latest else tour.last_station,
        last_time=fact.time if is_latest else tour.last_time,
    )


def result(data: Mapping[str, Any]) -> str | None:
    """The worst result of a record's measurements and gates; None when nothing was judged."""
    found = [RESULTS.index(word) for word in _results(data) if word in RESULTS]
    return RESULTS[max(found)] if found else None


def _results(data: Mapping[str, Any]) -> Iterator[Any]:
    for measurement in _mapping(data.get("measurements")).values():
        yield _mapping(measurement).get("result")
    gates = data.get("gates")
    for gate in gates if isinstance(gates, list) else ():
        verdict = _mapping(gate).get("verdict")
        yield VERDICTS.get(verdict) if isinstance(verdict, str) else None


def _cycle(number: int, data: Mapping[str, Any]) -> CycleFact | None:
    try:
        cycle = _Cycle.model_validate(data)
    except ValidationError:
        return None
    entered, left = _moment(cycle.started), _moment(cycle.ended)
    if entered is None or left is None:
        return None
    return CycleFact(
        number=number,
        entered_at=entered,
        left_at=left,
        seconds=cycle.cycle_s,
        complete=cycle.complete,
        flaws=_words(", ".join(cycle.flaws)) or "",
        result=result(data),
    )


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, TypeError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _moment(text: Any) -> datetime | None:
    """The time, None when there is no such day."""
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo is UTC else None


def _moment_of(time_ms: Any) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=time_ms)
    except (OverflowError, TypeError):
        return None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and abs(value) <= INTEGER_MAX else None


def _words(value: Any) -> str | None:
    """A text that every database takes: PostgreSQL has no NUL."""
    return (
        value.replace("\0", "\N{REPLACEMENT CHARACTER}")[:WORDS_MAX]
        if isinstance(value, str)
        else None
    )
