"""What a host of another maker sees of our edge node (Eclipse Tahu 1.0.19, a real broker)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch
from edge.publish import Publisher
from stations.declare import Type
from stations.samples import build
from stations.status import BAD_NO_DATA
from tests.edge.sender import PRESS, holds, load, sender
from tests.mqtt.conftest import BrokerAt
from tests.servers import CACHE, Mosquitto
from tests.servers.tahu import TahuProgram
from tests.sparkplug.plant import TABLE_1, TABLE_2
from tests.wire_tap import WireTap
from wire.clock import SystemClock

pytestmark = pytest.mark.system

HOST = "scada-1"
KEEPALIVE_S = 2
VALUES = {
    "state": (1, Type.INT, -5, "Int64"),
    "angle": (2, Type.FLOAT, -1.5, "Double"),
    "closed": (3, Type.BOOL, True, "Boolean"),
    "vehicle": (4, Type.TEXT, "Haube \u00e4", "String"),
    "cells": (5, Type.FLOATS, (0.5, -0.25, 0.0, 1e300), "DoubleArray"),
    "counts": (6, Type.INTS, (-1, 2), "Int64Array"),
}


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(scope="module")
def host(mosquitto: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TahuProgram]:
    log = tmp_path_factory.mktemp("tahu") / "host.log"
    with TahuProgram(CACHE, "Host", mosquitto.port, HOST, KEEPALIVE_S, log=log) as program:
        yield program


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


def at(port: int) -> BrokerAt:
    return BrokerAt(port, keepalive_s=KEEPALIVE_S)


def commit(publisher: Publisher, outbox: Outbox, rows: Sequence[Any], station: str) -> None:
    """One batch of rows (tag, time, status, type, value), sent live."""
    batch = Batch(station, build(rows), np.zeros(len(rows), SOURCE))
    publisher.fresh(outbox.commit([batch], SystemClock().now_ms()), False)


async def test_its_births_have_every_datatype_with_values_and_units(
    mosquitto: Mosquitto, host: TahuProgram, outbox: Outbox
) -> None:
    time = SystemClock().now_ms() - 1_000
    last = build((tag, time, 0, kind, value) for tag, kind, value, _ in VALUES.values())
    told = "site/born/table-1"
    async with sender(
        at(mosquitto.port), outbox, 60.0, agent="born", stations=(TABLE_1,), primary=HOST,
        last=lambda station: last,
    ):  # fmt: skip
        await holds(lambda: host.of("birth", told, "counts"), "the device is born")
        for name, (_, _, value, datatype) in VALUES.items():
            (one,) = host.of("birth", told, name)
            wanted = list(value) if isinstance(value, tuple) else value
            assert (one["type"], one["value"], one["time"]) == (datatype, wanted, time), name
        (angle,) = host.of("birth", told, "angle")
        assert angle["properties"]["engUnit"] == "deg"
        assert angle["properties"]["engHigh"] == 360.0
    await holds(lambda: host.of("NDEATH", "site/born"), "a clean stop is a death")


async def test_data_by_alias_a_rebirth_and_the_rolling_buffer_as_history(
    mosquitto: Mosquitto, host: TahuProgram, outbox: Outbox
) -> None:
    told = "site/data/table-1"
    async with sender(
        at(mosquitto.port), outbox, 60.0, agent="data", stations=(TABLE_1, TABLE_2), primary=HOST
    ) as publisher:
        await holds(lambda: host.of("birth", "site/data/table-2", "counts"), "all is born")
        time = SystemClock().now_ms()
        rows = [(tag, time, 0, kind, value) for tag, kind, value, _ in VALUES.values()]
        commit(publisher, outbox, rows, "table-1")
        commit(publisher, outbox, [(2, time + 7, BAD_NO_DATA, Type.NONE, None)], "table-1")
        await holds(lambda: len(host.of("data", told, "angle")) == 2, "both have arrived")
        for name, (_, _, value, _datatype) in VALUES.items():
            one = host.of("data", told, name)[0]
            wanted = list(value) if isinstance(value, tuple) else value
            assert (one["value"], one["time"], one["historical"]) == (wanted, time, False), name
        bad = host.of("data", told, "angle")[1]
        assert (bad["value"], bad["properties"]["Quality"]) == (None, 0)
        host.tell("rebirth site data")
        await holds(lambda: len(host.of("NBIRTH", "site/data")) == 2, "it is born again")
        await holds(lambda: len(host.of("data", told, "angle")) == 4, "the buffer goes again")
        again = host.of("data", told, "angle")[2:]
        assert [(one["time"], one["historical"]) for one in again] == [
            (time, True), (time + 7, True),
        ]  # fmt: skip


async def test_a_device_that_dies_and_comes_back(
    mosquitto: Mosquitto, host: TahuProgram, outbox: Outbox
) -> None:
    told = "site/dying/table-1"
    async with sender(
        at(mosquitto.port), outbox, 60.0, agent="dying", stations=(TABLE_1, TABLE_2), primary=HOST
    ) as publisher:
        await holds(lambda: host.of("birth", "site/dying/table-2", "counts"), "all is born")
        publisher.device("table-1", up=False)
        await holds(lambda: host.of("DDEATH", told), "its death is seen")
        publisher.device("table-1", up=True)
        time = SystemClock().now_ms()
        commit(publisher, outbox, [(2, time, 0, Type.FLOAT, 5.0)], "table-1")
        commit(publisher, outbox, [(12, time, 0, Type.FLOAT, 6.0)], "table-2")
        await holds(lambda: host.of("data", told, "angle"), "its value arrives")
        # It sees the second birth and throws away what that says, since it knows the aliases of the
        # first one; ours never name anything else, so what follows is understood all the same.
        assert len(host.of("DBIRTH", told)) == 2
        assert "Not adding duplicated alias" in host.log
        await holds(lambda: host.of("data", "site/dying/table-2", "angle"), "and the other's")
        assert len(host.of("NBIRTH", "site/dying")) == 1


async def test_a_killed_agent_is_dead_and_what_waited_comes_as_history(
    mosquitto: Mosquitto, host: TahuProgram, outbox: Outbox
) -> None:
    told = "site/killed/table-1"
    with WireTap(mosquitto.port) as tap:
        async with sender(
            at(tap.port), outbox, 60.0, agent="killed", stations=(TABLE_1,), primary=HOST
        ) as publisher:
            await holds(lambda: host.of("birth", told, "counts"), "it is born")
            await asyncio.to_thread(tap.shut)
            await holds(lambda: host.of("NDEATH", "site/killed"), "the Will says its death")
            time = SystemClock().now_ms()
            for number in range(200):
                row = (2, time + number, 0, Type.FLOAT, float(number))
                commit(publisher, outbox, [row], "table-1")
            await asyncio.to_thread(tap.reopen)
            await holds(lambda: len(host.of("data", told, "angle")) >= 200, "all of it arrives")
            found = host.of("data", told, "angle")
            assert [(one["time"], one["value"], one["historical"]) for one in found] == [
                (time + number, float(number), True) for number in range(200)
            ]


async def test_a_half_open_link_under_load_costs_it_no_value(
    mosquitto: Mosquitto, host: TahuProgram, outbox: Outbox
) -> None:
    outbox.numbers("press-1", [(tag.name, tag.value_type) for tag in PRESS.tags.values()])
    told = "site/half-open/press-1"
    with WireTap(mosquitto.port) as tap:
        broker = BrokerAt(tap.port, keepalive_s=1)
        async with sender(broker, outbox, 2.0, agent="half-open", primary=HOST) as publisher:
            await holds(lambda: host.of("birth", told, "force"), "it is born")
            upto = await load(publisher, outbox, 0, 1.0)
            tap.drop()
            upto = await load(publisher, outbox, upto, 3.0)
            await holds(lambda: not publisher.node.can_send, "the link is known to be dead")
            tap.cut()
            tap.pass_on()
            await holds(lambda: publisher.node.can_send, "it is born again")
            upto = await load(publisher, outbox, upto, 0.5)
            sent = {float(number) for number in range(upto)}
            await holds(
                lambda: sent <= {one["value"] for one in host.of("data", told, "force")},
                "every value has arrived",
            )
            found = host.of("data", told, "force")
            live = [one["value"] for one in found if not one["historical"]]
            assert len(live) == len(set(live)) and len(sent - set(live)) > 50
