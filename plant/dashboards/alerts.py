"""Alert rules on what can lose data: the agents, their outboxes and their machines.

They watch the edge and the store. What an operator has to answer comes from the line itself. No
`$` stands in here: Grafana would take it for an environment variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plant.dashboards import edge, queries
from plant.dashboards.names import Source, uid

Json = dict[str, Any]
LOOK_S = 600  # how far back a rule looks
SINCE = "time > now() - 10m"
FULL = 0.8
DISK_MIN = 1 << 30
CERTIFICATE_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the newest (or `reducer`) of the values of a series is compared with a number.

    What counts up is looked at over the whole time, else a single step would be missed between two
    evaluations.
    """

    name: str
    what: str
    compare: str
    limit: float
    lasting: str
    severity: str
    summary: str
    todo: str
    condition: str = ""
    no_data: str = "OK"
    reducer: str = "last"


def rules(outbox_bytes: int, agents: Sequence[str]) -> list[Rule]:
    """All rules of a site."""
    return [
        *(_silent(agent) for agent in agents),
        Rule(
            "Samples are not confirmed", 'max("backlog_age")', "gt", 300, "2m", "high",
            "{{ .Labels.station }}: the oldest unconfirmed sample is more than 5 minutes old.",
            "Look whether broker, historian and store run. Nothing is lost while the outbox has"
            " room.",
        ),
        Rule(
            "An outbox fills", 'max("backlog_bytes")', "gt", FULL * outbox_bytes, "1m", "high",
            "{{ .Labels.station }}: the outbox has reached 80 % of its bound.",
            "Bring broker, historian or store back: at the bound the oldest samples are given up.",
        ),
        Rule(
            "Samples may be missing", 'non_negative_difference(max("gaps"))', "gt", 0, "0s",
            "medium", "{{ .Labels.station }}: a gap record was made.",
            "The dashboard Edge health lists the gap records: which tags, from when, why.",
            reducer="max",
        ),
        Rule(
            "A machine is away", 'min("links_down")', "gt", 0, "5m", "high",
            "{{ .Labels.station }}: a connection to a machine has been down for 5 minutes.",
            "The agent's /healthz says which connection and why.",
        ),
        Rule(
            "A node cannot be read", 'min("bad_tags")', "gt", 0, "10m", "medium",
            "{{ .Labels.station }}: a machine refuses a tag or does not have it.",
            "`refit check --live` says which; a moved address goes into [station.at].",
        ),
        Rule(
            "The outbox cannot be written", 'non_negative_difference(max("commit_failures"))', "gt",
            0, "0s", "high", "{{ .Labels.station }}: a write to the outbox failed.",
            "Look at the disk of the station PC and at the agent's log.", reducer="max",
        ),
        Rule(
            "A disk is nearly full", 'min("disk_free")', "lt", DISK_MIN, "5m", "medium",
            "{{ .Labels.station }}: less than 1 GiB is free on the disk of the outbox.",
            "Make room on the station PC, or lower bytes_max of the outbox.",
        ),
        Rule(
            "A certificate ends", 'min("certificate_left")', "lt", CERTIFICATE_S, "1h", "medium",
            "{{ .Labels.station }}: its certificate at the broker ends within 30 days.",
            "`refit certs renew` where the authority is, then take the files to the station PC.",
        ),
        Rule(
            "An OPC UA certificate ends", 'min("opcua_certificate_left")', "lt", CERTIFICATE_S,
            "1h", "medium",
            "{{ .Labels.station }}: a certificate or a revocation list ends within 30 days.",
            "`refit doctor` on the station PC says which; a new certificate must be trusted by the"
            " servers.",
        ),
    ]  # fmt: skip


def _silent(agent: str) -> Rule:
    """A rule of its own for each agent: a series that ends is no alert, no data is one."""
    return Rule(
        f"{agent} is silent", 'count("backlog_age")', "lt", 1, "1m", "high",
        f"{agent} has reported nothing for two minutes.",
        "Look whether the station PC, its agent, the broker and the historian run.",
        condition=f'"station" = {queries.text(agent)} AND time > now() - 2m', no_data="Alerting",
    )  # fmt: skip


def file(site: str, source: Source, outbox_bytes: int, agents: Sequence[str]) -> Json:
    """The provisioning file of alert rules."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": f"refit {site} edge",
                "folder": f"Refit {site}",
                "interval": "1m",
                "rules": [_rule(site, source, one) for one in rules(outbox_bytes, agents)],
            }
        ],
    }


def _rule(site: str, source: Source, rule: Rule) -> Json:
    return {
        "uid": uid(site, "alert", rule.name),
        "title": f"{rule.name} ({site})",
        "condition": "C",
        "data": [
            _query(site, source, rule),
            _expression("B", {"type": "reduce", "expression": "A", "reducer": rule.reducer,
                              "settings": {"mode": "dropNN"}}),
            _expression("C", {"type": "threshold", "expression": "B", "conditions": [
                {"evaluator": {"type": rule.compare, "params": [rule.limit]}}]}),
        ],
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "for": rule.lasting,
        "labels": {"site": site, "severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.todo,
            "__dashboardUid__": edge.uid_of(site),
            "__panelId__": "1",
        },
    }  # fmt: skip


def _query(site: str, source: Source, rule: Rule) -> Json:
    here = queries.where({"site": site}, rule.condition or SINCE)
    query = queries.select(rule.what, edge.HEALTH, here, by='time(1m), "station"', fill="none")
    return {
        "refId": "A",
        "relativeTimeRange": {"from": LOOK_S, "to": 0},
        "datasourceUid": source.uid,
        "model": {
            "refId": "A", "datasource": source.json(), "query": query, "rawQuery": True,
            "resultFormat": "time_series", "intervalMs": 1000, "maxDataPoints": 43200,
        },
    }  # fmt: skip


def _expression(ref: str, model: Json) -> Json:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": LOOK_S, "to": 0},
        "datasourceUid": "__expr__",
        "model": {"refId": ref, "datasource": {"type": "__expr__", "uid": "__expr__"}, **model},
    }
