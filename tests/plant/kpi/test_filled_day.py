"""A simulated hour or two through the historian's own code: all is there, and adds up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest

from plant.kpi.measurements import MEASUREMENTS
from plant.ledger import Ledger
from plant.stores.sqlite import SqliteStore
from stations.kpi import HOUR_MS
from tests.day import Filled, fill
from tests.plant.kpi.site import SITE, T0, stored
from tests.plant.records import HandClock

HOURS = 1
STATIONS = ("inspection-1", "battery-1", "studio-1")


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SqliteStore, Ledger, Filled]]:
    folder = tmp_path_factory.mktemp("day")
    with (
        closing(SqliteStore(folder / "samples.db")) as store,
        closing(Ledger(f"sqlite:{folder / 'ledger.db'}", HandClock())) as ledger,
    ):
        yield store, ledger, fill(store, ledger, SITE, T0 + HOURS * HOUR_MS, hours=HOURS)


def test_everything_is_stored(filled: tuple[SqliteStore, Ledger, Filled]) -> None:
    store, ledger, report = filled
    assert (report.start_ms, report.end_ms) == (T0, T0 + HOURS * HOUR_MS)
    assert report.refused == 0
    assert store.count() == report.samples > 50_000
    assert len(ledger) == report.records > 100


def test_every_measurement_and_every_field_is_written_with_its_type(
    filled: tuple[SqliteStore, Ledger, Filled],
) -> None:
    found = {(one.measurement, one.tag): one.type for one in filled[0].series()}
    for measurement in MEASUREMENTS:
        own = {tag: kind for (name, tag), kind in found.items() if name == measurement.name}
        assert own, f"{measurement.name} was never written"
        assert {tag: measurement.type_of(tag) for tag in own} == own
        for field in measurement.fields:
            if field.always:
                assert field.name in own


@pytest.mark.parametrize("station", STATIONS)
def test_the_times_of_an_hour_add_up(
    filled: tuple[SqliteStore, Ledger, Filled], station: str
) -> None:
    def of(name: str) -> dict[int, Any]:
        return stored(filled[0], "station_kpi", station, name)

    for hour in (T0,):
        parts = [of(name)[hour] for name in ("apt_s", "adet_s", "adot_s", "unknown_s")]
        assert sum(parts) == pytest.approx(of("pbt_s")[hour]) == 3600.0
        assert of("oee")[hour] == pytest.approx(of("good_run_s")[hour] / of("pbt_s")[hour])
        cycles = stored(filled[0], "station_cycle", station, "ok")
        assert of("pq")[hour] == sum(hour <= time < hour + HOUR_MS for time in cycles)


def test_a_timeline_has_a_point_every_half_minute(
    filled: tuple[SqliteStore, Ledger, Filled],
) -> None:
    for one in SITE.stations:
        times = sorted(stored(filled[0], "station_state", one.name, "online"))
        assert max(other - one for one, other in pairwise(times)) <= 30_000
        assert times[0] <= T0 + 30_000


def test_the_four_situations_are_in_the_day(filled: tuple[SqliteStore, Ledger, Filled]) -> None:
    names = set(stored(filled[0], "station_state", "studio-1", "state_name").values())
    assert {"TURNING", "EMPTY", "offline", "bad quality"} <= names
    late = stored(filled[0], "station_state", "inspection-1", "online")
    known = stored(filled[0], "station_state", "inspection-1", "state_name")
    away = [time for time, online in late.items() if not online]
    assert away and any(known[time] != "offline" for time in away), "filled in afterwards"
