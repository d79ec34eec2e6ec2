"""Vehicles on the simulated line: one direction, one vehicle in one place, none lost."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from simulators.line import SimulatedLine, arrivals, first_visit
from stations.model import Model, Values, Vehicle


class Work(Model):
    """Takes as many steps as it is told and then rests for one."""

    def __init__(self, steps: int) -> None:
        super().__init__(random.Random(0))
        self.steps, self.left, self.seen = steps, 0, list[str]()
        self.resting = 0

    @property
    def is_free(self) -> bool:
        return self.vehicle is None and not self.resting

    @property
    def is_done(self) -> bool:
        return self.vehicle is not None and self.left == 0

    def arrive(self, vehicle: Vehicle) -> None:
        assert self.vehicle is None
        super().arrive(vehicle)
        self.left = self.steps
        self.seen.append(vehicle.visit)

    def leave(self) -> None:
        super().leave()
        self.resting = 1

    def step(self, seconds: float, values: Values) -> None:
        self.left = max(0, self.left - 1)
        self.resting = max(0, self.resting - 1)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 80))
def test_vehicles_pass_every_station_in_order(steps: list[int], ticks: int) -> None:
    stations = [Work(count) for count in steps]
    line = SimulatedLine(stations, arrivals(random.Random(1), 2026))
    for _ in range(ticks):
        for station in stations:
            station.step(1.0, None)  # type: ignore[arg-type]
        line.step()
        here = [station.vehicle.visit for station in stations if station.vehicle]
        assert len(here) == len(set(here))
    for station, following in itertools.pairwise(stations):
        passed = station.seen[: len(following.seen) - 1]
        assert following.seen[1:] == passed
    assert stations[0].seen == sorted(stations[0].seen)


def test_every_station_has_a_vehicle_at_the_start_the_first_of_them_at_the_exit() -> None:
    stations = [Work(1), Work(1), Work(1)]
    SimulatedLine(stations, arrivals(random.Random(1), 2026))
    assert [station.seen for station in stations] == [
        ["v-2026-000003"], ["v-2026-000002"], ["v-2026-000001"],
    ]  # fmt: skip


def test_a_station_that_is_done_waits_for_the_next() -> None:
    first, second = Work(1), Work(10)
    line = SimulatedLine([first, second], arrivals(random.Random(1), 2026))
    for _ in range(5):
        first.step(1.0, None)  # type: ignore[arg-type]
        second.step(1.0, None)  # type: ignore[arg-type]
        line.step()
    assert first.is_done
    assert len(first.seen) == 1


def test_the_same_seed_brings_the_same_vehicles() -> None:
    one, other = (arrivals(random.Random("7"), 2026) for _ in range(2))
    vehicles = [next(one) for _ in range(200)]
    assert vehicles == [next(other) for _ in range(200)]
    assert {vehicle.electric for vehicle in vehicles} == {True, False}
    assert any(vehicle.health < 0.5 for vehicle in vehicles)
    assert all(v.electric for v, _ in zip(arrivals(random.Random(1), 2026, all_electric=True),
                                          range(50), strict=False))  # fmt: skip


def test_visits_of_a_later_run_are_new() -> None:
    assert first_visit(0, 0) == 1
    assert first_visit(3 * 3_600_000 + 5, 0) == 301
    assert first_visit(366 * 24 * 3_600_000, 0) < 999_999
