"""How an edge node connects, subscribes and leaves: CONNECT, Will, SUBSCRIBE, DISCONNECT."""

from __future__ import annotations

from dataclasses import dataclass

from refit.conformance.judge import envelope
from refit.conformance.judge.book import Book
from refit.conformance.judge.conversation import Conversation
from refit.conformance.judge.reading import INT64, Spoken, bd_seq, matches, named, spoken
from refit.conformance.packets import Packet

CLEAN_4 = "principles-persistence-clean-session-311"
CLEAN_5 = "principles-persistence-clean-session-50"
WILL = "message-flow-edge-node-birth-publish-will-message payloads-ndeath-will-message"
WILL_TOPIC = "message-flow-edge-node-birth-publish-will-message-topic topics-ndeath-topic"
WILL_PAYLOAD = "message-flow-edge-node-birth-publish-will-message-payload"
WILL_QOS = "message-flow-edge-node-birth-publish-will-message-qos payloads-ndeath-will-message-qos"
WILL_RETAIN = (
    "message-flow-edge-node-birth-publish-will-message-will-retained "
    "payloads-ndeath-will-message-retain"
)
WILL_BDSEQ = "message-flow-edge-node-birth-publish-will-message-payload-bdSeq"
INCREMENT = "topics-nbirth-bdseq-increment"
DEATH_PAYLOAD = "topics-ndeath-payload"
SAME_BDSEQ = "payloads-ndeath-bdseq"
NCMD = "message-flow-edge-node-ncmd-subscribe"
DCMD = "message-flow-device-dcmd-subscribe"
LEAVES = (
    "operational-behavior-edge-node-intentional-disconnect-ndeath "
    "payloads-ndeath-will-message-publisher"
)
LEAVES_4 = "payloads-ndeath-will-message-publisher-disconnect-mqtt311"
LEAVES_5 = "payloads-ndeath-will-message-publisher-disconnect-mqtt50"
PACKET = "operational-behavior-edge-node-intentional-disconnect-packet"
WITH_WILL = 4


def clean(book: Book, packet: Packet, names: tuple[str, str]) -> None:
    """Clean Session, or Clean Start and no expiry; an expiry that is not said is 0 (MQTT 5)."""
    where = f"connection {packet.connection}, CONNECT"
    if packet.version == 5:
        fine = packet.clean and packet.session_expiry_s in (None, 0)
        what = f"Clean Start {packet.clean}, expiry {packet.session_expiry_s}"
        book.see(names[1], fine, where, what)
    else:
        book.see(names[0], packet.clean, where, "no Clean Session")


def edge_will(book: Book, packet: Packet, before: int | None) -> int | None:
    """An edge's CONNECT and its Will; the bdSeq of the Will, held against that of `before`."""
    clean(book, packet, (CLEAN_4, CLEAN_5))
    where, will = f"connection {packet.connection}, Will", packet.will
    if not book.see(WILL, will is not None, where, "no Will") or will is None:
        return None
    said = spoken(will)
    fine = said is not None and said.verb == "NDEATH" and said.device is None
    fine = fine and will.topic.startswith(f"{envelope.NAMESPACE}/")
    book.see(WILL_TOPIC, fine, where, f"the topic {will.topic}")
    book.see(WILL, fine, where, "the Will is no NDEATH")
    book.see(WILL_QOS, will.qos == 1, where, f"QoS {will.qos}")
    book.see(WILL_RETAIN, not will.retain, where, "retained")
    payload = said.payload if said is not None else None
    if not book.see(WILL_PAYLOAD, payload is not None, where, "no Sparkplug payload"):
        return None
    assert said is not None
    death(book, said)
    envelope.sequence(book, said, None) if said.verb == "NDEATH" else None
    metric, number = named(payload, "bdSeq"), bd_seq(payload)
    is_int64 = metric is not None and metric.datatype == INT64
    fine = is_int64 and metric.WhichOneof("value") == "long_value" and 0 <= (number or 0) <= 255
    book.see(WILL_BDSEQ, fine, where, "bdSeq is no Int64 of 0 to 255")
    if number is not None and before is not None:
        what = f"bdSeq {number} after {before}"
        book.see(f"{WILL_BDSEQ} {INCREMENT}", number == (before + 1) % 256, where, what)
    return number


def death(book: Book, said: Spoken) -> None:
    """What an NDEATH holds, published or as a Will."""
    fine = [one.name for one in said.payload.metrics] == ["bdSeq"]
    book.see(DEATH_PAYLOAD, fine, said.where, "not bdSeq alone")
    if fine:
        has_alias = said.payload.metrics[0].HasField("alias")
        book.see("requirement-12", not has_alias, said.where, "bdSeq has an alias")


@dataclass
class Filters:
    """What a client has subscribed to so far."""

    given: list[tuple[str, int]]

    def has(self, topic: str, qos: int = 1) -> bool:
        """Whether a message of that topic would come with this QoS."""
        return any(matches(pattern, topic) and qos <= granted for pattern, granted in self.given)


def subscribed(book: Book, filters: Filters, said: Spoken) -> None:
    """At a birth the commands for what is born must have been subscribed to."""
    if said.verb == "NBIRTH":
        topic = f"spBv1.0/{said.group}/NCMD/{said.edge}"
        book.see(NCMD, filters.has(topic), said.where, f"no subscription of QoS 1 to {topic}")
    else:
        topic = f"spBv1.0/{said.group}/DCMD/{said.edge}/{said.device}"
        book.see(DCMD, filters.has(topic), said.where, f"no subscription of QoS 1 to {topic}")


def leaving(book: Book, one: Conversation, was_born: bool, last: str) -> None:
    """The end of a session: a DISCONNECT is preceded by NDEATH, and says 0x04 in MQTT 5."""
    farewell = next((packet for packet in one.own if packet.kind == "DISCONNECT"), None)
    if farewell is None or not was_born:
        return
    where, told = f"connection {one.number}, DISCONNECT", last == "NDEATH"
    book.see(LEAVES, told, where, f"the last message was {last}, not NDEATH")
    if farewell.version == 5:
        fine = farewell.reason == WITH_WILL
        book.see(LEAVES_5, fine, where, f"reason {farewell.reason}, not 0x04")
    else:
        book.see(LEAVES_4, told, where, "no NDEATH before it")
    if told:
        book.see(PACKET, True, where, "")
