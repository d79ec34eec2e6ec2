"""The count at the end of a run: it must find what is lost and what was invented."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from plant.stores.sqlite import SqliteStore
from plant.stores.store import Points
from refit.accounts import Balance, acknowledged, balance, total
from stations import status as codes
from stations.declare import Type
from stations.samples import build
from wire.site import Site, load
from wire.sparkplug.metrics import MetricName

START = 1_790_000_000_000
SITE = """
[site]
name = "s"
[[agent]]
name = "a"
[[station]]
name = "m-1"
kind = "device"
agent = "a"
tags = "m.csv"
opcua = { url = "opc.tcp://127.0.0.1:4840" }
modbus = { url = "tcp://127.0.0.1:5020" }
"""
CSV = """name,address,type,unit,scale,low,high,deadband,every,on,doc
speed,Machine/Speed,float,,,,,0.5,,,How fast it turns.
level,input 1 uint16,int,,,,,,,,How full it is.
heat,input 10 float32*3,float[3],,,,,,,,How hot its parts are.
"""
NAMES = {
    1: MetricName(1, "m-1", "speed", Type.FLOAT),
    2: MetricName(2, "m-1", "level", Type.INT),
    3: MetricName(3, "m-1", "heat", Type.FLOATS),
}


class Run:
    """A log of the truth and a store, filled by hand."""

    def __init__(self, folder: Path) -> None:
        (folder / "site.toml").write_text(SITE)
        (folder / "m.csv").write_text(CSV)
        self.site: Site = load(folder / "site.toml")
        self.log = folder / "truth.jsonl"
        self.store = SqliteStore(folder / "samples.db")
        self.events: list[dict[str, Any]] = []

    def offer(self, event: str, tag: str, ms: int, value: Any, status: int = 0) -> int:
        fields = {"tag": tag, "status": status, "value": value}
        if event != "read":
            fields["ticks"] = (START + ms) * 10_000
        number = len(self.events) + 1
        self.events.append({"n": number, "event": event, "station": "m-1", **fields})
        return number

    def keep(self, tag: int, ms: int, value: Any, status: int = 0) -> None:
        samples = build([(tag, START + ms, status, NAMES[tag].type, value)])
        points = Points("s", "", "m-1", "m-1", NAMES, samples, START + 10_000)
        assert self.store.write([points]) == [[]]

    def balance(self, only: set[int] | None = None, refused: int = 0) -> Balance:
        lines = [orjson.dumps(event) + b"\n" for event in self.events]
        self.log.write_bytes(b"".join(lines) + b'{"n": torn')
        letters = Counter({"m-1": refused})
        return total(balance(self.site, self.log, self.store, letters, only).values())


@pytest.fixture
def run(tmp_path: Path) -> Any:
    made = Run(tmp_path)
    yield made
    made.store.close()


def test_a_whole_run_is_clean(run: Run) -> None:
    run.offer("item", "speed", 0, 1.0)
    run.offer("write", "speed", 10, 2.0)
    run.keep(1, 0, 1.0)
    run.keep(1, 10, 2.0)
    found = run.balance()
    assert (found.emitted, found.stored, found.lost, found.duplicates) == (2, 2, 0, 0)


def test_a_missing_value_is_lost_and_named(run: Run) -> None:
    run.offer("item", "speed", 0, 1.0)
    number = run.offer("write", "speed", 10, 2.0)
    run.keep(1, 0, 1.0)
    found = run.balance()
    assert found.lost == 1
    assert f"offer {number} of the log is not stored" in found.examples[0]
    assert run.balance(only=set()).lost == 0
    assert run.balance(only={number}).lost == 1
    assert run.balance(refused=1).lost == 0


@pytest.mark.parametrize(
    ("ms", "value", "status"), [(11, 2.0, 0), (10, 2.5, 0), (10, 2.0, codes.UNCERTAIN)]
)
def test_another_time_value_or_status_is_lost_and_invented(
    run: Run, ms: int, value: float, status: int
) -> None:
    run.offer("item", "speed", 0, 1.0)
    run.offer("write", "speed", 10, 2.0)
    run.keep(1, 0, 1.0)
    run.keep(1, ms, value, status)
    found = run.balance()
    assert (found.lost, found.duplicates) == (1, 1)


def test_what_the_deadband_suppresses_is_not_expected(run: Run) -> None:
    for ms, value in enumerate([1.0, 1.4, 2.0]):
        run.offer("write", "speed", ms, value)
    run.keep(1, 0, 1.0)
    run.keep(1, 2, 2.0)
    found = run.balance()
    assert (found.emitted, found.lost, found.duplicates) == (2, 0, 0)


def test_polls_count_by_order_and_only_when_something_changed(run: Run) -> None:
    for value in (5, 5, 6, 5):
        run.offer("read", "level", 0, value)
    for ms, value in ((100, 5), (250, 6), (400, 5)):
        run.keep(2, ms, value)
    found = run.balance()
    assert (found.emitted, found.stored, found.lost, found.duplicates) == (3, 3, 0, 0)


def test_a_poll_that_is_missing_or_invented_is_found(run: Run) -> None:
    for value in (5, 6, 7):
        run.offer("read", "level", 0, value)
    for ms, value in ((100, 5), (200, 7), (300, 9)):
        run.keep(2, ms, value)
    found = run.balance()
    assert (found.lost, found.duplicates) == (1, 1)


def test_arrays_with_elements_that_have_no_value_are_compared(run: Run) -> None:
    for value in ([1.0, math.nan, 3.0], [1.0, math.nan, 3.0], [1.0, math.nan, 4.0]):
        run.offer("read", "heat", 0, value)
    run.keep(3, 100, [1.0, math.nan, 3.0])
    run.keep(3, 200, [1.0, math.nan, 4.0])
    found = run.balance()
    assert (found.emitted, found.stored, found.lost, found.duplicates) == (2, 2, 0, 0)
    run.keep(3, 200, [1.0, 2.0, 4.0])
    found = run.balance()
    assert (found.lost, found.duplicates) == (1, 1)


def test_polls_have_no_acknowledgement_and_always_count(run: Run) -> None:
    for value in (5, 6):
        run.offer("read", "level", 0, value)
    run.keep(2, 100, 5)
    assert run.balance(only=set()).lost == 1


def test_what_only_the_agent_says_is_counted_apart(run: Run) -> None:
    for value in (5, 5, 6):
        run.offer("read", "level", 0, value)
    run.keep(2, 100, 5)
    run.keep(2, 200, None, codes.BAD_TIMEOUT)
    run.keep(2, 300, 5)
    run.keep(2, 400, 6)
    found = run.balance()
    assert (found.lost, found.duplicates, found.own, found.bad) == (0, 0, 2, 1)


def test_the_acknowledged_numbers_are_those_in_the_log(run: Run) -> None:
    lines = [{"n": 1, "event": "ack", "station": "", "numbers": [3, 4]}, {"n": 2, "event": "gone"}]
    run.log.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    assert acknowledged(run.log) == {3, 4}
