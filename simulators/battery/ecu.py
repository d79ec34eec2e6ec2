"""A vehicle's battery computer on a CAN bus: answers UDS service 0x22, with faults on demand.

For engineers without a vehicle: `with Ecu(bus, vehicle("zoe2"), numbers):` on the virtual bus of
python-can. Needs the extra `uds`.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stations.battery.diagnosis import Meaning, Vehicle

if TYPE_CHECKING:
    import can

READ, POSITIVE, NEGATIVE = 0x22, 0x62, 0x7F
OUT_OF_RANGE = 0x31
SERVICE_NOT_SUPPORTED = 0x11
WAIT_S = 0.05


@dataclass(slots=True)
class Faults:
    """What goes wrong, by identifier; `is_silent` answers nothing at all."""

    refused: Collection[int] = ()
    silent: Collection[int] = ()
    short: Collection[int] = ()
    other: Collection[int] = ()  # the answer is of another identifier
    unavailable: Collection[int] = ()
    is_silent: bool = False


@dataclass(slots=True)
class Numbers:
    """What the battery says: values by name (in their units), cells (V), cells being balanced."""

    values: Mapping[str, float]
    cells: Sequence[float]
    balancing: Collection[int] = ()
    faults: Faults = field(default_factory=Faults)


class Ecu:
    """Answers from entering until leaving, in a thread of its own."""

    def __init__(self, bus: can.BusABC, vehicle: Vehicle, numbers: Numbers) -> None:
        import isotp

        self._vehicle, self._numbers = vehicle, numbers
        self._known = {one.did: one for one in vehicle.identifiers()}
        address = isotp.Address(
            isotp.AddressingMode.Normal_29bits, txid=vehicle.response, rxid=vehicle.request
        )
        self._stack = isotp.CanStack(bus, address=address)
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="battery ecu")

    def __enter__(self) -> Ecu:
        self._stack.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()
        self._stack.stop()

    def _serve(self) -> None:
        while not self._leave.is_set():
            asked = self._stack.recv(block=True, timeout=WAIT_S)
            answer = self.answer(bytes(asked)) if asked else None
            if answer is not None:
                self._stack.send(answer)

    def answer(self, asked: bytes) -> bytes | None:
        """The answer to one request; None where there is none."""
        faults = self._numbers.faults
        if len(asked) != 3 or asked[0] != READ:
            return bytes((NEGATIVE, asked[0], SERVICE_NOT_SUPPORTED))
        did = int.from_bytes(asked[1:], "big")
        if faults.is_silent or did in faults.silent:
            return None
        if did in faults.refused or did not in self._known:
            return bytes((NEGATIVE, READ, OUT_OF_RANGE))
        data = self._bytes(self._known[did])
        if did in faults.short:
            data = data[:-1]
        echo = did ^ 1 if did in faults.other else did
        return bytes((POSITIVE,)) + echo.to_bytes(2, "big") + data

    def _bytes(self, one: Meaning) -> bytes:
        if one.did in self._numbers.faults.unavailable:
            return bytes([0xFF]) * one.size
        if self._vehicle.balancing is not None and one.did == self._vehicle.balancing.did:
            bits = sum(1 << (cell - 1) for cell in self._numbers.balancing)
            return bits.to_bytes(one.size, "big")
        kind, _, number = one.name.partition("_")
        is_cell = kind == "cell" and number.isdecimal()
        value = self._numbers.cells[int(number) - 1] if is_cell else self._numbers.values[one.name]
        return (round(value / one.factor) + one.offset).to_bytes(one.size, "big")
