"""What a vehicle's battery says of itself over UDS: identifiers, bytes and what they mean (pure).

The map of a vehicle is data (`data/uds_*.toml`). A raw value that means "not available", has the
wrong length or cannot be believed gives no number but a reason: a missing value is never zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stations.battery.data import table

UNAVAILABLE, WRONG_LENGTH, NOT_BELIEVABLE = "unavailable", "wrong_length", "not_believable"


@dataclass(frozen=True, slots=True)
class Meaning:
    """How the bytes of one identifier become a value: (raw - offset) * factor in `unit`."""

    did: int
    name: str
    unit: str
    factor: float = 1.0
    offset: int = 0
    size: int = 2  # in bytes
    unavailable_max: int | None = None
    low: float | None = None
    high: float | None = None

    def of(self, data: bytes) -> Told:
        """What the bytes say."""
        if len(data) != self.size:
            return Told(self.name, None, self.unit, WRONG_LENGTH)
        raw = int.from_bytes(data, "big")
        is_none = raw == (1 << 8 * self.size) - 1 and self.unit != "bits"
        if is_none or (self.unavailable_max is not None and raw <= self.unavailable_max):
            return Told(self.name, None, self.unit, UNAVAILABLE)
        value = (raw - self.offset) * self.factor
        below = self.low is not None and value < self.low
        if below or (self.high is not None and value > self.high):
            return Told(self.name, None, self.unit, NOT_BELIEVABLE)
        return Told(self.name, value, self.unit)


@dataclass(frozen=True, slots=True)
class Told:
    """A value that the battery told, or the reason why there is none."""

    name: str
    value: float | None
    unit: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Where a vehicle's battery is asked (29-bit identifiers), and what it can be asked for.

    `values` come with names of their own, `cells` in the order of the cells (1 first);
    `balancing` is the identifier of the balancing bits, None where it has none.
    """

    name: str
    request: int
    response: int
    values: tuple[Meaning, ...]
    cells: tuple[Meaning, ...]
    balancing: Meaning | None

    def identifiers(self) -> Iterator[Meaning]:
        """Everything that it can be asked for, in the order in which it is asked."""
        yield from self.values
        yield from self.cells
        if self.balancing is not None:
            yield self.balancing

    def balancing_cells(self, data: bytes) -> tuple[int, ...]:
        """The cells (1 first) that are balanced now; the first bit is that of the last cell."""
        assert self.balancing is not None
        count = self.balancing.size * 8
        bits = int.from_bytes(data, "big")
        return tuple(cell for cell in range(1, count + 1) if bits >> (cell - 1) & 1)


def vehicle(name: str) -> Vehicle:
    """The map of a vehicle by its short name, such as "zoe2"; FileNotFoundError for another."""
    given: Mapping[str, Any] = table(f"uds_{name}")
    run = given["cells"]
    dids = [one for one in range(run["first"], run["last"] + 1) if one not in run["skipped"]]
    cells = tuple(
        Meaning(
            did, f"cell_{number}", "V", run["factor"], unavailable_max=run["unavailable_max"],
            low=run["low"], high=run["high"],
        )
        for number, did in enumerate(dids, 1)
    )  # fmt: skip
    balancing = given.get("balancing")
    bits = None
    if balancing is not None:
        bits = Meaning(balancing["did"], "balancing", "bits", size=balancing["cells"] // 8)
    values = tuple(Meaning(**one) for one in given["value"])
    return Vehicle(given["name"], given["request"], given["response"], values, cells, bits)
