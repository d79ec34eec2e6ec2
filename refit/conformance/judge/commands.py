"""The commands of a host, held against the births that it has heard; a seq that has a gap."""

from __future__ import annotations

from typing import Any

from refit.conformance.judge.book import Book
from refit.conformance.judge.metrics import ALIAS_ONLY, TYPE_LEFT_OUT
from refit.conformance.judge.reading import FIELDS, REBIRTH, Spoken

BASE = "operational-behavior-data-commands"
NO_SEQ = {"NCMD": "payloads-ncmd-seq", "DCMD": "payloads-dcmd-seq"}
NAME = {"NCMD": f"{BASE}-ncmd-metric-name", "DCMD": f"{BASE}-dcmd-metric-name"}
VALUE = {"NCMD": f"{BASE}-ncmd-metric-value", "DCMD": f"{BASE}-dcmd-metric-value"}
PAYLOAD = {"NCMD": "topics-ncmd-payload", "DCMD": "topics-dcmd-payload"}
MAY_BE_TIMED = "payloads-name-cmd-requirement"
REBIRTH_VERB = f"{BASE}-ncmd-rebirth-verb"
REBIRTH_NAME = f"{BASE}-ncmd-rebirth-name"
REBIRTH_VALUE = f"{BASE}-ncmd-rebirth-value"


class Commands:
    """The metrics of all births that were heard, and the commands held against them."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._born: dict[tuple[str, ...], dict[str, Any]] = {}

    def heard(self, said: Spoken) -> None:
        """A message of an edge node comes to the host."""
        if said.verb in ("NBIRTH", "DBIRTH") and said.payload is not None:
            key = (*said.node, said.device or "")
            self._born[key] = {one.name: one for one in said.payload.metrics}

    def sent(self, said: Spoken) -> None:
        """The host sends NCMD or DCMD."""
        see, where = self._book.see, said.where
        has_seq = said.payload.HasField("seq")
        see(NO_SEQ[said.verb], not has_seq, where, "a seq in a command")
        see(PAYLOAD[said.verb], len(said.payload.metrics) > 0, where, "no metrics")
        born = self._born.get((*said.node, said.device or ""))
        for metric in said.payload.metrics:
            see(MAY_BE_TIMED, True, where, "")
            see(TYPE_LEFT_OUT, not metric.HasField("datatype"), where, "a datatype in a command")
            self._rebirth(said, metric)
            self._target(said, metric, born)

    def _rebirth(self, said: Spoken, metric: Any) -> None:
        see, where = self._book.see, said.where
        if "rebirth" not in metric.name.lower():
            return
        see(REBIRTH_VERB, said.verb == "NCMD", where, "a rebirth request as DCMD")
        see(REBIRTH_NAME, metric.name == REBIRTH, where, f"it names {metric.name!r}")
        is_true = metric.WhichOneof("value") == "boolean_value" and metric.boolean_value
        see(REBIRTH_VALUE, is_true, where, "its value is not true")

    def _target(self, said: Spoken, metric: Any, born: dict[str, Any] | None) -> None:
        see, where = self._book.see, said.where
        if not metric.name and not metric.HasField("alias"):
            see(NAME[said.verb], False, where, "a command that names no metric")
            return
        if born is None:
            return  # the host has not heard the birth, and may ask for it all the same
        if metric.HasField("alias"):
            found = next((one for one in born.values() if one.alias == metric.alias), None)
            see(ALIAS_ONLY, not metric.name, where, "alias and name")
        else:
            found = born.get(metric.name)
            if found is not None:
                see(ALIAS_ONLY, not found.HasField("alias"), where, "a name for an alias")
        what = f"{metric.name or metric.alias!r} is in no birth"
        if see(NAME[said.verb], found is not None, where, what) and found is not None:
            place, wanted = metric.WhichOneof("value"), FIELDS.get(found.datatype)
            fine = metric.is_null or place == wanted
            what = f"{metric.name}: value in {place}, the birth's type wants {wanted}"
            see(VALUE[said.verb], fine, where, what)
