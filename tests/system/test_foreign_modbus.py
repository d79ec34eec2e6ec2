"""The road against a Modbus server that is not ours: found by `refit browse`, all compared.

The server is jsmodbus (tests/node/modbus_server.js): all widths and orders, texts, bits, a thousand
registers with one that is none. A register fails and is well again, answers come late and too late,
the server is killed and comes back; then everything that it said is looked for in the store.
"""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from plant.stores.factory import open_store
from refit.accounts import EVER
from refit.chaos.spans import gaps
from stations.status import (
    BAD_DEVICE_FAILURE,
    BAD_NO_DATA,
    BAD_NODE_ID_UNKNOWN,
    BAD_OUT_OF_RANGE,
    GOOD,
    is_bad,
)
from tests.servers import CACHE, free_port, until
from tests.servers.node import NodeProgram
from tests.system.commands import Watched, refit
from tests.system.foreign_modbus import Truth, compare
from wire.site import Site, load

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
READY_S = 90.0
SITE = """
[site]
name = "foreign"
[broker]
port = {broker}
[historian]
http = {historian}
[[agent]]
name = "pc-1"
http = {agent}
[[station]]
name = "mixed-1"
kind = "device"
agent = "pc-1"
tags = "mixed.csv"
modbus = {{ url = "tcp://127.0.0.1:{port}", every = "100 ms", timeout = "1500 ms" }}
[[station]]
name = "wide-1"
kind = "device"
agent = "pc-1"
tags = "wide.csv"
modbus = {{ url = "tcp://127.0.0.1:{port}", every = "500 ms", timeout = "1500 ms" }}
"""
# How the manual of such a device would say what lies where.
ORDERS = ("ABCD", "BADC", "CDAB", "DCBA")
MANUAL = [
    "holding 0 uint16", "holding 1 int16",
    *(f"holding {2 + 2 * at}-{3 + 2 * at} uint32 {order}" for at, order in enumerate(ORDERS)),
    *(f"holding {10 + 2 * at}-{11 + 2 * at} int32 {order}" for at, order in enumerate(ORDERS)),
    *(f"holding {18 + 2 * at}-{19 + 2 * at} float32 {order}" for at, order in enumerate(ORDERS)),
    *(f"holding {26 + 4 * at}-{29 + 4 * at} {'u' * (at % 2 == 0)}int64 {order}"
      for at, order in enumerate(ORDERS)),
    "holding 42-45 float64", "holding 46-49 float64 CDAB",
    "holding 50-57 text/8", "holding 58-65 text/8 BADC",
]  # fmt: skip
BITS = "bit_0,holding 66.0,bool\nbit_3,holding 66.3,bool\nbit_15,holding 66.15,bool\n"


