"""A host application that can do wrong whatever a host can do wrong; without faults it does not."""

from __future__ import annotations

from typing import Any

from refit.conformance.packets import Packet
from tests.sparkplug.doubles import wire
from tests.sparkplug.doubles.edge import EDGE, GROUP, HOST, REBIRTH, FaultyEdge
from tests.sparkplug.doubles.payloads import payload, put, state

STATE = f"spBv1.0/STATE/{HOST}"
ACKNOWLEDGE, SPEED = "Delivery/Acknowledge", "speed"


class FaultyHost(wire.Client):
    """`run` plays three sessions and gives the recording."""

    def __init__(self, *faults: str, version: int = 4) -> None:
        super().__init__(faults, version)
        self.will_ms = self.foreign_ms = 0

    def run(self) -> list[Packet]:
        """A session that another's STATE ends, one that is stopped, one that just stops."""
        self._connect()
        self._births_come()
        self._commands()
        self._offline_comes(self.will_ms - 1)
        self.wait(3_000)
        self._offline_comes(self.now_ms + 500)
        self.foreign_ms = self.now_ms + 500
        self._leave()
        self._connect()
        self._leave()
        if self.has("two hosts of one id"):
            self._connect()
            self._connect("another")
            return self.recorder.log
        self._connect()
        self._death()
        self.end()
        return self.recorder.log

    def _connect(self, client_id: str = "host") -> None:
        self.connection += 1
        at_ms = self.now_ms
        if not self.has("no time above another's"):
            at_ms = max(at_ms, self.foreign_ms + 1)
        if self.has("old will time"):
            at_ms = wire.START_MS - 600_000
        self.will_ms = at_ms
        qos = 0 if self.has("will qos 0") else 1
        will = (
            self._will_topic(),
            self._will_payload(at_ms),
            qos,
            not self.has("will not retained"),
        )
        self.say(
            wire.connect(
                client_id,
                version=self.version,
                clean=not self.has("not clean"),
                expiry_s=60 if self.has("expiry") else 0,
                will=None if self.has("no will") else will,
            )
        )
        self.say(wire.connack(self.version), by_broker=True)
        filters = [("spBv1.0/#", 1)]
        if self.has("own STATE not subscribed"):
            filters = [("spBv1.0/+/NBIRTH/+", 1), ("spBv1.0/+/NDATA/+", 1)]
        if self.has("another first"):
            self.publish("records", b"", 1)
        if self.has("STATE before subscribing"):
            self._birth()
        if self.has("command first"):
            self._command("NCMD", REBIRTH, 11, True)
        self.say(wire.subscribe(filters, self.version))
        self.say(wire.suback(1, self.version), by_broker=True)
        if not self.has("STATE before subscribing"):
            self._birth()

    def _will_topic(self) -> str:
        return "spBv1.0/STATE/other/x" if self.has("will on another topic") else STATE

    def _will_payload(self, at_ms: int) -> bytes:
        if self.has("will says online"):
            return state(True, at_ms)
        return state(False, str(at_ms) if self.has("time as text") else at_ms)

    def _birth(self) -> None:
        topic = "STATE/historian" if self.has("legacy topic") else STATE
        if self.has("device level in STATE"):
            topic = f"{STATE}/x"
        if self.has("wrong namespace"):
            topic = f"spAv1.0/STATE/{HOST}"
        at_ms = self.will_ms + 5 if self.has("timestamp mismatch") else self.will_ms
        said = b"ONLINE" if self.has("legacy STATE") else state(True, at_ms)
        qos = 0 if self.has("STATE with QoS 0") else 1
        self.publish(topic, said, qos, not self.has("STATE not retained"))

    def _births_come(self) -> None:
        edge = FaultyEdge()
        edge.bd_seq, edge.now_ms = 0, self.now_ms
        edge.node_birth()
        for packet in edge.recorder.log:
            metric = packet.payload
            node = payload(self.now_ms, 0)
            node.MergeFromString(metric)
            put(node, ACKNOWLEDGE, 12, "", self.now_ms)
            self.hear(packet.topic, node.SerializeToString())
        device = payload(self.now_ms, 1)
        put(device, SPEED, 4, 3, self.now_ms, alias=50)
        self.hear(f"spBv1.0/{GROUP}/DBIRTH/{EDGE}/press", device.SerializeToString())

    def _commands(self) -> None:
        self.wait(100)
        verb = "DCMD" if self.has("rebirth by DCMD") else "NCMD"
        name = "node control/rebirth" if self.has("rebirth in other words") else REBIRTH
        self._command(verb, name, 11, not self.has("rebirth is false"))
        unnamed = self.has("NCMD without name")
        target = "Unheard/Of" if self.has("NCMD of an unknown metric") else ACKNOWLEDGE
        if self.has("NCMD of another type"):
            self._command("NCMD", target, 4, 7)
        else:
            self._command("NCMD", None if unnamed else target, 12, "1-7")
        name = SPEED if self.has("a name for an alias") else None
        if self.has("DCMD of an unknown metric"):
            self._command("DCMD", "Unheard/Of", 4, 9)
        elif self.has("DCMD of another type"):
            self._command("DCMD", name, 12, "fast", alias=50)
        else:
            self._command("DCMD", name, 4, 9, alias=None if name else 50)
        if self.has("empty commands"):
            empty = payload(self.now_ms, None).SerializeToString()
            self.publish(f"spBv1.0/{GROUP}/NCMD/{EDGE}", empty)
            self.publish(f"spBv1.0/{GROUP}/DCMD/{EDGE}/press", empty)

    def _command(
        self, verb: str, name: str | None, datatype: int, value: Any, alias: int | None = None
    ) -> None:
        at_ms = None if self.has("command without timestamp") else self.now_ms
        made = payload(at_ms, 3 if self.has("seq in a command") else None)
        put(made, name, datatype, value, None, alias=alias,
            said_type=self.has("datatype in a command"))  # fmt: skip
        topic = f"spBv1.0/{GROUP}/{verb}/{EDGE}" + ("/press" if verb == "DCMD" else "")
        if self.has("NCMD to a device"):
            topic += "/press"
        qos = 1 if self.has("command with QoS 1") else 0
        self.publish(topic, made.SerializeToString(), qos, self.has("command retained"))

    def _offline_comes(self, at_ms: int) -> None:
        self.hear(STATE, state(False, at_ms), 1)
        if self.has("own offline not answered"):
            return
        if self.has("own offline answered with another time"):
            self.will_ms += 7
        self.publish(STATE, state(True, self.will_ms), 1, True)

    def _death(self) -> None:
        if self.has("no STATE death"):
            return
        at_ms = self.now_ms - 60_000 if self.has("old death time") else self.now_ms
        topic = "spBv1.0/STATE/other" if self.has("death on another topic") else STATE
        qos = 0 if self.has("death with QoS 0") else 1
        at_ms = max(at_ms, 0 if self.has("old death time") else self.will_ms)
        said = str(at_ms) if self.has("death time as text") else at_ms
        self.publish(topic, state(False, said), qos, not self.has("death not retained"))

    def _leave(self) -> None:
        self.wait(20)
        self._death()
        self.say(wire.disconnect(self.version, 4))
        self.end()
