"""The clocks of OPC UA servers: right, wrong, standing still, and of what is no server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua

from refit.doctor import examine, opcua_clock
from refit.doctor.verdicts import Level
from tests.sources.opcua_server import Machine
from wire.site import Site
from wire.site.connections import OpcuaConfig
from wire.site.models import StationConfig

pytestmark = pytest.mark.system
NOW = ua.NodeId(ua.Int32(ua.ObjectIds.Server_ServerStatus_CurrentTime))


@contextmanager
def serving(clock: Any) -> Iterator[str]:
    """The url of a server on a thread of its own whose time is what `clock` says."""
    machine, loop, ready, stop = Machine({}), asyncio.new_event_loop(), threading.Event(), None

    async def serve() -> None:
        nonlocal stop
        stop = asyncio.Event()
        await machine.start()
        value = machine.server.iserver.aspace[NOW].attributes[ua.AttributeIds.Value]
        value.value_setter = lambda *_: None  # the server's own clock sets nothing
        value.value_callback = lambda *_: ua.DataValue(ua.Variant(clock()))
        ready.set()
        await stop.wait()
        await machine.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield machine.url
    finally:
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def utc(**ahead: float) -> datetime:
    """The time now, or later, as OPC UA has it: UTC without saying so."""
    return (datetime.now(UTC) + timedelta(**ahead)).replace(tzinfo=None)


def found(url: str) -> dict[str, tuple[Level, str]]:
    station = StationConfig(
        name="studio-1", kind="studio", agent="pc-1", opcua=OpcuaConfig(url=url)
    )
    site = Site(name="works", stations=(station,))
    findings = list(examine.site(site, None))
    return {one.what: (one.level, one.found) for one in findings if "studio-1" in one.what}


def test_a_server_that_is_hours_ahead_is_a_fault() -> None:
    with serving(lambda: utc(hours=2)) as url:
        level, said = found(url)["clock of studio-1, OPC UA"]
    assert level is Level.FAIL
    assert abs(int(said.split()[0]) - 7_200_000) < 60_000


def test_a_clock_that_stands_still_is_known_less_well_than_one_that_runs() -> None:
    still = utc()
    with serving(lambda: still) as url:
        one = opcua_clock.read({"a": OpcuaConfig(url=url)})["a"]
    with serving(utc) as url:
        other = opcua_clock.read({"a": OpcuaConfig(url=url)})["a"]
    assert one.problem == other.problem == ""
    assert one.uncertain_ms >= 1000 * opcua_clock.FRESH_S
    assert abs(other.ahead_ms) < 60_000


def test_who_listens_and_speaks_no_opc_ua_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcua_clock, "WHOLE_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"opc.tcp://127.0.0.1:{server.getsockname()[1]}"
        told = found(url)
    assert told["studio-1, OPC UA"][0] is Level.OK
    level, said = told["clock of studio-1, OPC UA"]
    assert (level, said) == (Level.WARN, "no answer within 1 s")
