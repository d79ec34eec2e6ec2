"""A host application's sessions: its Will, its subscriptions, its STATE, its commands."""

from __future__ import annotations

from refit.conformance.judge import envelope, session
from refit.conformance.judge.book import Book
from refit.conformance.judge.commands import Commands
from refit.conformance.judge.conversation import Conversation
from refit.conformance.judge.envelope import AHEAD_MS_MAX, BEHIND_MS_MAX
from refit.conformance.judge.reading import COMMANDS, host_of, says_offline, spoken, state
from refit.conformance.packets import END, Packet

ANSWER_MS_MAX = 2_000
FOREIGN_MS_MAX = 3_600_000  # how far ahead another's STATE may lie that we must get over

CLEAN = ("message-flow-phid-sparkplug-clean-session-311",
         "message-flow-phid-sparkplug-clean-session-50")  # fmt: skip
OPS = "operational-behavior-host-application"
WILL = f"host-topic-phid-death-required {OPS}-connect-will"
WILL_TOPIC = f"host-topic-phid-death-topic {OPS}-connect-will-topic payloads-state-will-message"
WILL_QOS = f"host-topic-phid-death-qos {OPS}-connect-will-qos payloads-state-will-message-qos"
WILL_RETAIN = (
    f"host-topic-phid-death-retain {OPS}-connect-will-retained payloads-state-will-message-retain"
)
WILL_PAYLOAD = (
    f"host-topic-phid-death-payload {OPS}-connect-will-payload payloads-state-will-message-payload"
)
WILL_TIME = f"host-topic-phid-death-payload-timestamp-connect {OPS}-connect-will-payload"
ANNOUNCES = "conformance-primary-host intro-sparkplug-host-state components-ph-state"
FIRST = (
    "principles-birth-certificates-order host-topic-phid-birth-message "
    "operational-behavior-primary-application-state-with-multiple-servers-state "
    f"{OPS}-connect-birth"
)
SUBSCRIBES = (
    "host-topic-phid-birth-sub-required message-flow-phid-sparkplug-subscription "
    "payloads-state-subscribe"
)
AFTER = "host-topic-phid-birth-required message-flow-phid-sparkplug-state-publish"
TOPIC = f"host-topic-phid-birth-topic {OPS}-connect-birth-topic"
STRUCTURE = "topic-structure topic-structure-namespace-a"
NO_DEVICE = "topic-structure-namespace-device-id-non-associated-message-types"
QOS = f"host-topic-phid-birth-qos {OPS}-connect-birth-qos payloads-state-birth"
RETAIN = f"host-topic-phid-birth-retain {OPS}-connect-birth-retained payloads-state-birth"
PAYLOAD = (
    f"host-topic-phid-birth-payload {OPS}-connect-birth-payload payloads-state-birth-payload "
    "message-flow-phid-sparkplug-state-publish-payload"
)
TIME = (
    "host-topic-phid-birth-payload-timestamp message-flow-phid-sparkplug-state-publish-payload "
    f"message-flow-phid-sparkplug-state-publish-payload-timestamp {OPS}-connect-birth-payload "
    "payloads-state-birth-payload"
)
AGAIN = "message-flow-hid-sparkplug-state-message-delivered"
LEAVES = f"{OPS}-termination"
LEAVES_TIME = "host-topic-phid-death-payload-timestamp-disconnect-clean"
DROPS_TIME = "host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet"
DEATH_TOPIC = f"{OPS}-death-topic host-topic-phid-death-topic"
DEATH_PAYLOAD = f"{OPS}-death-payload host-topic-phid-death-payload"
DEATH_QOS = f"{OPS}-death-qos host-topic-phid-death-qos"
DEATH_RETAIN = f"{OPS}-death-retained host-topic-phid-death-retain"
PACKET = f"{OPS}-disconnect-intentional"
NEW_TIME = "requirement-26"