class Foreign:
    """The server, its truth, and when it was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"modbus://127.0.0.1:{self.port}"
        self.file = folder / "truth.jsonl"
        self.kills: list[int] = []
        self.program = self.start()

    def start(self, turn: int = 0) -> NodeProgram:
        """Run it; the first turn is the one after this."""
        log = self.folder / "foreign.log"
        words = (self.port, self.file, turn)
        self.program = NodeProgram(CACHE, "modbus_server.js", *map(str, words), log=log).start()
        return self.program

    def kill(self) -> None:
        """SIGKILL."""
        self.kills.append(now_ms())
        self.program.kill()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    server = Foreign(tmp_path)
    yield server
    server.program.kill()


def browse(foreign: Foreign) -> None:
    """Make both tables by `refit browse`, and say by hand what it cannot know."""
    mixed, wide = foreign.folder / "mixed.csv", foreign.folder / "wide.csv"
    said = [word for text in MANUAL for word in ("--as", text)]
    ranges = [
        word for text in ("holding 0-79", "coil 0-19", "discrete 0-7") for word in ("--range", text)
    ]
    done = refit("browse", foreign.url, *ranges, *said, "--pause", "2 ms", "--to", mixed)
    assert done.returncode == 0, done.stderr
    assert "1 left out: Modbus exception 2 (illegal data address)" in done.stderr
    done = refit("browse", foreign.url, "--range", "input 0-999", "--pause", "2 ms", "--to", wide)
    assert done.returncode == 0, done.stderr
    assert "999 tags in" in done.stderr
    with mixed.open("a") as file:
        file.write(BITS)
    with wide.open("a") as file:
        file.write("input_500,input 500 uint16,int\n")


class Stored:
    """What is in the store of a site."""

    def __init__(self, site: Site) -> None:
        self._file = site.store.path

    def _ask(self, query: str, *words: object) -> list[tuple[int, ...]]:
        try:
            with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as store:
                return store.execute(query, words).fetchall()
        except sqlite3.OperationalError:
            return []

    def tags(self, station: str) -> int:
        """How many tags of a station have a sample."""
        query = """SELECT count(DISTINCT name) FROM series JOIN sample ON id = sample.series
            WHERE measurement = ?"""
        return sum(count for (count,) in self._ask(query, station))

    def newest(self, station: str, tag: str, *, bad: bool = False) -> int:
        """The time of the newest sample of a tag that is Good, or that is Bad."""
        query = f"""SELECT coalesce(max(time), 0) FROM series JOIN sample ON id = sample.series
            WHERE measurement = ? AND name = ? AND status {"!= 0" if bad else "= 0"}"""
        return sum(time for (time,) in self._ask(query, station, tag))

    def last(self, station: str, tag: str) -> int | None:
        """The newest value of a tag; None when there is none."""
        query = """SELECT value FROM series JOIN sample ON id = sample.series
            WHERE measurement = ? AND name = ? ORDER BY time DESC LIMIT 1"""
        return next((value for (value,) in self._ask(query, station, tag)), None)

    def flows(self, what: str) -> None:
        """Wait until values that are newer than now by some polls have arrived."""
        then = now_ms() + 1500
        for station, tag in (("mixed-1", "holding_66"), ("wide-1", "input_999")):
            until(lambda s=station, t=tag: self.newest(s, t) > then, f"{station} {what}", READY_S)  # type: ignore[misc]


def test_every_value_of_a_foreign_device_is_in_the_store(foreign: Foreign, tmp_path: Path) -> None:
    browse(foreign)
    file = tmp_path / "site.toml"
    ports = {name: free_port() for name in ("broker", "historian", "agent")}
    file.write_text(SITE.format(port=foreign.port, **ports))
    assert refit("check", file).returncode == 0
    site = load(file)
    stored = Stored(site)
    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:

        def start(*words: str) -> Watched:
            watched = Watched(words[0], "--site", file, *words[1:], stdout=log, stderr=log)
            return stack.enter_context(watched)

        began_ms = now_ms()
        historian, agent = start("historian"), start("agent", "--name", "pc-1")
        for one in site.stations:
            count = len(one.declaration.tags)
            until(lambda o=one, c=count: stored.tags(o.name) == c, "every tag is there", READY_S)  # type: ignore[misc]
        stored.flows("at first")
        trouble(foreign, stored)
        foreign.kill()
        then = foreign.kills[-1]
        for station, tag in (("mixed-1", "holding_0"), ("wide-1", "input_0")):
            until(lambda s=station, t=tag: stored.newest(s, t, bad=True) > then, "Bad", READY_S)  # type: ignore[misc]
        foreign.start(turn=100_000)
        stored.flows("after the server was killed")
        settle(foreign, stored)
        for run in (agent, historian):
            run.process.send_signal(signal.SIGTERM)
            until(run.ended, "it ends", READY_S)
            assert run.process.returncode == 0
    check(foreign, site, began_ms)


def trouble(foreign: Foreign, stored: Stored) -> None:
    """One register fails for a while; then answers come late, and too late."""
    then = now_ms()
    foreign.program.tell("fail holding 66 4")
    until(lambda: stored.newest("mixed-1", "holding_66", bad=True) > then, "it is Bad", READY_S)
    until(
        lambda: stored.newest("mixed-1", "holding_0") > now_ms() - 400, "others are Good", READY_S
    )
    foreign.program.tell("heal holding 66")
    stored.flows("when the register is well again")
    foreign.program.tell("slow 250")
    stored.flows("when answers come late")
    then = now_ms()
    foreign.program.tell("slow 2500")
    until(lambda: stored.newest("mixed-1", "coil_0", bad=True) > then, "no answers", READY_S)
    foreign.program.tell("slow 0")
    stored.flows("when answers come again")


def settle(foreign: Foreign, stored: Stored) -> None:
    """Nothing changes any more: wait until the last turn was read everywhere, and is stored."""
    foreign.program.tell("hold")
    last = max(Truth.of(foreign.file).turns)

    def polls() -> int:
        answers = Truth.of(foreign.file).answers
        return sum(one.turn == last and one.start + one.count == 80 for one in answers)

    until(lambda: polls() > 3, "the last turn is read", READY_S)
    value = (31 * 999 + 7 * last) % 65536
    until(lambda: stored.last("wide-1", "input_999") == value, "it is stored", READY_S)


def check(foreign: Foreign, site: Site, began_ms: int) -> None:
    """Everything that was read is stored, and nothing else; a Bad sample has its reason."""
    truth = Truth.of(foreign.file)
    spans = gaps(site)
    with closing(open_store(site.store)) as store:
        mixed, wide = (
            compare(site.station(name), truth, store, began_ms, foreign.kills)
            for name in ("mixed-1", "wide-1")
        )
        hole = store.range("wide-1", "input_500", -EVER, EVER)
        zero = store.range("mixed-1", "holding_0", -EVER, EVER)
    print(mixed.read, "and", wide.read, "read,", mixed.stored, "and", wide.stored, "stored")
    print("statuses", {f"{status:#010x}": count for status, count in mixed.bad.items()})
    assert mixed.wrong == []
    assert wide.wrong == []
    # The register that is none: 999 of 1,000 at every poll, and one sample that says why.
    assert [int(status) for status in hole.status] == [BAD_NODE_ID_UNKNOWN]
    assert wide.bad[GOOD] > 999 * 10
    # The one that failed cost itself alone.
    assert BAD_DEVICE_FAILURE not in zero.status
    assert {GOOD, BAD_DEVICE_FAILURE, BAD_NO_DATA, BAD_OUT_OF_RANGE} <= mixed.bad.keys()
    assert any(is_bad(int(status)) for status in zero.status)  # when the server was away
    assert {span.reason for span in spans} == {"link down"}
