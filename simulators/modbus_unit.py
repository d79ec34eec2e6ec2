"""The registers of one Modbus unit: exactly those that are declared, encoded as declared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from simulators.truth import TruthLog
from stations.declare import Command, Register, Station, Tag, Type
from stations.status import BAD_WAITING_FOR_INITIAL_DATA, is_bad
from wire import registers

ILLEGAL_ADDRESS, DEVICE_FAILURE = 2, 4
REQUEST_MAX = 125
TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding",
          15: "coil", 16: "holding", 22: "holding", 23: "holding"}  # fmt: skip
# Powers of ten finer than this say nothing that a machine of this field measures.
EXPONENT_MIN = -4
HEADROOM = 1.2
NO_HIGH = 10_000.0
PLANS_MAX = 4096

Place = tuple[str, int, int]


@dataclass
class Cell:
    """One tag in the registers of a unit, and what an agent sees there now."""

    station: str
    tag: Tag[Any]
    at: Register
    table: str
    first: int
    count: int
    status: int = BAD_WAITING_FOR_INITIAL_DATA
    value: Any = None
    image: dict[int, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.first + self.count

    @cached_property
    def addresses(self) -> frozenset[int]:
        """The addresses of its own registers, without what lies between its elements."""
        offsets = registers.offsets(self.at, self.tag.length)
        return frozenset(self.first + offset for offset in offsets)

    def is_complete_with(self, place: Place) -> bool:
        """True when a request brings the last register of a wide tag and the others came before.

        Whoever reads it in pieces goes upwards and reads each register once.
        """
        last = max(self.addresses)
        return place[1] <= last < place[1] + place[2] and self.addresses <= self.image.keys()

    @property
    def is_wide(self) -> bool:
        """True when no single request can read it."""
        return self.at.table in ("holding", "input") and self.count > REQUEST_MAX


@dataclass(slots=True)
class Refusal:
    """The exception code for requests that touch a tag, `times` times; None: until cleared."""

    code: int
    times: int | None = None


class Unit:
    """One unit id: a memory per table, and faults of single tags."""

    def __init__(self, number: int, log: TruthLog) -> None:
        self.number, self.log = number, log
        self.words: dict[str, dict[int, int]] = {table: {} for table in set(TABLES.values())}
        self.cells: dict[tuple[str, str], Cell] = {}
        self.codes: dict[tuple[str, str], Refusal] = {}
        self._commands: dict[tuple[str, int], tuple[str, Command]] = {}
        self._exponents: dict[tuple[str, int], int] = {}
        self._plans: dict[Place, tuple[list[Cell], list[Cell], list[Cell]]] = {}

    def add(self, station: str, declaration: type[Station], on: str) -> None:
        """Make the registers of a station's tags and commands that are on connection `on`."""
        added = []
        for tag in declaration.tags:
            if isinstance(tag.at, Register) and tag.at.on == on:
                cell = Cell(station, tag, tag.at, *registers.span(tag))
                self.cells[station, tag.name] = cell
                added.append(cell)
        for command in declaration.commands:
            if isinstance(command.at, Register) and command.at.on == on:
                self.words[command.at.table].setdefault(command.at.address, 0)
                self._commands[command.at.table, command.at.address] = (station, command)
        self._set_exponents(added)
        for cell in added:
            # What lies between the elements of an array belongs to the machine, too.
            for address in range(cell.first, cell.end):
                self.words[cell.table].setdefault(address, 0)
        self._plans.clear()

    def _set_exponents(self, cells: Iterable[Cell]) -> None:
        """The finest power of ten with which every tag that shares it fits its format."""
        for cell in cells:
            if cell.at.scale_at is not None:
                place = (cell.table, cell.at.scale_at)
                wanted = _exponent(cell.tag, cell.at)
                self._exponents[place] = max(self._exponents.get(place, wanted), wanted)
                word = registers.encode_exponent(cell.at, self._exponents[place])
                self.words[cell.table][cell.at.scale_at] = word

    def show(self, station: str, tag: Tag[Any], status: int, value: Any) -> None:
        """Put a value into the registers of a tag.

        A Bad status is `absent` or NaN where the format has it; otherwise requests that touch the
        tag fail as a device's own failure.
        """
        cell = self.cells[station, tag.name]
        factor = None if cell.at.scale_at is None else self._word(cell.table, cell.at.scale_at)
        try:
            shown = None if is_bad(status) else value
            words = registers.encode(cell.at, tag.value_type, tag.length, shown, factor)
        except ValueError:
            self.codes.setdefault((station, tag.name), Refusal(DEVICE_FAILURE))
            return
        if (known := self.codes.get((station, tag.name))) and known.code == DEVICE_FAILURE:
            del self.codes[station, tag.name]
        memory, mask = self.words[cell.table], registers.mask(cell.at)
        for offset in registers.offsets(cell.at, tag.length):
            place = cell.first + offset
            memory[place] = memory.get(place, 0) & ~mask & 0xFFFF | words[offset] & mask
        self._look(cell)

    def _look(self, cell: Cell) -> None:
        memory = self.words[cell.table]
        span = [memory.get(address, 0) for address in range(cell.first, cell.end)]
        cell.status, cell.value = self._decode(cell, span)

    def _decode(self, cell: Cell, span: list[int]) -> tuple[int, Any]:
        factor = None if cell.at.scale_at is None else self._word(cell.table, cell.at.scale_at)
        tag = cell.tag
        return registers.decode(
            cell.at, tag.value_type, tag.length, np.array(span, np.uint16), factor
        )

    def _word(self, table: str, address: int) -> int:
        return self.words[table].get(address, 0)

    def read(self, place: Place) -> list[int] | int:
        """The registers of a request, or the exception code with which it is refused."""
        table, address, count = place
        _, touched, _ = self._plan(place)
        code = 0
        memory = self.words[table]
        if not all(one in memory for one in range(address, address + count)):
            code = ILLEGAL_ADDRESS
        for cell in touched if self.codes and not code else ():
            code = code or self._refusal((cell.station, cell.tag.name))
        if code:
            for cell in touched:
                self.log.add("refused", cell.station, tag=cell.tag.name, code=code)
            return code
        return [memory[one] for one in range(address, address + count)]

    def _refusal(self, tag: tuple[str, str]) -> int:
        refusal = self.codes.get(tag)
        if refusal is None:
            return 0
        if refusal.times is not None:
            refusal.times -= 1
            if refusal.times <= 0:
                del self.codes[tag]
        return refusal.code

    def refuse(self, station: str, tag: str, times: int | None) -> None:
        """Answer requests that touch a tag with exception 2."""
        self.codes[station, tag] = Refusal(ILLEGAL_ADDRESS, times)

    def answered(self, place: Place, words: list[int], **how: Any) -> None:
        """Note that these registers were sent: a `read` per tag that is complete in them."""
        inside, _, wide = self._plan(place)
        for cell in inside:
            self._log_read(cell, cell.status, cell.value, how)
        for cell in wide:
            # Whoever reads it in pieces puts together what it was told last of each.
            cell.image.update(zip(range(place[1], place[1] + place[2]), words, strict=True))
            if cell.is_complete_with(place):
                span = [cell.image.get(address, 0) for address in range(cell.first, cell.end)]
                self._log_read(cell, *self._decode(cell, span), how)

    def _log_read(self, cell: Cell, status: int, value: Any, how: dict[str, Any]) -> None:
        self.log.add("read", cell.station, tag=cell.tag.name, status=status, value=value, **how)

    def write(self, place: Place, values: list[int]) -> int:
        """Let a client set commands and nothing else; returns 0 or the exception code."""
        table, address, count = place
        wanted = [(table, one) for one in range(address, address + count)]
        if not all(one in self._commands for one in wanted):
            return ILLEGAL_ADDRESS
        for (_, one), value in zip(wanted, values, strict=True):
            station, command = self._commands[table, one]
            self.words[table][one] = int(value)
            self.log.add("command", station, command=command.name, value=int(value))
        return 0

    def _plan(self, place: Place) -> tuple[list[Cell], list[Cell], list[Cell]]:
        """Cells inside a request, cells touched by it, and those too wide for any request."""
        plan = self._plans.get(place)
        if plan is None:
            table, address, count = place
            touched = [
                cell
                for cell in self.cells.values()
                if cell.table == table and cell.first < address + count and address < cell.end
            ]
            inside = [c for c in touched if c.first >= address and c.end <= address + count]
            if len(self._plans) >= PLANS_MAX:
                self._plans.clear()
            plan = self._plans[place] = (inside, touched, [c for c in touched if c.is_wide])
        return plan


def _exponent(tag: Tag[Any], at: Register) -> int:
    if at.format.startswith("float") or tag.value_type not in (Type.FLOAT, Type.FLOATS):
        return 0
    ends = [abs(end) for end in (tag.low, tag.high) if end is not None]
    largest = max(ends, default=NO_HIGH) * HEADROOM or NO_HIGH
    limit = int(np.iinfo(at.format).max) - 1
    exact = math.ceil(math.log10(largest / (limit * abs(at.scale))))
    return min(max(exact, EXPONENT_MIN), registers.EXPONENT_MAX)
