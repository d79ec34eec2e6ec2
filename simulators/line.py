"""Vehicles on the simulated lines: from station to station in one direction, never back."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from stations.model import Model, Vehicle

VISIT_NUMBER_MAX = 999_999
ELECTRIC_SHARE = 0.4
HOUR_MS = 3_600_000
VISITS_AN_HOUR = 100


def first_visit(now_ms: int, year_began_ms: int) -> int:
    """A number that rises from start to start, so that a later run does not use a visit again."""
    return 1 + (now_ms - year_began_ms) // HOUR_MS * VISITS_AN_HOUR


def arrivals(
    rng: random.Random, year: int, first: int = 1, *, all_electric: bool = False
) -> Iterator[Vehicle]:
    """Vehicles without end, one after another, with rising visit ids."""
    number = first
    while True:
        electric = rng.random() < ELECTRIC_SHARE
        yield Vehicle(
            f"v-{year}-{number:06}",
            electric=electric or all_electric,
            mass_kg=round(rng.triangular(950, 2600, 1500)),
            first_registered=f"{rng.randint(year - 11, year - 3)}-{rng.randint(1, 12):02}-01",
            health=round(rng.betavariate(4.5, 1.2), 3),
        )
        number = number % VISIT_NUMBER_MAX + 1


class SimulatedLine:
    """Stations in a row. One that is done hands over when the next is free; until then it blocks.

    A vehicle always waits at the entry, and at the start each station already has one.
    """

    def __init__(self, stations: Sequence[Model], vehicles: Iterator[Vehicle]) -> None:
        self.stations, self.vehicles = tuple(stations), vehicles
        # The vehicle farthest along the line came first.
        for station in reversed(self.stations):
            station.arrive(next(vehicles))

    def step(self) -> None:
        """Move every vehicle that can move, from the exit backwards."""
        for station, following in zip(
            reversed(self.stations), (None, *reversed(self.stations[1:])), strict=True
        ):
            vehicle = station.vehicle
            if vehicle is None or not station.is_done:
                continue
            if following is None:
                station.leave()
            elif following.is_free:
                station.leave()
                following.arrive(vehicle)
        if self.stations and self.stations[0].is_free:
            self.stations[0].arrive(next(self.vehicles))
