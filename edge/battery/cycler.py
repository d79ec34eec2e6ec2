"""Drives a DC cycler over Modbus: remote control, its own limits first, then set-points.

Function codes 01, 03, 05, 06 and 16 as the maker offers them. Every limit is read back before the
terminal is switched on. The connection is its own: the sources that read a station never write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from itertools import pairwise

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from stations.battery.cycler import Cycler
from stations.battery.machine import OFF, Setpoints
from stations.battery.protocol import CyclerLimits

TIMEOUT_S = 0.5
ATTEMPTS = 3  # of switching off, which must not fail for one lost packet


class CyclerLost(Exception):
    """The device does not answer, or not as it must: the message says what it was asked."""


class CyclerRefused(Exception):
    """The device keeps another limit than it was told: the terminal stays off."""


class ModbusCycler:
    """One device; after CyclerLost `open` must be called again."""

    def __init__(
        self, device: Cycler, host: str, port: int, unit: int = 1, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.device = device
        self._host, self._port, self._unit, self._timeout_s = host, port, unit, timeout_s
        self._client: AsyncModbusTcpClient | None = None

    async def open(self) -> None:
        """Connect; CyclerLost when that fails."""
        self.close()
        self._client = AsyncModbusTcpClient(
            self._host, port=self._port, timeout=self._timeout_s, retries=0, reconnect_delay=0
        )
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                connected = await self._client.connect()
        except (OSError, TimeoutError, ModbusException) as error:
            raise CyclerLost(f"no connection to {self._host}:{self._port}: {error}") from error
        if not connected:
            raise CyclerLost(f"no connection to {self._host}:{self._port}")

    def close(self) -> None:
        """Close the connection; the device's own watchdog sees it."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def secure(self) -> None:
        """No current and the terminal off; CyclerLost when the device never said that it is so."""
        last: CyclerLost | None = None
        for _ in range(ATTEMPTS):
            try:
                if self._client is None or not self._client.connected:
                    await self.open()
                await self._coil(self.device.map.output, False)
                await self._write(self.device.set_words(OFF))
                return
            except CyclerLost as error:
                last = error
                self.close()
        raise last or CyclerLost("never asked")

    async def take(self, limits: CyclerLimits) -> None:
        """Take control, set the device's own limits, read them back, and switch the terminal on.

        CyclerRefused when it keeps another limit; the terminal stays off then.
        """
        await self._coil(self.device.map.remote, True)
        await self._write(self.device.set_words(OFF))
        wanted = self.device.limit_words(limits)
        await self._write(wanted)
        for address, word in wanted.items():
            (kept,) = await self._words(address, 1)
            if kept != word:
                raise CyclerRefused(f"register {address} holds {kept} after {word} was written")
        await self._coil(self.device.map.output, True)

    async def tell(self, setpoints: Setpoints) -> None:
        """Set-points of now."""
        await self._write(self.device.set_words(setpoints))

    async def read(self) -> tuple[float, float]:
        """Voltage (V) and current (A, positive charges) of now."""
        at = self.device.map
        words = await self._words(at.actual, 2)
        state = 0
        if at.state is not None:
            high, low = await self._words(at.state, 2)
            state = high << 16 | low
        return self.device.actual(words, state)

    async def release(self) -> None:
        """Switch off and give the control back."""
        await self.secure()
        await self._coil(self.device.map.remote, False)

    async def _coil(self, address: int, on: bool) -> None:
        await self._ask(
            f"writing coil {address}", self._open.write_coil(address, on, device_id=self._unit)
        )

    async def _write(self, words: dict[int, int]) -> None:
        for first, values in _runs(words):
            await self._ask(
                f"writing registers from {first}",
                self._open.write_registers(first, values, device_id=self._unit),
            )

    async def _words(self, first: int, count: int) -> tuple[int, ...]:
        answer = await self._ask(
            f"reading registers from {first}",
            self._open.read_holding_registers(first, count=count, device_id=self._unit),
        )
        words = tuple(answer.registers)
        if len(words) != count:
            self.close()
            raise CyclerLost(f"{len(words)} registers from {first} where {count} were asked for")
        return words

    @property
    def _open(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise CyclerLost("the connection is closed")
        return self._client

    async def _ask(self, what: str, asked: Awaitable[ModbusPDU]) -> ModbusPDU:
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                answer = await asked
        except (OSError, TimeoutError, ModbusException) as error:
            self.close()
            raise CyclerLost(f"{what}: {error or 'no answer'}") from error
        if answer.isError():
            raise CyclerLost(f"{what}: refused, {answer}")
        return answer


def _runs(words: dict[int, int]) -> list[tuple[int, list[int]]]:
    """Neighbouring registers together, in rising order."""
    addresses = sorted(words)
    if not addresses:
        return []
    found = [(addresses[0], [words[addresses[0]]])]
    for before, address in pairwise(addresses):
        if address == before + 1:
            found[-1][1].append(words[address])
        else:
            found.append((address, [words[address]]))
    return found
