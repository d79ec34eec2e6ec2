"""Right inputs of every decoder: what a fuzzer changes until something gives."""

from __future__ import annotations

import struct
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from edge.outbox_file import SOURCE, Batch
from edge.pipeline import Pipeline
from stations.declare import Register, Tag, Type
from stations.records import AgentInfo, Record, record_id
from stations.samples import Samples, build
from tests.sources.test_variants import change_of
from tests.sparkplug.plant import T0, angles, connected, edge_node, sent
from wire.sparkplug import acknowledge
from wire.sparkplug import commands as command_bytes
from wire.sparkplug.state import HostState
from wire.sparkplug.state import write as state_bytes

ROOT = Path(__file__).resolve().parents[2]
REGISTERS: tuple[tuple[Register, Type, int], ...] = (
    (Register("holding", 0, "float32"), Type.FLOAT, 0),
    (Register("holding", 0, "float16", order="little"), Type.FLOAT, 0),
    (Register("input", 0, "int64", scale=0.1), Type.FLOAT, 0),
    (Register("input", 0, "uint64"), Type.INT, 0),
    (Register("input", 0, "uint16"), Type.BOOL, 0),
    (Register("holding", 0, "int16"), Type.INTS, 3),
    (Register("holding", 0, "float64"), Type.FLOATS, 2),
)


def tag_at(at: Register, kind: Type, length: int) -> Tag[Any]:
    """A tag of a type at a place."""
    kinds: dict[Type, Any] = {
        Type.FLOAT: float, Type.INT: int, Type.BOOL: bool, Type.INTS: list[int],
        Type.FLOATS: list[float],
    }  # fmt: skip
    return Tag(kinds[kind], at, doc="A number.", length=length)


@cache
def scratch() -> Path:
    """A folder of this process."""
    return Path(tempfile.mkdtemp(prefix="refit-fuzz-"))


def _samples() -> Samples:
    return build(
        [
            (1, T0, 0, Type.INT, 7), (2, T0, 0, Type.FLOAT, 1.5), (3, T0 + 1, 0, Type.BOOL, True),
            (4, T0 + 2, 0, Type.TEXT, "v-1"), (5, T0 + 3, 0, Type.FLOATS, [1.0, 2.0, 3.0, 4.0]),
            (6, T0 + 3, 0x80000000, Type.NONE, None),
        ]
    )  # fmt: skip


def _messages() -> list[bytes]:
    """Births and data of an edge node, in order."""
    node = edge_node()
    node.health({"backlog_rows": 7}, T0)
    found = node.connected(T0, 5)
    found += node.live("table-1", angles(1.0, 2.0), 1, T0 + 1)
    found += node.live("table-1", _samples(), 2, T0 + 1)
    found += node.historical("table-1", angles(3.0), 3, T0 + 2)
    return [one.payload for one in sent(found)]


def payloads() -> list[bytes]:
    """Sparkplug payloads of every sort."""
    return [*_messages(), *commands(), connected().will(5, T0).payload]


def host_messages() -> list[bytes]:
    """A byte that says the verb, and a payload."""
    return [bytes([verb]) + payload for verb in range(6) for payload in payloads()]


def commands() -> list[bytes]:
    """What a host sends an edge node."""
    return [
        command_bytes.rebirth(T0),
        command_bytes.acknowledgement(T0, "outbox-a", [(1, 3), (9, 9)]),
    ]


def states() -> list[bytes]:
    """STATE payloads, and one of the older form."""
    return [state_bytes(HostState(True, T0)), state_bytes(HostState(False, T0)), b"ONLINE"]


def acknowledgements() -> list[bytes]:
    """Outbox and ranges as text."""
    return [acknowledge.write("outbox-a", [(1, 3), (9, 9)]).encode()]


def changes() -> list[bytes]:
    """Bodies of DataChangeNotifications: runs of one layout, and single values."""
    run = b"".join(
        struct.pack("<IBBdIq", 100, 0x07, 11, float(i), 0, 133_000_000_000_000_000 + i)
        for i in range(6)
    )
    singles = [
        change_of(100, ua.Variant(1.5, ua.VariantType.Double)),
        change_of(103, ua.Variant("text", ua.VariantType.String)),
        change_of(104, ua.Variant([1.0, 2.0], ua.VariantType.Double)),
    ]
    return [struct.pack("<i", 6) + run + struct.pack("<i", 0), *singles]


