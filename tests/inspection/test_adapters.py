"""The contract of all ways from a machine to the session: file, TCP, webhook.

The same things are sent in the manner of each, and the same must come of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.inspection.file_drop import SESSION
from stations.inspection.messages import BYTES_MAX
from tests.inspection.machine_ways import (
    NAME,
    SAID,
    ByFile,
    ByTcp,
    ByWebhook,
    Station,
    Way,
    Words,
    head,
    heard,
    lines,
    run,
    until,
    verdict,
)


@pytest.fixture(params=[ByFile, ByTcp, ByWebhook])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    made: Way = request.param(tmp_path)
    return made


@contextlib.asynccontextmanager
async def running(folder: Path, way: Way) -> AsyncIterator[Station]:
    """A station that runs; at the end it is stopped in the middle of whatever it does."""
    station = Station(folder, way.adapter)
    task = asyncio.create_task(station.session.run())
    try:
        yield station
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_a_result_counts_once_and_outlives_a_stop(way: Way, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, way) as station:
            said = head(await station.order())
            assert await way.send(said, SAID) == ()
            assert await way.send(said, SAID) == ()
            assert len(station.values()) == 4
        async with running(tmp_path, way) as station:
            await until(lambda: bool(station.values()))
            assert await way.send(said, SAID) == ()
            assert station.values()["susp.axle1.eff_l"] == 72.0 and not station.refused()
            machine = station.session.memory.machines[NAME]
            assert (machine.taken, machine.refused) == (1, 0)

    run(work())


BAD: dict[str, tuple[Words, Words]] = {
    "wrong_serial": ({"serial": "SB-2"}, SAID),
    "wrong_machine": ({"equipment": "suspension-2"}, SAID),
    "wrong_session": ({"session": "v-0.1"}, SAID),
    "before_session": ({"start": "2026-11-01T08:00:00", "end": "2026-11-01T08:01:00"}, SAID),
    "in_future": ({"end": "2099-01-01T00:00:00"}, SAID),
    "times_reversed": ({"end": "2026-11-01T08:00:00"}, SAID),
    "calibration_in_future": ({"last_calibration": "2099-01-01"}, SAID),
    "bad_header": ({"last_calibration": "soon"}, SAID),
    "unit_changed": ({}, {"SM101": "0.72 ratio"}),
    "bad_value": ({}, {"SM101": "seventy"}),
}


def test_bad_inputs_are_refused_with_their_reason_and_kept(way: Way, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, way) as station:
            session = await station.order()
            for reason, (words, said) in BAD.items():
                assert await way.send(head(session, **words), said) == (reason,), reason
            await way.half(head(session), SAID)
            assert station.values() == {}
            assert [one[0] for one in station.refused()] == [*BAD, "half_record"]
            # Out of range and not known cost only themselves.
            said = {"SM101": "172", "XX001": "1", "SM102": "70"}
            assert await way.send(head(session), said) == ()
            assert station.values() == {"susp.axle1.eff_r": 70.0}
            assert len(way.kept(station)) == len(BAD) + 1
            running_session = station.session.memory.session
            assert running_session is not None
            marks = {(one.about, str(one.reason)) for one in running_session.marks}
            assert len(marks) == 2 and {"out_of_range", "unknown_code"} == {b for _, b in marks}

    run(work())


def test_nothing_counts_without_a_session(way: Way, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, way) as station:
            assert await way.send(head("v-1.1"), SAID) == ("no_session",)
            assert station.session.memory.machines[NAME].refused == 1
            assert await station.order() == "v-1.1"
            assert (await station.choose({"choice": {"by": "anna", "verb": "abort", "why": "x"}}))[
                "said"
            ] == "ok"
            await until(lambda: bool(station.records))
            assert await way.send(head("v-1.1"), SAID) == ("no_session",)
        assert [one.kind for one in station.records] == ["inspection.report"]

    run(work())


def test_a_growing_file_waits(tmp_path: Path) -> None:
    way = ByFile(tmp_path)

    async def work() -> None:
        async with running(tmp_path, way) as station:
            words = {**head(await station.order()), "codes": "4"}
            text, file = lines(words, SAID), way.folder / "slow.txt"
            (way.folder / "never.part").write_bytes(text)
            with file.open("wb") as opened:
                for begin in range(0, len(text), 40):
                    assert await way.send(head("v-0.1", serial=str(begin)), SAID) != ()
                    assert not station.values()
                    opened.write(text[begin : begin + 40])
                    opened.flush()
            await until((way.folder / "done/slow.txt").exists)
            assert len(station.values()) == 4 and (way.folder / "never.part").exists()
            told = (way.folder / SESSION).read_text()
            assert "session=v-1.1\n" in told and "visit=v-1\n" in told

    run(work())


def test_a_machine_by_tcp_is_alone_and_bounded(tmp_path: Path) -> None:
    way = ByTcp(tmp_path)

    async def work() -> None:
        async with running(tmp_path, way) as station:
            await station.order()
            async with way.connected():
                await until(lambda: not station.session.memory.machines[NAME].down)
                reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
                assert (await heard(reader))["reasons"] == "busy"
                assert await reader.read() == b""
                writer.close()
            await until(lambda: bool(station.session.memory.machines[NAME].down))
            for text in (b"x" * 5000 + b"\n", b"SM101=1\n" * (BYTES_MAX // 8 + 10)):
                async with way.connected() as (reader, writer):
                    writer.write(text)
                    assert await verdict(reader) == ("too_long",)

    run(work())


def test_a_webhook_needs_the_machine_s_own_token(tmp_path: Path) -> None:
    way = ByWebhook(tmp_path)

    async def work() -> None:
        async with running(tmp_path, way) as station:
            text = way.text(head(await station.order()), SAID)
            assert (await way.post(text, token="another token of 16"))[0] == 401
            assert (await way.post(text, name="gas-1"))[0] == 401
            assert (await way.post(b"x" * (BYTES_MAX + 1)))[0] == 413
            assert not station.values() and not station.refused()
            status, told = await way.ask("GET", f"/machines/{NAME}/session")
            assert status == 200 and told["session"] == "v-1.1"
            assert (await way.ask("GET", f"/machines/{NAME}/else"))[0] == 404
            way.token.write_text("short")
            assert (await way.post(text))[0] == 401

    run(work())
