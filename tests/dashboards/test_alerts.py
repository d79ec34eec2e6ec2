"""Each alert rule fires on what it is for, and none of them on an agent that is well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.dashboards.made import made, site
from tests.servers import InfluxDB

pytestmark = pytest.mark.system
AGENTS = [one.name for one in site().agents]
END_MS = 1_790_000_000_000 // 60_000 * 60_000
EVERY_MS = 10_000
ROUNDS = 60  # ten minutes of reports
WELL: dict[str, int | float] = {
    "backlog_age": 0.4, "backlog_bytes": 4_000, "gaps": 2, "links_down": 0, "bad_tags": 0,
    "commit_failures": 0, "disk_free": 40 << 30, "certificate_left": 400.0 * 86_400,
    "opcua_certificate_left": 400.0 * 86_400,
}  # fmt: skip
# What goes wrong with the first agent in its last two minutes, and the rule that must say so.
WRONG: dict[str, tuple[dict[str, int | float], str]] = {
    "late": ({"backlog_age": 301.0}, "Samples are not confirmed"),
    "filling": ({"backlog_bytes": 900 << 20}, "An outbox fills"),
    "gap": ({"gaps": 3}, "Samples may be missing"),
    "link": ({"links_down": 1}, "A machine is away"),
    "node": ({"bad_tags": 1}, "A node cannot be read"),
    "commit": ({"commit_failures": 1}, "The outbox cannot be written"),
    "disk": ({"disk_free": 1 << 29}, "A disk is nearly full"),
    "opcua": ({"opcua_certificate_left": 29.0 * 86_400}, "An OPC UA certificate ends"),
    "certificate": ({"certificate_left": 29.0 * 86_400}, "A certificate ends"),
    "silent": ({}, f"{AGENTS[0]} is silent"),
}


def reports(wrong: str) -> Iterator[str]:
    """The reports of both agents."""
    for number in range(ROUNDS):
        time_ms = END_MS - (ROUNDS - number) * EVERY_MS
        is_last = number >= ROUNDS - 13
        for agent in AGENTS:
            is_wrong = wrong and is_last and agent == AGENTS[0]
            if is_wrong and wrong == "silent":
                continue
            values = WELL | (WRONG[wrong][0] if is_wrong else {})
            fields = ",".join(
                f"{name}={value}{'i' if isinstance(value, int) else ''}"
                for name, value in values.items()
            )
            yield f"edge_health,site=demo,station={agent} {fields} {time_ms}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(Path(tmp_path_factory.mktemp("alerts"))) as influx:
        for name in ("", *WRONG):
            influx.ask(f"CREATE DATABASE case_{name}")
            influx.put("\n".join(reports(name)), f"case_{name}")
        yield influx


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for group in yaml.safe_load(made()["provisioning/alerting/refit.yaml"])["groups"]:
        found += group["rules"]
    return found


def fires(server: InfluxDB, database: str, rule: dict[str, Any]) -> bool:
    """What Grafana's evaluation says: query, the last number of each series, the threshold."""
    query, reduce, threshold = (step["model"] for step in rule["data"])
    assert reduce["settings"]["mode"] == "dropNN"
    reducer = {"last": lambda found: found[-1], "max": max}[reduce["reducer"]]
    answer = server.ask(query["query"].replace("now()", f"{END_MS}ms"), database)
    series = orjson.loads(answer)["results"][0].get("series", [])
    if not series:
        return bool(rule["noDataState"] == "Alerting")
    evaluator = threshold["conditions"][0]["evaluator"]
    limit, sign = evaluator["params"][0], 1 if evaluator["type"] == "gt" else -1
    reduced = [reducer([row[1] for row in one["values"] if row[1] is not None]) for one in series]
    return any(sign * value > sign * limit for value in reduced)


def test_nothing_fires_while_all_is_well(server: InfluxDB) -> None:
    assert [rule["title"] for rule in rules() if fires(server, "case_", rule)] == []


@pytest.mark.parametrize("wrong", WRONG)
def test_the_rule_for_it_fires_and_no_other(server: InfluxDB, wrong: str) -> None:
    fired = [rule["title"] for rule in rules() if fires(server, f"case_{wrong}", rule)]
    assert fired == [f"{WRONG[wrong][1]} (demo)"]


def test_every_rule_has_a_case_here() -> None:
    cases = {f"{name} (demo)" for _, name in WRONG.values()}
    silent = {f"{agent} is silent (demo)" for agent in AGENTS}
    assert {rule["title"] for rule in rules()} == cases | silent
