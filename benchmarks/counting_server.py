"""An OPC UA server whose tags count, for a machine without the fast generator.

Run: python -m benchmarks.counting_server --port P --tags N --hz R. Tag number s % N gets the value
s // N + 1 for s = 0, 1, 2, ..., evenly spread over time, with the time of writing as source time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.server import Server

TICK_S = 0.01
LATE_S = 0.5
FLOAT = ua.VariantType.Double


class Counter:
    """Writes until `until`; a schedule that is late by more than LATE_S is moved, not chased."""

    def __init__(self, server: Server, nodes: list[ua.NodeId], hz: float) -> None:
        self.server, self.nodes, self.rate = server, nodes, hz * len(nodes)
        self.sequence = self.until = self.errors = 0
        self.skipped_s = 0.0

    async def run(self) -> None:
        """Write for ever."""
        began, first = time.monotonic(), 0
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            if self.sequence >= self.until:
                began, first = now, self.sequence
                continue
            due = first + int((now - began) * self.rate)
            late_s = (due - self.sequence) / self.rate
            if late_s > LATE_S:
                self.skipped_s += late_s
                began, first, due = now, self.sequence, self.sequence
            for sequence in range(self.sequence, min(due, self.until)):
                await self._write(sequence)
            self.sequence = max(self.sequence, min(due, self.until))
            if self.sequence >= self.until:
                told = f"errors {self.errors} skipped_s {self.skipped_s:.3f}"
                print(f"done {self.sequence} {told}", flush=True)

    async def _write(self, sequence: int) -> None:
        tags = len(self.nodes)
        value = ua.DataValue(
            ua.Variant(float(sequence // tags + 1), FLOAT),
            SourceTimestamp=datetime.now(UTC).replace(tzinfo=None),
        )
        await self.server.write_attribute_value(self.nodes[sequence % tags], value)


async def serve(port: int, tags: int, hz: float) -> None:
    """Serve until the standard input ends or says "quit"."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    nodes = []
    for number in range(tags):
        name = f"t{number:05}"
        made: Any = await server.nodes.objects.add_variable(
            ua.NodeId(name, 1), ua.QualifiedName(name, 1), 0.0, FLOAT
        )
        nodes.append(made.nodeid)
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    counter = Counter(server, nodes, hz)
    async with server, asyncio.TaskGroup() as group:
        writing = group.create_task(counter.run())
        print("ready", flush=True)
        while (line := (await lines.readline()).decode().split()) and line[0] == "go":
            counter.until = (counter.sequence // tags + int(line[1])) * tags
        writing.cancel()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--tags", type=int, default=100)
    arguments.add_argument("--hz", type=float, default=10.0)
    arguments.add_argument("--state", help="taken and not used: a new server starts at 1")
    given = arguments.parse_args()
    asyncio.run(serve(given.port, given.tags, given.hz))


if __name__ == "__main__":
    main()
