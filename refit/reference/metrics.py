"""The reference page of what the processes count and say of themselves."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from edge.health import EVERY_S, METRICS, Health
from edge.pipeline import Counts
from plant.media import completeness, server
from plant.status import Status
from plant.stores.store import EDGE_HEALTH
from plant.writer import Tally
from refit.reference.markdown import HEAD, code, table
from stations.declare import Type
from wire.metrics import Metrics
from wire.sparkplug.metrics import HEALTH

INTRODUCTION = f"""\
# Metrics

{HEAD}
Agent and historian serve `/metrics` (Prometheus text, read when it is asked for) and `/healthz`
(JSON; 200 when `ok` is true, else 503 and `problems` says what is wrong) on 127.0.0.1 at the port
`http` of the [site file](site-file.md); at another address when `listen` says one. Who
has to show a certificate and a token stands in `[http]` there.
Both also show the `process_*` metrics of the Prometheus
client for Python. Whatever is called a counter starts with 0 when the process does.

## The health of an agent

Every {EVERY_S:g} s as Sparkplug node metrics `{HEALTH}NAME`, which the historian stores as the
measurement `{EDGE_HEALTH}`; at any time as `health` in `/healthz` and as `agent{{what="NAME"}}` in
`/metrics`.

"""
STATIONS = """
## `/stations` of the historian

JSON with every station and its tags: `type`, `unit`, `low`, `high`, `doc`, the names of `states`,
and the latest sample as `value`, `status` (OPC UA StatusCode) and `time_ms`, with the `count` of
samples that came and the `recent` numbers. A tag that was not heard yet has `status` null. Agents
and stations say whether they are `online`, `why` not, and `since_ms`. `/stations/NAME` is one
station. `token` stands for what an answer says: `/stations?since=TOKEN` answers with `partial`
true and only the tags that have changed, as long as no station was born anew. `refit watch` shows
it. Nothing can be changed over HTTP.
"""
HEALTH_DOCS = {
    "backlog_batches": "Batches in the outbox that the plant has not confirmed.",
    "backlog_samples": "Samples in those batches.",
    "backlog_bytes": "Their size in the outbox.",
    "backlog_age": "Age of the oldest of them.",
    "records_waiting": "Records that the ledger has not confirmed.",
    "samples": "Samples committed to the outbox since the start.",
    "acknowledged": "Samples that the plant has confirmed since the start.",
    "records": "Records made since the start.",
    "gaps": "Gap records among them.",
    "repeats": "Samples equal in time, status and value to the last one, dropped.",
    "reconnects": "How often a connection to a machine was lost or could not be made.",
    "links_down": "Connections to machines that are down now.",
    "bad_tags": "Tags that the machine refuses or does not have now.",
    "commit_failures": "Attempts to write the outbox that failed.",
    "cpu": "Processor time of the process, of one core.",
    "memory": "Resident memory of the process.",
    "disk_free": "Free room on the disk of the outbox.",
    "files_waiting": "Files of records that the media store has not confirmed.",
    "files_bytes": "Size of all files on this disk, those included whose record is not confirmed.",
    "files_age": "Age of the oldest file that waits.",
    "files_sent": "Files that the media store has confirmed since the start.",
    "files_lost": "Files whose copy was gone or changed before it was sent; a record says which.",
    "files_refused": "Records with files that were not taken, say at the bound `waiting_max`.",
    "problems": "How many of its `problems` in `/healthz` there are.",
    "problem": "The one that has lasted longest, in words (not in `/metrics`).",
    "opcua_certificate_left": "How long what secured OPC UA connections rest on is good, own"
    " certificates and revocation lists: of that which ends first (none without one)",
    "certificate_left": "How long the own certificate at the broker is good; negative: it has ended"
    " (none without one).",
}
HELD_BACK = {
    "repeats": "equal in time, status and value to the last one: dropped",
    "unchanged": "a poll that found nothing new: dropped",
    "deadband": "a change of at most the deadband: dropped",
    "not_finite": "NaN or infinite: kept without a value, Bad",
    "text_too_long": "a text above the bound: kept without a value, Bad",
    "time_replaced": "a time that cannot be or that went back: receive time, Uncertain",
    "stale": "no change for longer than declared: the last value again, Uncertain",
}
WORDS = {
    Type.BOOL: "true or false",
    Type.INT: "whole number",
    Type.FLOAT: "number",
    Type.TEXT: "text",
}


def page() -> str:
    """The whole page as Markdown."""
    health = [(code(one.name), WORDS[one.type], one.unit, HEALTH_DOCS[one.name]) for one in METRICS]
    held_back = [(code(one.name), HELD_BACK[one.name]) for one in fields(Counts)]
    parts = [
        INTRODUCTION,
        table(("name", "type", "unit", "what it is"), health),
        "\n## `/metrics` of an agent\n\n",
        _families(agent_metrics()),
        "\nThe values of `why` in `agent_not_passed_on`:\n\n",
        table(("why", "what it means"), held_back),
        "\n## `/metrics` of the historian\n\n",
        _families(historian_metrics()),
        "\nThe label `agent` is empty for what no known agent sent.\n",
        "\n## `/metrics` of the media store\n\n",
        "The historian shows them when it runs the media store, else `refit media serve`, which\n"
        "does not look at records.\n\n",
        _families(media_metrics()),
        STATIONS,
    ]
    return "".join(parts)


def agent_metrics() -> Metrics:
    """What an agent shows, without an agent: nothing is read before somebody asks."""
    stub = SimpleNamespace(agent=None, fresh=None, _numbers=None)
    return Health.metrics(cast(Health, stub))


def historian_metrics() -> Metrics:
    """What a historian shows, without a historian."""
    stub: Any = SimpleNamespace(writer=SimpleNamespace(tally=Tally()))
    recording: Any = SimpleNamespace()
    cert_file = Path("cert.pem")
    return Status(stub, cast(Any, None), recording, cert_file=cert_file).metrics()


def media_metrics() -> Metrics:
    """What a media store shows, without one."""
    metrics = Metrics()
    server.add_metrics(metrics, lambda: cast(Any, None))
    completeness.add_metrics(metrics, lambda: cast(Any, None))
    return metrics


def _families(metrics: Metrics) -> str:
    rows = [(code(one.name), one.kind, code(one.label), one.doc) for one in metrics.described]
    return table(("metric", "kind", "label", "what it is"), rows)
