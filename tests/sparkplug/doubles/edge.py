"""An edge node that can do wrong whatever an edge node can do wrong; without faults it does not."""

from __future__ import annotations

from typing import Any

from refit.conformance.packets import Packet
from tests.sparkplug.doubles import wire
from tests.sparkplug.doubles.edge_metrics import EdgeMetrics
from tests.sparkplug.doubles.payloads import payload, put, state

GROUP, EDGE, HOST = "plant", "pc-1", "historian"
DEVICES = ("press", "saw")
REBIRTH = "Node Control/Rebirth"


class FaultyEdge(EdgeMetrics):
    """`run` plays three sessions with two devices and a late one, and gives the recording."""

    def __init__(self, *faults: str, version: int = 4) -> None:
        super().__init__(faults, version)
        self.bd_seq = self.will_bd_seq = -1
        self.alive: list[str] = []
        self.data_out = False

    def run(self) -> list[Packet]:
        """Two sessions that end on purpose, one that is cut between them."""
        self._session_one()
        self._connect()
        self._births()
        self.data("press", 7.5)
        self.end()
        if self.has("two of one id"):
            self._rival()
        self._connect()
        if self.has("device born after data"):
            self.alive = ["press", "saw"]
            self._births(without="saw")
            self.data("press", 8.0)
            self.device_birth("saw")
        else:
            self._births()
        self.data("press", 8.5)
        self._leave()
        return self.recorder.log

    def _session_one(self) -> None:
        if self.has("data before birth"):
            self._connect(online=True)
            self.node_data(1)
        else:
            self._connect(with_foreign=True)
        self._births()
        self.node_data(2)
        if self.has("NDATA again and again"):
            self.node_data(2)
        self.data("press", 1.5)
        self._late_device()
        self._lose_a_device()
        self._rebirth()
        self._stale_state()
        for number in range(270):
            self.data("press", 10.0 + number)
        if self.has("two at once"):
            self._twice()
        self._host_leaves()

    def topic(self, verb: str, device: str | None = None) -> str:
        """A topic, as wrong as wanted."""
        namespace = "spAv1.0" if self.has("namespace") else "spBv1.0"
        group = {"+ in the group": "pl+nt", "/ in the group": "plant/north",
                 "group not UTF-8": "plant\udcff"}  # fmt: skip
        edge = {"# in the edge id": "pc#1", "edge id not UTF-8": "pc\udcff1"}
        names = {"# in the device id": "pr#ss", "/ in the device id": "pr/ess",
                 "device id not UTF-8": "press\udcff"}  # fmt: skip
        said_group = next((name for fault, name in group.items() if self.has(fault)), GROUP)
        said_edge = next((name for fault, name in edge.items() if self.has(fault)), EDGE)
        if self.has("dbirth of another node") and verb == "DBIRTH":
            said_edge = "pc-2"
        levels = [namespace, said_group, verb, said_edge]
        if device == "ghost" and self.has("device ids differ by case"):
            device = "LATE"
        if device == "press":
            device = next((name for fault, name in names.items() if self.has(fault)), device)
        if device is not None and not (self.has("no device level") and verb == "DDATA"):
            levels.append(device)
        if self.has("device level in NDATA") and verb == "NDATA":
            levels.append("press")
        return "/".join(levels)

    def _connect(self, online: bool = True, with_foreign: bool = False) -> None:
        self.connection += 1
        if not (self.has("bdSeq not counted") and self.bd_seq >= 0):
            self.bd_seq = (self.bd_seq + (2 if self.has("bdSeq skips") else 1)) % 256
        self.will_bd_seq = self.bd_seq
        qos, retain = (0 if self.has("will qos 0") else 1), self.has("will retained")
        will = None if self.has("no will") else (self._will_topic(), self.death(), qos, retain)
        expiry = 60 if self.has("expiry") else 0
        clean = not self.has("not clean")
        version = self.version
        self.say(wire.connect("edge", version=version, clean=clean, expiry_s=expiry, will=will))
        if not self.has("publish before connack"):
            self.say(wire.connack(version), by_broker=True)
        filters = [(f"spBv1.0/{GROUP}/NCMD/{EDGE}", 0 if self.has("NCMD with QoS 0") else 1),
                   (f"spBv1.0/STATE/{HOST}", 1)]  # fmt: skip
        if not self.has("no DCMD"):
            filters.append((f"spBv1.0/{GROUP}/DCMD/{EDGE}/+", 1))
        if self.has("no NCMD"):
            del filters[0]
        if self.has("birth before subscribe"):
            self._births()
        self.say(wire.subscribe(filters, version))
        self.say(wire.suback(len(filters), version), by_broker=True)
        if self.has("first message is another"):
            self.publish("records/pc-1", b"{}", 1)
        self._state_comes(online, with_foreign)

    def _will_topic(self) -> str:
        if self.has("will on another topic"):
            return "spBv1.0/plant/DDEATH/pc-1/press"
        return self.topic("NDEATH")

    def _state_comes(self, online: bool, with_foreign: bool) -> None:
        if with_foreign:
            self.hear("spBv1.0/STATE/other", state(True, self.now_ms), 1)
            if self.has("obeys a foreign host"):
                self._births()
            self.hear(f"spBv1.0/STATE/{HOST}", state(False, self.now_ms), 1)
            if self.has("does not wait"):
                self._births()
            self.hear(f"spBv1.0/STATE/{HOST}", state(True, self.now_ms - 60_000), 1)
            if self.has("older STATE brings births"):
                self._births()
            self.wait(1_000)
        self.host_ms = self.now_ms
        if online:
            self.hear(f"spBv1.0/STATE/{HOST}", state(True, self.host_ms), 1)

    def _births(self, without: str = "") -> None:
        self.alive = list(dict.fromkeys((*DEVICES, *self.alive)))
        if self.has("DDATA before DBIRTH"):
            self.node_birth()
            self.data("press", 0.5)
        if self.has("DBIRTH before NBIRTH"):
            self.device_birth("press")
        self.node_birth()
        for device in self.alive:
            if device == self.missing_device and self.rebirths:
                continue
            if device != without:
                self.device_birth(device)
        if self.has("a device twice"):
            self.device_birth("press")

    def _late_device(self) -> None:
        self.device_birth("late")
        self.alive.append("late")
        self.data("late", 3.0)
        if self.has("device ids differ by case"):
            self.device_birth("ghost")
        if self.has("data of an unborn device"):
            self.data("ghost", 3.0)

    def _lose_a_device(self) -> None:
        self.recorder.note("lost saw", self.now_ms)
        self.wait(1_000)
        if self.has("no DDEATH"):
            self.data("saw", 4.0)
            return
        self.device_death("saw")
        self.data("saw", 3.5, historical=True)
        if self.has("DATA after DDEATH"):
            self.data("saw", 4.0)
        self.wait(500)
        self.device_birth("saw")
        self.data("saw", 5.0)
        if self.has("DDEATH of an unknown device"):
            self.device_death("ghost")

    def _rebirth(self) -> None:
        asked = payload(self.now_ms, None)
        put(asked, REBIRTH, 11, True, None)
        self.hear(f"spBv1.0/{GROUP}/NCMD/{EDGE}", asked.SerializeToString())
        if self.has("rebirth ignored"):
            self.wait(60_000)
            return
        self.wait(500)
        if self.has("DATA after a rebirth request"):
            self.data("press", 6.0)
        if self.has("NDEATH on rebirth"):
            self.publish(self.topic("NDEATH"), self.death(), 1)
        if self.has("new bdSeq on rebirth"):
            self.bd_seq += 1
        self.rebirths += 1
        self._births()
        self.data("press", 6.5)

    def _stale_state(self) -> None:
        self.hear(f"spBv1.0/STATE/{HOST}", state(False, self.host_ms - 1), 1)
        if self.has("older STATE obeyed"):
            self._leave()
            self._connect()
            self._births()
        self.wait(500)
        self.data("press", 7.0)

    def _host_leaves(self) -> None:
        self.hear(f"spBv1.0/STATE/{HOST}", state(False, self.host_ms), 1)
        if self.has("stays without its host"):
            self.wait(1_000)
            self.data("press", 7.2)
            self.wait(60_000)
        if self.has("leaves its host without NDEATH"):
            self.say(wire.disconnect(self.version, 4))
            self.end()
        else:
            self._leave()

    def _leave(self) -> None:
        if self.has("NDEATH of the next session"):
            self.bd_seq += 1
        if not self.has("no NDEATH on leaving"):
            self.publish(self.topic("NDEATH"), self.death(), 1)
        if self.has("data after NDEATH"):
            self.data("press", 99.0)
        reason = 0 if self.has("no DISCONNECT reason 0x04") else 4
        self.say(wire.disconnect(self.version, reason))
        self.end()

    def _rival(self) -> None:
        self._connect()
        self._births()
        self.connection += 1
        self.say(wire.connect("rival", version=self.version, will=(self.topic("NDEATH"),
                              self.death(), 1, False)))  # fmt: skip
        self.say(wire.connack(self.version), by_broker=True)
        self.hear(f"spBv1.0/STATE/{HOST}", state(True, self.host_ms), 1)
        self.node_birth()

    def _twice(self) -> None:
        """A second connection of the same client while the first one stands."""
        first, self.connection = self.connection, 77
        will = (self.topic("NDEATH"), self.death(), 1, False)
        self.say(wire.connect("edge", version=self.version, will=will))
        self.say(wire.connack(self.version), by_broker=True)
        self.node_birth()
        self.connection = first

    @property
    def missing_device(self) -> str:
        return "saw" if self.has("a device left out of a rebirth") else ""

    def send(self, verb: str, made: Any, device: str | None = None) -> None:
        """Publish a message of the node, with the QoS and retain flag that are wanted."""
        qos = 1 if self.has(f"{verb} with QoS 1") else 0
        data = b"\xff\xff\xff" if self.has(f"{verb} is no protobuf") else made.SerializeToString()
        self.publish(self.topic(verb, device), data, qos, self.has(f"{verb} retained"))
