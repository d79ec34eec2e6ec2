"""A dashboard: panels flow from left to right like words in a text, and number themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from plant.dashboards.names import INFLUXDB, Source
from plant.dashboards.panels import Panel

Json = dict[str, Any]
WIDTH = 24
SCHEMA = 41  # the last of schema v1 that every Grafana since 12 reads without migrating


class Board:
    """One dashboard while it is made."""

    def __init__(
        self, uid: str, title: str, description: str, *, tags: Iterable[str] = (),
        variables: Sequence[Json] = (), links: Sequence[Json] = (),
        start: str = "now-1h", refresh: str = "10s",
    ) -> None:  # fmt: skip
        self.uid = uid
        self._json: Json = {
            "uid": uid,
            "title": title,
            "description": description,
            "tags": ["refit", *tags],
            "schemaVersion": SCHEMA,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "browser",
            "time": {"from": start, "to": "now"},
            "refresh": refresh,
            "templating": {"list": list(variables)},
            "links": list(links),
            "annotations": {"list": []},
        }
        self._panels: list[Json] = []
        self._number = self._x = self._y = self._height = 0

    def add(self, *panels: Panel) -> None:
        """Place panels after those that are there."""
        self._panels += [self._placed(panel) for panel in panels]

    def row(self, title: str, panels: Sequence[Panel], *, collapsed: bool = False) -> None:
        """Begin a row with a title of its own; a collapsed one asks the store nothing."""
        self._break()
        self._number += 1
        row: Json = {
            "id": self._number, "type": "row", "title": title, "collapsed": collapsed,
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": self._y},
        }  # fmt: skip
        self._y += 1
        placed = [self._placed(panel) for panel in panels]
        self._panels += [row | {"panels": placed if collapsed else []}]
        self._panels += [] if collapsed else placed
        self._break()

    def _break(self) -> None:
        self._x, self._y, self._height = 0, self._y + self._height, 0

    def _placed(self, panel: Panel) -> Json:
        if self._x + panel.w > WIDTH:
            self._break()
        self._number += 1
        placed = panel.json(self._number, self._x, self._y)
        self._x, self._height = self._x + panel.w, max(self._height, panel.h)
        return placed

    def text(self) -> str:
        """The file for Grafana."""
        made = self._json | {"panels": self._panels}
        return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def variable(name: str, label: str, source: Source, query: str, *, hide: bool = False) -> Json:
    """A variable with one value at a time, whose choices come from a query.

    InfluxDB's data source wants an object, that of PostgreSQL the text.
    """
    wrapped = {"query": query, "refId": "InfluxVariableQueryEditor-VariableQuery"}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": source.json(),
        "query": wrapped if source.type == INFLUXDB else query,
        "refresh": 2,
        "sort": 1,
        "hide": 2 if hide else 0,
        "multi": False,
        "includeAll": False,
        "skipUrlSync": False,
    }


def link(title: str, uid: str, *, tooltip: str = "", variables: str = "") -> Json:
    """A link to another dashboard, with the same time range."""
    query = f"?{variables}" if variables else ""
    return {
        "title": title, "type": "link", "url": f"/d/{uid}{query}", "tooltip": tooltip or title,
        "icon": "external link", "keepTime": True, "includeVars": False, "asDropdown": False,
        "targetBlank": False, "tags": [],
    }  # fmt: skip


def data_link(title: str, uid: str, variables: str) -> Json:
    """A link of a value; `variables` may name other values of its row."""
    return {"title": title, "url": f"/d/{uid}?{variables}", "targetBlank": False}
