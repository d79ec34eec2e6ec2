"""Panels of Grafana's dashboard schema v1, as small builders; they know nothing of a factory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plant.dashboards.names import MIXED, Source

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Influx:
    """A query in InfluxQL; as a table it keeps its columns, else each is a series."""

    source: Source
    query: str
    alias: str = ""
    table: bool = False

    def json(self, ref: str) -> Json:
        """The target of a panel."""
        target: Json = {
            "refId": ref,
            "datasource": self.source.json(),
            "query": self.query,
            "rawQuery": True,
            "resultFormat": "table" if self.table else "time_series",
        }
        return target | ({"alias": self.alias} if self.alias else {})


@dataclass(frozen=True, slots=True)
class Sql:
    """A query in SQL; its columns are what the panel shows, a column `time` is the time."""

    source: Source
    query: str

    def json(self, ref: str) -> Json:
        """The target of a panel."""
        return {
            "refId": ref,
            "datasource": self.source.json(),
            "rawSql": self.query,
            "rawQuery": True,
            "editorMode": "code",
            "format": "table",
        }


def ref(number: int) -> str:
    """The name of a target, as Grafana itself names them: A to Z, then AA, AB ..."""
    return (ref(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel before it has a number and a place. `w` and `h` are in cells of 24 to a row."""

    type: str
    title: str
    description: str
    unit: str
    targets: Sequence[Influx | Sql]
    w: int = 8
    h: int = 7
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    links: Sequence[Json] = ()
    interval: str = ""

    def json(self, number: int, x: int, y: int) -> Json:
        """The panel as Grafana reads it."""
        defaults: Json = {"unit": self.unit, **self.defaults}
        if self.custom:
            defaults["custom"] = self.custom
        sources = list(dict.fromkeys(target.source for target in self.targets))
        panel: Json = {
            "id": number,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": self.h, "w": self.w, "x": x, "y": y},
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": self.options,
        }
        if sources:
            panel["datasource"] = (sources[0] if len(sources) == 1 else MIXED).json()
            panel["targets"] = [t.json(ref(i)) for i, t in enumerate(self.targets)]
        optional = {
            "transformations": list(self.transformations),
            "links": list(self.links),
            "interval": self.interval,
        }
        return panel | {key: value for key, value in optional.items() if value}

    def sized(self, w: int, h: int) -> Panel:
        """The same panel in another size."""
        return replace(self, w=w, h=h)


def override(matcher: str, matched: str, **properties: Any) -> Json:
    """Other settings for some fields; `custom__x` is written for `custom.x`."""
    return {
        "matcher": {"id": matcher, "options": matched},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def by_name(name: str, **properties: Any) -> Json:
    """Other settings for the field of one name."""
    return override("byName", name, **properties)


def legend(shown: bool = True, calcs: Sequence[str] = (), table: bool = False) -> Json:
    """A legend below the graph."""
    return {
        "calcs": list(calcs),
        "displayMode": "table" if table else "list",
        "placement": "bottom",
        "showLegend": shown,
    }


def tooltip(mode: str = "multi") -> Json:
    """A tooltip."""
    return {"mode": mode, "sort": "none"}


def graph_options(shown: bool = True, calcs: Sequence[str] = ()) -> Json:
    """The options of a graph over time."""
    return {"legend": legend(shown, calcs), "tooltip": tooltip()}


def line(**more: Any) -> Json:
    """How a value that is only reported when it changes is drawn: as steps, over its silence."""
    return {
        "drawStyle": "line",
        "lineInterpolation": "stepAfter",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "never",
        "spanNulls": True,
        **more,
    }


def reduced(fields: str = "", calc: str = "lastNotNull", values: bool = False) -> Json:
    """Which values of a field a tile shows; `fields` is "" for numbers or a pattern."""
    return {"calcs": [calc], "fields": fields, "values": values}


def tile(fields: str = "", *, name: bool = False, **more: Any) -> Json:
    """The options of a stat panel whose background has the colour of its value."""
    return {
        "colorMode": "background_solid",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": reduced(fields),
        "showPercentChange": False,
        "textMode": "value_and_name" if name else "value",
        "wideLayout": True,
        **more,
    }


def timeline() -> Json:
    """The options of a state timeline."""
    return {
        "alignValue": "left",
        "legend": legend(False),
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "auto",
        "tooltip": tooltip("single"),
    }


TIMELINE = {"fillOpacity": 85, "lineWidth": 0}
CELL = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
COLOURED_CELL = {"type": "color-background", "mode": "basic"}


def table(sort_by: str = "", descending: bool = False) -> Json:
    """The options of a table."""
    sorting = [{"displayName": sort_by, "desc": descending}] if sort_by else []
    return {"cellHeight": "sm", "frameIndex": 0, "showHeader": True, "sortBy": sorting}


def transformation(name: str, **options: Any) -> Json:
    """A transformation of what the queries gave."""
    return {"id": name, "options": options}


def organize(names: dict[str, str], hidden: Iterable[str] = ()) -> Json:
    """Columns in this order under other names, some of them hidden."""
    return transformation(
        "organize",
        excludeByName={name: True for name in hidden},
        indexByName={name: index for index, name in enumerate(names)},
        renameByName=names,
    )
