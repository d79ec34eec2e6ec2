"""One Modbus connection: one request at a time, an own short timeout, answers checked.

The library is asked neither to repeat a request nor to reconnect: both are the source's business.
Over TCP a late answer carries another transaction id and is skipped. RTU has none, so after a
timeout the line is left alone for as long again and what comes then is thrown away.
"""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from edge.sources.fault import MachineFault, machine
from stations.status import (
    BAD,
    BAD_DEVICE_FAILURE,
    BAD_NO_COMMUNICATION,
    BAD_NODE_ID_UNKNOWN,
    BAD_NOT_SUPPORTED,
    BAD_OUT_OF_RANGE,
    BAD_RESOURCE_UNAVAILABLE,
    BAD_TIMEOUT,
)
from wire.site.connections import ModbusConfig

ILLEGAL = (2, 3)  # exceptions that speak of an address: worth to look for the one that is wrong
FAILING = (4, 8)  # exceptions of a device that cannot read something just now
STATUS = {
    1: BAD_NOT_SUPPORTED,
    2: BAD_NODE_ID_UNKNOWN,
    3: BAD_OUT_OF_RANGE,
    4: BAD_DEVICE_FAILURE,
    5: BAD_RESOURCE_UNAVAILABLE,
    6: BAD_RESOURCE_UNAVAILABLE,
    8: BAD_DEVICE_FAILURE,
    10: BAD_NO_COMMUNICATION,
    11: BAD_TIMEOUT,
}
MEANING = {
    1: "illegal function", 2: "illegal data address", 3: "illegal data value",
    4: "device failure", 5: "acknowledge", 6: "device busy", 8: "memory parity error",
    10: "gateway path unavailable", 11: "gateway target does not respond",
}  # fmt: skip
REGULAR = 2  # device identification: all objects with a name of their own
FUNCTION = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}

Words = NDArray[np.uint16]


class Refusal(Exception):
    """The device answered with a Modbus exception: it lives, but not for this request."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code} ({MEANING.get(code, 'unknown')})")
        self.code = code
        self.status = STATUS.get(code, BAD)


class Silence(MachineFault):
    """No answer in time."""


class Line:
    """The connection to one device; after a fault `connect` must be called again."""

    def __init__(self, config: ModbusConfig) -> None:
        self._config = config
        self._timeout_s = config.timeout_ms / 1000
        self._client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None

    @property
    def is_open(self) -> bool:
        """True while the connection stands (which says nothing about the device)."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """Open the connection; MachineFault when that fails."""
        self.close()
        self._client = self._make()
        with machine():
            if not await self._client.connect():
                raise MachineFault(f"no connection to {self._config.url}")

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def read(self, table: str, start: int, count: int) -> Words:
        """Registers, or bits as 0 and 1; Refusal, Silence or MachineFault otherwise."""
        if self._client is None or not self._client.connected:
            raise MachineFault("the connection is closed")
        ask = {
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
        }[table]
        try:
            with machine():
                async with asyncio.timeout(2 * self._timeout_s):
                    answer = await ask(start, count=count, device_id=self._config.unit)
        except MachineFault as fault:
            if self.is_open:
                await self._quiet()
                raise Silence(f"no answer within {self._config.timeout_ms} ms") from fault
            raise
        return _checked(answer, table, count)

    async def identify(self) -> dict[int, str]:
        """What the device says that it is, by object id (Modbus 1.1b3, 6.21); raises as `read`.

        Ids 0 to 6: vendor, product code, revision, url, product name, model, application.
        """
        if self._client is None or not self._client.connected:
            raise MachineFault("the connection is closed")
        try:
            with machine():
                async with asyncio.timeout(2 * self._timeout_s):
                    answer = await self._client.read_device_information(
                        read_code=REGULAR, device_id=self._config.unit
                    )
        except MachineFault as fault:
            await self._quiet()
            raise Silence(f"no answer within {self._config.timeout_ms} ms") from fault
        if answer.isError():
            raise Refusal(int(answer.exception_code))
        told = getattr(answer, "information", {})
        return {number: bytes(text).decode("latin-1") for number, text in told.items()}

    async def _quiet(self) -> None:
        if self._config.serial:
            await asyncio.sleep(self._timeout_s)

    def _make(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        if self._config.serial:
            return AsyncModbusSerialClient(
                self._config.device,
                baudrate=self._config.baudrate,
                parity=self._config.parity,
                stopbits=self._config.stopbits,
                timeout=self._timeout_s,
                retries=0,
                reconnect_delay=0,
            )
        return AsyncModbusTcpClient(
            self._config.host,
            port=self._config.port,
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
        )


def _checked(answer: ModbusPDU, table: str, count: int) -> Words:
    if answer.isError():
        raise Refusal(int(answer.exception_code))
    is_bits = table in ("coil", "discrete")
    values = answer.bits[:count] if is_bits else answer.registers
    if answer.function_code != FUNCTION[table] or len(values) != count:
        raise MachineFault("an answer to another request", "link down")
    return np.array(values, np.uint16)
