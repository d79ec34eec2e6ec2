"""A simulated Modbus TCP server: the units of all stations whose url says so.

The only file that knows how pymodbus answers a request. The library's own handler forgets which
request a late answer belongs to; this one keeps it, so that a late answer carries its own
transaction id.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.gate import Gate
from simulators.modbus_unit import TABLES, Place, Unit
from simulators.truth import TruthLog

GATEWAY = ExcCodes.GATEWAY_NO_RESPONSE
WRITES = {5, 6, 15, 16, 22, 23}


@dataclass
class ModbusServer:
    """One server at one host and port."""

    host: str
    port: int
    log: TruthLog
    units: dict[int, Unit] = field(default_factory=dict)
    gates: dict[int, Gate] = field(default_factory=dict)
    _server: _Server | None = None

    def unit(self, number: int) -> Unit:
        """The unit of this number, made when there is none."""
        self.gates.setdefault(number, Gate())
        return self.units.setdefault(number, Unit(number, self.log))

    async def start(self) -> None:
        """Listen; OSError when the address is taken."""
        server = _Server(self)
        if not await server.listen():
            raise OSError(f"cannot listen on {self.host}:{self.port}")
        self._server = server

    async def stop(self) -> None:
        """Break every connection and listen no longer."""
        if self._server is not None:
            self.reset_links()
            await self._server.shutdown()
            self._server = None

    def reset_links(self) -> int:
        """Break every connection; returns how many."""
        handlers = list(self._server.active_connections.values()) if self._server else []
        for handler in handlers:
            if isinstance(handler.transport, asyncio.Transport):
                handler.transport.abort()
        return len(handlers)


class _Server(ModbusTcpServer):
    def __init__(self, owner: ModbusServer) -> None:
        # The library insists on a device of its own; every request is answered from `owner`.
        nothing = SimDevice(0, SimData(0, values=0, datatype=DataType.UINT16))
        super().__init__(nothing, address=(owner.host, owner.port))
        self.owner = owner

    def callback_new_connection(self) -> ServerRequestHandler:
        return _Handler(self, self.trace_packet, self.trace_pdu, self.trace_connect)


class _Handler(ServerRequestHandler):
    server: _Server

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._answers: set[asyncio.Task[None]] = set()

    def handle_later(self) -> None:
        """Answer one request when its unit's gate lets it through."""
        request = self.last_pdu
        if request is None:
            return
        gate = self.server.owner.gates.get(request.dev_id)
        if gate is None:
            self._send(request, ExceptionResponse(request.function_code, GATEWAY))
            return
        asked_s = self.loop.time()
        gate.put(lambda: self._begin(request, asked_s))

    def _begin(self, request: ModbusPDU, asked_s: float) -> None:
        task = self.loop.create_task(self._answer(request, asked_s))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, request: ModbusPDU, asked_s: float) -> None:
        if self.transport is None or self.is_closing:
            return
        context = _Context(self.server.owner.units)
        try:
            response = await request.datastore_update(context, request.dev_id)  # type: ignore[arg-type]
        except NoSuchIdException:
            response = ExceptionResponse(request.function_code, GATEWAY)
        late_ms = round((self.loop.time() - asked_s) * 1000)
        how = {"late_ms": late_ms} if late_ms else {}
        # First into the log: nobody may have an answer of which a killed simulator knows nothing.
        for unit, place, words in context.reads if not response.isError() else ():
            unit.answered(place, words, **how)
        self._send(request, response)

    def _send(self, request: ModbusPDU, response: ModbusPDU) -> None:
        response.transaction_id, response.dev_id = request.transaction_id, request.dev_id
        self.server_send(response, None)


class _Context:
    """What a request reads and writes; it remembers the reads, to be logged when answered."""

    def __init__(self, units: dict[int, Unit]) -> None:
        self.units = units
        self.reads: list[tuple[Unit, Place, list[int]]] = []

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[Any] | ExcCodes:
        unit, place = self._place(device_id, func_code, address, count)
        words = unit.read(place)
        if isinstance(words, int):
            return ExcCodes(words)
        if func_code not in WRITES:
            self.reads.append((unit, place, words))
        return [bool(word) for word in words] if place[0] in ("coil", "discrete") else words

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        unit, place = self._place(device_id, func_code, address, len(values))
        code = unit.write(place, [int(value) for value in values])
        return ExcCodes(code) if code else None

    def _place(self, unit: int, code: int, address: int, count: int) -> tuple[Unit, Place]:
        if unit not in self.units:
            raise NoSuchIdException(f"no unit {unit}")
        return self.units[unit], (TABLES[code], address, count)
