"""Every query of every panel, sent to the real servers as Grafana would send it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.dashboards.grafana import View
from tests.dashboards.made import Json, panels

RUNS = 3
QUICK_S = 0.1  # one run is enough below half of what is allowed


@dataclass(frozen=True, slots=True)
class Answer:
    """What one target gave: columns by name, over all series, and how long it took."""

    board: str
    panel: Json
    target: Json
    query: str
    columns: dict[str, list[Any]]
    series: int
    seconds: float

    @property
    def name(self) -> str:
        """Dashboard, panel and target in words."""
        return f"{self.board} / {self.panel['title']} / {self.target['refId']}"

    @property
    def alias(self) -> str:
        """What the target's series are called."""
        return str(self.target.get("alias", ""))

    def values(self) -> list[Any]:
        """Every value that is there, times and names left out."""
        return [
            value
            for name, column in self.columns.items()
            if name not in ("time", "station")
            for value in column
            if value is not None
        ]


@dataclass(slots=True)
class Stores:
    """The servers as Grafana reaches them, one connection each that is kept."""

    port: int
    databases: Mapping[str, str]  # of InfluxDB, by the uid of the data source
    ledger: psycopg.Connection[tuple[object, ...]] | None
    _http: http.client.HTTPConnection | None = field(default=None, init=False)

    def close(self) -> None:
        """End the connections."""
        if self._http is not None:
            self._http.close()
        if self.ledger is not None:
            self.ledger.close()

    def answers(self, board: str, made: Json, view: View) -> Iterator[Answer]:
        """What every target of a dashboard gives."""
        for panel in panels(made):
            for target in panel.get("targets", []):
                yield self._answer(board, panel, target, view)

    def variables(self, made: Json, view: View) -> dict[str, list[str]]:
        """The choices of each variable of a dashboard."""
        found = {}
        for one in made["templating"]["list"]:
            uid, query = one["datasource"]["uid"], one["query"]
            if uid in self.databases:
                columns, _ = self._influxql(self.databases[uid], query["query"])
                found[one["name"]] = list(columns["value"])
            else:
                columns, _ = self._sql(view.sql(query))
                found[one["name"]] = [str(value) for value in next(iter(columns.values()))]
        return found

    def again(self, answer: Answer) -> Answer:
        """The same question once more."""
        is_sql = "rawSql" in answer.target
        uid = answer.target["datasource"]["uid"]
        return self._asked(answer.board, answer.panel, answer.target, answer.query, uid, is_sql)

    def influxql(self, query: str) -> tuple[dict[str, list[Any]], int]:
        """The columns over all series of a query of the samples, and how many series."""
        return self._influxql(next(iter(self.databases.values())), query)

    def _answer(self, board: str, panel: Json, target: Json, view: View) -> Answer:
        uid = target["datasource"]["uid"]
        is_influx = uid in self.databases
        query = view.influxql(target["query"], panel) if is_influx else view.sql(target["rawSql"])
        return self._asked(board, panel, target, query, uid, not is_influx)

    def _asked(
        self, board: str, panel: Json, target: Json, query: str, uid: str, is_sql: bool
    ) -> Answer:
        taken: list[float] = []
        while len(taken) < RUNS and not (taken and taken[-1] < QUICK_S):
            began = time.perf_counter()
            columns, series = (
                self._sql(query) if is_sql else self._influxql(self.databases[uid], query)
            )
            taken.append(time.perf_counter() - began)
        return Answer(board, panel, target, query, columns, series, median(taken))

    def _influxql(self, database: str, query: str) -> tuple[dict[str, list[Any]], int]:
        """Columns over all series, and how many series; the time is that of the whole answer."""
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = urlencode({"q": query, "db": database, "epoch": "ms"})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._http.request("POST", "/query", body, kind)
        result = json.loads(self._http.getresponse().read())["results"][0]
        assert "error" not in result, f"{result['error']}: {query}"
        columns: dict[str, list[Any]] = {}
        for one in result.get("series", []):
            for name, value in one.get("tags", {}).items():
                columns.setdefault(name, []).extend([value] * len(one["values"]))
            for name, column in zip(one["columns"], zip(*one["values"], strict=True), strict=True):
                columns.setdefault(name, []).extend(column)
        return columns, len(result.get("series", []))

    def _sql(self, query: str) -> tuple[dict[str, list[Any]], int]:
        assert self.ledger is not None
        found = self.ledger.execute(query.encode())
        assert found.description is not None
        names = [one.name for one in found.description]
        rows = found.fetchall()
        return {name: [row[i] for row in rows] for i, name in enumerate(names)}, int(bool(rows))


def slowest(answers: Sequence[Answer], count: int = 12) -> str:
    """A table of the slowest queries."""
    worst = sorted(answers, key=lambda one: one.seconds, reverse=True)[:count]
    return "\n".join(f"{1000 * one.seconds:7.1f} ms  {one.name}" for one in worst)
