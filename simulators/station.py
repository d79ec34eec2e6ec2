"""One simulated machine: its model, the values that it shows, and the faults that are in force."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulators.faults import Fault
from simulators.gate import Gate
from simulators.modbus import ModbusServer
from simulators.modbus_unit import Unit
from simulators.opcua import OpcuaServer, Ticks, wall_ticks
from stations.declare import Node, Station, Tag, Type
from stations.model import Model, Values
from stations.status import BAD_WAITING_FOR_INITIAL_DATA, GOOD

# Sensor noise as a share of the tag's deadband, and how often it is drawn.
NOISE_OF_DEADBAND = 0.25
NOISE_S = 1.0

Shown = tuple[int, Any]
NOTHING: Shown = (BAD_WAITING_FOR_INITIAL_DATA, None)


@dataclass
class SimulatedStation:
    """A machine of the site, on the servers of its addresses."""

    name: str
    kind: str
    declaration: type[Station]
    model: Model
    rng: random.Random
    opcua: OpcuaServer | None = None
    modbus: dict[str, tuple[ModbusServer, int]] = field(default_factory=dict)
    ticks: Ticks = wall_ticks
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = Values(self.declaration)
        self._shown: dict[str, Shown] = {}
        self._noise: dict[str, float] = {}
        self._noise_until_s = 0.0
        self._tags = [(tag, self._unit(tag)) for tag in self.declaration.tags if self._has(tag)]

    def _has(self, tag: Tag[Any]) -> bool:
        return self.opcua is not None if isinstance(tag.at, Node) else tag.at.on in self.modbus

    def _unit(self, tag: Tag[Any]) -> Unit | None:
        if isinstance(tag.at, Node):
            return None
        server, number = self.modbus[tag.at.on]
        return server.unit(number)

    def step(self, seconds: float) -> None:
        """Let the model's time pass."""
        self.model.step(seconds, self.values)

    async def show(self, now_s: float) -> None:
        """Write to the servers what has changed, as the faults let it be seen."""
        self._draw_noise(now_s)
        raw = dict(self.values.items())
        for tag, unit in self._tags:
            shown = self._seen(tag, _typed(tag, raw[tag.name]))
            if not _same(shown, self._shown.get(tag.name, NOTHING)):
                self._shown[tag.name] = shown
                if unit is not None:
                    unit.show(self.name, tag, *shown)
                    unit.log.add("change", self.name, **_fields(tag, self.ticks(), shown))
                elif self.opcua is not None:
                    await self.opcua.show(self.name, tag, *shown)

    def _seen(self, tag: Tag[Any], value: Any) -> Shown:
        for fault in self.faults:
            if fault.tag == tag.name and fault.name not in ("missing", "illegal"):
                return fault.shows(tag, value, fault.kept)
        noise = self._noise.get(tag.name)
        return GOOD, _limited(tag, value + noise) if noise else value

    def _draw_noise(self, now_s: float) -> None:
        if now_s < self._noise_until_s:
            return
        self._noise_until_s = now_s + NOISE_S
        self._noise = {
            tag.name: self.rng.gauss(0, tag.deadband * NOISE_OF_DEADBAND)
            for tag, _ in self._tags
            if tag.deadband and tag.value_type is Type.FLOAT
        }

    async def inject(self, fault: Fault) -> None:
        """Put a fault in force; one of the same name and tag is replaced."""
        await self.clear(fault.name, fault.tag)
        fault.kept = self._shown.get(fault.tag or "", NOTHING)[1]
        self.faults.append(fault)
        match fault.name:
            case "stall":
                for gate in self._gates(both_ways=True):
                    gate.shut()
            case "late":
                for gate in self._gates():
                    gate.delay_s, gate.delays_left = fault.delay_ms / 1000, fault.times
                fault.times = None
            case "missing" | "illegal":
                await self._take_away(fault)

    async def _take_away(self, fault: Fault) -> None:
        tag = self.declaration.tag(fault.tag or "")
        if isinstance(tag.at, Node):
            if self.opcua is not None:
                await self.opcua.hide(self.name, tag.name)
        elif unit := self._unit(tag):
            unit.refuse(self.name, tag.name, fault.times)
            fault.times = None

    async def clear(self, name: str | None = None, tag: str | None = None) -> int:
        """End the faults with this name and tag (None: any); returns how many."""
        ended = [
            fault
            for fault in self.faults
            if name in (None, fault.name) and (tag is None or tag == fault.tag)
        ]
        for fault in ended:
            self.faults.remove(fault)
            self._undo(fault)
        return len(ended)

    def _undo(self, fault: Fault) -> None:
        match fault.name:
            case "stall":
                for gate in self._gates(both_ways=True):
                    gate.open()
            case "late":
                for gate in self._gates():
                    gate.delay_s, gate.delays_left = 0.0, None
            case "missing" | "illegal":
                tag = self.declaration.tag(fault.tag or "")
                if isinstance(tag.at, Node):
                    if self.opcua is not None:
                        self.opcua.restore(self.name, tag.name)
                elif unit := self._unit(tag):
                    unit.codes.pop((self.name, tag.name), None)

    async def pass_time(self, now_s: float) -> None:
        """End what has lasted long enough, and break links again while that fault is in force."""
        for fault in list(self.faults):
            if (fault.until_s is not None and now_s >= fault.until_s) or fault.times == 0:
                await self.clear(fault.name, fault.tag)
            else:
                fault.times = None if fault.times is None else fault.times - 1
                await self._break_links(fault.name)

    async def _break_links(self, name: str) -> None:
        if name == "unsubscribe" and self.opcua is not None:
            await self.opcua.server.drop_subscriptions()
        if name not in ("drop", "reset"):
            return
        for server, _ in self.modbus.values():
            server.reset_links()
        if self.opcua is not None:
            if name == "drop":
                await self.opcua.server.drop_sessions()
            else:
                self.opcua.server.reset_links()

    def _gates(self, *, both_ways: bool = False) -> Iterator[Gate]:
        """The gates of its servers: a server that it shares with others stalls for them too."""
        if self.opcua is not None:
            yield self.opcua.server.outward
            if both_ways:
                yield self.opcua.server.inward
        for server, number in self.modbus.values():
            server.unit(number)
            yield server.gates[number]


def _typed(tag: Tag[Any], value: Any) -> Any:
    match tag.value_type:
        case Type.BOOL:
            return bool(value)
        case Type.INT:
            return int(value)
        case Type.FLOAT:
            return float(value)
        case Type.INTS:
            return [int(one) for one in value]
        case Type.FLOATS:
            return [float(one) for one in value]
        case _:
            return str(value)


def _limited(tag: Tag[Any], value: float) -> float:
    low = value if tag.low is None else max(value, tag.low)
    return low if tag.high is None else min(low, tag.high)


def _same(one: Shown, other: Shown) -> bool:
    if one == other:
        return True
    # A NaN, alone or in an array, is unequal to itself and yet no change.
    return one[0] == other[0] and repr(one[1]) == repr(other[1])


def _fields(tag: Tag[Any], ticks: int, shown: Shown) -> dict[str, Any]:
    return {"tag": tag.name, "ticks": ticks, "status": shown[0], "value": shown[1]}
