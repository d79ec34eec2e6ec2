"""A day in virtual time: repeatable, rising times, and every thing that a panel is to show."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from simulators.day import BEAT_MS, Beat, day
from stations.declare import Phase
from stations.samples import concat
from stations.status import is_good
from wire.site import load

SITE = load(Path(__file__).parents[2] / "config/demo/site.toml")
START = 1_764_028_800_000
HOURS = 1.0


@pytest.fixture(scope="module")
def beats() -> list[Beat]:
    return list(day(SITE, START, hours=HOURS, seed=1))


def test_one_seed_gives_one_day() -> None:
    one, other = (list(day(SITE, START, hours=0.05, seed=7)) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        for a, b in zip(first.parts, second.parts, strict=True):
            assert (a.station, a.samples.to_bytes()) == (b.station, b.samples.to_bytes())


def test_beats_follow_one_another(beats: list[Beat]) -> None:
    assert beats[0].time_ms == START + BEAT_MS
    assert all(other.time_ms - one.time_ms == BEAT_MS for one, other in pairwise(beats))
    assert beats[-1].time_ms == START + round(HOURS * 3_600_000)


def test_times_rise_for_each_tag_and_lie_before_their_beat(beats: list[Beat]) -> None:
    for station in SITE.stations:
        parts = [(beat, one) for beat in beats for one in beat.parts if one.station == station.name]
        assert all(int(one.samples.time.max()) < beat.time_ms for beat, one in parts)
        samples = concat([one.samples for _, one in parts])
        for number in np.unique(samples.tag).tolist():
            times = samples.time[samples.tag == number]
            assert (np.diff(times) > 0).all(), (station.name, number)


def test_what_can_go_wrong_goes_wrong(beats: list[Beat]) -> None:
    states = {
        one.name: [*one.declaration.tags].index(one.scheme.state) + 1
        for one in SITE.stations if one.scheme is not None
    }  # fmt: skip
    phases: set[tuple[str, Phase | None]] = set()
    bad = []
    for one in (part for beat in beats for part in beat.parts if part.station in states):
        rows = one.samples[one.samples.tag == states[one.station]]
        scheme = SITE.station(one.station).scheme
        assert scheme is not None
        for index in range(len(rows)):
            if is_good(int(rows.status[index])):
                phases.add((one.station, scheme.state.kind(rows.row(index)).phase))
            else:
                bad.append(one.station)
    for station in states:
        assert {(station, Phase.WORKING), (station, Phase.IDLE)} <= phases
    assert Phase.STOPPED in {phase for _, phase in phases}
    assert bad == ["studio-1"]
    assert [name for beat in beats for name, _ in beat.gone] == ["pc-line-1b", "pc-line-1a"]
    assert [name for beat in beats for name, _ in beat.back] == ["pc-line-1b", "pc-line-1a"]
    assert {station for beat in beats for station, _, _ in beat.gaps} == {
        "studio-1", "energy-meter-1",
    }  # fmt: skip
    late = {part.station for beat in beats for part in beat.parts if part.historical}
    assert late == {"inspection-1", "battery-1"}
