"""What one Modbus source polls together: items of one interval, their blocks, and what is bad.

The plan changes when a register turns out to be bad (its tags leave the plan, nobody reads across
it) or to be readable again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from edge.sources.blocks import Block, Unit, plan, units_of
from edge.sources.modbus_columns import Columns
from edge.sources.source import Item
from wire.backoff import BackOff

Place = tuple[str, Unit]


@dataclass(slots=True)
class Absent:
    """A unit that the device refuses: when it is asked for again."""

    due_s: float
    wait: BackOff


@dataclass(frozen=True, slots=True)
class Isolated:
    """A unit that is read by itself: where requests end for that, and until when at least."""

    addresses: frozenset[int]
    until_s: float


@dataclass(slots=True)
class Step:
    """One request of a poll, and the items that are complete with it."""

    block: Block
    columns: Columns
    members: dict[int, Item]


@dataclass(slots=True)
class Group:
    """The items of one polling interval."""

    every_s: float
    items: tuple[Item, ...]
    places: dict[int, tuple[Place, ...]]
    absent: dict[Place, Absent] = field(default_factory=dict)
    cuts: dict[str, set[int]] = field(default_factory=dict)
    isolated: dict[Place, Isolated] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    search_s: float = 0.0  # until then nobody looks for what the device cannot read

    def replan(self) -> None:
        """Make the steps anew, without the items that have an absent unit."""
        alive = [item for item in self.items if not self.is_absent(item)]
        by_table: dict[str, set[Unit]] = {}
        for item in alive:
            for table, unit in self.places[item.number]:
                by_table.setdefault(table, set()).add(unit)
        blocks = [
            block
            for table, units in sorted(by_table.items())
            for block in plan(table, units, self._avoided(table), frozenset(self._cut(table)))
        ]
        where = {(block.table, unit): i for i, block in enumerate(blocks) for unit in block.units}
        ending: list[list[Item]] = [[] for _ in blocks]
        for item in alive:
            ending[max(where[place] for place in self.places[item.number])].append(item)
        self.steps = [
            Step(block, Columns(items), {item.number: item for item in items})
            for block, items in zip(blocks, ending, strict=True)
        ]

    def is_absent(self, item: Item) -> bool:
        """True when a unit that the item needs is refused by the device."""
        return any(place in self.absent for place in self.places[item.number])

    def users(self, place: Place) -> list[Item]:
        """The items that need a unit."""
        return [item for item in self.items if place in self.places[item.number]]

    def cut(self, table: str, address: int) -> None:
        """Remember that the device refuses a request that goes across this address."""
        self.cuts.setdefault(table, set()).add(address)

    def isolate(self, block: Block, unit: Unit, until_s: float) -> None:
        """Ask for a unit of a block by itself from now on, until it may `rejoin`."""
        behind = block.units[block.units.index(unit) + 1 :]
        addresses = frozenset((unit.start, *(one.start for one in behind[:1])))
        self.isolated[block.table, unit] = Isolated(addresses, until_s)

    def rejoin(self, lost: Collection[Place], now_s: float) -> bool:
        """Ask for isolated units together with others again, if they can be read; were there any?

        Without this every register that failed once would cost a request of its own for ever.
        """
        well = [
            place
            for place, one in self.isolated.items()
            if place not in lost and one.until_s <= now_s
        ]
        for place in well:
            del self.isolated[place]
        return bool(well)

    def _cut(self, table: str) -> set[int]:
        around = (one.addresses for (where, _), one in self.isolated.items() if where == table)
        return self.cuts.get(table, set()).union(*around)

    def _avoided(self, table: str) -> frozenset[int]:
        return frozenset(
            address
            for where, unit in self.absent
            if where == table
            for address in range(unit.start, unit.end)
        )


def next_due(due_s: float, now_s: float, every_s: float) -> tuple[float, int]:
    """The next point of the grid after now, and how many were missed on the way."""
    missed = max(0, math.floor((now_s - due_s) / every_s))
    return due_s + (missed + 1) * every_s, missed


def groups_of(items: Sequence[Item], every_ms: int) -> tuple[list[Group], dict[int, str]]:
    """The items by interval, and those that no request can read, with the reason."""
    by_interval: dict[int, list[Item]] = {}
    places: dict[int, tuple[Place, ...]] = {}
    impossible: dict[int, str] = {}
    for item in items:
        try:
            table, units = units_of(item)
        except ValueError as error:
            impossible[item.number] = str(error)
            continue
        places[item.number] = tuple((table, unit) for unit in units)
        by_interval.setdefault(item.tag.every_ms or every_ms, []).append(item)
    groups = [
        Group(
            interval / 1000, tuple(members), {item.number: places[item.number] for item in members}
        )
        for interval, members in sorted(by_interval.items())
    ]
    for group in groups:
        group.replan()
    return groups, impossible
