"""What the faulty edge node says in its births, data and deaths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.sparkplug.doubles.payloads import payload, put
from tests.sparkplug.doubles.wire import Client

REBIRTH = "Node Control/Rebirth"
ALIASES = {"": 1, "press": 10, "saw": 20, "late": 30, "ghost": 40}


class EdgeMetrics(Client):
    """Payloads; `send` is the session's."""

    def __init__(self, faults: Sequence[str], version: int) -> None:
        super().__init__(faults, version)
        self.seq = self.rebirths = 0
        self.bd_seq = self.will_bd_seq = 0
        self.host_ms = 0

    def send(self, verb: str, made: Any, device: str | None = None) -> None:
        raise NotImplementedError

    def _message(self, seq: int | None = None) -> Any:
        """The next payload, with the time of now."""
        if seq is None:
            self.seq = (self.seq + (2 if self.has("seq gap") else 1)) % 256
            if self.has("seq to 256") and self.seq == 0:
                self.seq = 256
        else:
            self.seq = seq
        at_ms: int | None = self.now_ms
        if self.has("no payload timestamp"):
            at_ms = None
        elif self.has("payload timestamp in seconds"):
            at_ms = self.now_ms // 1000
        elif self.has("payload timestamp in local time"):
            at_ms = self.now_ms + 3_600_000
        return payload(at_ms, None if self.has("no seq") else self.seq)

    def _metric_ms(self) -> int | None:
        if self.has("no metric timestamp"):
            return None
        return self.now_ms // 1000 if self.has("metric timestamp in seconds") else self.now_ms

    def death(self) -> bytes:
        """NDEATH, as it stands in the Will too."""
        made = payload(self.now_ms, 0 if self.has("seq in NDEATH") else None)
        bd_seq = self.bd_seq
        name, alias = "bdSeq", None
        if self.has("bdSeq by alias in NDEATH"):
            name, alias = "", 99
        datatype = 8 if self.has("bdSeq of UInt64 in the Will") else 4
        put(made, name or None, datatype, bd_seq, self.now_ms, alias=alias, field="long_value")
        if self.has("more in NDEATH"):
            put(made, "why", 12, "gone", self.now_ms)
        if self.has("will is no protobuf"):
            return b"\xff\xff"
        return bytes(made.SerializeToString())

    def node_birth(self) -> None:
        """NBIRTH with a dataset and the definition of a template."""
        made, at_ms = self._message(1 if self.has("seq from 1") else 0), self._metric_ms()
        if self.has("no seq 0 on rebirth") and self.rebirths:
            made.seq = self.seq = 77
        if not self.has("no bdSeq"):
            bd_seq = self.bd_seq + self.has("bdSeq not repeated")
            datatype = 8 if self.has("bdSeq of UInt64") else 4
            alias = 98 if self.has("alias on bdSeq") else None
            put(made, "bdSeq", datatype, bd_seq, at_ms, alias=alias, field="long_value")
        self._rebirth_metric(made, at_ms)
        load = put(made, "load", 10, 0.5, at_ms, alias=ALIASES[""])
        if self.has("NBIRTH without a value"):
            load.ClearField("double_value")
        if self.has("times fall in NBIRTH"):
            load.timestamp = self.now_ms - 1_000
        if self.has("names differ by case"):
            put(made, "Load", 10, 0.5, at_ms)
        self._dataset(made, at_ms)
        if not self.has("template not defined"):
            self._definition(made, at_ms)
        self.send("NBIRTH", made)

    def _rebirth_metric(self, made: Any, at_ms: int | None) -> None:
        if self.has("no Rebirth metric"):
            return
        alias = 97 if self.has("alias on Rebirth") else None
        value = self.has("Rebirth is true")
        if self.has("Rebirth is no Boolean"):
            put(made, REBIRTH, 3, 0, at_ms)
        else:
            put(made, REBIRTH, 11, value, at_ms, alias=alias)

    def _dataset(self, made: Any, at_ms: int | None) -> None:
        metric = made.metrics.add(name="table", datatype=16)
        if at_ms is not None:
            metric.timestamp = at_ms
        dataset = metric.dataset_value
        dataset.columns.extend(["a", "b"])
        if not self.has("dataset without types"):
            dataset.types.extend([3, 99 if self.has("dataset type") else 10])
        if not self.has("dataset without a column count"):
            dataset.num_of_columns = 3 if self.has("dataset column count") else 2
        row = dataset.rows.add()
        row.elements.add(int_value=1)
        if self.has("dataset cell"):
            row.elements.add().extension_value.SetInParent()
        else:
            row.elements.add(double_value=1.5)

    def _definition(self, made: Any, at_ms: int | None) -> None:
        metric = made.metrics.add(name="motor", datatype=19)
        if at_ms is not None:
            metric.timestamp = at_ms
        template = metric.template_value
        template.version = "1"
        if not self.has("definition without its flag"):
            template.is_definition = True
        if self.has("definition with a reference"):
            template.template_ref = "motor"
        for member in ("speed", "heat"):
            template.metrics.add(name=member, datatype=10, double_value=0.0)
        name = "" if self.has("parameter without a name") else "poles"
        parameter = template.parameters.add(name=name, int_value=2)
        if not self.has("parameter without a type"):
            parameter.type = 99 if self.has("parameter type") else 3

    def _instance(self, made: Any, at_ms: int | None, members: Sequence[str]) -> None:
        metric = made.metrics.add(name="motor-1", datatype=19)
        if at_ms is not None:
            metric.timestamp = at_ms
        template = metric.template_value
        if not self.has("instance without its flag"):
            template.is_definition = self.has("definition in a DBIRTH")
        if not self.has("instance without a reference"):
            template.template_ref = "motor"
        for member in members:
            template.metrics.add(name=member, datatype=10, double_value=1.0)
        template.parameters.add(
            name="unknown" if self.has("parameter of no definition") else "poles", type=3,
            int_value=4,
        )  # fmt: skip

    def device_birth(self, device: str) -> None:
        """DBIRTH of a device: force, a null, and an instance of the template."""
        made, at_ms = self._message(), self._metric_ms()
        base = ALIASES["press"] if self.has("alias clash") else ALIASES[device]
        field = "int_value" if self.has("value in the wrong field") else None
        has_type = not self.has("no datatype in births")
        datatype = 99 if self.has("unknown datatype") else 10
        value: Any = 1 if field else 1.25
        put(made, None if self.has("alias without name") else "force", datatype, value, at_ms,
            alias=base, field=field or "double_value", said_type=has_type)  # fmt: skip
        null = put(made, "heat", 10, None, at_ms, alias=base + 1)
        if self.has("null without is_null"):
            null.ClearField("is_null")
        if self.has("null with a value"):
            null.double_value = 1.0
        self._quality(null)
        members = ("speed",) if self.has("instance without all members") else ("speed", "heat")
        if self.has("member of no definition"):
            members = (*members, "noise")
        self._instance(made, at_ms, members)
        if self.has("times fall in births"):
            put(made, "old", 10, 1.0, self.now_ms - 1_000)
        self.send("DBIRTH", made, device)

    def _quality(self, metric: Any) -> None:
        keys, values = metric.properties.keys, metric.properties.values
        keys.append("Quality")
        number = 7 if self.has("unknown quality") else 500
        quality = values.add(type=3, int_value=number)
        if self.has("quality of another type"):
            quality.type = 4
        if self.has("property without a type"):
            quality.ClearField("type")
        if self.has("more keys than values"):
            keys.append("engUnit")
        if self.has("property type"):
            keys.append("x")
            values.add(type=77, int_value=1)

    def node_data(self, value: float) -> None:
        """NDATA."""
        made = self._message()
        put(made, None, 10, float(value), self._metric_ms(), alias=ALIASES[""], said_type=False)
        if self.has("metric of no NBIRTH"):
            put(made, "surprise", 10, 1.0, self._metric_ms(), said_type=False)
        if self.has("empty NDATA"):
            del made.metrics[:]
        self.send("NDATA", made)

    def data(self, device: str, value: float, *, historical: bool = False) -> None:
        """DDATA of a device."""
        made, at_ms = self._message(), self._metric_ms()
        alias = ALIASES["press"] if self.has("alias clash") else ALIASES[device]
        alias = 77 if self.has("unknown alias") else alias
        if self.has("times fall in data"):
            put(made, None, 10, value, self.now_ms + 1, alias=alias, said_type=False)
        name = "force" if self.has("name with alias in data") else None
        if self.has("same value again and again"):
            value = 1.25
        field = "long_value" if self.has("wrong field in data") else "double_value"
        raw: Any = int(value) if field == "long_value" else value
        put(made, name, 10, raw, at_ms, alias=alias, field=field, historical=historical,
            said_type=self.has("datatype in data"))  # fmt: skip
        if self.has("neither name nor alias"):
            put(made, None, 10, value, at_ms, said_type=False)
        if self.has("metric of no birth"):
            put(made, "surprise", 10, value, at_ms, said_type=False)
        if self.has("empty data"):
            del made.metrics[:]
        self.send("DDATA", made, device)

    def device_death(self, device: str) -> None:
        """DDEATH."""
        self.send("DDEATH", self._message(), device)
