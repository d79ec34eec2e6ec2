"""InfluxQL, the one language of InfluxDB 1, 2 and 3, as text with the macros of Grafana."""

from __future__ import annotations

from collections.abc import Mapping

TIME = "$timeFilter"
INTERVAL = "$__interval"
HEARD = "time > now() - 90s"  # a heartbeat comes every 30 s
EVER = "time > now() - 90d"  # as long as raw samples are kept


def name(identifier: str) -> str:
    """A measurement, field or tag."""
    return '"' + identifier.replace("\\", "\\\\").replace('"', '\\"') + '"'


def text(value: str) -> str:
    """A text."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def where(conditions: Mapping[str, str], *more: str) -> str:
    """Tags that must be equal, and what else must hold."""
    equal = [f"{name(tag)} = {text(value)}" for tag, value in conditions.items()]
    return " AND ".join([*equal, *more])


def select(
    what: str, measurement: str, where: str, *, by: str = "", fill: str = "", rest: str = ""
) -> str:
    """One SELECT."""
    grouped = f" GROUP BY {by}" if by else ""
    filled = f" fill({fill})" if fill else ""
    return f"SELECT {what} FROM {name(measurement)} WHERE {where}{grouped}{filled}{rest}"


def over_time(what: str, measurement: str, where: str, *, tag: str = "", fill: str = "none") -> str:
    """A SELECT of an aggregate for each interval, and for each value of a tag."""
    by = f"time({INTERVAL})" + (f", {name(tag)}" if tag else "")
    return select(what, measurement, where, by=by, fill=fill)


def newest(what: str, measurement: str, where: str) -> str:
    """The newest point as one row."""
    return select(what, measurement, where, rest=" ORDER BY time DESC LIMIT 1")


def each(function: str, fields: Mapping[str, str]) -> str:
    """One aggregate of several fields, each under a name of its own."""
    return ", ".join(f"{function}({name(field)}) AS {name(to)}" for field, to in fields.items())


def tag_values(measurement: str, key: str, where: str = "") -> str:
    """The query of a variable."""
    condition = f" WHERE {where}" if where else ""
    return f"SHOW TAG VALUES FROM {name(measurement)} WITH KEY = {name(key)}{condition}"
