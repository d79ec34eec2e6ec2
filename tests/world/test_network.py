"""Connections in memory: in order, late, held, stalled, reset, refused, and of the dead."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asyncua import Client, Server
from hypothesis import given, settings
from hypothesis import strategies as some
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.world.clock import PROCESS, Process, virtual_time
from tests.world.network import HELD_BYTES_MAX, Network

pytestmark = pytest.mark.world

PORT = 4000


def play(coroutine: Callable[[Network], Awaitable[Any]], seed: int = 1) -> Any:
    """The result of a coroutine function that is given the network."""
    net = Network(seed)
    with virtual_time(net, seed) as runner:

        async def main() -> Any:
            return await coroutine(net)

        return runner.run(main())


class Ear(asyncio.Protocol):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.times: list[float] = []
        self.lost: list[Exception | None] = []
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.times.append(asyncio.get_running_loop().time())

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.append(error)


async def pair(net: Network, port: int = PORT) -> tuple[Ear, Ear]:
    """Client and server end of a new connection."""
    ears: list[Ear] = []

    def made() -> Ear:
        ears.append(Ear())
        return ears[-1]

    if port not in net.listening:
        await net.create_server(made, "127.0.0.1", port)
    else:
        net.listening[port].factory = made
    _, client = await net.create_connection(Ear, "127.0.0.1", port)
    return client, ears[0]


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 1 << 32), some.lists(some.binary(min_size=1, max_size=50), max_size=40))
def test_bytes_arrive_whole_in_order_and_late(seed: int, pieces: list[bytes]) -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        for index, piece in enumerate(pieces):
            client.transport.write(piece)
            if index % 3 == 0:
                await asyncio.sleep(0.003)
        began = net.time()
        client.transport.close()
        await asyncio.sleep(1.0)
        assert bytes(server.heard) == b"".join(pieces)
        assert server.times == sorted(server.times)
        assert all(time <= began + net.delay_s[1] for time in server.times)
        assert client.lost == server.lost == [None]

    play(main, seed)


def test_what_is_held_by_a_cut_comes_first_afterwards() -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        net.cut(PORT)
        client.transport.write(b"held ")
        server.transport.write(b"answer ")
        await asyncio.sleep(60.0)
        assert not server.heard and not client.heard
        net.restore(PORT)
        client.transport.write(b"later")
        await asyncio.sleep(1.0)
        assert (bytes(server.heard), bytes(client.heard)) == (b"held later", b"answer ")
        assert server.times[0] >= 60.0

    play(main)


def test_a_stall_holds_the_server_s_words_alone() -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        net.stall(PORT)
        client.transport.write(b"question")
        server.transport.write(b"answer")
        await asyncio.sleep(5.0)
        assert (bytes(server.heard), bytes(client.heard)) == (b"question", b"")
        net.restore(PORT)
        await asyncio.sleep(1.0)
        assert bytes(client.heard) == b"answer"

    play(main)


def test_a_reset_is_told_to_both_ends_at_once() -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        other, _ = await pair(net, PORT + 1)
        client.transport.write(b"lost")
        assert net.reset(PORT) == 1
        await asyncio.sleep(1.0)
        assert isinstance(client.lost[0], ConnectionResetError)
        assert isinstance(server.lost[0], ConnectionResetError)
        assert not server.heard and not other.lost
        assert net.reset(PORT) == 0

    play(main)


def test_an_abort_is_a_reset_for_the_other_end() -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        client.transport.abort()
        client.transport.write(b"after")
        await asyncio.sleep(1.0)
        assert client.lost == [None]
        assert isinstance(server.lost[0], ConnectionResetError)
        assert not server.heard

    play(main)


def test_connecting_to_nobody_is_refused_and_over_a_cut_it_hangs() -> None:
    async def main(net: Network) -> None:
        with pytest.raises(ConnectionRefusedError):
            await net.create_connection(Ear, "127.0.0.1", PORT)
        listener = await net.create_server(Ear, "127.0.0.1", PORT)
        with pytest.raises(OSError, match="taken"):
            await net.create_server(Ear, "127.0.0.1", PORT)
        net.cut(PORT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(net.create_connection(Ear, "127.0.0.1", PORT), 30.0)
        opening = asyncio.ensure_future(net.create_connection(Ear, "127.0.0.1", PORT))
        await asyncio.sleep(5.0)
        net.restore(PORT)
        await opening
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            await net.create_connection(Ear, "127.0.0.1", PORT)

    play(main)


def test_what_waits_in_a_cut_is_bounded() -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        net.cut(PORT)
        for _ in range(HELD_BYTES_MAX // 1_000_000 + 2):
            client.transport.write(bytes(1_000_000))
        assert server.transport.incoming.bytes <= HELD_BYTES_MAX
        net.restore(PORT)
        await asyncio.sleep(1.0)
        assert isinstance(server.lost[0], ConnectionResetError)

    play(main)


def test_an_end_that_pauses_loses_nothing() -> None:
    async def main(net: Network) -> None:
        client, server = await pair(net)
        server.transport.pause_reading()
        client.transport.write(b"patience")
        await asyncio.sleep(1.0)
        assert not server.heard
        server.transport.resume_reading()
        await asyncio.sleep(1.0)
        assert bytes(server.heard) == b"patience"

    play(main)


def test_the_ends_of_a_dead_process_are_closed_by_the_system() -> None:
    async def main(net: Network) -> None:
        process, context = Process("victim"), contextvars.copy_context()
        context.run(PROCESS.set, process)
        client, server = await net.create_task(pair(net), context=context)
        # The server is another's: its listener was made by the victim here, so make it anew.
        net.listening.pop(PORT)
        process.at_death[:] = [end for end in process.at_death if end == client.transport.die]
        server.transport.process = None
        server.transport.write(b"too late")
        process.kill()
        client.transport.write(b"never said")
        await asyncio.sleep(1.0)
        assert not client.heard and not client.lost
        assert not server.heard and isinstance(server.lost[0], ConnectionResetError)

    play(main)


def trace_of_libraries(seed: int) -> list[Any]:
    """What unmodified asyncua and pymodbus see, and when, while their links are disturbed."""

    async def main(net: Network) -> list[Any]:
        seen: list[Any] = []

        class Handler:
            def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
                seen.append((net.time(), value))

        registers = SimData(0, values=[7] * 10, datatype=DataType.REGISTERS)
        modbus = ModbusTcpServer(SimDevice(1, registers), address=("127.0.0.1", 5020))
        assert await modbus.listen()
        server = Server()
        server.disable_clock()
        await server.init()
        server.set_endpoint("opc.tcp://127.0.0.1:4840")
        node = await server.nodes.objects.add_variable(2, "number", 0)
        async with server:
            reader = AsyncModbusTcpClient("127.0.0.1", port=5020, timeout=0.5, retries=0)
            assert await reader.connect()
            async with Client("opc.tcp://127.0.0.1:4840") as client:
                subscription = await client.create_subscription(100, Handler())
                await subscription.subscribe_data_change(client.get_node(node.nodeid))
                for number in range(1, 61):
                    await node.write_value(number)
                    await asyncio.sleep(0.5)
                    if number == 20:
                        net.stall(4840)
                    if number == 21:
                        net.restore(4840)
                    answer = await reader.read_holding_registers(0, count=10, device_id=1)
                    seen.append((net.time(), answer.registers))
            reader.close()
        await modbus.shutdown()
        return seen

    found: list[Any] = play(main, seed)
    return found


def test_unmodified_libraries_run_and_the_same_seed_gives_the_same_trace() -> None:
    first, again, other = (trace_of_libraries(seed) for seed in (1, 1, 2))
    assert [value for _, value in first if isinstance(value, int)] == list(range(61))
    assert [value for _, value in first if not isinstance(value, int)] == [[7] * 10] * 60
    assert first == again
    assert first != other