class Hosts:
    """All hosts of a recording; what one host learns of births holds for its connections."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._commands = Commands(book)
        self._foreign: dict[tuple[int, str], int] = {}

    def session(self, one: Conversation, end_ms: int) -> None:
        """Judge one connection."""
        HostSession(self._book, one, self._commands, self._foreign).walk(end_ms)


class HostSession:
    """One connection of a host."""

    def __init__(
        self, book: Book, one: Conversation, commands: Commands, foreign: dict[tuple[int, str], int]
    ) -> None:
        self.book, self.one, self.commands, self.foreign = book, one, commands, foreign
        self.filters = session.Filters([])
        self.id: str | None = None
        self.will_ms: int | None = None
        self.is_first = self.is_announced = self.is_leaving = False
        self.offline_ms: int | None = None
        self.echoed = False  # offline was answered with offline: allowed only to one who leaves
        self.newer_ms: int | None = None
        self.death: tuple[int, int] | None = None

    @property
    def where(self) -> str:
        return f"connection {self.one.number}"

    def walk(self, end_ms: int) -> None:
        """Everything that was said, in its order."""
        for packet in self.one.packets:
            if packet.by_broker:
                self._heard(packet)
            elif packet.kind == "CONNECT":
                self._connect(packet)
            elif packet.kind == "SUBSCRIBE":
                self.filters.given += packet.filters
            elif packet.kind == "PUBLISH":
                self._publish(packet)
            elif packet.kind in ("DISCONNECT", END):
                self._end(packet)
        if self.offline_ms is not None and end_ms - self.offline_ms > ANSWER_MS_MAX:
            self.book.see(AGAIN, False, self.where, "its own offline STATE was not answered")

    def _connect(self, packet: Packet) -> None:
        session.clean(self.book, packet, CLEAN)
        see, where, will = self.book.see, f"{self.where}, Will", packet.will
        if not see(f"{WILL} {ANNOUNCES}", will is not None, where, "no Will") or will is None:
            return
        self.id = host_of(will.topic)
        fine = self.id is not None and will.topic == f"spBv1.0/STATE/{self.id}"
        see(WILL_TOPIC, fine, where, f"the topic {will.topic}")
        see(WILL_QOS, will.qos == 1, where, f"QoS {will.qos}")
        see(WILL_RETAIN, will.retain, where, "not retained")
        said = state(will.payload)
        fine = said is not None and not said[0]
        if see(WILL_PAYLOAD, fine, where, f"{will.payload!r}") and said is not None:
            self.will_ms = said[1]
            near = -BEHIND_MS_MAX <= self.will_ms - packet.at_ms <= AHEAD_MS_MAX
            over = self.foreign.get((self.one.server, self.id or ""))
            if over is not None:  # only a later time brings back whoever has seen that one
                near = over < self.will_ms <= packet.at_ms + FOREIGN_MS_MAX
                see(NEW_TIME, near, where, f"timestamp {self.will_ms}, another said {over}")
            see(WILL_TIME, near, where, f"timestamp {self.will_ms}, sent at {packet.at_ms}")

    def _heard(self, packet: Packet) -> None:
        if packet.kind != "PUBLISH":
            return
        said = spoken(packet)
        if said is not None:
            self.commands.heard(said)
            return
        told = state(packet.payload)
        mine = self.id is not None and packet.topic == f"spBv1.0/STATE/{self.id}"
        if not mine or told is None or told[0] or not self.is_announced or self.is_leaving:
            return
        if self.offline_ms is None:
            self.offline_ms = packet.at_ms
        if self.will_ms is not None and told[1] > self.will_ms:
            self.newer_ms = told[1]

    def _publish(self, packet: Packet) -> None:
        see, host = self.book.see, host_of(packet.topic)
        levels = packet.topic.split("/")
        if not self.is_first:
            self.is_first = True
            see(f"{FIRST} {ANNOUNCES}", host is not None, self.where, "not STATE first")
        if host is not None or (len(levels) > 3 and levels[1] == "STATE"):
            self._state(packet)
            return
        said = spoken(packet)
        if said is None:
            envelope.strange(self.book, packet)
        elif said.verb in COMMANDS:
            envelope.topic(self.book, said)
            if envelope.envelope(self.book, said):
                self.commands.sent(said)

    def _state(self, packet: Packet) -> None:
        see, where = self.book.see, f"{self.where}, {packet.topic}"
        fine = packet.topic == f"spBv1.0/STATE/{self.id}"
        levels = packet.topic.split("/")
        see(STRUCTURE, levels[0] == "spBv1.0" and len(levels) == 3, where, "no STATE topic")
        see(NO_DEVICE, len(levels) == 3, where, "more levels than the host id")
        said = state(packet.payload)
        if said is not None and not said[0]:
            self._death(packet, said[1], fine)
            return
        if says_offline(packet.payload):
            see(DEATH_PAYLOAD, False, where, f"{packet.payload!r}")
            return
        own = f"spBv1.0/STATE/{self.id}"
        ready = self.filters.has(own) and self.filters.has("spBv1.0/g/NDATA/e")
        see(f"{SUBSCRIBES} {AFTER}", ready, where, "its subscriptions were not made before")
        see(TOPIC, fine, where, f"its Will is for {self.id}")
        see(QOS, packet.qos == 1, where, f"QoS {packet.qos}")
        see(RETAIN, packet.retain, where, "not retained")
        if see(PAYLOAD, said is not None, where, f"{packet.payload!r}") and said is not None:
            same = said[1] == self.will_ms
            what = f"timestamp {said[1]}, that of the Will is {self.will_ms}"
            see(TIME, same, where, what)
            if self.offline_ms is not None:
                see(AGAIN, same, where, what)
        self.offline_ms = None
        self.is_announced = True

    def _death(self, packet: Packet, at_ms: int, topic_fits: bool) -> None:
        see, where = self.book.see, f"{self.where}, {packet.topic}"
        see(DEATH_TOPIC, topic_fits, where, f"its Will is for {self.id}")
        see(DEATH_PAYLOAD, True, where, "")
        see(DEATH_QOS, packet.qos == 1, where, f"QoS {packet.qos}")
        see(DEATH_RETAIN, packet.retain, where, "not retained")
        if self.offline_ms is not None:
            if packet.at_ms - self.offline_ms > ANSWER_MS_MAX:
                see(AGAIN, False, where, "its own offline STATE was not answered")
            self.echoed, self.offline_ms = True, None
        self.is_leaving = True
        self.death = (at_ms, packet.at_ms)

    def _end(self, packet: Packet) -> None:
        see, where = self.book.see, f"{self.where}, {packet.kind}"
        if self.newer_ms is not None and self.id is not None:
            self.foreign[self.one.server, self.id] = self.newer_ms
            self.newer_ms = None
        if self.echoed:
            at_ms = self.death[1] if self.death is not None else packet.at_ms
            leaves = packet.kind == "DISCONNECT" and packet.at_ms - at_ms <= ANSWER_MS_MAX
            see(AGAIN, leaves, where, "it answered offline with offline, and stayed")
            self.echoed = False
        if packet.kind == "DISCONNECT":
            if not self.is_announced:
                return
            told = self.death is not None
            see(LEAVES, told, where, "no STATE death before it")
            see(PACKET, True, where, "") if told else None
            self._stamped(LEAVES_TIME, where)
        elif not any(one.kind == "DISCONNECT" for one in self.one.own):
            self._stamped(DROPS_TIME, where)
        self.death = None

    def _stamped(self, name: str, where: str) -> None:
        if self.death is not None:
            said, at_ms = self.death
            near = -ANSWER_MS_MAX * 5 <= said - at_ms <= AHEAD_MS_MAX
            near = near or said == self.foreign.get((self.one.server, self.id or ""))
            what = f"death stamped {said}, sent at {at_ms}"
            self.book.see(name, near and said >= (self.will_ms or 0), where, what)
