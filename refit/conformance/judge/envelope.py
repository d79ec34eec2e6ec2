"""What holds for every message by itself: its topic, its QoS and retain flag, its time, its seq."""

from __future__ import annotations

from refit.conformance.judge.book import Book
from refit.conformance.judge.reading import DATA, NAMESPACE, VERBS, Spoken, read
from refit.conformance.packets import Packet

BEHIND_MS_MAX = 60_000  # a busy machine; a wrong zone or unit is further off
AHEAD_MS_MAX = 2_000

STRUCTURE = "topic-structure"
NAME_A = "topic-structure-namespace-a"
WITH_DEVICE = "topic-structure-namespace-device-id-associated-message-types"
WITHOUT_DEVICE = "topic-structure-namespace-device-id-non-associated-message-types"
GROUP = "intro-group-id-chars topic-structure-namespace-valid-group-id"
EDGE = "intro-edge-node-id-chars topic-structure-namespace-valid-edge-node-id"
DEVICE = "intro-device-id-chars topic-structure-namespace-valid-device-id"
UTF8 = {"group": "intro-group-id-string", "edge": "intro-edge-node-id-string",
        "device": "intro-device-id-string"}  # fmt: skip

TOPIC = {
    "NBIRTH": "topics-nbirth-topic message-flow-edge-node-birth-publish-nbirth-topic",
    "DBIRTH": "topics-dbirth-topic message-flow-device-birth-publish-dbirth-topic",
    "NDATA": "topics-ndata-topic",
    "DDATA": "topics-ddata-topic",
    "DDEATH": "topics-ddeath-topic",
    "NDEATH": "topics-ndeath-topic",
    "NCMD": "topics-ncmd-topic operational-behavior-data-commands-ncmd-verb",
    "DCMD": "topics-dcmd-topic operational-behavior-data-commands-dcmd-verb",
}
MQTT = {
    "NBIRTH": "topics-nbirth-mqtt", "DBIRTH": "topics-dbirth-mqtt", "NDATA": "topics-ndata-mqtt",
    "DDATA": "topics-ddata-mqtt", "DDEATH": "topics-ddeath-mqtt", "NCMD": "topics-ncmd-mqtt",
    "DCMD": "topics-dcmd-mqtt",
}  # fmt: skip
QOS = {
    "NBIRTH": "message-flow-edge-node-birth-publish-nbirth-qos payloads-nbirth-qos",
    "DBIRTH": "message-flow-device-birth-publish-dbirth-qos payloads-dbirth-qos",
    "NDATA": "payloads-ndata-qos",
    "DDATA": "payloads-ddata-qos",
    "NCMD": "payloads-ncmd-qos",
    "DCMD": "payloads-dcmd-qos",
}
RETAIN = {
    "NBIRTH": "message-flow-edge-node-birth-publish-nbirth-retained payloads-nbirth-retain",
    "DBIRTH": "message-flow-device-birth-publish-dbirth-retained payloads-dbirth-retain",
    "NDATA": "payloads-ndata-retain",
    "DDATA": "payloads-ddata-retain",
    "NCMD": "payloads-ncmd-retain",
    "DCMD": "payloads-dcmd-retain",
}
TIME = {
    "NBIRTH": "topics-nbirth-timestamp payloads-nbirth-timestamp",
    "DBIRTH": "topics-dbirth-timestamp payloads-dbirth-timestamp",
    "NDATA": "topics-ndata-timestamp payloads-ndata-timestamp",
    "DDATA": "topics-ddata-timestamp payloads-ddata-timestamp",
    "DDEATH": "payloads-ddeath-timestamp",
    "NCMD": "topics-ncmd-timestamp payloads-ncmd-timestamp",
    "DCMD": "topics-dcmd-timestamp payloads-dcmd-timestamp",
}
PROTOBUF = {
    "NBIRTH": "message-flow-edge-node-birth-publish-nbirth-payload",
    "DBIRTH": "message-flow-device-birth-publish-dbirth-payload",
    "NDATA": "topics-ndata-payload",
    "DDATA": "topics-ddata-payload",
    "NDEATH": "topics-ndeath-payload",
    "DDEATH": "operational-behavior-device-ddeath",
    "NCMD": "topics-ncmd-payload",
    "DCMD": "topics-dcmd-payload",
}


