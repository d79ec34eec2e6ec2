"""What systemd hears of a service."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from refit.service import Service

HEAR_S = 30.0


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(tmp_path / "notify"))
        ours.settimeout(HEAR_S)
        yield ours


def words(heard: socket.socket) -> list[str]:
    """All that has come so far."""
    heard.setblocking(False)
    found = []
    try:
        while True:
            found.append(heard.recv(100).decode())
    except BlockingIOError:
        return found


def environment(heard: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": heard.getsockname(), "WATCHDOG_USEC": "60000", **more}


async def test_it_is_ready_alive_and_ending(heard: socket.socket) -> None:
    left = environment(heard)
    with Service(left).running():
        await asyncio.sleep(0)
    assert words(heard) == ["READY=1", "WATCHDOG=1", "STOPPING=1"]
    assert left == {}
    await asyncio.sleep(0)


async def test_what_does_not_live_does_not_feed_the_watchdog(heard: socket.socket) -> None:
    with Service(environment(heard)).running(lambda: False):
        await asyncio.sleep(0)
    assert words(heard) == ["READY=1", "STOPPING=1"]
    await asyncio.sleep(0)


async def test_the_watchdog_of_another_process_is_not_ours(heard: socket.socket) -> None:
    service = Service(environment(heard, WATCHDOG_PID=str(os.getpid() + 1)))
    assert service.watchdog_s is None


async def test_nobody_who_listens_is_no_end(tmp_path: Path) -> None:
    with Service({"NOTIFY_SOCKET": str(tmp_path / "none"), "WATCHDOG_USEC": "60000"}).running():
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_outside_of_systemd_nothing_is_said() -> None:
    with Service({}).running():
        await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.system
def test_a_historian_is_ready_when_its_databases_are_open(
    heard: socket.socket, tmp_path: Path
) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[site]\nname = "works"\n[broker]\nurl = "mqtt://127.0.0.1:1"\n')
    command = [sys.executable, "-m", "refit.main", "historian", "--site", str(site)]
    with subprocess.Popen(command, env=os.environ | environment(heard)) as process:
        said = {heard.recv(100).decode() for _ in range(3)}
        assert (tmp_path / "var" / "samples.db").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(HEAR_S) == 0
    assert said == {"READY=1", "WATCHDOG=1"}
    assert words(heard)[-1] == "STOPPING=1"
