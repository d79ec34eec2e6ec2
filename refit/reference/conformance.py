"""The reference page of what is proven of Sparkplug 3.0."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from refit.conformance import ACTORS, Assertion, assertions, counted, requirements
from refit.reference.markdown import HEAD, code, table

INTRODUCTION = f"""\
# Sparkplug 3.0, assertion by assertion

{HEAD}
The specification (Eclipse Sparkplug 3.0.0) has 299 testable assertions. Eleven are for brokers;
here are the {{count}} for edge nodes (our agents) and host applications (our historian):
{{counted}}.
What each means is said in our own words; where a wording matters, the specification decides.
`refit sparkplug-report` prints and filters the same.

**How it is proven.** The agent's publisher with its outbox, and the historian with its store, speak
through a recording proxy to Mosquitto, in MQTT 3.1.1 and 5. A judge that shares nothing
with them but the generated reader of payloads reads the recording (CONNECT with Will, SUBSCRIBE,
PUBLISH, DISCONNECT, of both sides) and says of every assertion whether it was seen to hold, was
broken, or did not come up; only the first will do. One assertion alone is run by
`pytest "tests/sparkplug/test_edge_wire.py::test_the_edge_keeps[tck-id-...]"`.
The judge is judged by an edge node and a host that can do wrong whatever one can do wrong: it
reports each of their faults under its id, and nothing where there is none
(`tests/sparkplug/test_judge.py`).

Where the specification contradicts itself, the letter says what we hold for right:
a) seq of every NBIRTH is 0. b) known devices are born with their node, a late one when it appears.
c) bdSeq is Int64. d) STATE birth and Will of one CONNECT have one timestamp. e) NDEATH precedes
every planned DISCONNECT. f) bdSeq goes on over restarts; the first one ever is 0. g) a host
subscribes, then says STATE. h) arrays are little-endian.
"""
REQUIREMENTS = """
## What others have taught us

Requirements of our own, from the issues of other implementations.

"""
SUBJECTS = {
    "EDGE-SESSION": "The session of an edge node",
    "BDSEQ": "bdSeq",
    "BIRTH": "Births",
    "DEVICE": "Devices",
    "DATA": "Data",
    "SEQ": "Sequence numbers",
    "HISTORICAL": "Order of time",
    "REBIRTH": "Rebirth",
    "CMD": "Commands",
    "PRIMARY-HOST": "The primary host",
    "MULTI-SERVER": "Several servers",
    "STATE": "STATE",
    "HOST-STALE": "What a host makes of a death",
    "HOST-REORDER": "What a host makes of a gap",
    "METRIC": "Metrics",
    "ALIAS": "Aliases",
    "PROPERTIES": "Properties",
    "DATASET": "DataSets",
    "TEMPLATE": "Templates",
    "ID": "Ids and topics",
}


def page() -> str:
    """The whole page."""
    listed = assertions()
    text = INTRODUCTION.format(count=len(listed), counted=counted(listed))
    for category, found in groupby(listed, lambda one: one.category):
        text += f"\n## {SUBJECTS[category]}\n\n{_table(found)}"
    rows = [(str(one.number), one.meaning, _tests(one.tests)) for one in requirements()]
    return text + REQUIREMENTS + table(("no", "requirement", "tests"), rows)


def _table(listed: Iterable[Assertion]) -> str:
    rows = []
    for one in listed:
        meaning = f"{one.meaning} ({one.decision})" if one.decision else one.meaning
        told = "; ".join(filter(None, (one.because, _tests(one.tests))))
        level = f"{one.level}, {ACTORS[one.actor]}"
        rows.append((code(one.id.removeprefix("tck-id-")), level, meaning, one.verdict, told))
    return table(("tck-id-", "level, for", "meaning", "verdict", "why, or by which test"), rows)


def _tests(names: Iterable[str]) -> str:
    return ", ".join(code(name.replace("tests/", "", 1)) for name in names)
