"""The control endpoint: one JSON object a line, and a clear answer to what is none."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from simulators import control
from tests.servers import free_port

pytestmark = pytest.mark.system


async def handle(request: dict[str, Any]) -> dict[str, Any]:
    if request.get("do") != "echo":
        raise ValueError("only echo")
    return {"said": request.get("say")}


async def test_requests_are_answered_line_by_line() -> None:
    endpoint = control.Control(handle)
    port = await endpoint.start(0)
    assert await asyncio.to_thread(control.ask, port, {"do": "echo", "say": "é"}) == {"said": "é"}
    with pytest.raises(control.Refused, match="only echo"):
        await asyncio.to_thread(control.ask, port, {"do": "dance"})
    await endpoint.stop()


@pytest.mark.parametrize(("line", "why"), [(b"{\n", b"not JSON"), (b"[1]\n", b"JSON object")])
async def test_what_is_no_request_is_answered_too(line: bytes, why: bytes) -> None:
    endpoint = control.Control(handle)
    reader, writer = await asyncio.open_connection("127.0.0.1", await endpoint.start(0))
    writer.write(line)
    answer = await reader.readline()
    assert b'"ok": false' in answer
    assert why in answer
    writer.close()
    await endpoint.stop()


async def test_a_line_without_end_is_not_kept() -> None:
    endpoint = control.Control(handle)
    reader, writer = await asyncio.open_connection("127.0.0.1", await endpoint.start(0))
    writer.write(b"x" * 3 * control.LINE_MAX)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    await endpoint.stop()


async def test_nobody_there_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(control.ask, free_port(), {"do": "echo"})
