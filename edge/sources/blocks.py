"""Which registers are asked for together: few requests, none over the protocol's limits. Pure.

A unit is what must come in one answer: the registers of a tag (tags that share registers are one
unit), or the power of ten of a tag. An array that is longer than one answer may be is cut between
its elements. Limits: Modbus Application Protocol 1.1b3, 6.1 to 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.sources.source import Item
from stations.declare import Register
from wire.registers import scale_span, span

REGISTERS_MAX = 125
BITS_MAX = 2000
GAP_REGISTERS_MAX = 16  # a request costs more than this many registers that nobody wants
GAP_BITS_MAX = 128


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """Registers (or bits) from `start` on that are never split."""

    start: int
    count: int

    @property
    def end(self) -> int:
        """The first address behind."""
        return self.start + self.count


@dataclass(frozen=True, slots=True)
class Block:
    """One request: a table, where it starts, how many, and the units that lie in it."""

    table: str
    units: tuple[Unit, ...]

    @property
    def start(self) -> int:
        """The first address."""
        return self.units[0].start

    @property
    def count(self) -> int:
        """Registers or bits from the first to the last, those between the units included."""
        return max(unit.end for unit in self.units) - self.start

    def halves(self) -> tuple[Block, Block]:
        """The block cut in two between units."""
        middle = len(self.units) // 2
        return Block(self.table, self.units[:middle]), Block(self.table, self.units[middle:])


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for, and over how large a gap two units are joined."""

    count_max: int
    gap_max: int


def limits(table: str) -> Limits:
    """The limits of a table."""
    if table in ("coil", "discrete"):
        return Limits(BITS_MAX, GAP_BITS_MAX)
    return Limits(REGISTERS_MAX, GAP_REGISTERS_MAX)


def units_of(item: Item) -> tuple[str, tuple[Unit, ...]]:
    """The table of an item and what must be read for it; ValueError when no request can."""
    at = item.tag.at
    assert isinstance(at, Register)
    table, start, count = span(item.tag)
    count_max = limits(table).count_max
    if start + count > 0x10000:
        raise ValueError(f"it ends at address {start + count - 1}, behind the last one, 65535")
    units = [Unit(start, count)]
    if count > count_max:
        if at.width > count_max:
            raise ValueError(f"{at.width} registers do not fit into one request of {count_max}")
        units = _elements(start, at.stride or at.width, at.width, item.tag.length, count_max)
    scale = scale_span(item.tag)
    if scale is not None:
        units.append(Unit(scale[1], scale[2]))
    return table, tuple(units)


def _elements(start: int, stride: int, width: int, length: int, count_max: int) -> list[Unit]:
    """An array in pieces of as many elements as one answer holds.

    Where others lie between its elements each is a piece of its own, so that arrays which lie in
    one another are read together, every register once.
    """
    together = 1 if stride > width else count_max // stride
    return [
        Unit(start + first * stride, (min(together, length - first) - 1) * stride + width)
        for first in range(0, length, together)
    ]


def plan(
    table: str, units: Iterable[Unit], avoid: frozenset[int], cuts: frozenset[int]
) -> list[Block]:
    """Blocks that hold every unit once, joined over small gaps, none over the limits.

    No block reaches over an address in `avoid` that is not its own unit's, and none goes on across
    an address in `cuts`: the device refused that before.
    """
    bounds = limits(table)
    blocks: list[list[Unit]] = []
    end = 0
    for unit in sorted(set(units), key=lambda unit: (unit.start, -unit.count)):
        if blocks and _joins(blocks[-1], end, unit, bounds, avoid, cuts):
            blocks[-1].append(unit)
            end = max(end, unit.end)
        else:
            blocks.append([unit])
            end = unit.end
    return [Block(table, tuple(block)) for block in blocks]


def _joins(
    block: Sequence[Unit], end: int, unit: Unit, bounds: Limits,
    avoid: frozenset[int], cuts: frozenset[int],
) -> bool:  # fmt: skip
    if max(end, unit.end) - block[0].start > bounds.count_max or unit.start > end + bounds.gap_max:
        return False
    return unit.start not in cuts and not any(at in avoid for at in range(end, unit.start))
