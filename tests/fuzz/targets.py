"""Every decoder that reads what somebody else has written: bytes in, a value or a known refusal.

A target may raise `refusals` and nothing else. Where a checksum guards the inside, the target puts
a right one on, so that the inside is reached too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from edge.outbox_file import Batch, replay
from edge.sources.fault import MachineFault, machine
from edge.sources.notification import parse_publish, parse_republish
from edge.sources.variants import decode as decode_changes
from edge.state import State
from plant.recorder import Invalid, understood
from stations.samples import Corrupt, Samples
from tests.fuzz import seeds
from tests.sources.test_variants import EXPECTED, RECEIVED
from tests.sparkplug.plant import AGENT, EDGE, SITE, T0, connected, road
from wire import registers, topics
from wire.site import devices, documents, examine, foreign
from wire.sparkplug import acknowledge, codec, commands, state
from wire.sparkplug.datatypes import Undecodable
from wire.topics import Verb

TABLE = "table-1"


@dataclass(frozen=True)
class Target:
    """A decoder, what it may raise, and inputs from which others are made."""

    name: str
    run: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]

    def try_out(self, data: bytes) -> None:
        """Decode; anything but a value or a refusal comes out as it is."""
        try:
            self.run(data)
        except self.refusals:
            return


def _values(data: bytes) -> None:
    """A payload, and each of its values by its own datatype."""
    for metric in codec.decode(data).metrics:
        try:
            metric.value()
        except Undecodable:
            continue


def _host(data: bytes) -> None:
    """A host that has heard births takes a message of some verb; then it lives on."""
    verbs = (Verb.NBIRTH, Verb.DBIRTH, Verb.NDATA, Verb.DDATA, Verb.NDEATH, Verb.DDEATH)
    verb = verbs[data[0] % len(verbs)] if data else Verb.DDATA
    named = partial(topics.device, device=TABLE) if verb.is_of_device else topics.node
    node, host = road()
    host.message(named(SITE, verb, AGENT), data[1:], T0 + 1)
    host.message(topics.state("historian"), data[1:], T0 + 2)
    for moment in range(3, 20_000, 4_000):
        host.tick(T0 + moment)
    host.committed(EDGE, node.outbox, 1)


def _edge(data: bytes) -> None:
    """An edge node that was born takes a command and a STATE."""
    node = connected()
    node.message(topics.node(SITE, Verb.NCMD, AGENT), data, T0 + 1)
    node.message(topics.device(SITE, Verb.DCMD, AGENT, TABLE), data, T0 + 1)
    node.message(topics.state("historian"), data, T0 + 2)
    node.tick(T0 + 5_000)


def _notification(data: bytes) -> None:
    with machine():
        parse_publish(data)


def _republished(data: bytes) -> None:
    with machine():
        parse_republish(data, 7)


def _changes(data: bytes) -> None:
    """The short way and the long way: both refuse, or both give the same number of samples."""
    found = []
    for by_item in (False, True):
        try:
            with machine():
                found.append(len(decode_changes([data], EXPECTED, RECEIVED, by_item=by_item).ticks))
        except MachineFault:
            found.append(-1)
    if found[0] != found[1]:
        raise AssertionError(f"the short way gives {found[0]} samples, the long way {found[1]}")


def _frame(data: bytes) -> None:
    """A Modbus answer: the frame by the library, its registers as every type that we read."""
    _, answer = FramerSocket(DecodePDU(is_server=False)).handleFrame(data, 0, 0)
    if answer is not None:
        _registers(b"".join(one.to_bytes(2, "big") for one in answer.registers))


def _registers(data: bytes) -> None:
    words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data) - 1, 2)]
    for at, kind, length in seeds.REGISTERS:
        if len(words) >= registers.span(seeds.tag_at(at, kind, length))[2]:
            registers.decode(at, kind, length, words, words[0] if words else None)


def _samples(data: bytes) -> None:
    _rows(Samples.from_bytes(data))


def _samples_inside(data: bytes) -> None:
    """What a right checksum vouches for is not judged value by value, but it must be read."""
    Samples.from_bytes(data + zlib.crc32(data).to_bytes(4, "little"))


def _rows(samples: Samples) -> None:
    for index in range(len(samples)):
        samples.row(index)


def _state(data: bytes) -> None:
    State.from_bytes(data).samples()


def _batch(data: bytes) -> None:
    """A row of the outbox: two blobs, cut by the first two bytes."""
    cut = int.from_bytes(data[:2], "little")
    blob, source = data[2 : 2 + cut], data[2 + cut :]
    row = (1, TABLE, T0, T0, T0, 1, blob, source + zlib.crc32(source).to_bytes(4, "little"))
    batch = Batch.from_row(row)
    if len(batch.samples) and int(batch.samples.tag.max()) < 1_000:
        replay(State(), batch)


def _csv(data: bytes) -> None:
    devices.parse(Path("tags.csv"), data.decode("utf-8", "replace"))


def _toml(data: bytes) -> Any:
    """A site file, read and examined: all problems are told, none is raised."""
    file = seeds.scratch() / "site.toml"
    file.write_bytes(data)
    return examine(file)


def _foreign_csv(data: bytes) -> Any:
    """A list of a foreign device's metrics: wrong rows are told, none is raised."""
    file = seeds.scratch() / "foreign.csv"
    file.write_bytes(data)
    config = foreign.ForeignConfig.model_construct(name="a", edge="b", device=None, tags=file)
    return list(foreign.problems(documents.Document(file), {("foreign", 0): config}, [], []))


def _acknowledgement(data: bytes) -> None:
    acknowledge.read(data.decode("utf-8", "replace"))


TARGETS = (
    Target("sparkplug-payload", _values, (Undecodable,), seeds.payloads),
    Target("sparkplug-host", _host, (), seeds.host_messages),
    Target("sparkplug-edge", _edge, (), seeds.commands),
    Target("sparkplug-command", commands.read, (Undecodable,), seeds.commands),
    Target("host-state", state.read, (), seeds.states),
    Target("acknowledgement", _acknowledgement, (ValueError,), seeds.acknowledgements),
    Target("opcua-publish", _notification, (MachineFault,), seeds.notifications),
    Target("opcua-republish", _republished, (MachineFault,), seeds.republished),
    Target("opcua-changes", _changes, (), seeds.changes),
    Target("modbus-frame", _frame, (ModbusException,), seeds.frames),
    Target("modbus-registers", _registers, (), seeds.registers),
    Target("record", understood, (Invalid,), seeds.records),
    Target("samples", _samples, (Corrupt,), seeds.blobs),
    Target("samples-inside", _samples_inside, (Corrupt,), seeds.blobs_open),
    Target("outbox-state", _state, (Corrupt,), seeds.outbox_states),
    Target("outbox-batch", _batch, (Corrupt,), seeds.batches),
    Target("tags-csv", _csv, (), seeds.tables),
    Target("foreign-csv", _foreign_csv, (), seeds.metric_lists),
    Target("site-toml", _toml, (), seeds.sites),
)


def target(name: str) -> Target:
    """The target of a name; LookupError that names the others."""
    for one in TARGETS:
        if one.name == name:
            return one
    raise LookupError(f"no target {name!r}; known are {', '.join(one.name for one in TARGETS)}")
