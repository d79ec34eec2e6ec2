"""What the metrics of births and data must be: named, typed, timed, aliased, and born before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refit.conformance.judge.book import Book
from refit.conformance.judge.envelope import AHEAD_MS_MAX
from refit.conformance.judge.properties import properties
from refit.conformance.judge.reading import (
    BOOLEAN,
    FIELDS,
    INT64,
    REBIRTH,
    TEMPLATE,
    Spoken,
    named,
    timestamp,
)
from refit.conformance.judge.structures import Structures

EARLIEST_MS = 631_152_000_000  # 1990: what is smaller are seconds, or a clock that was never set

VALUES = {
    "NBIRTH": "operational-behavior-data-publish-nbirth-values topics-nbirth-metrics",
    "DBIRTH": "operational-behavior-data-publish-dbirth-values topics-dbirth-metrics",
    "NDATA": "topics-ndata-payload",
    "DDATA": "topics-ddata-payload",
}
COVERED = {
    "NDATA": "topics-nbirth-metric-reqs operational-behavior-data-publish-nbirth",
    "DDATA": "topics-dbirth-metric-reqs operational-behavior-data-publish-dbirth",
}
ORDER = {
    "NBIRTH": "operational-behavior-data-publish-nbirth-order",
    "NDATA": "operational-behavior-data-publish-nbirth-order",
    "DBIRTH": "operational-behavior-data-publish-dbirth-order",
    "DDATA": "operational-behavior-data-publish-dbirth-order",
}
CHANGE = {
    "NDATA": "operational-behavior-data-publish-nbirth-change",
    "DDATA": "operational-behavior-data-publish-dbirth-change",
}
BY_EXCEPTION = "principles-rbe-recommended"
NAME = "payloads-name-requirement"
TIMED = "payloads-name-birth-data-requirement"
TIME_UTC = "payloads-metric-timestamp-in-UTC"
TYPE_KIND = "payloads-metric-datatype-value-type"
TYPE_VALUE = "payloads-metric-datatype-value"
TYPE_REQUIRED = "payloads-metric-datatype-req"
TYPE_LEFT_OUT = "payloads-metric-datatype-not-req"
UNIQUE = "payloads-alias-uniqueness"
NAMED_ALIAS = "payloads-alias-birth-requirement"
ALIAS_ONLY = "payloads-alias-data-cmd-requirement"
METRIC_CASE = "case-sensitivity-metric-names"
REBIRTH_NAME = (
    "topics-nbirth-rebirth-metric operational-behavior-data-commands-rebirth-name "
    "payloads-nbirth-rebirth-req"
)
REBIRTH_TYPE = "operational-behavior-data-commands-rebirth-datatype topics-nbirth-rebirth-metric"
REBIRTH_VALUE = (
    "operational-behavior-data-commands-rebirth-value topics-nbirth-rebirth-metric "
    "payloads-nbirth-rebirth-req"
)
REBIRTH_ALIAS = "operational-behavior-data-commands-rebirth-name-aliases"


@dataclass
class Known:
    """A metric of a birth, and the last value that was said of it."""

    name: str
    alias: int | None
    datatype: int
    last: object = None


def _value(metric: Any) -> object:
    place = metric.WhichOneof("value")
    raw = None if place is None else getattr(metric, place)
    plain = raw if isinstance(raw, bool | int | float | str | bytes | None) else str(raw)
    return metric.is_null, place, plain, metric.properties.SerializeToString()


class Metrics:
    """All metrics of an edge node as its births have named them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.devices: dict[str, dict[str, Known]] = {}
        self.structures = Structures(book)

    def clear(self) -> None:
        """An NBIRTH begins: whatever was known before is void."""
        self.devices.clear()

    def birth(self, said: Spoken) -> None:
        """NBIRTH or DBIRTH."""
        known = self.devices[said.device or ""] = {}
        for metric in said.payload.metrics:
            self._plain(said, metric)
            self._born(said, metric, known)
        if said.verb == "NBIRTH":
            self._controls(said)
            self.structures.definitions(said)
        self._names(said)
        self._order(said)

    def data(self, said: Spoken) -> None:
        """NDATA or DDATA."""
        known = self.devices.get(said.device or "", {})
        changed = False
        for metric in said.payload.metrics:
            self._plain(said, metric)
            found = self._find(said, metric, known)
            if found is None:
                changed = True
                continue
            self._fits(said, metric, found.datatype)
            value = _value(metric)
            changed |= metric.is_historical or value != found.last
            found.last = value
        names = f"{CHANGE[said.verb]} {BY_EXCEPTION}"
        self.book.see(names, changed, said.where, "nothing in it has changed")
        self._order(said)

    def _plain(self, said: Spoken, metric: Any) -> None:
        see, where = self.book.see, self._where(said, metric)
        see(NAME, bool(metric.name) or metric.HasField("alias"), where, "neither name nor alias")
        at_ms = timestamp(metric)
        if see(TIMED, at_ms is not None, where, "no timestamp") and at_ms is not None:
            near = EARLIEST_MS <= at_ms <= said.packet.at_ms + AHEAD_MS_MAX
            see(TIME_UTC, near, where, f"{at_ms} is no time in ms UTC that has been")
        if metric.HasField("datatype"):
            see(TYPE_KIND, True, where, "")
            fine = metric.datatype in FIELDS
            see(TYPE_VALUE, fine, where, f"datatype {metric.datatype}")
        properties(self.book, said, metric, where)
        self.structures.metric(said, metric, where)

    def _born(self, said: Spoken, metric: Any, known: dict[str, Known]) -> None:
        see, where = self.book.see, self._where(said, metric)
        if said.verb == "NBIRTH" and metric.template_value.is_definition:
            return  # it is of the type Template and has neither a value nor an alias
        has_type = metric.HasField("datatype")
        see(f"{TYPE_REQUIRED} {VALUES[said.verb]}", has_type, where, "no datatype")
        self._fits(said, metric, metric.datatype)
        alias = metric.alias if metric.HasField("alias") else None
        if alias is not None:
            see(NAMED_ALIAS, bool(metric.name), where, f"alias {alias} without a name")
            taken = self._taken(said.device or "", metric.name, alias)
            see(UNIQUE, taken is None, where, f"alias {alias} is that of {taken}")
        known[metric.name] = Known(metric.name, alias, metric.datatype, _value(metric))

    def _taken(self, device: str, name: str, alias: int) -> str | None:
        for other, listed in self.devices.items():
            for one in listed.values():
                if one.alias == alias and (other, one.name) != (device, name):
                    return f"{other}/{one.name}"
        return None

    def _fits(self, said: Spoken, metric: Any, datatype: int) -> None:
        place = metric.WhichOneof("value")
        if metric.is_null:
            fine, what = place is None, f"is_null, and a value in {place}"
        else:
            fine = place is not None and place == FIELDS.get(datatype, place)
            what = f"value in {place}, datatype {datatype}" if place else "no value, no is_null"
        self.book.see(VALUES[said.verb], fine, self._where(said, metric), what)

    def _find(self, said: Spoken, metric: Any, known: dict[str, Known]) -> Known | None:
        """The metric's birth; what is historical may be of a metric that is no more."""
        see, where = self.book.see, self._where(said, metric)
        if metric.HasField("alias"):
            found = next((one for one in known.values() if one.alias == metric.alias), None)
            names = f"{COVERED[said.verb]} {NAMED_ALIAS}"
            if not see(names, found is not None, where, "an alias that no birth has named"):
                return None
            see(ALIAS_ONLY, not metric.name, where, "alias and name")
        else:
            found = known.get(metric.name)
            if found is None and metric.is_historical:
                return None
            if not see(COVERED[said.verb], found is not None, where, "in no birth"):
                return None
            see(ALIAS_ONLY, found is not None and found.alias is None, where, "a name for an alias")
        see(TYPE_LEFT_OUT, not metric.HasField("datatype"), where, "a datatype in DATA")
        return found

    def _controls(self, said: Spoken) -> None:
        see, metric = self.book.see, named(said.payload, REBIRTH)
        if not see(REBIRTH_NAME, metric is not None, said.where, f"no {REBIRTH}"):
            see("operational-behavior-data-commands-rebirth-datatype", False, said.where, "none")
            return
        see(REBIRTH_ALIAS, not metric.HasField("alias"), said.where, f"{REBIRTH} has an alias")
        is_boolean = metric.datatype == BOOLEAN
        see(REBIRTH_TYPE, is_boolean, said.where, f"{REBIRTH} has datatype {metric.datatype}")
        is_false = metric.WhichOneof("value") == "boolean_value" and not metric.boolean_value
        see(REBIRTH_VALUE, is_false, said.where, f"{REBIRTH} is not false")

    def _names(self, said: Spoken) -> None:
        names = {name for listed in self.devices.values() for name in listed}
        fine = len({name.lower() for name in names}) == len(names)
        self.book.see(METRIC_CASE, fine, said.where, "names that differ by letter case alone")

    def _order(self, said: Spoken) -> None:
        listed = [one for one in said.payload.metrics if not one.is_historical]
        times = [one.timestamp for one in listed if one.HasField("timestamp")]
        if times:
            self.book.see(ORDER[said.verb], times == sorted(times), said.where, "times fall")

    @staticmethod
    def _where(said: Spoken, metric: Any) -> str:
        label = metric.name or (f"alias {metric.alias}" if metric.HasField("alias") else "?")
        return f"{said.where}, {label}"


BDSEQ_IN = "topics-nbirth-bdseq-included payloads-nbirth-bdseq"
BDSEQ_TYPE = "message-flow-edge-node-birth-publish-nbirth-payload-bdSeq"
BDSEQ_SAME = f"{BDSEQ_TYPE} topics-nbirth-bdseq-matching payloads-nbirth-bdseq-repeat"
OWN_ALIAS = "requirement-12"


def bd_seq_of_birth(book: Book, said: Spoken) -> None:
    """That an NBIRTH says bdSeq, and how; whether it is the right one is for the session."""
    metric = named(said.payload, "bdSeq")
    if book.see(BDSEQ_IN, metric is not None, said.where, "no bdSeq"):
        fine = metric.datatype == INT64 and metric.WhichOneof("value") == "long_value"
        book.see(BDSEQ_TYPE, fine, said.where, f"bdSeq of datatype {metric.datatype}, not Int64")
        book.see(OWN_ALIAS, not metric.HasField("alias"), said.where, "bdSeq has an alias")


def is_template(metric: Any) -> bool:
    """Whether a metric holds a template, whatever its datatype says."""
    return metric.datatype == TEMPLATE or metric.WhichOneof("value") == "template_value"