def _message(body: bytes) -> bytes:
    """A NotificationMessage; the library writes no bodies that are bytes already."""
    kind = ua.FourByteNodeId(ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
    part = ua.ua_binary.nodeid_to_binary(kind) + struct.pack("<Bi", 1, len(body)) + body
    return struct.pack("<Iqi", 3, 0, 1 if body else 0) + (part if body else b"")


def notifications() -> list[bytes]:
    """PublishResponses with changes and with nothing; and a fault."""
    answer = ua.PublishResponse()
    answer.Parameters.SubscriptionId = 7
    answer.Parameters.AvailableSequenceNumbers = [1, 2]
    answer.Parameters.Results = [ua.StatusCode(0)]
    empty = struct_to_binary(answer.Parameters.NotificationMessage)
    whole = struct_to_binary(answer)
    found = [whole.replace(empty, _message(body), 1) for body in (*changes(), b"")]
    return [*found, struct_to_binary(ua.ServiceFault())]


def republished() -> list[bytes]:
    """RepublishResponses with changes."""
    answer = ua.RepublishResponse()
    empty = struct_to_binary(answer.NotificationMessage)
    whole = struct_to_binary(answer)
    return [whole.replace(empty, _message(body), 1) for body in changes()]


def frames() -> list[bytes]:
    """Modbus TCP answers: registers, bits, an exception, an identification."""
    bodies = [
        bytes([1, 3, 8]) + bytes(range(8)), bytes([1, 4, 4, 0x3F, 0x80, 0, 0]),
        bytes([1, 1, 2, 0xFF, 1]), bytes([1, 0x83, 2]),
        bytes([1, 0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 2]) + b"me",
    ]  # fmt: skip
    return [struct.pack(">HHH", 1, 0, len(body)) + body for body in bodies]


def registers() -> list[bytes]:
    """Words as they stand in registers."""
    return [bytes(range(16)), bytes(16), b"\xff" * 16, struct.pack(">dd", 1.5, float("inf"))]


def records() -> list[bytes]:
    """A record as an agent sends it."""
    data = {"from": 1, "tags": ["a"], "limit": 0.5}
    record = Record(
        id=record_id(T0, "a"), kind="table.turn", version=1, site="plant", line="line-1",
        station="table-1", visit="v-1", time="2026-01-01T00:00:00.000Z",
        agent=AgentInfo(name="pc-1", version="1"), data=data,
    )  # fmt: skip
    return [record.canonical(), orjson.dumps({"id": 1}), b"[]"]


def blobs() -> list[bytes]:
    """Columns as they lie on disk."""
    return [_samples().to_bytes(), angles(1.0, 2.0).to_bytes()]


def blobs_open() -> list[bytes]:
    """The same without their checksum."""
    return [blob[:-4] for blob in blobs()]


def outbox_states() -> list[bytes]:
    """The pipeline's memory as it lies on disk."""
    pipeline = Pipeline()
    pipeline.state.grow(8)
    samples = _samples()
    ticks = samples.time * 10_000
    pipeline.state.put(samples, ticks, ticks, samples.status)
    return [pipeline.state.to_bytes()]


def batches() -> list[bytes]:
    """Rows of the outbox: the length of the first blob, and both blobs without checksums."""
    found = []
    for samples in (_samples(), angles(1.0, 2.0)):
        row = Batch("table-1", samples, np.zeros(len(samples), SOURCE)).row()
        blob, source = row[-2], row[-1]
        found.append(len(blob).to_bytes(2, "little") + blob + source[:-8])
    return found


def tables() -> list[bytes]:
    """Tags CSVs."""
    listed = sorted((ROOT / "config").rglob("*.csv"))
    return [one.read_bytes() for one in listed][:4] or [b"name,address,type\na,input 1,int\n"]


def sites() -> list[bytes]:
    """Site files."""
    small = b'[site]\nname = "s"\n[[foreign]]\nname = "oven-1"\nedge = "plc-7"\n'
    found = [one.read_bytes() for one in sorted((ROOT / "config").rglob("site.toml"))]
    return [*found, small, b"foreign = 3\nline = 1\n" + small]


def metric_lists() -> list[bytes]:
    """CSVs of the metrics of foreign devices."""
    return [b"name,metric\na,Zone 1/Temperature\n", b'name;metric\na;"x;y"\n']
