"""SunSpec: a device that says by itself which models it has, as a chain of ids and lengths.

The marker "SunS" lies in the holding registers at one of three addresses; behind it come the
models, each with its id and the length of what follows, up to the id 0xFFFF (SunSpec Device
Information Model Specification, chapter 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.browse.modbus_asker import Asker, Unread
from edge.browse.modbus_scan import Span

BASES = (40000, 50000, 0)
MARKER = (0x5375, 0x6E53)
END = 0xFFFF
MODELS_MAX = 100
NAMES = {
    1: "common",
    101: "single-phase inverter", 102: "split-phase inverter", 103: "three-phase inverter",
    201: "single-phase meter", 202: "split-phase meter", 203: "three-phase meter, star",
    204: "three-phase meter, delta",
    802: "battery base", 803: "lithium-ion bank", 804: "lithium-ion string",
    805: "lithium-ion module",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a chain: its id, the address of its id, and its registers after the length."""

    id: int
    address: int
    length: int

    @property
    def last(self) -> int:
        """Its last address."""
        return self.address + 1 + self.length

    @property
    def title(self) -> str:
        """`model 802 (battery base)`."""
        name = NAMES.get(self.id)
        return f"model {self.id} ({name})" if name else f"model {self.id}"


@dataclass(frozen=True, slots=True)
class Chain:
    """The models of a device and where the marker lies."""

    base: int
    models: tuple[Model, ...]

    @property
    def span(self) -> Span:
        """The marker and all models."""
        return Span("holding", self.base, min(max([self.base + 1, *self._lasts()]), 0xFFFF))

    @property
    def notes(self) -> list[str]:
        """What there is, a line for each model."""
        return [f"SunSpec at holding {self.base}"] + [
            f"SunSpec {one.title} at holding {one.address}, {one.length} registers"
            for one in self.models
        ]

    def told(self, address: int) -> str:
        """What a register is of the chain; empty when it is none of it."""
        for one in self.models:
            if one.address <= address <= one.last:
                return f"SunSpec {one.title}, offset {address - one.address}"
        return "SunSpec marker" if self.base <= address <= self.base + 1 else ""

    def _lasts(self) -> list[int]:
        return [one.last for one in self.models]


async def find(asker: Asker) -> Chain | None:
    """The chain of a device; None when it has none."""
    for base in BASES:
        if await _pair(asker, base) == MARKER:
            return Chain(base, tuple(await _models(asker, base + 2)))
    return None


async def _models(asker: Asker, at: int) -> list[Model]:
    models: list[Model] = []
    while at < 0xFFFF and len(models) < MODELS_MAX:
        pair = await _pair(asker, at)
        if pair is None or pair[0] == END:
            break
        models.append(Model(pair[0], at, pair[1]))
        at += 2 + pair[1]
    return models


async def _pair(asker: Asker, at: int) -> tuple[int, int] | None:
    try:
        first, second = (await asker.read("holding", at, 2)).tolist()
    except Unread:
        return None
    return first, second