def topic(book: Book, said: Spoken) -> None:
    """The topic of a message of a node or device, or of a command."""
    where, is_device = said.where, said.verb.startswith("D")
    legal = _level(said.group), _level(said.edge), said.device is None or _level(said.device)
    book.see(NAME_A, said.namespace == NAMESPACE, where, f"the namespace is {said.namespace!r}")
    if is_device:
        book.see(WITH_DEVICE, bool(said.device), where, "no device level")
        book.see(DEVICE, legal[2], where, f"{said.device!r} is no legal device id")
    else:
        book.see(WITHOUT_DEVICE, said.device is None, where, "a device level")
    book.see(GROUP, legal[0], where, f"{said.group!r} is no legal group id")
    book.see(EDGE, legal[1], where, f"{said.edge!r} is no legal edge node id")
    for part, name in UTF8.items():
        value = getattr(said, part)
        if value is not None:
            book.see(name, _is_utf8(value), where, f"{value!r} is not UTF-8")
    fits = said.namespace == NAMESPACE and all(legal) and is_device == bool(said.device)
    book.see(f"{STRUCTURE} {TOPIC[said.verb]}", fits, where, "not namespace/group/type/edge/device")


def strange(book: Book, packet: Packet) -> None:
    """A topic below the namespace that is neither a message of a node nor STATE."""
    levels = packet.topic.split("/")
    where = f"connection {packet.connection}, {packet.topic}"
    if levels[0] == NAMESPACE and len(levels) > 2:
        book.see(STRUCTURE, False, where, "no known message type in the third level")
        if any(level in VERBS for level in levels[3:]):
            book.see(GROUP, False, where, "a / within the group id")
    elif levels[-1:] and any(level in VERBS for level in levels) and read(packet.payload):
        book.see(f"{STRUCTURE} {NAME_A}", False, where, "not the namespace spBv1.0")


def _level(text: str) -> bool:
    return bool(text) and not set(text) & set("+/#\0") and _is_utf8(text)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def envelope(book: Book, said: Spoken) -> bool:
    """QoS, retain, payload bytes and time; whether there is a payload to go on with."""
    packet, verb, where = said.packet, said.verb, said.where
    if verb in MQTT:
        fine = packet.qos == 0 and not packet.retain
        book.see(MQTT[verb], fine, where, f"QoS {packet.qos}, retain {packet.retain}")
    if verb in QOS:
        book.see(QOS[verb], packet.qos == 0, where, f"QoS {packet.qos}")
        book.see(RETAIN[verb], not packet.retain, where, "retained")
    if not book.see(PROTOBUF[verb], said.payload is not None, where, "no Sparkplug payload"):
        return False
    if verb in TIME:
        at_ms = said.timestamp
        near = at_ms is not None and -BEHIND_MS_MAX <= at_ms - packet.at_ms <= AHEAD_MS_MAX
        what = f"timestamp {at_ms}, published at {packet.at_ms}"
        book.see(TIME[verb], near, where, what)
        if at_ms is not None:
            book.see("payloads-timestamp-in-UTC", near, where, what)
    if verb in DATA:
        book.see(PROTOBUF[verb], len(said.payload.metrics) > 0, where, "no metrics")
    return True


ALWAYS_SEQ = "payloads-sequence-num-always-included"
INCREMENT = "payloads-sequence-num-incrementing"
HAS_SEQ = {
    "DBIRTH": "payloads-dbirth-seq", "NDATA": "payloads-ndata-seq", "DDATA": "payloads-ddata-seq",
    "DDEATH": "payloads-ddeath-seq",
}  # fmt: skip
NEXT_SEQ = {
    "DBIRTH": "topics-dbirth-seq payloads-dbirth-seq-inc "
    "message-flow-device-birth-publish-dbirth-payload-seq",
    "NDATA": "topics-ndata-seq-num payloads-ndata-seq-inc",
    "DDATA": "topics-ddata-seq-num payloads-ddata-seq-inc",
    "DDEATH": "topics-ddeath-seq-num payloads-ddeath-seq-inc payloads-ddeath-seq-number",
}
# The specification also says 0..255 in three of these; the reference decided for 0.
ZERO_SEQ = (
    "topics-nbirth-seq-num payloads-nbirth-seq payloads-sequence-num-req-nbirth "
    "message-flow-edge-node-birth-publish-nbirth-payload-seq"
)
NO_SEQ = "topics-ndeath-seq payloads-ndeath-seq"


def sequence(book: Book, said: Spoken, last: int | None) -> int | None:
    """The seq of a message after `last`; returns what the next one is held against."""
    has = said.payload.HasField("seq")
    seq = said.payload.seq if has else None
    if said.verb == "NDEATH":
        book.see(NO_SEQ, not has, said.where, f"seq {seq}")
        return last
    book.see(ALWAYS_SEQ, has, said.where, "no seq")
    if said.verb == "NBIRTH":
        book.see(ZERO_SEQ, seq == 0, said.where, f"seq {seq}, not 0")
        return seq
    book.see(HAS_SEQ[said.verb], has, said.where, "no seq")
    if last is not None:
        fits = seq == (last + 1) % 256
        names = f"{NEXT_SEQ[said.verb]} {INCREMENT}"
        book.see(names, fits, said.where, f"seq {seq} after {last}")
    return seq if seq is not None else last
